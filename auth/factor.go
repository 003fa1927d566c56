package auth

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// FactorList is what a person has to show besides the provider's word.
type FactorList struct {
	Factors       []portal.Factor // confirmed ones, without their seeds
	RecoveryCodes int             // that are left
}

// Factors returns what the person has.
func (s *Service) Factors(ctx context.Context, who Who) (FactorList, error) {
	return FactorList{}, portal.ErrUnavailable
}

// RemoveFactor forgets one of the person's factors. It needs a fresh factor (portal.ErrStepUp). It returns portal.ErrNotFound, or
// ErrLastFactor for the only one.
func (s *Service) RemoveFactor(ctx context.Context, who Who, id portal.FactorID) error {
	return portal.ErrUnavailable
}
