// Package demoidp is the identity provider that `sallyport demo` brings along: a small, real OpenID provider (discovery, authorization code
// with PKCE, ES256, userinfo) with two accounts whose passwords are on its page. It refuses to be made unless told that it is for a
// demo, keeps everything in memory, and must never stand before anything that matters. cmd/sallyport mounts it; nothing else imports it.
package demoidp
