package feed

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// What the listener for gateways answers to. A stream needs a certificate of the portal's authority, and so do a renewal and
// the certificate of an OpenVPN server.
const (
	pathEnrol  = "/v1/enrol"
	pathRenew  = "/v1/renew"
	pathStream = "/v1/stream"
	pathServer = "/v1/openvpn"
)

// maxRequest bounds the body of an enrolment or a renewal, in bytes.
const maxRequest = 16 << 10

// What gateways may see.
var (
	errNoCertificate = &portal.Error{Kind: portal.Unauthenticated, Code: "certificate_required", Msg: "Show the certificate that the portal gave at enrolment."}
	errMalformed     = &portal.Error{Kind: portal.Invalid, Code: "malformed", Msg: "This is not a message that the portal understands."}
	ErrTooOften      = &portal.Error{Kind: portal.Limited, Code: "too_many_tries", Msg: "Too many tries from this address. Wait a moment."}
	errNoRoute       = &portal.Error{Kind: portal.NotFound, Code: "no_route", Msg: "There is nothing here."}
)

// Serve answers gateways on l, with TLS, until ctx ends, which is not an error. It closes l.
func (h *Hub) Serve(ctx context.Context, l net.Listener) error {
	h.init()
	config, err := h.Control.ServerTLS(ctx)
	if ctx.Err() != nil {
		return l.Close()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make the certificate of the gateways' listener: %w", err), l.Close())
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	srv := &http.Server{
		Handler: h.Handler(), TLSConfig: config, Protocols: &protocols,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 8, MaxReceiveBufferPerConnection: 1 << 17, MaxReceiveBufferPerStream: 1 << 16, MaxDecoderHeaderTableSize: 4096,
		},
		ErrorLog:    slog.NewLogLogger(h.Log.Handler(), slog.LevelDebug),                      // handshakes that fail are somebody else's fault
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }, // streams end with Run, and say goodbye
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(last); err != nil {
			err = errors.Join(err, srv.Close())
			h.Log.WarnContext(last, "close the gateways' listener", "err", err)
		}
		stopped <- nil
	})
	err = srv.ServeTLS(l, "", "")
	if stop() { // ctx has not ended: the listener broke
		return errors.Join(err, srv.Close())
	}
	<-stopped
	return nil
}

// Handler answers gateways. It needs TLS with client certificates that were verified when given; Serve sets that up.
func (h *Hub) Handler() http.Handler {
	h.init()
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+pathEnrol, h.serveEnrol)
	mux.HandleFunc("POST "+pathRenew, h.serveRenew)
	mux.HandleFunc("POST "+pathStream, h.serveStream)
	mux.HandleFunc("POST "+pathServer, h.serveServer)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.refuse(w, r, errNoRoute) })
	return mux
}

// peer is who the certificate says it is. That it was signed by the authority for clients, and is in time, was checked by TLS.
func (h *Hub) peer(r *http.Request) (StreamAsk, bool) {
	if r.TLS == nil || r.TLS.Version != tls.VersionTLS13 || len(r.TLS.VerifiedChains) == 0 {
		return StreamAsk{}, false
	}
	leaf := r.TLS.VerifiedChains[0][0]
	if leaf.IsCA || leaf.Subject.CommonName == "" || !h.Now().Before(leaf.NotAfter) {
		return StreamAsk{}, false
	}
	return StreamAsk{
		Gateway: portal.GatewayID(leaf.Subject.CommonName), Serial: leaf.SerialNumber.Text(16), Ends: leaf.NotAfter, Addr: remote(r),
	}, true
}

