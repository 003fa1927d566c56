package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestGroupsAreLocalOrKeptElsewhereAndSaySo(t *testing.T) {
	w := newWorld(t)
	boss, ada := w.ready("boss", "admins"), w.ready("ada", "staff")
	type group struct {
		ID, Name, Directory string
		Members             int
		Sources             []string
		BySource            []struct {
			Source  string
			Members int
		}
		Uses       []struct{ Kind, Name string }
		BuiltIn    bool
		Renameable bool
	}
	var local, claimed, all group
	boss.want(http.StatusCreated, "POST", "/groups", map[string]any{"name": "Night shift"}).into(t, &local)
	boss.want(http.StatusConflict, "POST", "/groups", map[string]any{"name": "Night shift"})
	boss.want(http.StatusOK, "PATCH", "/groups/"+local.ID, map[string]any{"name": "On call"}).into(t, &local)
	if local.Name != "On call" || !local.Renameable || local.BuiltIn {
		t.Errorf("got %+v", local)
	}
	var groups list[group]
	boss.want(http.StatusOK, "GET", "/groups", nil).into(t, &groups)
	for _, g := range groups.Items {
		switch g.Name {
		case "staff":
			claimed = g
		case "Everyone":
			all = g
		}
	}
	if !slices.Equal(claimed.Sources, []string{"claim"}) || claimed.Members != 1 {
		t.Errorf("got %+v", claimed)
	}

	// one person, one group, two sources: each takes back only what it gave
	boss.want(http.StatusNoContent, "PUT", "/groups/"+claimed.ID+"/members/"+ada.id, nil)
	boss.want(http.StatusNoContent, "PUT", "/groups/"+local.ID+"/members/"+ada.id, nil)
	var members list[struct {
		ID      string
		Sources []string
	}]
	boss.want(http.StatusOK, "GET", "/groups/"+claimed.ID+"/members?q=ADA", nil).into(t, &members)
	if len(members.Items) != 1 || members.Items[0].ID != ada.id || !slices.Equal(members.Items[0].Sources, []string{"claim", "local"}) {
		t.Errorf("got %+v", members)
	}
	if a := boss.want(http.StatusOK, "GET", "/people/"+ada.id, nil); !strings.Contains(a.body, `"sources":["claim","local"]`) {
		t.Errorf("the person does not say from where: %s", a.body)
	}
	boss.want(http.StatusNoContent, "DELETE", "/groups/"+claimed.ID+"/members/"+ada.id, nil)
	boss.want(http.StatusOK, "GET", "/groups/"+claimed.ID+"/members", nil).into(t, &members)
	if len(members.Items) != 1 || !slices.Equal(members.Items[0].Sources, []string{"claim"}) {
		t.Errorf("taking the local membership left %+v", members)
	}
	boss.want(http.StatusNoContent, "DELETE", "/groups/"+claimed.ID+"/members/"+ada.id, nil) // it was not there, and the claim stays
	boss.want(http.StatusNotFound, "PUT", "/groups/"+local.ID+"/members/"+nobody, nil)
	boss.want(http.StatusForbidden, "PUT", "/groups/everyone/members/"+ada.id, nil)

	for id, code := range map[string]string{claimed.ID: "group_kept_elsewhere", all.ID: "group_kept_elsewhere"} {
		if a := boss.want(http.StatusConflict, "PATCH", "/groups/"+id, map[string]any{"name": "Mine"}); a.code() != code {
			t.Errorf("renaming %s: %s", id, a.code())
		}
	}

	// what names a group keeps it from being deleted, and is listed
	w.place(boss)
	must(0, w.Store.Tx(t.Context(), func(tx *store.Tx) error {
		return tx.SetFactorPolicy(portal.GroupID(local.ID), portal.DefaultFactorPolicy())
	}))
	var resource struct{ ID string }
	boss.want(http.StatusCreated, "POST", "/resources", map[string]any{"name": "git", "prefixes": []string{"10.20.0.1/32"}, "transport": "any"}).into(t, &resource)
	boss.want(http.StatusCreated, "POST", "/rules", map[string]any{
		"name": "work", "reason": "x", "action": "allow", "groups": []string{local.ID}, "resources": []string{resource.ID},
	})
	boss.want(http.StatusCreated, "POST", "/profiles", map[string]any{
		"name": "On call", "mode": "split", "included": []string{"10.20.0.0/16"}, "sessionSeconds": 36000, "groups": []string{local.ID},
	})
	boss.want(http.StatusCreated, "POST", "/resources", map[string]any{
		"name": "payroll", "prefixes": []string{"10.20.0.2/32"}, "transport": "any", "requestable": true, "approvers": local.ID,
	})
	var problem struct {
		Code   string
		Errors []struct{ Path, Code, Message string }
	}
	boss.want(http.StatusConflict, "DELETE", "/groups/"+local.ID, nil).into(t, &problem)
	var named []string
	for _, e := range problem.Errors {
		named = append(named, e.Code+" "+e.Message)
	}
	if want := []string{"factor_policy On call", "profile On call", "resource payroll", "rule work"}; problem.Code != "in_use" || !slices.Equal(named, want) {
		t.Errorf("got %+v, want %v", problem, want)
	}
	boss.want(http.StatusOK, "GET", "/groups/"+local.ID, nil).into(t, &local)
	if len(local.Uses) != 4 || local.Members != 1 {
		t.Errorf("got %+v", local)
	}
	boss.want(http.StatusConflict, "DELETE", "/groups/everyone", nil)
	var free group
	boss.want(http.StatusCreated, "POST", "/groups", map[string]any{"name": "Free"}).into(t, &free)
	boss.want(http.StatusNoContent, "PUT", "/groups/"+free.ID+"/members/"+ada.id, nil)
	boss.want(http.StatusNoContent, "DELETE", "/groups/"+free.ID, nil)
	boss.want(http.StatusNotFound, "GET", "/groups/"+free.ID, nil)
	if a := boss.want(http.StatusOK, "GET", "/audit?action=group.", nil); !strings.Contains(a.body, `"before":{"name":"Night shift"}`) || !strings.Contains(a.body, "group.delete") {
		t.Errorf("the trail: %s", a.body)
	}

	// by pages, Everyone first; a cursor of a group that is gone is refused
	type page struct {
		Items []group
		Next  string
	}
	var whole list[group]
	boss.want(http.StatusOK, "GET", "/groups", nil).into(t, &whole)
	var walked []string
	var last page
	for at := ""; ; at = "&cursor=" + last.Next {
		last = page{}
		boss.want(http.StatusOK, "GET", "/groups?limit=1"+at, nil).into(t, &last)
		for i, g := range last.Items {
			if n := len(walked) + i; g.Name != whole.Items[n].Name || g.Members != whole.Items[n].Members || !slices.Equal(g.Sources, whole.Items[n].Sources) {
				t.Errorf("place %d: got %+v, want %+v", n, g, whole.Items[n])
			}
			walked = append(walked, g.Name)
		}
		if last.Next == "" {
			break
		}
	}
	if len(walked) != len(whole.Items) || walked[0] != "Everyone" {
		t.Errorf("walked %v", walked)
	}
	boss.want(http.StatusOK, "GET", "/groups?q=ON+C", nil).into(t, &last)
	if len(last.Items) != 1 || last.Items[0].Name != "On call" {
		t.Errorf("found %+v", last)
	}
	boss.want(http.StatusCreated, "POST", "/groups", map[string]any{"name": "A brief one"}).into(t, &free)
	last = page{}
	boss.want(http.StatusOK, "GET", "/groups?limit=2", nil).into(t, &last)
	boss.want(http.StatusNoContent, "DELETE", "/groups/"+free.ID, nil)
	boss.want(http.StatusBadRequest, "GET", "/groups?limit=2&cursor="+last.Next, nil)
}
