package policyfile

// Document is a policy. Lists keep their order in the file; on export they are in the order of names.
type Document struct {
	Version   int        `yaml:"version"`
	Groups    []string   `yaml:"groups,omitempty"` // local groups that must exist; members are not part of a policy
	Resources []Resource `yaml:"resources,omitempty"`
	Rules     []Rule     `yaml:"rules,omitempty"`
	Profiles  []Profile  `yaml:"profiles,omitempty"`
	Tests     []Test     `yaml:"tests,omitempty"`
}

// Version is the form that this package writes, and the only one that it reads.
const Version = 1

// Resource is portal.Resource by name.
type Resource struct {
	Name      string   `yaml:"name"`
	Prefixes  []string `yaml:"prefixes,omitempty,flow"`
	Transport string   `yaml:"transport"`
	Ports     []string `yaml:"ports,omitempty,flow"` // "443" or "8000-8100"
	Tags      []string `yaml:"tags,omitempty,flow"`

	Requestable bool   `yaml:"requestable,omitempty"`
	Approvers   string `yaml:"approvers,omitempty"` // a group
}

// Rule is portal.Rule by names.
type Rule struct {
	Name       string   `yaml:"name"`
	Reason     string   `yaml:"reason"`
	Action     string   `yaml:"action"`
	Groups     []string `yaml:"groups,omitempty,flow"`
	People     []string `yaml:"people,omitempty,flow"` // ids: names of people are not unique
	Resources  []string `yaml:"resources,omitempty,flow"`
	Tags       []string `yaml:"tags,omitempty,flow"`
	Windows    []Window `yaml:"windows,omitempty"`
	ValidFrom  string   `yaml:"valid_from,omitempty"` // RFC 3339
	ValidUntil string   `yaml:"valid_until,omitempty"`
	Sources    []string `yaml:"sources,omitempty,flow"`   // prefixes of clients, outside the tunnel
	Countries  []string `yaml:"countries,omitempty,flow"` // ISO 3166-1 alpha-2; sources or countries
	Factor     string   `yaml:"factor,omitempty"`         // the last second factor is younger, such as 8h
	Level      string   `yaml:"level,omitempty"`          // the least that it counts at; full where nothing is said
}

// Window is portal.Window: from start until end by the clock on the wall of a zone.
type Window struct {
	Days  []string `yaml:"days,omitempty,flow"` // mon to sun; none: every day
	Start string   `yaml:"start"`
	End   string   `yaml:"end"`
	Zone  string   `yaml:"zone"`
}

// Profile is portal.Profile by names. Durations are such as 12h or 25s.
type Profile struct {
	Name        string   `yaml:"name"`
	Description string   `yaml:"description,omitempty"`
	Mode        string   `yaml:"mode"`
	Included    []string `yaml:"included,omitempty,flow"`
	Names       []string `yaml:"names,omitempty,flow"`
	Excluded    []string `yaml:"excluded,omitempty,flow"`
	DNS         []string `yaml:"dns,omitempty,flow"`
	Search      []string `yaml:"search,omitempty,flow"`
	Match       []string `yaml:"match,omitempty,flow"`
	MTU         int      `yaml:"mtu,omitempty"`
	Keepalive   string   `yaml:"keepalive,omitempty"`
	Session     string   `yaml:"session,omitempty"`
	Idle        string   `yaml:"idle,omitempty"`
	Approval    bool     `yaml:"approval,omitempty"`
	Protocols   []string `yaml:"protocols,omitempty,flow"` // none: WireGuard
	MaxDevices  int      `yaml:"max_devices,omitempty"`
	Pool        string   `yaml:"pool,omitempty"`
	Groups      []string `yaml:"groups,omitempty,flow"`
	PoPs        []string `yaml:"pops,omitempty,flow"`
}

// Test is portal.PolicyTest by names: one of Group and Person, one of Resource and To.
type Test struct {
	Name      string `yaml:"name"`
	Reason    string `yaml:"reason,omitempty"`
	Group     string `yaml:"group,omitempty"`
	Person    string `yaml:"person,omitempty"` // an id: names of people are not unique
	Resource  string `yaml:"resource,omitempty"`
	To        string `yaml:"to,omitempty"`
	Transport string `yaml:"transport,omitempty"`
	Port      int    `yaml:"port,omitempty"`
	Expect    string `yaml:"expect"` // reaches or blocked
}
