package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
)

// GetPosture returns what is asked of devices.
func (s *Server) GetPosture(ctx context.Context, _ GetPostureRequestObject) (GetPostureResponseObject, error) {
	view, err := s.Peers.PosturePolicy(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := GetPosture200JSONResponse{Checks: make([]PostureCheck, len(view.Checks))}
	for i, c := range view.Checks {
		out.Checks[i] = checkJSON(c)
	}
	out.Exceptions, out.Facts = empty(out.Exceptions), empty(out.Facts)
	for _, e := range view.Exceptions {
		one := add(&out.Exceptions)
		one.Id, one.Check, one.User, one.Device, one.Name, one.Owner = string(e.ID), text(e.CheckName), text(e.User), text(e.Exception.Device), e.Name, text(e.OwnerName)
		one.Until, one.Reason, one.At = e.Until, e.Reason, e.At
	}
	out.Times.SettleSeconds, out.Times.SilenceSeconds = seconds(view.Times.Settle), seconds(view.Times.Silence)
	out.Devices.Good, out.Devices.Warn = view.Devices[""], view.Devices[posture.Warn]
	out.Devices.Risk, out.Devices.Block = view.Devices[posture.Risk], view.Devices[posture.Block]
	for _, k := range posture.Catalogue() {
		one := add(&out.Facts)
		one.Name, one.Type = k.Name, string(k.Type)
	}
	return out, nil
}

// SetPostureTimes sets the waits that hold for all checks.
func (s *Server) SetPostureTimes(ctx context.Context, req SetPostureTimesRequestObject) (SetPostureTimesResponseObject, error) {
	err := s.Peers.SetPostureTimes(ctx, actor(ctx), peers.PostureTimes{
		Settle: time.Duration(req.Body.SettleSeconds) * time.Second, Silence: time.Duration(req.Body.SilenceSeconds) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return SetPostureTimes204Response{}, nil
}

// CreatePostureCheck adds a check.
func (s *Server) CreatePostureCheck(ctx context.Context, req CreatePostureCheckRequestObject) (CreatePostureCheckResponseObject, error) {
	c, err := s.Peers.CreateCheck(ctx, actor(ctx), checkInput(req.Body))
	if err != nil {
		return nil, err
	}
	return CreatePostureCheck201JSONResponse{PostureCheckResponseJSONResponse(checkJSON(c))}, nil
}

// UpdatePostureCheck changes one.
func (s *Server) UpdatePostureCheck(ctx context.Context, req UpdatePostureCheckRequestObject) (UpdatePostureCheckResponseObject, error) {
	c, err := s.Peers.UpdateCheck(ctx, actor(ctx), posture.CheckID(req.Id), checkInput(req.Body))
	if err != nil {
		return nil, err
	}
	return UpdatePostureCheck200JSONResponse{PostureCheckResponseJSONResponse(checkJSON(c))}, nil
}

// DeletePostureCheck removes one.
func (s *Server) DeletePostureCheck(ctx context.Context, req DeletePostureCheckRequestObject) (DeletePostureCheckResponseObject, error) {
	if err := s.Peers.DeleteCheck(ctx, actor(ctx), posture.CheckID(req.Id)); err != nil {
		return nil, err
	}
	return DeletePostureCheck204Response{}, nil
}

// ListPostureDevices lists devices that do not pass a check.
func (s *Server) ListPostureDevices(ctx context.Context, req ListPostureDevicesRequestObject) (ListPostureDevicesResponseObject, error) {
	after, err := decodeCursor(postureCursor, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, next, err := s.Peers.NotPassing(ctx, actor(ctx), posture.CheckID(req.Id), after, limit(req.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := ListPostureDevices200JSONResponse{Items: make([]PostureDevice, len(page)), Next: encodeCursor(postureCursor, next)}
	for i, d := range page {
		one := PostureDevice{
			Id: string(d.Device), Name: d.Name, Platform: Platform(d.Platform), Outcome: CheckOutcome(d.Outcome), Reason: CheckReason(d.Reason), Seen: d.Seen,
			Since: moment(d.Since), Until: moment(d.Until),
		}
		one.Owner.Id, one.Owner.Name = string(d.Owner), d.OwnerName
		out.Items[i] = one
	}
	return out, nil
}

// CreatePostureException lets a person or a device be.
func (s *Server) CreatePostureException(ctx context.Context, req CreatePostureExceptionRequestObject) (CreatePostureExceptionResponseObject, error) {
	e, err := s.Peers.CreateException(ctx, actor(ctx), peers.ExceptionInput{
		Check: posture.CheckID(or(req.Body.Check)), User: portal.UserID(or(req.Body.User)), Device: portal.DeviceID(or(req.Body.Device)),
		Until: req.Body.Until, Reason: req.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return CreatePostureException201JSONResponse{Id: string(e.ID)}, nil
}

// DeletePostureException ends an exception.
func (s *Server) DeletePostureException(ctx context.Context, req DeletePostureExceptionRequestObject) (DeletePostureExceptionResponseObject, error) {
	if err := s.Peers.DeleteException(ctx, actor(ctx), posture.ExceptionID(req.Id)); err != nil {
		return nil, err
	}
	return DeletePostureException204Response{}, nil
}

func checkInput(in *PostureCheckInput) peers.CheckInput {
	out := peers.CheckInput{
		Name: in.Name, Rule: in.Rule, Severity: posture.Severity(in.Severity), Unknown: posture.Unknown(or(in.Unknown)), Grace: time.Duration(or(in.GraceSeconds)) * time.Second,
		ReportOnly: or(in.ReportOnly), Help: or(in.Help),
	}
	for _, p := range or(in.Platforms) {
		out.Platforms = append(out.Platforms, portal.Platform(p))
	}
	if out.Unknown == "" {
		out.Unknown = posture.UnknownFails
	}
	return out
}

func checkJSON(c peers.CheckView) PostureCheck {
	out := PostureCheck{
		Id: string(c.ID), Name: c.Name, Rule: c.Rule.String(), Fact: c.Rule.Fact, Platforms: make([]Platform, len(c.Platforms)), Severity: Severity(c.Severity),
		Unknown: PostureCheckUnknown(c.Unknown), GraceSeconds: seconds(c.Check.Grace), ReportOnly: c.ReportOnly, Help: c.Help,
	}
	for i, p := range c.Platforms {
		out.Platforms[i] = Platform(p)
	}
	out.Counts.Fails, out.Counts.Grace, out.Counts.Waiting, out.Counts.Excepted = c.Counts.Fails, c.Counts.Grace, c.Counts.Waiting, c.Counts.Excepted
	return out
}
