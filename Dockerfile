# Two images from one file: `docker build --target portal .` and `docker build --target gateway .` (the portal is the default).
# Each final stage holds one static program, certificates of public authorities and a user; there is no shell.

FROM node:20-bookworm-slim AS frontend
WORKDIR /src
COPY frontend/package.json frontend/package-lock.json frontend/
RUN cd frontend && npm ci --no-audit --no-fund
COPY api/openapi.yaml api/
COPY frontend frontend
RUN cd frontend && npm run build

FROM golang:1.26-bookworm AS programs
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=frontend /src/frontend/dist frontend/dist
ARG VERSION=container
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION} -X main.Version=${VERSION}" -o /out/ ./cmd/...
# Empty folders that belong to the user of the final stages; a volume mounted there takes over their owner.
RUN mkdir -p /empty/var/lib/sallyport /empty/var/lib/sallyport-gateway && chown -R 65532:65532 /empty/var/lib \
 && printf 'sallyport:x:65532:65532::/var/lib/sallyport:/sbin/nologin\n' > /empty/passwd \
 && printf 'sallyport:x:65532:\n' > /empty/group

FROM scratch AS base
COPY --from=programs /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=programs /empty/passwd /empty/group /etc/

# The gateway changes interfaces and nftables: run it with --network host --cap-drop ALL --cap-add NET_ADMIN --device /dev/net/tun.
# NET_ADMIN is given to a process of user 0 only, so this stage keeps that user.
FROM base AS gateway
COPY --from=programs --chown=0:0 /empty/var/lib/sallyport-gateway /var/lib/sallyport-gateway
COPY --from=programs /out/sallyport-gateway /usr/bin/sallyport-gateway
VOLUME /var/lib/sallyport-gateway
ENTRYPOINT ["/usr/bin/sallyport-gateway"]

FROM base AS portal
COPY --from=programs --chown=65532:65532 /empty/var/lib/sallyport /var/lib/sallyport
COPY --from=programs /out/sallyport /usr/bin/sallyport
USER 65532:65532
VOLUME /var/lib/sallyport
EXPOSE 8080 8443 9090
ENTRYPOINT ["/usr/bin/sallyport"]
CMD ["serve", "--config", "/etc/sallyport/sallyport.yaml"]
