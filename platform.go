package cstor

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// HostPlatform is the platform that this program was built for, and on ARM the
// variant of the machine's processor as /proc/cpuinfo has it, empty if unknown.
func HostPlatform() v1.Platform {
	return v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH, Variant: hostVariant()}
}

// ParsePlatform reads OS/ARCH[/VARIANT], as podman's --platform takes it, and spells
// it as lists of manifests do: aarch64 is arm64, x86_64 is amd64, armhf is arm/v7.
// Missing parts are the host's, but not the variant of an architecture that is there.
func ParsePlatform(text string) (v1.Platform, error) {
	parts := strings.Split(text, "/")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return v1.Platform{}, fmt.Errorf("platform %q: OS/ARCH[/VARIANT] was expected", text)
	}
	p := HostPlatform()
	p.OS = strings.ToLower(parts[0])
	if p.OS == "macos" {
		p.OS = "darwin"
	}
	if len(parts) == 1 {
		return p, nil
	}
	variant := ""
	if len(parts) == 3 {
		variant = parts[2]
	}
	p.Architecture, p.Variant = normalArch(strings.ToLower(parts[1]), strings.ToLower(variant))
	return p, nil
}

// FormatPlatform writes a platform as [ParsePlatform] reads it.
func FormatPlatform(p v1.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// normalArch gives an architecture the name that Go and OCI have for it
// (containerd/platforms database.go:normalizeArch, which podman's --platform goes
// through: container-libs common/libimage/platform.go:NormalizePlatform).
func normalArch(arch, variant string) (normal, normalVariant string) {
	switch arch {
	case "i386":
		return "386", ""
	case "x86_64", "x86-64":
		arch = "amd64"
	case "aarch64":
		arch = "arm64"
	case "armhf":
		return "arm", "v7"
	case "armel":
		return "arm", "v6"
	}
	switch {
	case arch == "amd64" && variant == "v1": // what every amd64 processor can do
		variant = ""
	case arch == "arm" && variant == "":
		variant = "v7"
	case arch == "arm" || arch == "arm64":
		if len(variant) == 1 && variant >= "5" && variant <= "8" {
			variant = "v" + variant
		}
	}
	return arch, variant
}

// variants are those that an image may need of its processor, each including the
// ones after it (container-libs image/internal/pkg/platform/platform_matcher.go:
// compatibility). Other architectures' have no known order.
var variants = map[string][]string{
	"arm":   {"v8", "v7", "v6", "v5"},
	"arm64": {"v8"},
}

// wantedPlatforms are those whose images do for p, the best first. What p does not
// say is the host's; the host's variant goes with its architecture only if that was
// not asked for (container-libs image/internal/pkg/platform/platform_matcher.go:
// WantedPlatforms).
func wantedPlatforms(p v1.Platform) []v1.Platform {
	if p.OS == "" {
		p.OS = runtime.GOOS
	}
	if p.Architecture == "" {
		p.Architecture = runtime.GOARCH
		if p.Variant == "" {
			p.Variant = hostVariant()
		}
	}
	order := variants[p.Architecture]
	switch at := slices.Index(order, p.Variant); {
	case p.Variant == "": // any, but rather an image that asks for nothing special
		order = slices.Concat([]string{""}, order)
	case at >= 0:
		order = slices.Concat(order[at:], []string{""})
	default:
		order = []string{p.Variant, ""}
	}
	all := make([]v1.Platform, len(order))
	for n, variant := range order {
		all[n] = v1.Platform{OS: p.OS, Architecture: p.Architecture, Variant: variant}
	}
	return all
}

// hostVariant is that of the processor this program runs on; only ARM's have one.
var hostVariant = sync.OnceValue(func() string {
	if runtime.GOARCH != "arm" && runtime.GOARCH != "arm64" {
		return ""
	}
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	// The first processor's lines are enough.
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return ""
	}
	return armVariant(string(text))
})

// armVariant reads /proc/cpuinfo (container-libs
// image/internal/pkg/platform/platform_matcher.go:getCPUVariantArm).
func armVariant(cpuinfo string) string {
	field := func(name string) string {
		for line := range strings.Lines(cpuinfo) {
			key, value, _ := strings.Cut(line, ":")
			if strings.EqualFold(strings.TrimSpace(key), name) {
				return strings.ToLower(strings.TrimSpace(value))
			}
		}
		return ""
	}
	switch arch := field("CPU architecture"); arch {
	case "8", "aarch64":
		return "v8"
	case "7":
		// Some ARMv6 processors have the memory system of an ARMv7, which is what
		// the kernel goes by (containerd/containerd pull request 4530).
		if strings.HasPrefix(field("model name"), "armv6-compatible") {
			return "v6"
		}
		return "v7"
	case "7m", "?(12)", "?(13)", "?(14)", "?(15)", "?(16)", "?(17)":
		return "v7"
	case "6", "6tej":
		return "v6"
	case "5", "5t", "5te", "5tej":
		return "v5"
	case "4", "4t":
		return "v4"
	case "3":
		return "v3"
	}
	return ""
}
