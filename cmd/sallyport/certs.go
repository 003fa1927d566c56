package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// certFiles is a certificate in files that somebody else renews: it is read again when they change.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // newest modification of the files that are in use
	looked  time.Time
}

// lookEvery is how often the files' times are looked at, at most.
const lookEvery = time.Minute

func newCertFiles(cert, key string, log *slog.Logger) (*certFiles, error) {
	f := &certFiles{cert: cert, key: key, log: log}
	return f, f.load(time.Now())
}

func (f *certFiles) load(now time.Time) error {
	changed, err := f.modified()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("load certificate: %w", err)
	}
	f.current, f.changed, f.looked = &pair, changed, now
	return nil
}

func (f *certFiles) modified() (newest time.Time, err error) {
	for _, path := range []string{f.cert, f.key} {
		st, err := os.Stat(path)
		if err != nil {
			return newest, fmt.Errorf("load certificate: %w", err)
		}
		if st.ModTime().After(newest) {
			newest = st.ModTime()
		}
	}
	return newest, nil
}

// get keeps the certificate that works when the new files can't be read: whoever writes them may be half way.
func (f *certFiles) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.looked) < lookEvery {
		return f.current, nil
	}
	f.looked = now
	if changed, err := f.modified(); err == nil && changed.Equal(f.changed) {
		return f.current, nil
	}
	if err := f.load(now); err != nil {
		f.log.ErrorContext(hello.Context(), "keep the old certificate", "err", err)
	} else {
		f.log.InfoContext(hello.Context(), "certificate was renewed")
	}
	return f.current, nil
}

// acmeCertificates gets certificates for the host of the public URL. The handler answers http-01 challenges and redirects the rest.
func acmeCertificates(cfg Config) (*tls.Config, http.Handler) {
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(cfg.TLS.CacheDir), HostPolicy: autocert.HostWhitelist(cfg.PublicURL.Hostname()), Email: cfg.TLS.Email,
	}
	if cfg.TLS.Directory != "" {
		manager.Client = &acme.Client{DirectoryURL: cfg.TLS.Directory}
	}
	config := manager.TLSConfig()
	config.MinVersion = tls.VersionTLS12
	return config, manager.HTTPHandler(nil)
}
