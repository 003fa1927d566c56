package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// app serves the built web app: hashed assets for ever, everything else with an entity tag, and for every other path the page, in which
// the router of the web app finds its way.
type app struct {
	files map[string]*appFile // by path without the leading slash
	index [][]byte            // the page, cut where the nonce goes
}

// noncePlaceholder is what index.html has where the nonce goes.
const noncePlaceholder = "__CSP_NONCE__"

type appFile struct {
	plain, gz, br []byte // gz and br: as built, nil when there is none
	kind, tag     string
	immutable     bool
	zip           sync.Once
}

func newApp(files fs.FS) (*app, error) {
	a := &app{files: map[string]*appFile{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && name != "." {
			if d.IsDir() {
				return fs.SkipDir // what the build leaves for its own tools
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		a.files[name] = &appFile{
			plain: b, kind: contentType(name), tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
			immutable: strings.HasPrefix(name, "assets/"),
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	index := a.files["index.html"]
	if index == nil {
		return nil, errors.New("there is no index.html")
	}
	a.index = bytes.Split(index.plain, []byte(noncePlaceholder))
	a.joinVariants()
	return a, nil
}

// joinVariants makes x.gz and x.br, where the build made them, forms of x.
func (a *app) joinVariants() {
	for name, f := range a.files {
		if gz := a.files[name+".gz"]; gz != nil {
			f.gz = gz.plain
		}
		if br := a.files[name+".br"]; br != nil {
			f.br = br.plain
		}
	}
	for name := range a.files {
		if ext := path.Ext(name); (ext == ".gz" || ext == ".br") && a.files[strings.TrimSuffix(name, ext)] != nil {
			delete(a.files, name)
		}
	}
	delete(a.files, "index.html") // it is only served with its nonce
}

// contentType does not ask the system's own tables, which differ between machines.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		if kind := mime.TypeByExtension(ext); kind != "" {
			return kind
		}
		return "application/octet-stream"
	}
}

// serve answers every path that nothing else answers to.
func (a *app) serve(c echo.Context) error {
	name := strings.TrimPrefix(path.Clean("/"+c.Request().URL.Path), "/")
	if f := a.files[name]; f != nil {
		return f.serve(c)
	}
	if strings.HasPrefix(name, "assets/") || path.Ext(name) != "" && name != "index.html" {
		return echo.ErrNotFound // a file that is not there; the page in its place would only confuse
	}
	return a.page(c)
}

// page serves the web app's page with a nonce of its own, which must not be kept by any cache.
func (a *app) page(c echo.Context) error {
	nonce := newNonce()
	h := c.Response().Header()
	h.Set("Content-Security-Policy", appPolicy(nonce))
	h.Set("Cache-Control", "no-store")
	return c.Blob(http.StatusOK, "text/html; charset=utf-8", bytes.Join(a.index, []byte(nonce)))
}

func (f *appFile) serve(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // one year, in seconds; the name changes with the content
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	body, tag := f.plain, f.tag
	if encoded, encoding := f.encoded(c.Request().Header.Get("Accept-Encoding")); encoded != nil {
		h.Set("Content-Encoding", encoding)
		body, tag = encoded, strings.TrimSuffix(f.tag, `"`)+"-"+encoding+`"`
	}
	h.Set("ETag", tag)
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
	return nil
}

// encoded returns the smallest form that the client takes, nil for the plain one. What the build did not compress is compressed the first
// time that it is asked for.
func (f *appFile) encoded(accept string) (body []byte, encoding string) {
	if f.br != nil && accepts(accept, "br") {
		return f.br, "br"
	}
	if !compressible(f.kind) || !accepts(accept, "gzip") {
		return nil, ""
	}
	f.zip.Do(func() {
		if f.gz == nil {
			f.gz = gzipped(f.plain)
		}
	})
	if f.gz == nil {
		return nil, ""
	}
	return f.gz, "gzip"
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(fmt.Sprintf("api: %v", err)) // only a level that does not exist
	}
	_, _ = w.Write(b) // a bytes.Buffer takes everything
	_ = w.Close()
	if out.Len() >= len(b) {
		return nil
	}
	return out.Bytes()
}

func compressible(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "application/json") || strings.HasPrefix(kind, "image/svg") ||
		strings.HasPrefix(kind, "application/manifest")
}

// accepts reads Accept-Encoding (RFC 9110, section 12.5.3) as far as browsers use it: a list of names, of which ";q=0" refuses one.
func accepts(header, encoding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		if strings.TrimSpace(name) == encoding {
			return strings.TrimSpace(params) != "q=0"
		}
	}
	return false
}
