package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/portal"
)

// rawConfig is what the operator typed: flags before environment before file before default.
type rawConfig struct {
	command string // "" or "enrol"
	check   bool
	cleanup bool
	version bool

	settings map[string]string
}

// setting is something that can be set in all three ways: --name, SALLYPORT_GATEWAY_NAME and "name:" in the file.
type setting struct{ name, byDefault, help string }

var settings = []setting{
	{"portal", "", "`host:port` of the portal's listener for gateways, several with commas between; for enrolling"},
	{"token", "", "enrolment token that the portal showed; works once"},
	{"token-file", "", "`file` that holds the token, so that it does not show in the process list"},
	{"state-dir", "/var/lib/sallyport-gateway", "`folder` for keys, certificate and the last known state"},
	{"interface", "sallyport0", "`name` of the tunnel's interface, at most 15 characters"},
	{"table", firewall.DefaultTable, "`name` of the nftables table, in the family inet"},
	{"openvpn", "false", "serve OpenVPN beside WireGuard, with the openvpn program of this machine"},
	{"openvpn-udp", "1194", "`port` of OpenVPN over UDP; 0 for none"},
	{"openvpn-tcp", "443", "`port` of OpenVPN over TCP, for networks that let nothing else through; 0 for none"},
	{"openvpn-user", "nobody:nogroup", "`user:group` that openvpn becomes when it has bound its port"},
	{"userspace", "false", "run WireGuard in this process even where the kernel has it"},
	{"countries", "", "`file` in MaxMind's DB format that places addresses in countries, for rules that ask for them"},
	{"metrics", "127.0.0.1:9586", "`address` of the Prometheus listener, on loopback; \"off\" for none"},
	{"log-level", "info", "debug, info, warn or error"},
	{"log-format", "text", "text or json"},
}

const envPrefix = "SALLYPORT_GATEWAY_"

func (s setting) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
}

func readRaw(args []string, getenv func(string) string, stderr io.Writer) (rawConfig, error) {
	raw := rawConfig{settings: map[string]string{}}
	if len(args) > 0 && args[0] == "enrol" {
		raw.command, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("sallyport-gateway", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { usage(flags, stderr) }
	flags.BoolVar(&raw.check, "check", false, "check the configuration and end")
	flags.BoolVar(&raw.cleanup, "cleanup", false, "remove the nftables table and the interface that this program made, and end")
	flags.BoolVar(&raw.version, "version", false, "print the version and end")
	file := flags.String("config", getenv(envPrefix+"CONFIG"), "YAML `file` with the same names as the flags")
	typed := map[string]*string{}
	for _, s := range settings {
		help := s.help
		if s.byDefault != "" {
			help += " (default " + s.byDefault + ")"
		}
		if s.name == "userspace" || s.name == "openvpn" {
			flags.BoolFunc(s.name, help, func(v string) error { typed[s.name] = &v; return nil })
			continue
		}
		flags.Func(s.name, help, func(v string) error { typed[s.name] = &v; return nil })
	}
	if err := flags.Parse(args); err != nil {
		return raw, err
	}
	if flags.NArg() > 0 {
		return raw, fmt.Errorf("%q is not a command of sallyport-gateway; there is \"enrol\", and nothing", flags.Arg(0))
	}
	inFile, err := readFile(*file)
	if err != nil {
		return raw, err
	}
	for _, s := range settings {
		raw.settings[s.name] = s.byDefault
		if v, there := inFile[s.name]; there {
			raw.settings[s.name] = v
		}
		if v := getenv(s.env()); v != "" {
			raw.settings[s.name] = v
		}
		if v := typed[s.name]; v != nil {
			raw.settings[s.name] = *v
		}
	}
	return raw, nil
}

func usage(flags *flag.FlagSet, w io.Writer) {
	_, _ = fmt.Fprint(w, `Usage: sallyport-gateway [enrol] [flags]

Follow the portal and serve. The first time, enrol with the command that the portal shows:

  sallyport-gateway --portal portal.example.com:8444 --token TOKEN

"enrol" does that and ends. The flags can be kept in a file (--config): all but check, cleanup, config and version can stand there, and in the environment as `+envPrefix+`NAME.

`)
	flags.PrintDefaults()
}

// readFile reads the settings in a YAML file; "" is no file.
func readFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var in map[string]string
	if err := yaml.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", path, err)
	}
	var unknown []error
	for name := range in {
		known := false
		for _, s := range settings {
			known = known || s.name == name
		}
		if !known {
			unknown = append(unknown, fmt.Errorf("read configuration %s: there is no setting %q", path, name))
		}
	}
	return in, errors.Join(unknown...)
}

