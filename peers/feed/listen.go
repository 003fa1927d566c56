package feed

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/sallyport/sallyport/portal"
)

// How often what gateways say is stored: at most every saveEvery, at most a tenth of the time, and rows that say nothing new every seenEvery.
const (
	saveEvery = 250 * time.Millisecond
	seenEvery = 30 * time.Second
)

// How often a gateway may report: our own says something every reportEvery, in as many lines as its devices need. Who says more is read no
// faster, and so waits.
const (
	linesEvery = 10 * time.Millisecond
	linesBurst = 400
)

// listen reads reports until the stream ends, and says why.
func (h *Hub) listen(rc *http.ResponseController, lines *lineReader, s *stream) error {
	pace := rate.NewLimiter(rate.Every(linesEvery), linesBurst)
	for {
		if wait := pace.Reserve().Delay(); wait > 0 {
			select {
			case <-s.ended:
				return errFenced
			case <-time.After(wait):
			}
		}
		if err := rc.SetReadDeadline(time.Now().Add(silentBeats * h.Beat)); err != nil {
			return err
		}
		line, err := lines.next()
		if err != nil {
			return err
		}
		now := h.Now()
		m, err := parseReport(line, now)
		if err != nil {
			return err
		}
		if m != nil && !h.take(s, m, now) {
			return errFenced
		}
		if m == nil {
			if a := parseAnswer(line); a != nil {
				h.answered(s, a)
			}
		}
		lines.shrink()
	}
}

// take notes a report. It returns false when the stream is not its gateway's newest one: then the report counts for nothing.
func (h *Hub) take(s *stream, m *reportMsg, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[s.id] != s || s.bye != "" {
		return false
	}
	h.compare(s, m, now)
	h.measure(s, m, now)
	changed := m.Revision != s.report.Revision || m.Hash != s.report.Hash || m.Problem != s.report.Problem || m.Drift != s.report.Drift || m.OpenVPN != s.report.OpenVPN ||
		m.Version != s.report.Version || !m.Key.IsZero()
	live := make([]portal.Live, 0, len(m.Live))
	for _, l := range m.Live {
		if s.view.has(l.Device) { // a gateway speaks for devices that it serves, and for no others
			live = append(live, l.live(s.id, now))
		}
	}
	m.Live = nil
	s.report, s.seenAt = *m, now
	if changed || len(live) > 0 || now.Sub(s.savedAt) >= seenEvery {
		s.savedAt = now
		h.queue(&GatewayReport{Gateway: s.id, Epoch: s.epoch, At: now, Report: Report{
			Revision: m.Revision, Hash: m.Hash, Problem: m.Problem, ApplyTook: time.Duration(m.Took) * time.Microsecond, Version: m.Version,
			PublicKey: m.Key, Drift: m.Drift, OpenVPN: m.OpenVPN, Live: live,
		}})
	}
	return true
}

// compare holds what the gateway has against what it should have, and heals a difference with a snapshot: at once the first time, then
// after a growing pause, since a gateway that stays different can't be helped by more of the same.
func (h *Hub) compare(s *stream, m *reportMsg, now time.Time) {
	switch ring := &s.view.ring; {
	case m.Full < s.full || s.wantSnapshot || s.first != nil:
		return // what will make them agree is on its way
	case m.Revision <= h.book.revision && (m.Revision > s.view.revision || !ring.covers(m.Revision)):
		return // nothing to compare with, now
	case m.Revision <= h.book.revision && ring.hashAt(m.Revision) == m.Hash:
		s.hashOK, s.heals = true, 0
		return
	}
	s.hashOK = false
	if now.Before(s.healAt) {
		return
	}
	h.mismatch(s)
	s.healAt = now.Add(time.Second << min(s.heals, 8))
	s.heals++
	s.wantSnapshot = true
	pulse(s.wake)
}

func (h *Hub) mismatch(s *stream) {
	s.history.mismatches++
	h.figures.mismatches++
	h.Log.Warn("gateway differs from what it should have; sending it all", "gateway", s.id, "epoch", s.epoch)
}

