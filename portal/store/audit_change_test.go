package store_test

import (
	"encoding/json"
	"testing"

	"github.com/sallyport/sallyport/portal/store"
)

func TestChangedTellsWhatWasDifferent(t *testing.T) {
	type thing struct {
		Name  string
		Ports []int
		Note  string
	}
	for want, c := range map[string]store.Changed{
		`{"Name":"a","Note":"new","Ports":[1,2],"before":{"Note":"old","Ports":[1]}}`: {thing{"a", []int{1, 2}, "new"}, thing{"a", []int{1}, "old"}},
		`{"Name":"a","Note":"","Ports":null,"before":{}}`:                             {thing{Name: "a"}, thing{Name: "a"}},
		`{"before":{"Name":"a","Note":"","Ports":null},"name":"a"}`:                   {map[string]string{"name": "a"}, thing{Name: "a"}},
	} {
		if got, err := json.Marshal(c); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if _, err := json.Marshal(store.Changed{Now: 7, Before: 8}); err == nil {
		t.Error("a number is an object")
	}
}
