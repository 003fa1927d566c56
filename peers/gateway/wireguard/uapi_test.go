package wireguard

import (
	"bytes"
	"testing"
)

func FuzzParsePeers(f *testing.F) {
	f.Add([]byte("private_key=00\nlisten_port=1\npublic_key=0900000000000000000000000000000000000000000000000000000000000000\nendpoint=[2001:db8::1]:51820\n" +
		"last_handshake_time_sec=1\nlast_handshake_time_nsec=2\ntx_bytes=3\nrx_bytes=4\nallowed_ip=10.8.0.4/32\nallowed_ip=fd08::4/128\n"))
	f.Add([]byte("public_key=0\n"))
	f.Add([]byte("public_key=" + string(bytes.Repeat([]byte("ab"), 64)) + "\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = parsePeers(bytes.NewBuffer(b))
	})
}