// measure notes how long the newest change took from its commit to its application.
func (h *Hub) measure(s *stream, m *reportMsg, now time.Time) {
	if m.Revision <= s.report.Revision {
		return
	}
	t, ok := s.view.ring.newest(max(s.joined, s.report.Revision), m.Revision)
	if !ok {
		return
	}
	s.latency = max(0, now.Add(-time.Duration(m.Ago)*time.Microsecond).Sub(t.at))
	h.figures.observe(s.latency)
}

// queue puts a report with those that wait to be stored: the newest figures of each gateway, the newest of each device.
func (h *Hub) queue(r *GatewayReport) {
	if old := h.reports[r.Gateway]; old != nil && old.Epoch <= r.Epoch {
		r.Report.Live = mergeLive(old.Report.Live, r.Report.Live)
		if r.Report.PublicKey.IsZero() {
			r.Report.PublicKey = old.Report.PublicKey
		}
		if r.Report.Version == "" {
			r.Report.Version = old.Report.Version
		}
	}
	h.reports[r.Gateway] = r
	pulse(h.dirty)
}

// mergeLive returns the newest of each device.
func mergeLive(older, newer []portal.Live) []portal.Live {
	if len(older) == 0 {
		return newer
	}
	if len(newer) == 0 {
		return older
	}
	at := make(map[portal.DeviceID]int, len(older)+len(newer))
	merged := make([]portal.Live, 0, len(older)+len(newer))
	for _, list := range [][]portal.Live{older, newer} {
		for _, l := range list {
			if i, seen := at[l.Device]; seen {
				merged[i] = l
				continue
			}
			at[l.Device] = len(merged)
			merged = append(merged, l)
		}
	}
	return merged
}

// saveReports stores what gateways say until ctx ends, many reports in one transaction, and then tells the subscribers.
func (h *Hub) saveReports(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			_ = h.saveOnce(last) // it has logged why
			cancel()
			return
		case <-h.dirty:
		}
		began := time.Now()
		pause := saveEvery
		if err := h.saveOnce(ctx); err != nil {
			pause = 4 * saveEvery
		}
		pause = max(pause, 9*time.Since(began))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (h *Hub) saveOnce(ctx context.Context) error {
	h.mu.Lock()
	rows := make([]GatewayReport, 0, len(h.reports))
	for _, r := range h.reports {
		rows = append(rows, *r)
	}
	clear(h.reports)
	h.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	stale, notes, err := h.Control.SaveReports(ctx, rows)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			h.Log.ErrorContext(ctx, "store what gateways reported", "err", err)
		}
		h.keep(rows)
		return err
	}
	h.notes = max(h.notes, notes)
	h.settle(rows, stale)
	return nil
}

// keep puts rows back that could not be stored, under what has come meanwhile.
func (h *Hub) keep(rows []GatewayReport) {
	newer := maps.Clone(h.reports)
	for i := range rows {
		h.queue(&rows[i])
	}
	for _, r := range newer {
		h.queue(r)
	}
}

// settle tells of what was stored. Reports that were refused say that another portal has a newer stream or has retired the gateway: the
// loop will see which.
func (h *Hub) settle(rows []GatewayReport, stale []portal.GatewayID) {
	refused := map[portal.GatewayID]bool{}
	for _, id := range stale {
		refused[id] = true
		pulse(h.wake)
	}
	for _, r := range rows {
		if refused[r.Gateway] {
			continue
		}
		h.events.send(Event{Kind: EventGateway, Gateway: r.Gateway})
		if n := len(r.Report.Live); n > 0 {
			devices := make([]portal.DeviceID, n)
			for i, l := range r.Report.Live {
				devices[i] = l.Device
			}
			h.events.send(Event{Kind: EventDevices, Gateway: r.Gateway, Devices: devices})
		}
	}
}

// noteOthers tells subscribers to look at everything when another portal has stored something.
func (h *Hub) noteOthers(notes uint64) {
	if notes <= h.notes {
		return
	}
	h.notes = notes
	h.events.send(Event{Kind: EventGateway})
	h.events.send(Event{Kind: EventDevices})
}
