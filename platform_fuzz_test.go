package cstor

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// FuzzPlatform: a platform that was read, written out, is read as the same again,
// and names are the lists' own; those that do for it are of its system and
// architecture, each once, what was asked for first.
func FuzzPlatform(f *testing.F) {
	for _, text := range []string{
		"linux", "linux/amd64", "linux/x86_64", "Linux/X86-64/v1", "linux/amd64/v2", "linux/aarch64", "linux/arm64/8", "linux/arm", "linux/arm/6", "linux/arm/v9", "linux/armhf", "linux/armel/v7",
		"linux/i386/x", "macos/arm64", "", "/", "linux/", "linux/a/b/c", "linux//v7", "LİNUX/\xff/K", "macos/macos/macos",
	} {
		f.Add(text)
	}
	form := regexp.MustCompile(`(?s)^[^/]+(/[^/]+){0,2}$`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePlatform(text)
		if form.MatchString(text) != (err == nil) {
			t.Fatalf("%q: %+v, %v", text, p, err)
		}
		if err != nil {
			return
		}
		again, err := ParsePlatform(FormatPlatform(p))
		if err != nil || FormatPlatform(again) != FormatPlatform(p) || p.OS == "" || p.Architecture == "" {
			t.Errorf("%q: %+v, again %+v, %v", text, p, again, err)
		}
		if lower := strings.ToLower(text); strings.HasPrefix(lower, "linux/") && p.OS != "linux" || strings.Contains(text, "/") && !plainArch(lower, p) {
			t.Errorf("%q: %+v", text, p)
		}
		checkWanted(t, p)
	})
}

// plainArch knows the aliases by heart; the rest stays as it is, but for the
// variants of ARM and one of amd64.
func plainArch(text string, p v1.Platform) bool {
	parts := strings.Split(text+"//", "/")
	arch, variant := parts[1], parts[2]
	if alias, ok := map[string]string{"i386": "386/", "armhf": "arm/v7", "armel": "arm/v6"}[arch]; ok {
		return p.Architecture+"/"+p.Variant == alias
	}
	if full, ok := map[string]string{"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}[arch]; ok {
		arch = full
	}
	switch arch + "/" + variant {
	case "amd64/v1":
		variant = ""
	case "arm/":
		variant = "v7"
	case "arm/5", "arm/6", "arm/7", "arm/8", "arm64/5", "arm64/6", "arm64/7", "arm64/8":
		variant = "v" + variant
	}
	return p.Architecture == arch && p.Variant == variant
}

func checkWanted(t *testing.T, p v1.Platform) {
	t.Helper()
	all := wantedPlatforms(p)
	if len(all) == 0 || all[0].Variant != p.Variant || len(all) > 6 {
		t.Fatalf("%+v: %+v", p, all)
	}
	var variants []string
	for _, w := range all {
		if w.OS != p.OS || w.Architecture != p.Architecture || slices.Contains(variants, w.Variant) {
			t.Errorf("%+v: %+v", p, all)
		}
		variants = append(variants, w.Variant)
	}
	if !slices.Contains(variants, "") {
		t.Errorf("%+v: %+v: an image that says no variant would do", p, all)
	}
}
