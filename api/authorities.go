package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListAuthorities lists the authorities of OpenVPN.
func (s *Server) ListAuthorities(ctx context.Context, _ ListAuthoritiesRequestObject) (ListAuthoritiesResponseObject, error) {
	all, err := s.Peers.Authorities(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	return ListAuthorities200JSONResponse{AuthoritiesResponseJSONResponse(authoritiesJSON(all))}, nil
}

// RotateAuthority lets a new authority sign.
func (s *Server) RotateAuthority(ctx context.Context, _ RotateAuthorityRequestObject) (RotateAuthorityResponseObject, error) {
	all, err := s.Peers.RotateAuthority(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	return RotateAuthority200JSONResponse{AuthoritiesResponseJSONResponse(authoritiesJSON(all))}, nil
}

// FinishRotation ends the trust in the authority of before.
func (s *Server) FinishRotation(ctx context.Context, req FinishRotationRequestObject) (FinishRotationResponseObject, error) {
	all, err := s.Peers.FinishAuthority(ctx, actor(ctx), or(req.Body.Cut))
	if err != nil {
		return nil, err
	}
	return FinishRotation200JSONResponse{AuthoritiesResponseJSONResponse(authoritiesJSON(all))}, nil
}

// GetRevocationList is public, as such lists are.
func (s *Server) GetRevocationList(ctx context.Context, req GetRevocationListRequestObject) (GetRevocationListResponseObject, error) {
	der, err := s.Peers.RevocationList(ctx, req.Id)
	if err != nil {
		return nil, err
	}
	return GetRevocationList200ApplicationpkixCrlResponse{Body: bytes.NewReader(der), ContentLength: int64(len(der))}, nil
}

func authoritiesJSON(all []peers.AuthorityView) Authorities {
	out := Authorities{Items: make([]Authority, len(all))}
	for i, a := range all {
		j := Authority{Id: a.ID, State: AuthorityState(a.State), Fingerprint: a.Fingerprint, RootFingerprint: fingerprint(a.Root), Devices: a.Devices, CreatedAt: a.CreatedAt, Root: a.Root}
		if a.State != portal.AuthorityRequested {
			j.NotAfter = &a.NotAfter
		}
		out.Items[i] = j
	}
	return out
}

// fingerprint is the SHA-256 of a certificate in PEM; "" for none.
func fingerprint(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}
