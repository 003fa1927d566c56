package api

import (
	"context"
	"net/netip"
	"strings"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ListPops lists points of presence.
func (s *Server) ListPops(ctx context.Context, _ ListPopsRequestObject) (ListPopsResponseObject, error) {
	all, err := s.Gateways.PoPs(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.gatewaysByPop(ctx)
	if err != nil {
		return nil, err
	}
	out := ListPops200JSONResponse{Items: make([]Pop, len(all))}
	for i, p := range all {
		out.Items[i] = popJSON(p, counts[p.ID])
	}
	return out, nil
}

// CreatePop adds a point of presence.
func (s *Server) CreatePop(ctx context.Context, req CreatePopRequestObject) (CreatePopResponseObject, error) {
	in, err := newPop(req.Body)
	if err != nil {
		return nil, err
	}
	p, err := s.Gateways.CreatePoP(ctx, actor(ctx), in)
	if err != nil {
		return nil, err
	}
	return CreatePop201JSONResponse{PopResponseJSONResponse(popJSON(p, 0))}, nil
}

// UpdatePop replaces what is said of a point of presence.
func (s *Server) UpdatePop(ctx context.Context, req UpdatePopRequestObject) (UpdatePopResponseObject, error) {
	in, err := newPop(req.Body)
	if err != nil {
		return nil, err
	}
	p, err := s.Gateways.UpdatePoP(ctx, actor(ctx), portal.PoPID(req.Id), in)
	if err != nil {
		return nil, err
	}
	counts, err := s.gatewaysByPop(ctx)
	if err != nil {
		return nil, err
	}
	return UpdatePop200JSONResponse{PopResponseJSONResponse(popJSON(p, counts[p.ID]))}, nil
}

// DeletePop removes a point of presence that has no gateway.
func (s *Server) DeletePop(ctx context.Context, req DeletePopRequestObject) (DeletePopResponseObject, error) {
	if err := s.Gateways.DeletePoP(ctx, actor(ctx), portal.PoPID(req.Id)); err != nil {
		return nil, err
	}
	return DeletePop204Response{}, nil
}

func newPop(in *PopInput) (peers.NewPoP, error) {
	out := peers.NewPoP{Name: in.Name, Country: or(in.Country), Latitude: or(in.Latitude), Longitude: or(in.Longitude)}
	var err error
	out.Networks, err = prefixes("/networks", in.Networks)
	return out, err
}

// prefixes reads prefixes without host bits, and names each wrong one.
func prefixes(path string, in []string) ([]netip.Prefix, error) {
	var wrong []portal.Field
	out := make([]netip.Prefix, 0, len(in))
	for i, s := range in {
		p, err := netip.ParsePrefix(strings.TrimSpace(s))
		if err != nil || p != p.Masked() || p.Addr().Is4In6() {
			at := path + pointer([]string{itoa(i)})
			wrong = append(wrong, portal.Field{Path: at, Code: "prefix", Msg: "Write a prefix without host bits, such as 10.20.0.0/16."})
			continue
		}
		out = append(out, p)
	}
	return out, portal.InvalidFields(wrong...)
}

func popJSON(p portal.PoP, gateways int) Pop {
	return Pop{
		Id: string(p.ID), Name: p.Name, Country: p.Country, Latitude: p.Latitude, Longitude: p.Longitude, Networks: texts(p.Networks), Gateways: gateways,
	}
}

func (s *Server) gatewaysByPop(ctx context.Context) (map[portal.PoPID]int, error) {
	all, err := s.Gateways.Gateways(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[portal.PoPID]int{}
	for _, g := range all {
		counts[g.PoP]++
	}
	return counts, nil
}

// ListGateways lists gateways with their live state.
func (s *Server) ListGateways(ctx context.Context, _ ListGatewaysRequestObject) (ListGatewaysResponseObject, error) {
	all, err := s.Gateways.Gateways(ctx)
	if err != nil {
		return nil, err
	}
	around, err := s.around(ctx)
	if err != nil {
		return nil, err
	}
	out := ListGateways200JSONResponse{Items: make([]Gateway, len(all)), Head: int64(around.head)}
	for i, g := range all {
		out.Items[i] = gatewayJSON(g, around)
	}
	return out, nil
}

// GetGateway describes one gateway.
func (s *Server) GetGateway(ctx context.Context, req GetGatewayRequestObject) (GetGatewayResponseObject, error) {
	g, err := s.gateway(ctx, portal.GatewayID(req.Id))
	return GetGateway200JSONResponse{g}, err
}

// CreateGateway adds a gateway.
func (s *Server) CreateGateway(ctx context.Context, req CreateGatewayRequestObject) (CreateGatewayResponseObject, error) {
	g, token, err := s.Gateways.CreateGateway(ctx, actor(ctx), peers.NewGateway{
		PoP: portal.PoPID(req.Body.Pop), Name: req.Body.Name, Host: req.Body.Host, Port: uint16(or(req.Body.Port)), // the contract bounds it
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.gateway(ctx, g.ID)
	if err != nil {
		return nil, err
	}
	return CreateGateway201JSONResponse{Gateway: Gateway(shown), Enrolment: enrolmentJSON(token)}, nil
}

// NewEnrolment makes a new enrolment command.
func (s *Server) NewEnrolment(ctx context.Context, req NewEnrolmentRequestObject) (NewEnrolmentResponseObject, error) {
	token, err := s.Gateways.NewToken(ctx, actor(ctx), portal.GatewayID(req.Id))
	if err != nil {
		return nil, err
	}
	return NewEnrolment201JSONResponse(enrolmentJSON(token)), nil
}

// DrainGateway keeps a gateway out of new files.
func (s *Server) DrainGateway(ctx context.Context, req DrainGatewayRequestObject) (DrainGatewayResponseObject, error) {
	if err := s.Gateways.DrainGateway(ctx, actor(ctx), portal.GatewayID(req.Id)); err != nil {
		return nil, err
	}
	g, err := s.gateway(ctx, portal.GatewayID(req.Id))
	return DrainGateway200JSONResponse{g}, err
}

// UndrainGateway takes that back.
func (s *Server) UndrainGateway(ctx context.Context, req UndrainGatewayRequestObject) (UndrainGatewayResponseObject, error) {
	if err := s.Gateways.UndrainGateway(ctx, actor(ctx), portal.GatewayID(req.Id)); err != nil {
		return nil, err
	}
	g, err := s.gateway(ctx, portal.GatewayID(req.Id))
	return UndrainGateway200JSONResponse{g}, err
}

// RetireGateway ends a gateway.
func (s *Server) RetireGateway(ctx context.Context, req RetireGatewayRequestObject) (RetireGatewayResponseObject, error) {
	if err := s.Gateways.RetireGateway(ctx, actor(ctx), portal.GatewayID(req.Id)); err != nil {
		return nil, err
	}
	g, err := s.gateway(ctx, portal.GatewayID(req.Id))
	return RetireGateway200JSONResponse{g}, err
}

func (s *Server) gateway(ctx context.Context, id portal.GatewayID) (GatewayResponseJSONResponse, error) {
	g, err := s.Gateways.Gateway(ctx, id)
	if err != nil {
		return GatewayResponseJSONResponse{}, err
	}
	around, err := s.around(ctx)
	if err != nil {
		return GatewayResponseJSONResponse{}, err
	}
	return GatewayResponseJSONResponse(gatewayJSON(g, around)), nil
}

// surroundings are what a gateway is shown with.
type surroundings struct {
	head      uint64
	pops      map[portal.PoPID]string
	connected map[portal.GatewayID]int
}

func (s *Server) around(ctx context.Context) (surroundings, error) {
	out := surroundings{pops: map[portal.PoPID]string{}}
	var err error
	if out.connected, err = s.Peers.ConnectedByGateway(ctx); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		pops, err := tx.PoPs()
		if err != nil {
			return err
		}
		for _, p := range pops {
			out.pops[p.ID] = p.Name
		}
		out.head, _, err = tx.Revision()
		return err
	})
	return out, err
}

func enrolmentJSON(t peers.EnrolmentToken) Enrolment {
	return Enrolment{Token: t.Secret.Reveal(), Command: t.Command.Reveal(), ExpiresAt: t.ExpiresAt}
}

func gatewayJSON(g peers.GatewayStatus, around surroundings) Gateway {
	out := Gateway{
		Id: string(g.ID), Name: g.Name, Pop: string(g.PoP), PopName: around.pops[g.PoP], State: GatewayState(g.State), Status: gatewayStatus(g),
		Host: g.Host, Port: int(g.Port), Version: text(g.Version), CreatedAt: g.CreatedAt, EnrolledAt: moment(g.EnrolledAt), SeenAt: moment(g.SeenAt),
		CertEndsAt: moment(g.CertEnds), Applied: int64(g.Applied), Problem: text(g.Problem), ConnectedDevices: around.connected[g.ID],
	}
	if !g.PublicKey.IsZero() {
		out.PublicKey = text(g.PublicKey.String())
	}
	if !g.Live.Connected {
		return out
	}
	out.Applied, out.Problem, out.SeenAt = int64(g.Live.Applied), text(g.Live.Problem), moment(g.Live.SeenAt)
	if g.Live.Version != "" {
		out.Version = &g.Live.Version
	}
	if n := g.Live.Withheld; n > 0 {
		out.Withheld = &n
	}
	lag := int64(0)
	if g.Live.Behind && g.Live.Head > g.Live.Applied {
		lag = int64(g.Live.Head - g.Live.Applied)
	}
	out.Lag = &lag
	if g.Live.Latency > 0 {
		ms := milliseconds(g.Live.Latency)
		out.ApplyMs = &ms
	}
	return out
}

// gatewayStatus says what to show, from evidence only: its row, its stream, and what it reported over it. Of a stream to another portal
// only the row is known.
func gatewayStatus(g peers.GatewayStatus) GatewayStatus {
	switch {
	case g.State == portal.GatewayPending:
		return GatewayStatusPending
	case g.State == portal.GatewayRetired:
		return GatewayStatusRetired
	case !g.Connected:
		return GatewayStatusOffline
	case g.Live.Problem != "" || !g.Live.Connected && g.Problem != "":
		return GatewayStatusProblem
	case g.Live.Behind:
		return GatewayStatusBehind
	case g.Live.Connected && !g.Live.SeenAt.IsZero() && !g.Live.HashOK:
		return GatewayStatusDrift
	case g.State == portal.GatewayDraining:
		return GatewayStatusDraining
	}
	return GatewayStatusOnline
}
