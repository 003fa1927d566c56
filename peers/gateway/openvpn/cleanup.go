package openvpn

import (
	"context"
	"errors"
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
