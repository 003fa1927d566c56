// Package auth answers two questions: who is asking, and may they.
//
// It owns sign-in with OpenID providers, passkeys and local accounts, second factors and what groups ask of them, web sessions, personal tokens, roles and the table of who may do what (Can),
// and what an admin does to an account (suspend, reset factors, change a role). Every rule about these is here, so that any caller meets
// the same ones; the acting person is a parameter. Rows are portal/store's, HTTP and cookies are api's, tunnels are peers' (see Tunnels).
//
// The order of a visit: StartSignIn → the provider → FinishSignIn makes a session that may do nothing but show a second factor →
// ConfirmTOTP or ConfirmPasskey the first time, VerifyTOTP, VerifyPasskey or VerifyRecovery later → the session is Ready. A passkey alone
// is both steps (FinishPasskeySignIn); LocalSignIn is the first one when no provider answers. Authenticate tells on each request where a
// session stands; what it may do follows from the strictest of the person's groups (standing.go).
package auth
