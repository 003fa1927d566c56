package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/peers/gateway"
)

// serveMetrics answers Prometheus on address until ctx ends. "" is no listener.
func serveMetrics(ctx context.Context, address string, agent *gateway.Agent, client *feed.Client, log *slog.Logger) error {
	if address == "" {
		return nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry(agent, client), promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	log.InfoContext(ctx, "metrics", "address", l.Addr().String())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

func registry(agent *gateway.Agent, client *feed.Client) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "sallyport_gateway", Name: name, Help: help}, value))
	}
	count := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "sallyport_gateway", Name: name, Help: help}, value))
	}
	gauge("entries", "Devices that may connect.", func() float64 { return float64(agent.Metrics().Entries) })
	gauge("revision", "Revision of the state that is held.", func() float64 { rev, _ := agent.Since(); return float64(rev) })
	gauge("healthy", "1 while the data path is what the state says.", func() float64 { return boolean(agent.Metrics().Problem == "") })
	gauge("closed", "1 while nothing is forwarded because no portal was heard of for the grace.", func() float64 { return boolean(agent.Metrics().Closed) })
	gauge("connected", "1 while the stream to a portal is up.", func() float64 { return boolean(client.Connected()) })
	gauge("portal_last_heard_seconds", "When a portal was last heard of, in Unix time.", func() float64 {
		return float64(agent.Metrics().Contact.UnixMilli()) / 1000
	})
	gauge("apply_seconds", "How long the last change took to reach the data path.", func() float64 { return agent.Metrics().ApplyTook.Seconds() })
	count("changes_total", "Changes carried out.", func() float64 { return float64(agent.Metrics().Changes) })
	count("failures_total", "Times that the data path refused.", func() float64 { return float64(agent.Metrics().Failures) })
	count("repairs_total", "Objects repaired that were changed by somebody else.", func() float64 { return float64(agent.Metrics().Drift) })
	return r
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
