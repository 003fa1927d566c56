// Package auth answers two questions: who is asking, and may they.
//
// It owns sign-in with OpenID providers, second factors, web sessions, personal tokens, roles and the table of who may do what (Can),
// and what an admin does to an account (suspend, reset factors, change a role). Every rule about these is here, so that any caller meets
// the same ones; the acting person is a parameter. Rows are portal/store's, HTTP and cookies are api's, tunnels are peers' (see Tunnels).
//
// The order of a visit: StartSignIn → the provider → FinishSignIn makes a session that may do nothing but show a second factor →
// ConfirmTOTP the first time, VerifyTOTP or VerifyRecovery later → the session is Ready. Authenticate tells on each request where it stands.
package auth
