package api

import (
	"context"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ListPeople lists people.
func (s *Server) ListPeople(ctx context.Context, req ListPeopleRequestObject) (ListPeopleResponseObject, error) {
	after, err := decodeCursor(peopleCursor, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	n := limit(req.Params.Limit)
	all, err := s.Auth.People(ctx, actor(ctx), or(req.Params.Q), portal.UserID(after), n+1)
	if err != nil {
		return nil, err
	}
	var next string
	if len(all) > n {
		all = all[:n]
		next = string(all[n-1].ID)
	}
	items, err := s.people(ctx, all)
	if err != nil {
		return nil, err
	}
	return ListPeople200JSONResponse{Items: items, Next: encodeCursor(peopleCursor, next)}, nil
}

// GetPerson describes one person.
func (s *Server) GetPerson(ctx context.Context, req GetPersonRequestObject) (GetPersonResponseObject, error) {
	p, err := s.person(ctx, portal.UserID(req.Id))
	return GetPerson200JSONResponse{p}, err
}

// SuspendPerson suspends a person.
func (s *Server) SuspendPerson(ctx context.Context, req SuspendPersonRequestObject) (SuspendPersonResponseObject, error) {
	if err := s.Auth.Suspend(ctx, actor(ctx), portal.UserID(req.Id)); err != nil {
		return nil, err
	}
	p, err := s.person(ctx, portal.UserID(req.Id))
	return SuspendPerson200JSONResponse{p}, err
}

// ResumePerson lets a suspended person in again.
func (s *Server) ResumePerson(ctx context.Context, req ResumePersonRequestObject) (ResumePersonResponseObject, error) {
	if err := s.Auth.Resume(ctx, actor(ctx), portal.UserID(req.Id)); err != nil {
		return nil, err
	}
	p, err := s.person(ctx, portal.UserID(req.Id))
	return ResumePerson200JSONResponse{p}, err
}

// SetRole gives a person another role.
func (s *Server) SetRole(ctx context.Context, req SetRoleRequestObject) (SetRoleResponseObject, error) {
	if err := s.Auth.SetRole(ctx, actor(ctx), portal.UserID(req.Id), portal.Role(req.Body.Role)); err != nil {
		return nil, err
	}
	p, err := s.person(ctx, portal.UserID(req.Id))
	return SetRole200JSONResponse{p}, err
}

// ResetFactors forgets a person's second factors.
func (s *Server) ResetFactors(ctx context.Context, req ResetFactorsRequestObject) (ResetFactorsResponseObject, error) {
	if err := s.Auth.ResetFactors(ctx, actor(ctx), portal.UserID(req.Id)); err != nil {
		return nil, err
	}
	return ResetFactors204Response{}, nil
}

// ListPersonSessions lists where a person is signed in.
func (s *Server) ListPersonSessions(ctx context.Context, req ListPersonSessionsRequestObject) (ListPersonSessionsResponseObject, error) {
	all, err := s.Auth.PersonSessions(ctx, actor(ctx), portal.UserID(req.Id))
	if err != nil {
		return nil, err
	}
	return ListPersonSessions200JSONResponse{Items: s.sessionsJSON(ctx, all)}, nil
}

// EndPersonSessions signs a person out everywhere.
func (s *Server) EndPersonSessions(ctx context.Context, req EndPersonSessionsRequestObject) (EndPersonSessionsResponseObject, error) {
	n, err := s.Auth.SignOutEverywhere(ctx, actor(ctx), portal.UserID(req.Id))
	if err != nil {
		return nil, err
	}
	return EndPersonSessions200JSONResponse{Ended: n}, nil
}

// EndPersonSession ends one of them.
func (s *Server) EndPersonSession(ctx context.Context, req EndPersonSessionRequestObject) (EndPersonSessionResponseObject, error) {
	if err := s.Auth.EndPersonSession(ctx, actor(ctx), portal.UserID(req.Id), portal.SessionID(req.Session)); err != nil {
		return nil, err
	}
	return EndPersonSession204Response{}, nil
}

// ListPersonTokens lists a person's tokens.
func (s *Server) ListPersonTokens(ctx context.Context, req ListPersonTokensRequestObject) (ListPersonTokensResponseObject, error) {
	all, err := s.Auth.PersonTokens(ctx, actor(ctx), portal.UserID(req.Id))
	if err != nil {
		return nil, err
	}
	out := ListPersonTokens200JSONResponse{Items: make([]Token, len(all))}
	for i, t := range all {
		out.Items[i] = tokenJSON(t)
	}
	return out, nil
}

// EndPersonTokens ends all of them.
func (s *Server) EndPersonTokens(ctx context.Context, req EndPersonTokensRequestObject) (EndPersonTokensResponseObject, error) {
	n, err := s.Auth.EndTokens(ctx, actor(ctx), portal.UserID(req.Id))
	if err != nil {
		return nil, err
	}
	return EndPersonTokens200JSONResponse{Ended: n}, nil
}

// EndPersonToken ends one of them.
func (s *Server) EndPersonToken(ctx context.Context, req EndPersonTokenRequestObject) (EndPersonTokenResponseObject, error) {
	if err := s.Auth.EndPersonToken(ctx, actor(ctx), portal.UserID(req.Id), portal.TokenID(req.Token)); err != nil {
		return nil, err
	}
	return EndPersonToken204Response{}, nil
}

func (s *Server) person(ctx context.Context, id portal.UserID) (PersonResponseJSONResponse, error) {
	u, err := s.Auth.Person(ctx, actor(ctx), id)
	if err != nil {
		return PersonResponseJSONResponse{}, err
	}
	all, err := s.people(ctx, []portal.User{u})
	if err != nil {
		return PersonResponseJSONResponse{}, err
	}
	hold, err := s.Peers.HoldOn(ctx, id)
	if err != nil {
		return PersonResponseJSONResponse{}, err
	}
	if hold != nil {
		h := holdJSON(*hold)
		all[0].Hold = &h
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		from, err := tx.RoleSource(id)
		byClaim := from.ByClaim()
		all[0].RoleByClaim = &byClaim
		return err
	})
	return PersonResponseJSONResponse(all[0]), err
}

// people adds to each person what is known of them elsewhere.
func (s *Server) people(ctx context.Context, users []portal.User) ([]Person, error) {
	owners := make([]portal.UserID, len(users))
	for i, u := range users {
		owners[i] = u.ID
	}
	counts, err := s.Peers.CountByOwner(ctx, owners)
	if err != nil {
		return nil, err
	}
	out := make([]Person, len(users))
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		for i, u := range users {
			groups, err := tx.GroupsOf(u.ID)
			if err != nil {
				return err
			}
			factor, err := tx.HasFactor(u.ID)
			if err != nil {
				return err
			}
			out[i] = personJSON(u, groups, counts[u.ID], factor)
		}
		return nil
	})
	return out, err
}

func personJSON(u portal.User, groups []portal.Membership, devices peers.Counts, factor bool) Person {
	out := Person{
		Id: string(u.ID), Name: u.Name, Email: u.Email, Role: Role(u.Role), State: PersonState(u.State), CreatedAt: u.CreatedAt,
		LastSignInAt: moment(u.LastSignIn), Devices: devices.Devices, Connected: devices.Connected, Factor: &factor,
	}
	out.Groups = empty(out.Groups)
	for _, m := range groups {
		one := add(&out.Groups)
		one.Id, one.Name, one.Sources = string(m.Group.ID), m.Group.Name, sourcesJSON(m.Sources)
	}
	return out
}
