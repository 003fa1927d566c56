package api

import (
	"context"
	"net/http"

	"github.com/sallyport/sallyport/portal"
)

// LocalSignIn signs in with a name and a password that the portal itself knows.
func (s *Server) LocalSignIn(ctx context.Context, req LocalSignInRequestObject) (LocalSignInResponseObject, error) {
	in, err := s.Auth.LocalSignIn(ctx, req.Body.Username, portal.NewSecretText(req.Body.Password), from(ctx))
	if err != nil {
		s.Metrics.signIn("refused")
		return nil, err
	}
	s.Metrics.signIn("local")
	return s.entered(ctx, in)
}

func (r signedIn) VisitLocalSignInResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return LocalSignIn200JSONResponse{r.SessionResponseJSONResponse}.VisitLocalSignInResponse(w)
}
