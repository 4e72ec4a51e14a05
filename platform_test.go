package cstor

import (
	"slices"
	"testing"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	host := FormatPlatform(HostPlatform())
	for text, want := range map[string]string{
		"linux/amd64":       "linux/amd64",
		"linux/amd64/v1":    "linux/amd64",
		"linux/amd64/v3":    "linux/amd64/v3",
		"linux/x86_64":      "linux/amd64",
		"linux/x86-64/v2":   "linux/amd64/v2",
		"Linux/AMD64":       "linux/amd64",
		"linux/i386":        "linux/386",
		"linux/aarch64":     "linux/arm64",
		"linux/arm64/v8":    "linux/arm64/v8",
		"linux/aarch64/8":   "linux/arm64/v8",
		"linux/arm":         "linux/arm/v7",
		"linux/arm/6":       "linux/arm/v6",
		"linux/arm/x":       "linux/arm/x",
		"linux/armhf":       "linux/arm/v7",
		"linux/armel":       "linux/arm/v6",
		"macos/arm64":       "darwin/arm64",
		"linux/riscv64/rva": "linux/riscv64/rva",
		HostPlatform().OS:   host, // the rest is the host's
		"":                  "",
		"/":                 "",
		"/amd64":            "",
		"linux/":            "",
		"linux//v8":         "",
		"a/b/c/d":           "",
	} {
		p, err := ParsePlatform(text)
		switch {
		case want == "":
			if err == nil {
				t.Errorf("%q: %+v", text, p)
			}
		case err != nil || FormatPlatform(p) != want:
			t.Errorf("%q: %s, want %s, %v", text, FormatPlatform(p), want, err)
		}
	}
}

func TestWantedPlatforms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ask  v1.Platform
		want []string
	}{
		"no variants":          {v1.Platform{OS: "linux", Architecture: "amd64"}, []string{"linux/amd64"}},
		"unknown variant":      {v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v3"}, []string{"linux/amd64/v3", "linux/amd64"}},
		"any arm":              {v1.Platform{OS: "linux", Architecture: "arm"}, []string{"linux/arm", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"}},
		"an arm and below":     {v1.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}, []string{"linux/arm/v6", "linux/arm/v5", "linux/arm"}},
		"an arm below all":     {v1.Platform{OS: "linux", Architecture: "arm", Variant: "v4"}, []string{"linux/arm/v4", "linux/arm"}},
		"any arm64":            {v1.Platform{OS: "linux", Architecture: "arm64"}, []string{"linux/arm64", "linux/arm64/v8"}},
		"arm64/v8":             {v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}, []string{"linux/arm64/v8", "linux/arm64"}},
		"names as they are":    {v1.Platform{OS: "linux", Architecture: "aarch64"}, []string{"linux/aarch64"}},
		"the host's system":    {v1.Platform{Architecture: "s390x"}, []string{HostPlatform().OS + "/s390x"}},
		"a variant of no host": {v1.Platform{Variant: "v0"}, []string{HostPlatform().OS + "/" + HostPlatform().Architecture + "/v0", HostPlatform().OS + "/" + HostPlatform().Architecture}},
	} {
		var got []string
		for _, p := range wantedPlatforms(test.ask) {
			got = append(got, FormatPlatform(p))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := wantedPlatforms(v1.Platform{})[0]; FormatPlatform(got) != FormatPlatform(HostPlatform()) {
		t.Errorf("nothing asked: %+v first", got)
	}
	if !slices.Equal(variants["arm"], []string{"v8", "v7", "v6", "v5"}) {
		t.Errorf("the table was changed: %q", variants["arm"])
	}
}

func TestArmVariant(t *testing.T) {
	t.Parallel()
	for cpuinfo, want := range map[string]string{
		"processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\n\nprocessor\t: 1\nCPU architecture: 7\n": "v8",
		"cpu architecture: AArch64\n":                                               "v8",
		"model name\t: ARMv7 Processor rev 4 (v7l)\nCPU architecture: 7\n":          "v7",
		"model name\t: ARMv6-compatible processor rev 7 (v6l)\nCPU architecture: 7": "v6",
		"CPU architecture: 6TEJ\n":                                                  "v6",
		"CPU architecture: ?(12)\n":                                                 "v7",
		"CPU architecture: 5TE\n":                                                   "v5",
		"CPU architecture: 4T\n":                                                    "v4",
		"CPU architecture: 3\n":                                                     "v3",
		"CPU architecture: 9\n":                                                     "",
		"CPU architecture\n":                                                        "",
		"vendor_id : GenuineIntel\n":                                                "",
		"":                                                                          "",
	} {
		if got := armVariant(cpuinfo); got != want {
			t.Errorf("%q: %q, want %q", cpuinfo, got, want)
		}
	}
}
