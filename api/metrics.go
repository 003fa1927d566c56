package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sallyport/sallyport/peers/feed"
)

// Metrics are what a monitoring system reads on the listener for operators. A nil *Metrics counts nothing.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
	streams  prometheus.Gauge
}

// NewMetrics makes a registry of its own. ping asks the database whether it answers; live may be nil.
func NewMetrics(version string, live Live, ping func(context.Context) error) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sallyport_http_request_duration_seconds", Help: "Time to answer, by route and status class.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route", "status"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_sign_ins_total", Help: "Steps of signing in: provider, totp, recovery, enrolled, refused, wrong_code.",
		}, []string{"result"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sallyport_event_streams", Help: "Browsers that follow live events."}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "sallyport_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.signIns, m.streams, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), databaseCollector{ping})
	if live != nil {
		m.registry.MustRegister(feedCollector{live})
	}
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *Metrics) request(method, route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(knownMethod(method), route, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// knownMethod keeps made-up methods from making series.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	}
	return "other"
}

func (m *Metrics) signIn(result string) {
	if m != nil {
		m.signIns.WithLabelValues(result).Inc()
	}
}

func (m *Metrics) follow(delta float64) {
	if m != nil {
		m.streams.Add(delta)
	}
}

// databaseCollector asks the database when it is scraped.
type databaseCollector struct{ ping func(context.Context) error }

var (
	databaseUp   = prometheus.NewDesc("sallyport_database_up", "1 when the database answers.", nil, nil)
	databasePing = prometheus.NewDesc("sallyport_database_ping_seconds", "How long the database took to answer.", nil, nil)
)

func (databaseCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- databaseUp
	ch <- databasePing
}

func (d databaseCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyDeadline)
	defer cancel()
	start, up := time.Now(), 1.0
	if d.ping(ctx) != nil {
		up = 0
	}
	ch <- prometheus.MustNewConstMetric(databaseUp, prometheus.GaugeValue, up)
	ch <- prometheus.MustNewConstMetric(databasePing, prometheus.GaugeValue, time.Since(start).Seconds())
}

// feedCollector reads the hub's figures when it is scraped.
type feedCollector struct{ live Live }

var (
	feedHead        = prometheus.NewDesc("sallyport_feed_revision", "The newest revision that this portal has heard of.", nil, nil)
	feedStreams     = prometheus.NewDesc("sallyport_feed_streams", "Gateways with a stream to this portal.", nil, nil)
	feedSnapshots   = prometheus.NewDesc("sallyport_feed_snapshots_total", "Snapshots sent to gateways.", nil, nil)
	feedMismatches  = prometheus.NewDesc("sallyport_feed_mismatches_total", "Reports whose hash did not agree.", nil, nil)
	feedFenced      = prometheus.NewDesc("sallyport_feed_fenced_total", "Streams closed because a newer one of the gateway began.", nil, nil)
	feedRefused     = prometheus.NewDesc("sallyport_feed_refused_total", "Requests of gateways without a good certificate or token.", nil, nil)
	feedPropagation = prometheus.NewDesc("sallyport_feed_propagation_seconds", "From the commit of a change to the report that a gateway has applied it.", nil, nil)
)

func (feedCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{feedHead, feedStreams, feedSnapshots, feedMismatches, feedFenced, feedRefused, feedPropagation} {
		ch <- d
	}
}

func (f feedCollector) Collect(ch chan<- prometheus.Metric) {
	m := f.live.Metrics()
	ch <- prometheus.MustNewConstMetric(feedHead, prometheus.GaugeValue, float64(m.Head))
	ch <- prometheus.MustNewConstMetric(feedStreams, prometheus.GaugeValue, float64(m.Streams))
	ch <- prometheus.MustNewConstMetric(feedSnapshots, prometheus.CounterValue, float64(m.Snapshots))
	ch <- prometheus.MustNewConstMetric(feedMismatches, prometheus.CounterValue, float64(m.Mismatches))
	ch <- prometheus.MustNewConstMetric(feedFenced, prometheus.CounterValue, float64(m.Fenced))
	ch <- prometheus.MustNewConstMetric(feedRefused, prometheus.CounterValue, float64(m.Refused))
	ch <- propagation(m.Propagation)
}

// propagation turns the hub's histogram, whose counts are cumulative and end with the count of all, into Prometheus' form.
func propagation(h feed.Histogram) prometheus.Metric {
	buckets, total := map[float64]uint64{}, uint64(0)
	for i, n := range h.Counts {
		total = n
		if i < len(h.Bounds) {
			buckets[h.Bounds[i].Seconds()] = n
		}
	}
	return prometheus.MustNewConstHistogram(feedPropagation, total, h.Sum.Seconds(), buckets)
}