// Config is what was meant.
type Config struct {
	Portal    string        // host:port, several with commas between; "" when enrolled already
	Token     portal.Secret // zero when enrolled already
	StateDir  string
	Interface string
	Table     string
	Userspace bool
	OpenVPN   OpenVPNConfig
	Countries string // file; "": none
	Metrics   string // host:port on loopback; "": none
	LogLevel  slog.Level
	LogJSON   bool
}

// OpenVPNConfig is what is said of OpenVPN. Without ports it is not served.
type OpenVPNConfig struct {
	UDP, TCP    uint16 // 0: not
	User, Group string
}

var (
	interfaceName = regexp.MustCompile(`^[A-Za-z0-9_.=+-]{1,15}$`) // and neither "." nor ".." (Linux, dev_valid_name)
	userName      = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$`)
	tableName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

// config checks everything and reports every problem at once.
func (r rawConfig) config() (Config, error) {
	var problems []error
	wrong := func(name, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	v := r.settings
	c := Config{Portal: v["portal"], StateDir: v["state-dir"], Interface: v["interface"], Table: v["table"], Countries: v["countries"], Metrics: v["metrics"]}
	if c.Portal != "" {
		for one := range strings.SplitSeq(c.Portal, ",") {
			if _, port, err := net.SplitHostPort(one); err != nil {
				wrong("portal", "%q is not host:port", one)
			} else if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
				wrong("portal", "%q is not a port", port)
			}
		}
	}
	if err := readToken(&c, v["token"], v["token-file"]); err != nil {
		problems = append(problems, err)
	}
	if (c.Portal == "") != c.Token.IsZero() {
		wrong("portal", "portal and token belong together")
	}
	if !filepath.IsAbs(c.StateDir) {
		wrong("state-dir", "%q is not an absolute path", c.StateDir)
	}
	if !interfaceName.MatchString(c.Interface) || c.Interface == "." || c.Interface == ".." {
		wrong("interface", "%q is not a name that an interface can have", c.Interface)
	}
	if !tableName.MatchString(c.Table) {
		wrong("table", "%q is not a name that a table can have", c.Table)
	}
	if c.Countries != "" && !filepath.IsAbs(c.Countries) {
		wrong("countries", "%q is not an absolute path", c.Countries)
	}
	var err error
	if c.Userspace, err = strconv.ParseBool(v["userspace"]); err != nil {
		wrong("userspace", "%q is neither true nor false", v["userspace"])
	}
	if err := readOpenVPN(&c, v); err != nil {
		problems = append(problems, err)
	}
	if c.Metrics == "off" {
		c.Metrics = ""
	} else if a, err := netip.ParseAddrPort(c.Metrics); err != nil || !a.Addr().IsLoopback() {
		wrong("metrics", "%q is not an address on loopback with a port", c.Metrics)
	}
	if err := c.LogLevel.UnmarshalText([]byte(v["log-level"])); err != nil {
		wrong("log-level", "%q is not a level", v["log-level"])
	}
	switch v["log-format"] {
	case "json":
		c.LogJSON = true
	case "text":
	default:
		wrong("log-format", "%q is neither text nor json", v["log-format"])
	}
	return c, errors.Join(problems...)
}

func readOpenVPN(c *Config, v map[string]string) error {
	on, err := strconv.ParseBool(v["openvpn"])
	if err != nil {
		return fmt.Errorf("openvpn: %q is neither true nor false", v["openvpn"])
	}
	var problems []error
	port := func(name string) uint16 {
		n, err := strconv.ParseUint(v[name], 10, 16)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %q is not a port", name, v[name]))
		}
		return uint16(n)
	}
	o := OpenVPNConfig{UDP: port("openvpn-udp"), TCP: port("openvpn-tcp")}
	var pair bool
	o.User, o.Group, pair = strings.Cut(v["openvpn-user"], ":")
	if !pair || !userName.MatchString(o.User) || !userName.MatchString(o.Group) {
		problems = append(problems, fmt.Errorf("openvpn-user: %q is not user:group", v["openvpn-user"]))
	}
	if on && len(c.Interface) > 14 {
		problems = append(problems, fmt.Errorf("interface: %q leaves no room for the letter that OpenVPN's interfaces have behind it", c.Interface))
	}
	if on && o.UDP == 0 && o.TCP == 0 {
		problems = append(problems, errors.New("openvpn: neither a UDP nor a TCP port is set"))
	}
	if on {
		c.OpenVPN = o
	}
	return errors.Join(problems...)
}

func readToken(c *Config, token, file string) error {
	switch {
	case token != "" && file != "":
		return errors.New("token: given twice, once in a file")
	case file != "":
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("token-file: %w", err)
		}
		c.Token = portal.NewSecretText(strings.TrimSpace(string(b)))
	case token != "":
		c.Token = portal.NewSecretText(strings.TrimSpace(token))
	}
	return nil
}

func (c Config) logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
