// Package e2e holds the tests that run everything: the finished portal and gateway, a certified OpenID provider, stock wg-quick, a real
// browser, each in its network namespace (see tests/world). They need root and `make build tools`; with CI set a skip is a failure.
package e2e
