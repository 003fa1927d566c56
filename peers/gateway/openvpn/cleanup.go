package openvpn

import (
	"context"
	"errors"
	"slices"
)

// Cleanup ends the processes that run, also those of earlier agents, and removes their interfaces.
func (s *Server) Cleanup(ctx context.Context) error {
	var err error
	for _, t := range s.Transports {
		if p := s.running(t); p != nil {
			p.stop(ctx)
		}
		err = errors.Join(err, removeLink(t.Interface))
	}
	return err
}

// CleanupOthers does that for the transports of all that this server does not have: an earlier agent may have served more, and the filter does not
// look at interfaces that it is not told of.
func (s *Server) CleanupOthers(ctx context.Context, all *Server) error {
	for _, t := range s.Transports {
		all.Transports = slices.DeleteFunc(all.Transports, func(o Transport) bool { return o.Name == t.Name })
	}
	return all.Cleanup(ctx)
}
