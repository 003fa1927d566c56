package peers

import (
	"time"

	"github.com/sallyport/sallyport/peers/policyfile"
	"github.com/sallyport/sallyport/portal"
)

// writeConditions puts a rule's conditions into the form of a file.
func writeConditions(out *policyfile.Rule, c portal.Conditions) {
	out.Windows = nil
	for _, w := range c.Windows {
		out.Windows = append(out.Windows, policyfile.Window{Days: strs(w.Days), Start: w.Start.String(), End: w.End.String(), Zone: w.Zone})
	}
	out.Sources, out.Countries, out.Factor, out.Level = texts(c.Sources), c.Countries, durationText(c.Factor), string(c.Level)
	out.ValidFrom, out.ValidUntil = momentText(c.ValidFrom), momentText(c.ValidUntil)
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func momentText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// conditions reads a rule's conditions from a file.
func (a *applier) conditions(path string, r policyfile.Rule) ConditionsInput {
	in := ConditionsInput{
		Sources: r.Sources, Countries: r.Countries, Factor: a.duration(path+"/factor", r.Factor), Level: portal.Level(r.Level),
		ValidFrom: a.moment(path+"/valid_from", r.ValidFrom), ValidUntil: a.moment(path+"/valid_until", r.ValidUntil),
	}
	for _, w := range r.Windows {
		in.Windows = append(in.Windows, WindowInput{Days: portalIDs[portal.Weekday](w.Days), Start: w.Start, End: w.End, Zone: w.Zone})
	}
	return in
}

func (a *applier) moment(path, s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		a.fields = append(a.fields, portal.Field{Path: path, Code: "malformed", Msg: "Not a time such as 2026-03-01T09:00:00+09:00."})
	}
	return t
}

// plainRule writes a rule's tags and conditions as they would be exported after it was saved; what can't be saved stays as it is.
func plainRule(r policyfile.Rule) policyfile.Rule {
	var a applier
	var c check
	tags, conditions := c.tags("", r.Tags), c.conditions("", a.conditions("", r), portal.Action(r.Action))
	if len(c.fields)+len(a.fields) > 0 {
		return r
	}
	r.Tags = tags
	writeConditions(&r, conditions)
	return r
}

func portalIDs[T ~string](list []string) (out []T) {
	for _, s := range list {
		out = append(out, T(s))
	}
	return out
}
