package demoidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	at := func(path string) string { return s.cfg.Issuer + path }
	reply(w, http.StatusOK, map[string]any{
		"issuer": s.cfg.Issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"), "jwks_uri": at("/jwks"),
		"userinfo_endpoint": at("/userinfo"), "response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"},
		"grant_types_supported": []string{"authorization_code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"scopes_supported":                      []string{"openid", "profile", "email"}, "ui_locales_supported": []string{"en", "ko"},
		"claims_supported": []string{"sub", "name", "email", "email_verified", "groups", "preferred_username"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (s *Server) jwks(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.public) }

// token exchanges a code (RFC 6749, section 4.1.3). A code that was shown to the wrong client, with the wrong verifier or twice is gone.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if !s.client(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="demo"`)
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	if r.PostForm.Get("grant_type") != "authorization_code" {
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	g, ok := s.codes.take(r.PostForm.Get("code"))
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || r.PostForm.Get("redirect_uri") != s.cfg.RedirectURI || subtle.ConstantTimeCompare([]byte(proof), []byte(g.challenge)) != 1 {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	id, err := s.idToken(g)
	access := s.tokens.put(g.account, tokenLife)
	if err != nil || access == "" {
		refuse(w, http.StatusServiceUnavailable, "temporarily_unavailable")
		return
	}
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds()), "id_token": id})
}

// client reports whether the request is the portal's: by HTTP Basic, whose parts are form-encoded (RFC 6749, section 2.3.1), or in the body.
func (s *Server) client(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if basic {
		var err1, err2 error
		id, err1 = url.QueryUnescape(id)
		secret, err2 = url.QueryUnescape(secret)
		if err1 != nil || err2 != nil {
			return false
		}
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return subtle.ConstantTimeCompare([]byte(id), []byte(s.cfg.ClientID))&subtle.ConstantTimeCompare([]byte(secret), []byte(s.cfg.ClientSecret.Reveal())) == 1
}

func (s *Server) idToken(g grant) (string, error) {
	now := s.cfg.Now()
	said := s.claims(g.account)
	said["iss"], said["aud"], said["nonce"] = s.cfg.Issuer, s.cfg.ClientID, g.nonce
	said["iat"], said["exp"], said["auth_time"] = now.Unix(), now.Add(tokenLife).Unix(), now.Unix()
	body, err := json.Marshal(said)
	if err != nil {
		return "", err
	}
	jws, err := s.signer.Sign(body)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

func (s *Server) claims(a Account) map[string]any {
	return map[string]any{
		"sub": a.Subject, "name": a.Name, "preferred_username": a.Username, "email": a.Email, "email_verified": true, "groups": a.Groups,
	}
}

func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	token, _ := auth.BearerToken(r.Header.Get("Authorization"))
	a, ok := s.tokens.peek(token)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return
	}
	reply(w, http.StatusOK, s.claims(a))
}

func random(n int) string { return base64.RawURLEncoding.EncodeToString(portal.NewSecret(n)) }

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody to tell
}

func refuse(w http.ResponseWriter, status int, code string) {
	reply(w, status, map[string]string{"error": code})
}
