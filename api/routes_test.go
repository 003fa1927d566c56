package api_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/api"
)

func TestARouteWithoutALineInTheTableKeepsThePortalFromStarting(t *testing.T) {
	w := newWorld(t)
	line := api.AccessTable["retireGateway"]
	delete(api.AccessTable, "retireGateway")
	defer func() { api.AccessTable["retireGateway"] = line }()
	if _, err := w.Handler(); err == nil || !strings.Contains(err.Error(), "retireGateway") {
		t.Errorf("got %v", err)
	}
	for op := range api.AccessTable {
		if _, ok := wanted[op]; !ok {
			t.Errorf("the table has a line for %s, which is no operation", op)
		}
	}
}
