// Package api is the HTTP surface: the OpenAPI contract, its handlers (decode, one domain call, encode), the browser's sign-in redirects,
// server-sent events, problem documents, and the web app from package frontend.
//
// It decides nothing about the product: who may do what is auth's table, what happens is in auth and peers. Only problem.go knows
// HTTP statuses of errors. The gateways' listener is not here but in peers/feed.
package api

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml openapi.yaml
