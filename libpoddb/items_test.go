package libpoddb

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/cstor-go/cstor/internal/storetest/poddb"
)

// TestItems: JSON that is short in the file and large in memory is refused.
func TestItems(t *testing.T) {
	t.Parallel()
	list := func(item string, n int) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	d := poddb.DB{Containers: []poddb.Row{{ID: jobID, Name: "job", Config: []byte(`{"namedVolumes":` + list("{}", maxValues) + `}`)}, {ID: webID, Name: "web"}}}
	s, _ := storeWith(t, fillWith(d))
	if db := one(t, s); len(db.Problems) != 1 || !errors.Is(db.Problems[0], ErrTooLarge) || db.Container(webID) == nil {
		t.Errorf("%d containers, problems: %v", len(db.Containers()), db.Problems)
	}
	d.Containers = nil
	const each = maxValues - 8
	for n := range maxItems/each + 1 {
		d.Containers = append(d.Containers, poddb.Row{ID: strconv.Itoa(n), Name: strconv.Itoa(n), Config: []byte(`{"CreateCommand":` + list(`""`, each) + `}`)})
	}
	s, _ = storeWith(t, fillWith(d))
	if _, err := Read(t.Context(), s, Options{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`7`: 1, `"a,b"`: 1, `[1,2]`: 3, `{"a":[1,"\",["],"b":{"c":2}}`: 6, `"\\",`: 2,
	} {
		if got := values([]byte(text)); got != want {
			t.Errorf("%s: %d values, want %d", text, got, want)
		}
	}
}