func remote(r *http.Request) netip.AddrPort {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// enrolMsg is what a new node sends, and enrolAnswer what it gets. CSR, Certificate and Authority are DER.
type enrolMsg struct {
	Token     string           `json:"token"`
	CSR       []byte           `json:"csr"`
	PublicKey portal.PublicKey `json:"key"`
	Version   string           `json:"version"`
}

type enrolAnswer struct {
	Gateway     portal.GatewayID `json:"gateway"`
	Certificate []byte           `json:"certificate"`
	Authority   []byte           `json:"authority"`
	Portals     []string         `json:"portals"`
}

type renewMsg struct {
	CSR []byte `json:"csr"`
}

type renewAnswer struct {
	Certificate []byte `json:"certificate"`
}

func (h *Hub) serveEnrol(w http.ResponseWriter, r *http.Request) {
	if !h.limit.allow(remote(r).Addr(), h.Now()) {
		h.refuse(w, r, ErrTooOften.WithRetryAfter(enrolEvery))
		return
	}
	var in enrolMsg
	if err := readBody(w, r, &in); err != nil {
		h.refuse(w, r, err)
		return
	}
	grant, err := h.Control.Enrol(r.Context(), EnrolAsk{
		Token: portal.NewSecretText(in.Token), CSR: in.CSR, PublicKey: in.PublicKey, Version: printable(in.Version, maxVersion), Addr: remote(r),
	})
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Log.InfoContext(r.Context(), "gateway enrolled", "gateway", grant.Gateway, "addr", remote(r))
	answer(w, http.StatusOK, enrolAnswer(grant))
}

func (h *Hub) serveRenew(w http.ResponseWriter, r *http.Request) {
	who, ok := h.peer(r)
	if !ok {
		h.refuse(w, r, errNoCertificate)
		return
	}
	var in renewMsg
	if err := readBody(w, r, &in); err != nil {
		h.refuse(w, r, err)
		return
	}
	certificate, err := h.Control.Renew(r.Context(), who, in.CSR)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Log.InfoContext(r.Context(), "gateway certificate renewed", "gateway", who.Gateway)
	answer(w, http.StatusOK, renewAnswer{certificate})
}

// serverAnswer is an OpenVPNGrant. Its tls-crypt-v2 key goes to gateways only, over mutual TLS.
type serverAnswer struct {
	Certificates []byte `json:"certificates"`
	Authorities  []byte `json:"authorities"`
	TLSCrypt     string `json:"tls_crypt"`
	Trust        string `json:"trust"`
}

func (h *Hub) serveServer(w http.ResponseWriter, r *http.Request) {
	who, ok := h.peer(r)
	if !ok {
		h.refuse(w, r, errNoCertificate)
		return
	}
	var in renewMsg
	if err := readBody(w, r, &in); err != nil {
		h.refuse(w, r, err)
		return
	}
	grant, err := h.Control.OpenVPN(r.Context(), who, in.CSR)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.Log.InfoContext(r.Context(), "certificate for a gateway's OpenVPN", "gateway", who.Gateway)
	answer(w, http.StatusOK, serverAnswer{grant.Certificates, grant.Authorities, grant.TLSCrypt.Reveal(), grant.Trust})
}

func readBody(w http.ResponseWriter, r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &portal.Error{Kind: portal.Unsupported, Code: "content_type", Msg: "Send application/json."}
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(helloWithin))
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	if err := d.Decode(into); err != nil {
		var long *http.MaxBytesError
		if errors.As(err, &long) {
			return &portal.Error{Kind: portal.TooLarge, Code: "too_large", Msg: "The message is too large."}
		}
		return errMalformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errMalformed
	}
	return nil
}

// problem is how a refusal is written.
type problem struct {
	Kind string `json:"kind"`
	Code string `json:"code"`
	Msg  string `json:"msg"`
}

// refuse answers with err when it is for callers, and else with "unavailable".
func (h *Hub) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var p *portal.Error
	if !errors.As(err, &p) {
		p = portal.ErrUnavailable
		if r.Context().Err() == nil {
			h.Log.ErrorContext(r.Context(), "answer a gateway", "path", r.URL.Path, "err", err)
		}
	} else {
		h.Log.InfoContext(r.Context(), "gateway refused", "path", r.URL.Path, "code", p.Code, "addr", remote(r))
	}
	h.mu.Lock()
	h.figures.refused++
	h.mu.Unlock()
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	answer(w, status(p.Kind), problem{p.Kind.String(), p.Code, p.Msg})
}

// status is for whoever looks at the wire; a gateway reads the problem.
func status(k portal.Kind) int {
	switch k {
	case portal.Invalid:
		return http.StatusBadRequest
	case portal.Unauthenticated:
		return http.StatusUnauthorized
	case portal.NotFound:
		return http.StatusNotFound
	case portal.Conflict:
		return http.StatusConflict
	case portal.Limited:
		return http.StatusTooManyRequests
	case portal.Gone:
		return http.StatusGone
	case portal.TooLarge:
		return http.StatusRequestEntityTooLarge
	case portal.Unsupported:
		return http.StatusUnsupportedMediaType
	case portal.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusForbidden
	}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(appendLine(nil, body)) // who does not listen does not mind
}

// readProblem is the inverse of refuse.
func readProblem(status int, body []byte) error {
	var p problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" {
		return fmt.Errorf("portal answered with status %d", status)
	}
	out := &portal.Error{Kind: portal.Internal, Code: printable(p.Code, 64), Msg: printable(p.Msg, 300)}
	for _, k := range portal.Kinds() {
		if k.String() == p.Kind {
			out.Kind = k
		}
	}
	return out
}
