package main

import "github.com/sallyport/sallyport/tests/world"

// measureSizes weighs the JavaScript that a browser without a cache gets: for the sign-in page, and on to the worker's home page.
func (l *line) measureSizes(r *results) {
	b := l.NewBrowser(l.Net)
	b.Do("visit", map[string]any{"url": world.PortalURL + "/"})
	r.most("JavaScript of the sign-in page, compressed", kib(b.Do("weigh", nil).Scripts), "KiB", 100)
	b.Do("signIn", map[string]any{"url": world.PortalURL + "/", "name": "visitor"})
	b.Do("enrolTotp", nil)
	r.most("JavaScript up to the worker's home page, compressed", kib(b.Do("weigh", nil).Scripts), "KiB", 250)
}

func kib(n int64) float64 { return float64(n) / 1024 }
