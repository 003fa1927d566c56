package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sallyport/sallyport/"

// arrows says which of our packages a package may use, itself or through others. What is not in it must be added with a thought.
// Dependencies point down: cmd → api → auth, peers → portal/store → portal; and a gateway has no database and no web code in it.
var arrows = map[string][]string{
	"portal":                  {},
	"portal/seal":             {},
	"portal/geo":              {},
	"portal/geo/geotest":      {},
	"portal/posture":          {"portal"},
	"portal/store":            {"portal", "portal/posture", "migrations"},
	"portal/store/storetest":  {"portal", "portal/posture", "portal/store", "migrations"},
	"migrations":              {},
	"frontend":                {},
	"auth":                    {"portal", "portal/seal", "portal/posture", "portal/store", "migrations"},
	"auth/trail":              {"auth", "portal", "portal/seal", "portal/posture", "portal/store", "migrations"},
	"auth/authtest":           {"auth", "portal", "portal/seal", "portal/posture", "portal/store", "migrations"},
	"auth/scim":               {"auth", "portal", "portal/seal", "portal/posture", "portal/store", "migrations"},
	"auth/demoidp":            {"auth", "portal", "portal/seal", "portal/posture", "portal/store", "migrations"},
	"peers/feed":              {"portal"},
	"peers/policyfile":        {"portal"},
	"peers":                   {"peers/feed", "peers/policyfile", "portal", "portal/seal", "portal/posture", "portal/store", "migrations"},
	"peers/gateway":           {"peers/feed", "portal"},
	"peers/gateway/wireguard": {"peers/gateway", "peers/feed", "portal"},
	"peers/gateway/firewall":  {"peers/gateway", "peers/feed", "portal"},
	"peers/gateway/host":      {"peers/gateway", "peers/feed", "portal"},
	"peers/gateway/probe":     {"portal"},
	"peers/gateway/captive":   {},
	"peers/gateway/usernet":   {"peers/gateway", "peers/feed", "portal"},

	"peers/gateway/openvpn":            {"peers/gateway", "peers/gateway/openvpn/management", "peers/feed", "portal"},
	"peers/gateway/openvpn/management": {},

	"api": {"auth", "auth/trail", "peers", "peers/feed", "peers/policyfile", "portal", "portal/geo", "portal/seal", "portal/posture", "portal/store", "migrations", "frontend"},
	"cmd/sallyport-gateway": {
		"peers/gateway", "peers/gateway/wireguard", "peers/gateway/firewall", "peers/gateway/host", "peers/gateway/probe", "peers/gateway/usernet",
		"peers/gateway/openvpn", "peers/gateway/openvpn/management", "peers/gateway/captive", "peers/feed", "portal", "portal/geo",
	},
}

// homes says where a dependency lives: only these packages may import it themselves, so that replacing it touches one folder.
var homes = map[string][]string{
	"gorm.io/":                        {"portal/store"},
	"github.com/jackc/pgx":            {"portal/store"},
	"github.com/ncruces/":             {"portal/store"},
	"github.com/pressly/goose":        {"migrations"},
	"github.com/labstack/echo":        {"api"},
	"github.com/getkin/kin-openapi":   {"api"},
	"github.com/prometheus/":          {"api", "cmd/sallyport-gateway"},
	"github.com/coreos/go-oidc":       {"auth"},
	"golang.org/x/oauth2":             {"auth"},
	"github.com/pquerna/otp":          {"auth"},
	"golang.zx2c4.com/wireguard":      {"peers/gateway/wireguard", "peers/gateway/usernet", "cmd/sallyport"},
	"github.com/google/nftables":      {"peers/gateway/firewall"},
	"github.com/vishvananda/netlink":  {"peers/gateway/host", "peers/gateway/wireguard", "peers/gateway/firewall", "peers/gateway/openvpn"},
	"github.com/alecthomas/kong":      {"cmd/sallyport", "cmd/sallyport-gateway"},
	"gopkg.in/yaml.v3":                {"cmd/sallyport", "cmd/sallyport-gateway", "peers/policyfile"},
	module + "api":                    {"cmd/sallyport"},
	module + "auth/demoidp":           {"cmd/sallyport"},
	module + "frontend":               {"cmd/sallyport", "api"},
	module + "portal/store/storetest": {"auth/authtest"},
	module + "auth/authtest":          {},
}

// testing packages and tools stand outside of the product.
func outside(pkg string) bool {
	return strings.HasPrefix(pkg, "tests/") || strings.HasPrefix(pkg, "scripts/") || strings.HasSuffix(pkg, "test") || strings.HasPrefix(pkg, "frontend/")
}

func golist(t *testing.T, format string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-f", format}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestDependenciesPointDown(t *testing.T) {
	for _, line := range golist(t, `{{.ImportPath}}: {{join .Deps " "}}`, "./...") {
		path, deps, _ := strings.Cut(line, ": ")
		pkg := strings.TrimPrefix(path, module)
		if pkg == "cmd/sallyport" || outside(pkg) {
			continue // it wires everything
		}
		allowed, known := arrows[pkg]
		if !known {
			t.Errorf("package %s is not in the table of arrows", pkg)
			continue
		}
		for dep := range strings.FieldsSeq(deps) {
			if own, ours := strings.CutPrefix(dep, module); ours && !slices.Contains(allowed, own) {
				t.Errorf("%s uses %s", pkg, own)
			}
			if (pkg == "portal" || pkg == "portal/posture") && dep != module+"portal" && strings.Contains(strings.Split(dep, "/")[0], ".") {
				t.Errorf("package %s uses %s and not only the standard library", pkg, dep)
			}
		}
		if strings.HasPrefix(pkg, "peers/gateway") || pkg == "peers/feed" || pkg == "cmd/sallyport-gateway" {
			for _, never := range []string{"gorm.io/gorm", "github.com/labstack/echo/v4", "github.com/ncruces/go-sqlite3", "github.com/jackc/pgx/v5"} {
				if slices.Contains(strings.Fields(deps), never) {
					t.Errorf("%s has %s in it", pkg, never)
				}
			}
		}
	}
}

func TestEachDependencyHasOneHome(t *testing.T) {
	for _, line := range golist(t, `{{.ImportPath}}: {{join .Imports " "}}`, "./...") {
		path, imports, _ := strings.Cut(line, ": ")
		pkg := strings.TrimPrefix(path, module)
		if outside(pkg) {
			continue
		}
		for imported := range strings.FieldsSeq(imports) {
			for dep, where := range homes {
				if (imported == dep || strings.HasPrefix(imported, strings.TrimSuffix(dep, "/")+"/")) && !slices.Contains(where, pkg) && pkg != "auth/authtest" {
					if strings.HasPrefix(dep, module) && imported != dep {
						continue // a package below it is another one
					}
					t.Errorf("%s imports %s, whose home is %v", pkg, imported, where)
				}
			}
		}
	}
}
