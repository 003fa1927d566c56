package main

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

// systemActor does what the configuration asks for.
var systemActor = portal.System

type serveCmd struct {
	configFlags
	Check bool `help:"Read the configuration, say what is wrong with it, and end."`
}

// Run serves until a signal comes.
func (c serveCmd) Run(e env) (err error) {
	raw, err := c.load(e.lookup)
	if err != nil {
		return err
	}
	cfg, err := raw.parse(e.lookup)
	if err != nil {
		return err
	}
	if c.Check {
		_, err := fmt.Fprintln(e.out, "The configuration is good.")
		return err
	}
	log := newLogger(e.err, cfg)
	s, err := newSite(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	open, err := openListeners(e.ctx, cfg)
	if err != nil {
		return err
	}
	defer open.close()
	tasks, err := s.tasks(open)
	if err != nil {
		return err
	}
	log.InfoContext(e.ctx, "portal is up", "version", version, "public_url", cfg.PublicURL.String(), "browsers", open.web.Addr().String(),
		"gateways", open.gateways.Addr().String(), "engine", string(s.store.Engine()))
	return runTasks(e.ctx, log, shutdownDeadline, tasks...)
}
