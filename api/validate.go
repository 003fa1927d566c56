package api

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/portal"
)

// validate checks a request against its operation in the contract before anything of it is decoded. All that is wrong comes back at once.
func validate(route *routers.Route) echo.MiddlewareFunc {
	options := &openapi3filter.Options{
		MultiError: true, KeepValidatedValue: true, RejectWhenRequestBodyNotSpecified: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, // the gate has done that
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if err := checkContentType(r, route.Operation.RequestBody != nil); err != nil {
				return err
			}
			err := openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
				Request: r, PathParams: pathParams(c), QueryParams: r.URL.Query(), Route: route, Options: options,
			})
			if err != nil {
				return refusal(err)
			}
			if err := checkText(r.Body, r.URL.Query()); err != nil {
				return err
			}
			return next(c)
		}
	}
}

func checkContentType(r *http.Request, wantBody bool) error {
	if !wantBody {
		return nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errUnsupported
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return errUnsupported
	}
	r.Header.Set("Content-Type", "application/json") // without parameters: what the contract lists
	return nil
}

func pathParams(c echo.Context) map[string]string {
	params := map[string]string{}
	for i, name := range c.ParamNames() {
		params[name] = c.ParamValues()[i]
	}
	return params
}

// refusal turns the validator's findings into fields. Its own sentences are not used: they quote the input.
func refusal(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	var fields []portal.Field
	collect(err, "", &fields)
	if len(fields) == 0 {
		return errMalformed
	}
	slices.SortStableFunc(fields, func(a, b portal.Field) int { return strings.Compare(a.Path, b.Path) })
	fields = slices.Compact(fields)
	if len(fields) > maxFields {
		fields = fields[:maxFields]
	}
	return portal.InvalidFields(fields...)
}

// maxFields bounds how many wrong fields are named: a body of 64 KiB can hold thousands.
const maxFields = 50

// collect walks the tree of errors. parameter is the name of the one that is being looked at, "" for the body.
func collect(err error, parameter string, fields *[]portal.Field) {
	switch e := err.(type) { //nolint:errorlint // the tree is walked node by node
	case openapi3.MultiError:
		for _, one := range e {
			collect(one, parameter, fields)
		}
	case *openapi3filter.RequestError:
		if e.Parameter != nil {
			parameter = e.Parameter.Name
		}
		if inner := e.Err; inner != nil && !isLeaf(inner) {
			collect(inner, parameter, fields)
			return
		}
		*fields = append(*fields, leaf(e, parameter))
	case *openapi3.SchemaError:
		*fields = append(*fields, schemaFields(e, parameter)...)
	default:
		if inner := errors.Unwrap(err); inner != nil {
			collect(inner, parameter, fields)
			return
		}
		*fields = append(*fields, portal.Field{Path: parameter, Code: "malformed", Msg: "This can't be read."})
	}
}

func isLeaf(err error) bool {
	var multi openapi3.MultiError
	var schema *openapi3.SchemaError
	return !errors.As(err, &multi) && !errors.As(err, &schema)
}

func leaf(e *openapi3filter.RequestError, parameter string) portal.Field {
	switch {
	case errors.Is(e, openapi3filter.ErrInvalidRequired):
		return portal.Field{Path: parameter, Code: "required", Msg: "This is needed."}
	case parameter == "" && e.RequestBody == nil:
		return portal.Field{Path: "", Code: "no_body", Msg: "This takes no body."}
	case parameter == "":
		return portal.Field{Path: "", Code: "malformed", Msg: "The body is not JSON."}
	}
	return portal.Field{Path: parameter, Code: "malformed", Msg: "This can't be read."}
}

// schemaFields names what a schema found wrong.
func schemaFields(e *openapi3.SchemaError, parameter string) []portal.Field {
	path := pointer(e.JSONPointer())
	if parameter != "" {
		path = parameter
	}
	if e.SchemaField == "properties" { // unknown ones; the error is about the object that has them
		var fields []portal.Field
		object, _ := e.Value.(map[string]any)
		for key := range object {
			if e.Schema.Properties[key] == nil {
				fields = append(fields, portal.Field{Path: path + pointer([]string{key}), Code: "unknown_field", Msg: "There is no such field."})
			}
		}
		return fields
	}
	code, msg := wording(e)
	return []portal.Field{{Path: path, Code: code, Msg: msg}}
}

func wording(e *openapi3.SchemaError) (code, msg string) {
	switch e.SchemaField {
	case "required":
		return "required", "This is needed."
	case "type", "nullable":
		return "wrong_type", "This has the wrong type."
	case "enum":
		return "not_allowed", fmt.Sprintf("Use one of %s.", choices(e.Schema.Enum))
	case "minLength":
		return "too_short", fmt.Sprintf("Use at least %d characters.", e.Schema.MinLength)
	case "maxLength":
		return "too_long", fmt.Sprintf("Use at most %d characters.", *e.Schema.MaxLength)
	case "minItems":
		return "too_few", fmt.Sprintf("Give at least %d.", e.Schema.MinItems)
	case "maxItems":
		return "too_many", fmt.Sprintf("Give at most %d.", *e.Schema.MaxItems)
	case "minimum":
		return "too_small", fmt.Sprintf("Use %v or more.", *e.Schema.Min)
	case "maximum":
		return "too_large", fmt.Sprintf("Use %v or less.", *e.Schema.Max)
	}
	return "malformed", "This does not have the right form."
}

func choices(enum []any) string {
	texts := make([]string, len(enum))
	for i, v := range enum {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// pointer is the JSON pointer to path (RFC 6901), "" for the whole body. A key that a client made up is cut.
func pointer(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(cut(p, 64)))
	}
	return b.String()
}

// checkText refuses control characters and those that reorder text on screen, in the body and in the query, so that no name can forge
// a line of a log, of a client's file, or of a screen. Descriptions may have several lines.
func checkText(body any, query map[string][]string) error {
	var fields []portal.Field
	if v, ok := body.(interface{ ValidatedValue() any }); ok {
		fields = textFields(v.ValidatedValue(), nil, fields)
	}
	for name, values := range query {
		for _, v := range values {
			if !printable(v, false) {
				fields = append(fields, unprintable(cut(name, 64)))
			}
		}
	}
	return portal.InvalidFields(fields...)
}

// withLines are the fields whose text may have several lines.
var withLines = []string{"description", "document", "reason", "csr"}

func textFields(value any, path []string, fields []portal.Field) []portal.Field {
	if len(fields) >= maxFields {
		return fields
	}
	switch v := value.(type) {
	case string:
		if !printable(v, slices.ContainsFunc(path, func(name string) bool { return slices.Contains(withLines, name) })) {
			fields = append(fields, unprintable(pointer(path)))
		}
	case []any:
		for i, item := range v {
			fields = textFields(item, append(slices.Clone(path), fmt.Sprint(i)), fields)
		}
	case map[string]any:
		for key, item := range v {
			fields = textFields(item, append(slices.Clone(path), key), fields)
		}
	}
	return fields
}

func printable(s string, lines bool) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		if lines && r == '\n' {
			return false
		}
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029'
	})
}

func unprintable(path string) portal.Field {
	return portal.Field{Path: path, Code: "control_character", Msg: "Use printable characters only."}
}
