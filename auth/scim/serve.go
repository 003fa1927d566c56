package scim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// MediaType is what SCIM speaks (RFC 7644, section 3.1).
const MediaType = "application/scim+json"

// The largest bodies, in bytes. A group of 50,000 people that is sent as a whole has about 5 MiB.
const (
	maxUserBody  = 256 << 10
	maxGroupBody = 8 << 20
)

// answer is what goes back when nothing went wrong.
type answer struct {
	status   int
	body     any // nil for none
	tag      string
	location string
}

// call is one request of a directory that is known.
type call struct {
	caller
	*http.Request

	id    string     // of the resource, "" for the collection
	query url.Values // a query that can't be read as a whole is refused before
	write http.ResponseWriter
}

// ServeSCIM answers a request below Path, for whoever has a token of ours. from is where it came from.
func (s *Service) ServeSCIM(w http.ResponseWriter, r *http.Request, from auth.Browser) {
	a, err := s.answer(w, r, from)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	for name, value := range map[string]string{"ETag": a.tag, "Location": a.location} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	h.Set("Content-Type", MediaType)
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body) // the client went away; there is nobody left to tell
}

func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := shown(err)
	level := slog.LevelDebug
	if e.Status >= http.StatusInternalServerError && e != errNotHere && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
	}
	if s.Log != nil {
		s.Log.Log(r.Context(), level, "SCIM request refused", "status", e.Status, "err", err)
	}
	body := object{"schemas": []string{messageURN + "Error"}, "status": strconv.Itoa(e.Status), "detail": e.Detail}
	keep(body, "scimType", e.Type)
	h := w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Cache-Control", "no-store")
	switch e.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="sallyport"`)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	case http.StatusTooManyRequests:
		if limited := (*portal.Error)(nil); errors.As(err, &limited) {
			h.Set("Retry-After", strconv.Itoa(limited.RetryAfter))
		}
	}
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request, from auth.Browser) (answer, error) {
	who, err := s.known(r.Context(), r.Header.Get("Authorization"), from)
	if err != nil {
		return answer{}, err
	}
	who.match = tags(r.Header.Values("If-Match"))
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return answer{}, bad(invalidSyntax, "The query can't be read.")
	}
	rest, ok := strings.CutPrefix(r.URL.Path, Path+"/")
	if !ok {
		return answer{}, errNotFound
	}
	collection, id, one := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if one && collection != "Schemas" && !plainID(id) {
		return answer{}, errNotFound
	}
	c := call{who, r, id, query, w}
	a, err := s.route(c, collection)
	s.note(c, err)
	return a, err
}

func (s *Service) route(c call, collection string) (answer, error) {
	switch collection {
	case "Users":
		return s.users(c)
	case "Groups":
		return s.groups(c)
	case "ServiceProviderConfig", "ResourceTypes", "Schemas":
		return s.discover(c, collection)
	case "Me", "Bulk", ".search":
		return answer{}, errNotHere
	}
	return answer{}, errNotFound
}

// noteEvery bounds how often what a directory did is written down.
const noteEvery = 10 * time.Second

// note writes down for those who look after the directory when it last changed something, and what was last refused. Nothing depends on it.
func (s *Service) note(c call, err error) {
	last := c.token.WroteAt
	if err != nil {
		last = c.token.FailedAt
	}
	if c.Method == http.MethodGet || errors.Is(err, errVersion) || c.now.Sub(last) < noteEvery {
		return
	}
	noted := s.Store.Tx(context.WithoutCancel(c.Context()), func(tx *store.Tx) error {
		if err == nil {
			return tx.NoteSCIMWrite(c.token.ID)
		}
		return tx.NoteSCIMFailure(c.token.ID, failure(c, err))
	})
	if noted != nil && s.Log != nil {
		s.Log.WarnContext(c.Context(), "note what a directory did", "err", noted)
	}
}

// failure is one line about a refused change. What the directory sent may be in it, so only what prints is kept.
func failure(c call, err error) string {
	e := shown(err)
	line := c.Method + " " + strings.TrimPrefix(c.URL.Path, Path) + ": " + strconv.Itoa(e.Status) + " " + e.Type + " " + e.Detail
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(line, ""))
	if runes := []rune(line); len(runes) > 300 {
		return string(runes[:300])
	}
	return line
}

func (s *Service) users(c call) (answer, error) {
	if c.id == ".search" {
		return answer{}, errNotHere
	}
	id := portal.UserID(c.id)
	switch {
	case c.Method == http.MethodGet && c.id == "":
		p, err := parsePage(userSchema, c.query)
		if err != nil {
			return answer{}, err
		}
		total, found, err := s.listUsers(c.Context(), c.caller, p)
		return answer{status: http.StatusOK, body: p.listed(total, found)}, err
	case c.Method == http.MethodGet:
		u, err := s.readUser(c.Context(), c.caller, id)
		return s.userAnswer(c, http.StatusOK, u, err)
	case c.Method == http.MethodPost && c.id == "":
		doc, err := readBody(c, maxUserBody, newUser)
		if err != nil {
			return answer{}, err
		}
		u, err := s.createUser(c.Context(), c.caller, doc)
		return s.userAnswer(c, http.StatusCreated, u, err)
	case c.Method == http.MethodPut && c.id != "":
		doc, err := readBody(c, maxUserBody, newUser)
		if err != nil {
			return answer{}, err
		}
		u, err := s.changeUser(c.Context(), c.caller, id, func(object) (object, error) { return clone(doc).(object), nil })
		return s.userAnswer(c, http.StatusOK, u, err)
	case c.Method == http.MethodPatch && c.id != "":
		todo, err := readBody(c, maxUserBody, patchUser)
		if err != nil {
			return answer{}, err
		}
		u, err := s.changeUser(c.Context(), c.caller, id, func(doc object) (object, error) { return doc, todo.apply(doc) })
		return s.userAnswer(c, http.StatusOK, u, err)
	case c.Method == http.MethodDelete && c.id != "":
		return answer{status: http.StatusNoContent}, s.deleteUser(c.Context(), c.caller, id)
	}
	return answer{}, errMethod
}

// userPatch is the steps of a PATCH.
type userPatch []step

func patchUser(body any) (userPatch, error) {
	ops, err := parsePatch(body)
	if err != nil {
		return nil, err
	}
	return steps(userSchema, ops)
}

func (p userPatch) apply(doc object) error {
	for _, s := range p {
		if err := s.apply(doc); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) userAnswer(c call, status int, u portal.SCIMUser, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	if a, ok := c.unchanged(u.Version); ok {
		return a, nil
	}
	o, err := s.userResource(u)
	return answer{status, parseShape(userSchema, c.query).of(o), tag(u.Version), s.location("User", string(u.User))}, err
}

// unchanged answers a GET of the version that the directory has.
func (c call) unchanged(version uint64) (answer, bool) {
	if c.Method != http.MethodGet || !anyTag(tags(c.Header.Values("If-None-Match")), version) {
		return answer{}, false
	}
	return answer{status: http.StatusNotModified, tag: tag(version)}, true
}

func (s *Service) groups(c call) (answer, error) {
	if c.id == ".search" {
		return answer{}, errNotHere
	}
	id := portal.GroupID(c.id)
	shape := parseShape(groupSchema, c.query)
	switch {
	case c.Method == http.MethodGet && c.id == "":
		p, err := parsePage(groupSchema, c.query)
		if err != nil {
			return answer{}, err
		}
		total, found, err := s.listGroups(c.Context(), c.caller, p)
		return answer{status: http.StatusOK, body: p.listed(total, found)}, err
	case c.Method == http.MethodGet:
		return s.groupAnswer(c, http.StatusOK, id, shape)
	case c.Method == http.MethodPost && c.id == "":
		in, err := readBody(c, maxGroupBody, newGroup)
		if err != nil {
			return answer{}, err
		}
		g, err := s.createGroup(c.Context(), c.caller, in)
		if err != nil {
			return answer{}, err
		}
		return s.groupAnswer(c, http.StatusCreated, g.ID, shape)
	case c.Method == http.MethodPut && c.id != "":
		in, err := readBody(c, maxGroupBody, newGroup)
		if err != nil {
			return answer{}, err
		}
		if _, err := s.changeGroup(c.Context(), c.caller, id, in); err != nil {
			return answer{}, err
		}
		return s.groupAnswer(c, http.StatusOK, id, shape)
	case c.Method == http.MethodPatch && c.id != "":
		in, err := readBody(c, maxGroupBody, func(body any) (groupChange, error) {
			ops, err := parsePatch(body)
			if err != nil {
				return groupChange{}, err
			}
			return patchGroup(ops)
		})
		if err != nil {
			return answer{}, err
		}
		g, err := s.changeGroup(c.Context(), c.caller, id, in)
		if err != nil {
			return answer{}, err
		}
		if shape.some { // RFC 7644, section 3.5.2: without it, nothing need be sent back, and nothing is read
			return s.groupAnswer(c, http.StatusOK, id, shape)
		}
		return answer{status: http.StatusNoContent, tag: tag(g.Version)}, nil
	case c.Method == http.MethodDelete && c.id != "":
		return answer{status: http.StatusNoContent}, s.deleteGroup(c.Context(), c.caller, id)
	}
	return answer{}, errMethod
}

func (s *Service) groupAnswer(c call, status int, id portal.GroupID, as shape) (answer, error) {
	g, members, err := s.readGroup(c.Context(), c.caller, id, as.wants("members"))
	if err != nil {
		return answer{}, err
	}
	if a, ok := c.unchanged(g.Version); ok {
		return a, nil
	}
	return answer{status, as.of(s.groupResource(g, members)), tag(g.Version), s.location("Group", string(id))}, nil
}

// readBody reads a body of at most limit bytes and makes of it what read does.
func readBody[T any](c call, limit int64, read func(body any) (T, error)) (T, error) {
	var none T
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != MediaType && kind != "application/json" {
		return none, errMedia
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.write, c.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return none, &Error{http.StatusRequestEntityTooLarge, "", "The body is larger than " + strconv.FormatInt(limit>>10, 10) + " KiB."}
	case err != nil:
		return none, bad(invalidSyntax, "The body ended too early.")
	}
	body, err := decode(b)
	if err != nil {
		return none, err
	}
	return read(body)
}
