package management

import (
	"errors"
	"strings"
)

// maxCommand is what openvpn takes as one line, its end included (COMMAND_LINE_OPTION_BUFFER_SIZE is 1024 bytes).
const maxCommand = 1000

// ErrArgument says that an argument cannot be sent: it has control characters in it, or the command is too long.
var ErrArgument = errors.New("management command: an argument with control characters, or too long")

// Quote makes s one argument of a command or of a configuration line, whatever is in it. Only control characters cannot be told.
func Quote(s string) (string, error) {
	if !plain(s) {
		return "", ErrArgument
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`, nil
}

// plain reports whether s can stand in a line. CR and LF would begin another command.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func checkLine(s string) error {
	if !plain(s) || len(s) > maxCommand {
		return ErrArgument
	}
	return nil
}
