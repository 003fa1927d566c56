package auth

// ParseNewPasskey and ParsePasskey read what a browser sent, for the fuzz target.
func ParseNewPasskey(answer []byte) error { _, err := parseNewPasskey(answer); return err }

func ParsePasskey(answer []byte) error { _, err := parsePasskey(answer); return err }
