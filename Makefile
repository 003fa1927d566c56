# Sallyport. `make demo` to look at it, `make test` to trust it, `make help` for the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GO      ?= go
GOBUILD := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION) -X main.Version=$(VERSION)'
# Without the vet that go test does beside: lint does it for everything.
GOTEST  := $(GO) run ./scripts/gotest -vet=off
# The race detector on everything but SQLite itself, which is one thread's memory behind a lock: a quarter less time for database tests.
RACE    := -race -gcflags='github.com/ncruces/go-sqlite3-wasm/...=-race=false'

# Exact versions: an upgrade is a change to this file.
GOLANGCI_VERSION := v2.15.0
GOLANGCI         := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)
WIREGUARD_GO     := .cache/bin/wireguard-go

# Packages whose tests run the finished programs; they have steps of their own below.
UNIT = $$($(GO) list ./... | grep -v -e '/tests/e2e' -e '/tests/world' -e '/tests/bench' -e '/node_modules/')

FRONTEND_SRC := $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist -prune -o -path frontend/test-results -prune -o -type f -print 2>/dev/null)
NPM_STAMP    := frontend/node_modules/.installed
OIDC_STAMP   := auth/testdata/oidc-provider/node_modules/.installed
DIST_STAMP   := frontend/dist/index.html

.PHONY: help
help: ## What can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ To use

.PHONY: demo
demo: build ## A first look: one process on loopback, no root (ARGS="--host ADDRESS" to reach it from a phone)
	bin/sallyport demo $(ARGS)

.PHONY: build
build: $(DIST_STAMP) ## bin/sallyport and bin/sallyport-gateway
	@mkdir -p bin
	$(GOBUILD) -o bin/ ./cmd/...

##@ To work on it

# Tests wait more than they compute, so more packages than processors run at a time.
.PHONY: check
check: $(DIST_STAMP) ## The quick part: vet, unit tests that need no root, frontend check (< 90 s with warm caches)
	$(GO) vet ./...
	$(GOTEST) -short -p 6 $(UNIT)
	cd frontend && npm run --silent check

.PHONY: test
test: ## Everything, as CI runs it
	@scripts/test

.PHONY: unit
unit: $(DIST_STAMP) $(OIDC_STAMP) ## Go tests, race detector on, SQLite and PostgreSQL, namespaces where root
	scripts/with-postgres $(GOTEST) $(RACE) -p 3 -shuffle=on -timeout 10m $(UNIT)

.PHONY: frontend-test
frontend-test: $(DIST_STAMP) ## Types, lint, unit tests and size limits of the web app
	cd frontend && npm run --silent check && npm run --silent test && npm run --silent size

.PHONY: e2e
e2e: build $(WIREGUARD_GO) $(OIDC_STAMP) ## The whole line with a browser, stock WireGuard and namespaces (root)
	scripts/with-postgres $(GOTEST) -timeout 10m -p 1 ./tests/world ./tests/e2e

.PHONY: browser
browser: build ## The journeys of the web app in a real browser, against the demo
	cd frontend && npm run --silent e2e

.PHONY: demo-check
demo-check: build ## The demo plays its own worker and ends 0 or 1
	bin/sallyport demo --check

.PHONY: lint
lint: $(GOLANGCI) $(DIST_STAMP) ## golangci-lint with .golangci.yml
	$(GOLANGCI) run ./...

.PHONY: generate
generate: $(NPM_STAMP) ## Rewrite what is generated from api/openapi.yaml
	$(GO) generate ./api
	cd frontend && npm run --silent generate

.PHONY: generated
generated: generate ## Fail when generated files do not follow from their source
	git diff --exit-code -- '*.gen.go' '*.gen.ts'

.PHONY: fuzz
fuzz: ## Each fuzz target for FUZZTIME (default 20s)
	scripts/fuzz $(or $(FUZZTIME),20s)

.PHONY: bench
bench: build $(WIREGUARD_GO) $(OIDC_STAMP) ## design.md's targets, measured here; writes bench.json (root)
	$(GO) run ./tests/bench -o bench.json $(ARGS)

.PHONY: chaos
chaos: build $(WIREGUARD_GO) ## Long runs with faults (CHAOS=duration, default 5m)
	SALLYPORT_CHAOS=$(or $(CHAOS),5m) scripts/with-postgres $(GOTEST) $(RACE) -run 'Chaos|Fault|Kill|Cut' -count=1 -timeout 60m $(UNIT)

.PHONY: packages
packages: ## The Debian packages that tests need (apt, root)
	@scripts/packages

.PHONY: clean
clean: ## Remove what was built; caches of npm and Go stay
	rm -rf bin .cache frontend/dist frontend/node_modules frontend/test-results bench.json

##@ Pieces

$(NPM_STAMP): frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(DIST_STAMP): $(NPM_STAMP) $(FRONTEND_SRC)
	cd frontend && npm run --silent build -- --logLevel warn
	@touch $@

$(OIDC_STAMP): auth/testdata/oidc-provider/package-lock.json
	cd $(<D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: tools
tools: $(GOLANGCI) $(WIREGUARD_GO) $(OIDC_STAMP)

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

$(WIREGUARD_GO): go.mod
	@mkdir -p $(@D)
	CGO_ENABLED=0 $(GO) build -trimpath -o $@ golang.zx2c4.com/wireguard
