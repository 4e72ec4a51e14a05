package storageconf

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	many := new(strings.Builder)
	for i := range maxUsers + 1 {
		fmt.Fprintf(many, "u%d:x:%d:0::/home/u%d:\n", i, i, i)
	}
	for _, tc := range []struct {
		name   string
		passwd string
		want   []User
		count  int // instead of want
		err    error
	}{
		{name: "ordinary", passwd: "root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000:U,,,:/home/u/:/bin/sh", want: []User{{"root", 0, 0, "/root"}, {"u", 1000, 1000, "/home/u"}}},
		{name: "empty file"},
		{name: "malformed lines", passwd: "\n# c\n#u:x:1:1::/h:\nu:x:1:1:/h\n:x:1:1::/h:\nu:x:a:1::/h:\nu:x:-1:1::/h:\nu:x:4294967295:1::/h:\nu:x:1:1::h:\nu:x:1:1:::\nu:x:1:1::/h\x00:\n+::::::\nv:x:2:2::/v:\n", want: []User{{"v", 2, 2, "/v"}}},
		{name: "one home, one user", passwd: "a:x:1:1::/h:\nb:x:2:2::/h/.:\nc:x:3:3::/c:\n", want: []User{{"a", 1, 1, "/h"}, {"c", 3, 3, "/c"}}},
		{name: "root beside the first of a home", passwd: "a:x:1:1::/:\nroot:x:0:0::/:\ntoor:x:0:0::/:\n", want: []User{{"a", 1, 1, "/"}, {"root", 0, 0, "/"}}},
		{name: "largest uid", passwd: "a:x:2147483647:1::/h:\n", want: []User{{"a", 1<<31 - 1, 1, "/h"}}},
		{name: "no group", passwd: "a:x:1::::\nb:x:2:::/b:\nc:x:3:x::/c:\nd:x:4:4294967295::/d:\n", want: []User{{"b", 2, -1, "/b"}, {"c", 3, -1, "/c"}, {"d", 4, -1, "/d"}}},
		{name: "too many", passwd: many.String(), count: maxUsers, err: ErrTooLarge},
		{name: "too large", passwd: strings.Repeat("\n", maxPasswdSize+1), err: ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Users(newFS(map[string]string{"/etc/passwd": tc.passwd}))
			if !errors.Is(err, tc.err) {
				t.Errorf("got error %v, want %v", err, tc.err)
			}
			if tc.count > 0 {
				if len(got) != tc.count {
					t.Errorf("%d users, want %d", len(got), tc.count)
				}
			} else if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if _, err := Users(newFS(nil)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestMountedSystem is the way from a mounted system to its users' stores.
func TestMountedSystem(t *testing.T) {
	t.Parallel()
	fsys := newFS(map[string]string{
		"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n",
		adminConf:     "[storage]\ngraphroot = '/var/lib/containers/storage'\nrootless_storage_path = '/data/$USER/$UID'\n",
		"/home/bob/.config/containers/storage.conf":                  "[storage]\ngraphroot = '$HOME/mine'\n",
		"/var/lib/containers/storage/":                               "0 700",
		"/var/lib/containers/storage/overlay-images/":                "0 700",
		"/data/ann/1000/":                                            "1000 700",
		"/data/ann/1000/overlay-layers/":                             "1000 700",
		"/home/bob/mine/":                                            "1001 700",
		"/home/ann/.local/share/containers/storage/overlay-layers/x": "",
	})
	users, err := Users(fsys)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, u := range users {
		res, err := Discover(Request{FS: fsys, Getenv: u.Getenv, UID: u.UID, Home: u.Home})
		if err != nil {
			t.Fatal(err)
		}
		got[u.Name] = res.GraphRoot
	}
	want := map[string]string{"root": defaultGraphRoot, "ann": "/data/ann/1000", "bob": "/home/bob/mine"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestUserByID(t *testing.T) {
	t.Parallel()
	const passwd = "root:x:0:0::/root:\nu:y\nu:x:1000:50:::\nalias:x:1000:51::/home/u:\nv:x:2000:60::/home/u:\n"
	fsys := newFS(map[string]string{"/etc/passwd": passwd})
	for uid, want := range map[int]User{0: {"root", 0, 0, "/root"}, 1000: {"u", 1000, 50, ""}, 2000: {"v", 2000, 60, "/home/u"}, 3: {}} {
		got, ok, err := UserByID(fsys, uid)
		if got != want || ok != (want != User{}) || err != nil {
			t.Errorf("%d: %+v, %v, %v, want %+v", uid, got, ok, err, want)
		}
	}
	if _, _, err := UserByID(newFS(nil), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
