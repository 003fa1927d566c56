package auth

import (
	"cmp"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// The refusals of settings with which an account could become somebody else's.
var (
	errOtherClaim = portal.InvalidFields(portal.Field{
		Path: "/subjectClaim", Code: "other_claim", Msg: "People of this issuer are known by another claim. What this one says could be what another account has there.",
	})
	errOtherIssuer = portal.InvalidFields(portal.Field{
		Path: "/issuer", Code: "people_known", Msg: "People of the issuer that was here are known. Another issuer is another provider: add it, then delete this one.",
	})
)

// knownBy is the claim that people are known by, beside the issuer.
func (p *Provider) knownBy() string { return cmp.Or(p.SubjectClaim, "sub") }

// oneNotion keeps one notion of who is who at one issuer: all its providers know people by the same claim, the one by which people of it are
// known already, also when the provider that they came by was deleted. Else what people may write into one claim would be taken for the account
// that another claim names. A provider's issuer does not change under people who are known: what its claims gave them would stay for ever.
func (s *Service) oneNotion(tx *store.Tx, old portal.IdentityProvider, now portal.ProviderSettings) error {
	rows, err := tx.Providers()
	if err != nil {
		return err
	}
	claims, err := tx.ClaimsOf(now.Issuer)
	if err != nil {
		return err
	}
	for _, p := range s.Providers {
		if p.Issuer == now.Issuer {
			claims = append(claims, p.knownBy())
		}
	}
	for _, r := range rows {
		if r.ID != old.ID && r.Settings.Issuer == now.Issuer {
			claims = append(claims, cmp.Or(r.Settings.SubjectClaim, "sub"))
		}
	}
	claim := cmp.Or(now.SubjectClaim, "sub")
	if slices.ContainsFunc(claims, func(c string) bool { return c != claim }) {
		return errOtherClaim
	}
	if old.Settings.Issuer == "" || old.Settings.Issuer == now.Issuer {
		return nil
	}
	left, err := tx.ClaimsOf(old.Settings.Issuer)
	if err == nil && len(left) > 0 {
		return errOtherIssuer
	}
	return err
}
