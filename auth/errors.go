package auth

import "github.com/sallyport/sallyport/portal"

// What a caller may see, beside the sentinels of package portal. Codes are part of the API contract.
var (
	ErrNoProvider      = &portal.Error{Kind: portal.NotFound, Code: "no_such_provider", Msg: "There is no such way to sign in."}
	ErrProviderDown    = &portal.Error{Kind: portal.Unavailable, Code: "provider_unavailable", Msg: "The identity provider does not answer. Try again in a moment."}
	ErrProviderRefused = &portal.Error{Kind: portal.Unauthenticated, Code: "provider_refused", Msg: "The identity provider did not sign you in. Start again, or ask whoever runs it."}
	ErrSignInEnded     = &portal.Error{Kind: portal.Gone, Code: "sign_in_ended", Msg: "This sign-in took too long or began in another browser. Start again."}
	ErrSignInUsed      = &portal.Error{Kind: portal.Gone, Code: "sign_in_used", Msg: "This sign-in was finished already. Start again."}
	ErrBadAnswer       = &portal.Error{Kind: portal.Unauthenticated, Code: "sign_in_refused", Msg: "The identity provider's answer could not be trusted. Start again."}
	ErrNotInvited      = &portal.Error{Kind: portal.Forbidden, Code: "not_invited", Msg: "Your account may not use this portal. Ask an administrator."}
	ErrSuspended       = &portal.Error{Kind: portal.Forbidden, Code: "suspended", Msg: "Your account is suspended. Ask an administrator."}
	ErrTooManyTries    = &portal.Error{Kind: portal.Limited, Code: "too_many_tries", Msg: "Too many tries. Wait a little and try again."}

	ErrProviderTaken     = &portal.Error{Kind: portal.Conflict, Code: "provider_taken", Msg: "There is a provider with this id already."}
	ErrProviderFromFile  = &portal.Error{Kind: portal.Conflict, Code: "provider_from_file", Msg: "This provider is in the configuration file. Change it there."}
	ErrOwnProvider       = &portal.Error{Kind: portal.Conflict, Code: "own_provider", Msg: "You are signed in by this provider. Sign in another way first, so that you don't lock yourself out."}
	ErrTooManyProviders  = &portal.Error{Kind: portal.Exhausted, Code: "too_many_providers", Msg: "There are too many providers. Delete one first."}
	ErrSecretNeeded      = portal.InvalidFields(portal.Field{Path: "/clientSecret", Code: "needed_again", Msg: "The issuer or the client is another one now: enter its client secret."})
	ErrIdentityTaken     = &portal.Error{Kind: portal.Conflict, Code: "identity_taken", Msg: "This account belongs to somebody else here already."}
	ErrIdentityKept      = &portal.Error{Kind: portal.Conflict, Code: "identity_kept", Msg: "Your organization's directory keeps this account. It can't be disconnected here."}
	ErrLastIdentity      = &portal.Error{Kind: portal.Conflict, Code: "last_identity", Msg: "This is the only account that you sign in with. Connect another one first."}
	ErrTooManyIdentities = &portal.Error{Kind: portal.Exhausted, Code: "too_many_identities", Msg: "There are too many connected accounts. Disconnect one first."}

	ErrWrongCode      = &portal.Error{Kind: portal.Unauthenticated, Code: "wrong_code", Msg: "This code is not right."}
	ErrCodeUsed       = &portal.Error{Kind: portal.Gone, Code: "code_used", Msg: "This code was used already. Wait for the next one."}
	ErrNoEnrolment    = &portal.Error{Kind: portal.Conflict, Code: "no_enrolment", Msg: "No authenticator is being set up. Begin again."}
	ErrLastFactor     = &portal.Error{Kind: portal.Conflict, Code: "last_factor", Msg: "This is the only second factor. Add another one first."}
	ErrTooManyFactors = &portal.Error{Kind: portal.Exhausted, Code: "too_many_factors", Msg: "There are too many second factors. Remove one first."}

	ErrNotAccepted    = &portal.Error{Kind: portal.Forbidden, Code: "factor_not_accepted", Msg: "Your organization does not accept this kind of second factor. Use or set up another one."}
	ErrNoPasskeys     = &portal.Error{Kind: portal.Conflict, Code: "no_passkeys_here", Msg: "This portal's address is not a name, so passkeys can't belong to it."}
	ErrPasskeyEnded   = &portal.Error{Kind: portal.Gone, Code: "passkey_ended", Msg: "This took too long or was answered already. Try again."}
	ErrPasskeyRefused = &portal.Error{Kind: portal.Unauthenticated, Code: "passkey_refused", Msg: "This passkey's answer could not be trusted. Try again, or use another second factor."}
	ErrPasskeyCopied  = &portal.Error{Kind: portal.Unauthenticated, Code: "passkey_copied", Msg: "This passkey may have been copied: its counter went backwards. Use another second factor and remove it."}
	ErrPasskeyKnown   = &portal.Error{Kind: portal.Conflict, Code: "passkey_known", Msg: "This passkey is set up already."}
	ErrProviderFirst  = &portal.Error{Kind: portal.Unauthenticated, Code: "provider_first", Msg: "Sign in with your identity provider this time. After that your passkey works by itself again."}
	ErrWrongPassword  = &portal.Error{Kind: portal.Unauthenticated, Code: "wrong_password", Msg: "Name or password is not right."}
	ErrNoLocal        = &portal.Error{Kind: portal.NotFound, Code: "no_local_sign_in", Msg: "Local sign-in is off."}

	ErrBadToken      = &portal.Error{Kind: portal.Unauthenticated, Code: "bad_token", Msg: "This token is wrong, or it has ended."}
	ErrTokenName     = &portal.Error{Kind: portal.Conflict, Code: "token_name_taken", Msg: "There is a service token of this name already."}
	ErrTooManyTokens = &portal.Error{Kind: portal.Exhausted, Code: "too_many_tokens", Msg: "There are too many tokens. Delete one first."}

	ErrLastOwner  = &portal.Error{Kind: portal.Conflict, Code: "last_owner", Msg: "This is the last account that can administer the portal. Give somebody else the role first."}
	ErrOwnAccount = &portal.Error{Kind: portal.Conflict, Code: "own_account", Msg: "You can't do this to your own account."}
	ErrOwnersOnly = &portal.Error{Kind: portal.Forbidden, Code: "owners_only", Msg: "Only an owner may do this to an owner."}
)
