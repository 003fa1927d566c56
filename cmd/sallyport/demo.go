package main

import "errors"

type demoCmd struct {
	Host  string `default:"127.0.0.1" placeholder:"ADDRESS" help:"Address of this machine to bind to. An address on the local network lets a phone connect; then everybody on that network reaches the demo."`
	Port  uint16 `default:"8080" help:"Port for browsers. The next free one is taken when it is in use, unless you chose it."`
	Data  string `placeholder:"DIR" help:"Keep the demo's state here. Without it, it goes when the demo ends."`
	Check bool   `help:"Play a worker from sign-in to a revoked tunnel, without a browser, and end with 0 when all of it worked."`
}

func (c demoCmd) Run(e env) error { return errors.New("soon") }
