package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListProfiles lists the profiles that the actor may use, or all.
func (s *Server) ListProfiles(ctx context.Context, req ListProfilesRequestObject) (ListProfilesResponseObject, error) {
	list := s.Peers.Profiles
	if or(req.Params.Scope) == ListProfilesParamsScopeAll {
		if err := auth.Allow(actor(ctx), auth.ProfilesRead, s.now()); err != nil {
			return nil, err
		}
		list = s.Peers.AllProfiles
	}
	all, err := list(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListProfiles200JSONResponse{Items: make([]Profile, len(all))}
	for i, p := range all {
		out.Items[i] = profileJSON(p)
	}
	return out, nil
}

// GetProfile describes one profile.
func (s *Server) GetProfile(ctx context.Context, req GetProfileRequestObject) (GetProfileResponseObject, error) {
	p, err := s.Peers.Profile(ctx, actor(ctx), portal.ProfileID(req.Id))
	if err != nil {
		return nil, err
	}
	return GetProfile200JSONResponse{ProfileResponseJSONResponse(profileJSON(p))}, nil
}

// CreateProfile adds a profile.
func (s *Server) CreateProfile(ctx context.Context, req CreateProfileRequestObject) (CreateProfileResponseObject, error) {
	p, err := s.Peers.CreateProfile(ctx, actor(ctx), profileInput(req.Body))
	if err != nil {
		return nil, err
	}
	return CreateProfile201JSONResponse{ProfileResponseJSONResponse(profileJSON(p))}, nil
}

// UpdateProfile replaces a profile.
func (s *Server) UpdateProfile(ctx context.Context, req UpdateProfileRequestObject) (UpdateProfileResponseObject, error) {
	p, err := s.Peers.UpdateProfile(ctx, actor(ctx), portal.ProfileID(req.Id), profileInput(req.Body))
	if err != nil {
		return nil, err
	}
	return UpdateProfile200JSONResponse{ProfileResponseJSONResponse(profileJSON(p))}, nil
}

// DeleteProfile removes a profile that no device uses.
func (s *Server) DeleteProfile(ctx context.Context, req DeleteProfileRequestObject) (DeleteProfileResponseObject, error) {
	if err := s.Peers.DeleteProfile(ctx, actor(ctx), portal.ProfileID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteProfile204Response{}, nil
}

func profileInput(in *ProfileInput) peers.ProfileInput {
	return peers.ProfileInput{
		Name: in.Name, Description: or(in.Description), Mode: portal.Mode(in.Mode), Included: or(in.Included), Excluded: or(in.Excluded),
		DNS: or(in.Dns), Search: or(in.Search), MTU: or(in.Mtu), Keepalive: time.Duration(or(in.Keepalive)) * time.Second,
		Session: time.Duration(or(in.SessionSeconds)) * time.Second, MaxDevices: or(in.MaxDevices),
		Names: or(in.Names), Match: or(in.Match), Idle: time.Duration(or(in.IdleSeconds)) * time.Second, Approval: or(in.Approval),
		Protocols: protocolsFrom(in.Protocols), Groups: idsFrom[portal.GroupID](or(in.Groups)), PoPs: idsFrom[portal.PoPID](or(in.Pops)),
		LogoutEndsGrants: in.LogoutEndsGrants,
	}
}

func protocolsFrom(in *[]ProfileInputProtocols) []portal.Protocol {
	if in == nil {
		return nil
	}
	all := make([]portal.Protocol, len(*in))
	for i, p := range *in {
		all[i] = portal.Protocol(p)
	}
	return all
}

// shownRoutes bounds how many routes a profile lists: exclusions can make thousands. The count is of all.
const shownRoutes = 200

func profileJSON(p peers.ProfileView) Profile {
	count := len(p.Routes)
	out := Profile{
		Id: string(p.ID), Name: p.Name, Description: p.Description, Mode: ProfileMode(p.Mode), Routes: texts(p.Routes[:min(count, shownRoutes)]),
		RouteCount: &count, Included: texts(p.Included), Excluded: texts(p.Excluded), Dns: texts(p.DNS), Search: nonNil(p.Search), Mtu: p.MTU,
		Names: nonNil(p.Names), Answers: texts(p.Answers), Match: nonNil(p.Match), IdleSeconds: seconds(p.Idle), Approval: p.Approval,
		Keepalive: seconds(p.Keepalive), SessionSeconds: seconds(p.Session), MaxDevices: p.MaxDevices, Groups: ids(p.Groups), Pops: ids(p.PoPs),
		Devices: &p.Devices, Outdated: &p.Outdated,
		LogoutEndsGrants: &p.LogoutEndsGrants, Protocols: []ProfileProtocols{},
	}
	for _, x := range []portal.Protocol{portal.WireGuard, portal.OpenVPN} {
		if p.Offers(x) {
			out.Protocols = append(out.Protocols, ProfileProtocols(x))
		}
	}
	out.Regions = empty(out.Regions)
	for _, r := range p.Regions {
		one := add(&out.Regions)
		one.Id, one.Name, one.Country, one.Ready, one.Openvpn = string(r.ID), r.Name, text(r.Country), r.Ready, r.OpenVPN
	}
	return out
}
