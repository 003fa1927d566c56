package openvpn

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// sessionKey names a session: openvpn numbers its clients anew in each process.
type sessionKey struct {
	transport string
	cid       uint64
}

// session is a client that was let in.
type session struct {
	Key      portal.EntryKey      `json:"entry"`
	Cert     portal.CertificateID `json:"cert"`
	V4       netip.Addr           `json:"v4"`
	V6       netip.Addr           `json:"v6"`
	Endpoint netip.AddrPort       `json:"endpoint"`
	Since    time.Time            `json:"since"`

	seen   time.Time
	rx, tx uint64
	killed bool // has been told to go
}

// Sessions are kept, one small file each, for the agent after this one: openvpn does not tell the certificate of a client that is connected already.
func (s *Server) keptDir(t Transport) string { return filepath.Join(s.Dir, t.Name+".sessions") }

func (s *Server) forgetKept(t Transport) error {
	if err := os.RemoveAll(s.keptDir(t)); err != nil {
		return err
	}
	return os.MkdirAll(s.keptDir(t), 0o700)
}

func (s *Server) keep(t Transport, cid uint64, x *session) error {
	b, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.keptDir(t), strconv.FormatUint(cid, 10)), b, 0o600)
}

func (s *Server) unkeep(t Transport, cid uint64) {
	_ = os.Remove(filepath.Join(s.keptDir(t), strconv.FormatUint(cid, 10))) // at worst it names a client that is not there
}

// kept reads what an earlier agent knew of a client. A file that was cut is none.
func (s *Server) kept(t Transport, cid uint64) (*session, bool) {
	b, err := os.ReadFile(filepath.Join(s.keptDir(t), strconv.FormatUint(cid, 10)))
	var x session
	if err != nil || json.Unmarshal(b, &x) != nil || x.Cert.IsZero() {
		return nil, false
	}
	return &x, true
}

// certificateOf is the fingerprint of the certificate that a client has shown, as openvpn lists it: pairs of digits with colons between.
func certificateOf(env map[string]string) (portal.CertificateID, bool) {
	id, err := portal.ParseCertificateID(strings.ReplaceAll(env["tls_digest_sha256_0"], ":", ""))
	return id, err == nil && !id.IsZero()
}

// endpointOf is where a client's packets come from.
func endpointOf(env map[string]string) netip.AddrPort {
	text, port := env["untrusted_ip"], env["untrusted_port"]
	if text == "" {
		text = env["untrusted_ip6"]
	}
	addr, err1 := netip.ParseAddr(text)
	n, err2 := strconv.ParseUint(port, 10, 16)
	if err1 != nil || err2 != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(n))
}

// clientRow is a line of "status 3" about a client.
type clientRow struct {
	cid    uint64
	rx, tx uint64
}

// parseStatus reads the clients of "status 3": a header names the columns, which are separated by tabs.
func parseStatus(lines []string) []clientRow {
	var rows []clientRow
	var columns []string
	for _, l := range lines {
		f := strings.Split(l, "\t")
		switch {
		case len(f) > 2 && f[0] == "HEADER" && f[1] == "CLIENT_LIST":
			columns = f[2:]
		case f[0] == "CLIENT_LIST":
			values := map[string]uint64{}
			for i, name := range columns {
				if i+1 < len(f) {
					values[name], _ = strconv.ParseUint(f[i+1], 10, 64) // 0 for what is no number
				}
			}
			rows = append(rows, clientRow{values["Client ID"], values["Bytes Received"], values["Bytes Sent"]})
		}
	}
	return rows
}
