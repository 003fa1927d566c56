package demoidp

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var page = template.Must(template.New("page").Parse(pageHTML))

// text is what the page says in one language.
type text struct {
	Lang, Title, Notice, Choose, SignIn, Username, Password, Wrong, Ended, Bad, Worker, Admin string
}

var texts = map[string]text{
	"en": {
		Lang: "en", Title: "Demo sign-in", Choose: "Choose an account", SignIn: "Sign in as", Username: "Username", Password: "Password",
		Notice: "This identity provider belongs to the demo. Its passwords are on this page: never use it for anything real.",
		Wrong:  "Username or password is not right.", Ended: "This sign-in took too long. Go back to the portal and start again.",
		Bad: "The portal's request is not right: ", Worker: "works remotely", Admin: "runs the portal",
	},
	//nolint:gosec // G101 sees a password; it is the word for one
	"ko": {
		Lang: "ko", Title: "데모 로그인", Choose: "계정을 고르세요", SignIn: "로그인:", Username: "사용자 이름", Password: "비밀번호",
		Notice: "이 로그인 서버는 데모 전용입니다. 비밀번호가 화면에 그대로 보이므로 실제 업무에는 쓰지 마세요.",
		Wrong:  "사용자 이름이나 비밀번호가 맞지 않습니다.", Ended: "로그인 시간이 지났습니다. 포털로 돌아가 다시 시작하세요.",
		Bad: "포털의 요청이 올바르지 않습니다: ", Worker: "원격 근무자", Admin: "포털 관리자",
	},
}

// authorize shows the accounts (OpenID Connect Core 1.0, section 3.1.2.1). A request from a client or for a redirect URI that is not the
// portal's is never redirected; other mistakes go back to the portal.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for name := range q {
		if len(q[name]) > 1 {
			s.show(w, r, http.StatusBadRequest, view{Problem: "bad", Detail: name})
			return
		}
	}
	if q.Get("client_id") != s.cfg.ClientID {
		s.show(w, r, http.StatusBadRequest, view{Problem: "bad", Detail: "client_id"})
		return
	}
	if q.Get("redirect_uri") != s.cfg.RedirectURI {
		s.show(w, r, http.StatusBadRequest, view{Problem: "bad", Detail: "redirect_uri"})
		return
	}
	state := q.Get("state")
	switch {
	case q.Get("response_type") != "code":
		s.back(w, r, url.Values{"error": {"unsupported_response_type"}, "state": {state}})
		return
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		s.back(w, r, url.Values{"error": {"invalid_scope"}, "state": {state}})
		return
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		s.back(w, r, url.Values{"error": {"invalid_request"}, "state": {state}})
		return
	case q.Get("prompt") == "none":
		s.back(w, r, url.Values{"error": {"login_required"}, "state": {state}})
		return
	}
	name := s.requests.put(request{state: state, nonce: q.Get("nonce"), challenge: q.Get("code_challenge")}, requestLife)
	if name == "" {
		s.back(w, r, url.Values{"error": {"temporarily_unavailable"}, "state": {state}})
		return
	}
	s.show(w, r, http.StatusOK, view{Request: name})
}

// login takes the form: fields "request", "username" and "password".
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		s.show(w, r, http.StatusBadRequest, view{Problem: "ended"})
		return
	}
	name := r.PostForm.Get("request")
	if _, ok := s.requests.peek(name); !ok {
		s.show(w, r, http.StatusGone, view{Problem: "ended"})
		return
	}
	a, ok := s.account(r.PostForm.Get("username"), r.PostForm.Get("password"))
	if !ok {
		s.show(w, r, http.StatusUnauthorized, view{Request: name, Problem: "wrong"})
		return
	}
	asked, ok := s.requests.take(name)
	if !ok {
		s.show(w, r, http.StatusGone, view{Problem: "ended"})
		return
	}
	code := s.codes.put(grant{asked, a}, codeLife)
	if code == "" {
		s.back(w, r, url.Values{"error": {"temporarily_unavailable"}, "state": {asked.state}})
		return
	}
	s.back(w, r, url.Values{"code": {code}, "state": {asked.state}})
}

// back sends the browser to the portal with an answer that names this issuer (RFC 9207).
func (s *Server) back(w http.ResponseWriter, r *http.Request, answer url.Values) {
	answer.Set("iss", s.cfg.Issuer)
	glue := "?"
	if strings.Contains(s.cfg.RedirectURI, "?") {
		glue = "&"
	}
	http.Redirect(w, r, s.cfg.RedirectURI+glue+answer.Encode(), http.StatusSeeOther)
}

// view is what the page shows.
type view struct {
	Request string // "" when there is nothing to choose
	Problem string // "", "bad", "wrong" or "ended"
	Detail  string

	Text     text
	Base     string
	Accounts []card
}

type card struct {
	Account
	Shown, Initial, Does string
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Text, v.Base = texts[language(r.Header.Get("Accept-Language"))], s.base
	for _, a := range s.cfg.Accounts {
		c := card{Account: a, Shown: a.Name, Does: v.Text.Worker}
		if v.Text.Lang == "ko" && a.NameKo != "" {
			c.Shown = a.NameKo
		}
		if slices.Contains(a.Groups, AdminGroup) {
			c.Does = v.Text.Admin
		}
		c.Initial = string([]rune(c.Shown)[:1])
		v.Accounts = append(v.Accounts, c)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Text.Lang)
	w.Header().Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_ = page.Execute(w, v) // the browser has gone: nobody to tell
}

func (s *Server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleCSS)
}

// language returns "ko" or "en", whichever the browser likes better (RFC 9110, section 12.5.4); "en" when it likes neither.
func language(accept string) string {
	best, liked := "en", 0.0
	for item := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			q, _ = strconv.ParseFloat(v, 64)
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if _, known := texts[primary]; known && q > liked {
			best, liked = primary, q
		}
	}
	return best
}
