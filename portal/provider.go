package portal

import "time"

// ProviderSettings is what an admin enters about an OpenID provider, without its client secret.
type ProviderSettings struct {
	Name     string   `json:"name"` // on the button
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"clientId"`
	Scopes   []string `json:"scopes"` // beside "openid"

	SubjectClaim string `json:"subjectClaim"` // "" for "sub"
	NameClaim    string `json:"nameClaim"`    // "" for the usual ones
	EmailClaim   string `json:"emailClaim"`   // "" for "email"
	GroupsClaim  string `json:"groupsClaim"`  // "" for none
	EmailTrusted bool   `json:"emailTrusted"` // the provider never says email_verified, and its addresses are its own

	OwnerGroups        []string `json:"ownerGroups"`
	AdminGroups        []string `json:"adminGroups"`
	NetworkAdminGroups []string `json:"networkAdminGroups"`
	HelpDeskGroups     []string `json:"helpDeskGroups"`
	AuditorGroups      []string `json:"auditorGroups"`

	Domains []string `json:"domains"`
	Create  bool     `json:"create"`

	Prompt    string   `json:"prompt"` // "", "login", "consent" or "select_account"
	MaxAge    *int     `json:"maxAge"` // seconds; nil for no limit
	ACRValues []string `json:"acrValues"`

	Logout   bool     `json:"logout"`   // signing out here signs out there
	TrustAMR []string `json:"trustAmr"` // any of these in "amr" counts as the second factor
	TrustACR []string `json:"trustAcr"` // the same for "acr"
}

// IdentityProvider is an OpenID provider that was entered in the web app.
type IdentityProvider struct {
	ID        string
	Enabled   bool
	Settings  ProviderSettings
	Sealed    []byte // the client secret; nil for a public client
	Version   int64  // changes with each change
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ProviderTest is a sign-in that tries settings which are not saved.
type ProviderTest struct {
	ID        string
	Session   SessionID // whose it is
	Draft     []byte    // sealed
	Result    []byte    // sealed; nil while there is none
	ExpiresAt time.Time
}
