package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
)

// rawWebhook is told what becomes of requests for temporary access.
type rawWebhook struct {
	Name       string   `yaml:"name"`
	URL        string   `yaml:"url"`
	SecretFile string   `yaml:"secret_file"`
	Networks   []string `yaml:"networks"`
}

// webhooks refuses plain HTTP beyond this machine. The secret never travels, but what people ask for would.
func (p *parser) webhooks(list []rawWebhook, public *url.URL) []Sink {
	seen := map[string]bool{}
	var out []Sink
	for i, r := range list {
		key := fmt.Sprintf("webhooks[%d]", i)
		if !sinkName.MatchString(r.Name) || seen[r.Name] {
			p.wrong(key+".name", "%q is not a name of its own of a-z, 0-9 and '-', up to 32", r.Name)
		}
		seen[r.Name] = true
		u, err := url.Parse(r.URL)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
			p.wrong(key+".url", "is not an https URL without a user")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			p.wrong(key+".url", "must be https, unless the receiver is on this machine")
		}
		w := &trail.Webhook{URL: r.URL, Client: auth.GuardedClient(p.prefixes(key+".networks", r.Networks)), Now: time.Now}
		if public != nil {
			w.Page = public.JoinPath("/requests").String()
		}
		if r.SecretFile == "" {
			p.wrong(key+".secret_file", "is missing: what is posted is signed")
		} else {
			w.Secret = portal.NewSecretText(p.secretFile(key+".secret_file", r.SecretFile))
			p.private(key+".secret_file", r.SecretFile)
			if _, err := trail.WebhookKey(w.Secret); err != nil && !w.Secret.IsZero() {
				p.wrong(key+".secret_file", "%s: %v", r.SecretFile, err)
			}
		}
		out = append(out, Sink{"webhook:" + r.Name, w})
	}
	return out
}

// webhookTasks tell what is new from when a webhook was first configured.
func (s *site) webhookTasks() []task {
	list := make([]task, len(s.cfg.Webhooks))
	for i, one := range s.cfg.Webhooks {
		f := trail.Forwarder{Store: s.store, Name: one.Name, To: one.To, Log: s.log, Only: trail.AboutRequests, New: true}
		list[i] = task{one.Name, f.Run}
	}
	return list
}
