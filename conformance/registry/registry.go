package registry

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// ErrMissing is matched by the error where there is no such program.
var ErrMissing = errors.New("docker-registry missing: install docker-registry")

// Options of [Start].
type Options struct {
	// TLS: with a certificate of its own, in the folder Registry.Certs.
	TLS bool
	// Users are passwords by names; without any everybody is let in.
	Users map[string]string
}

// Registry is a running registry. It is safe for concurrent use.
type Registry struct {
	// Host is HOST:PORT.
	Host string
	// Certs is a folder that has ca.crt, for --cert-dir; "" without TLS.
	Certs string

	cmd   *exec.Cmd
	ended chan error

	mu    sync.Mutex
	lines []string // of its log of requests, oldest first
}

// Start starts a registry that keeps everything in dir, which must exist. The caller calls
// Stop.
func Start(dir string, opts Options) (*Registry, error) {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		return nil, ErrMissing
	}
	r := &Registry{ended: make(chan error, 1)}
	config := fmt.Sprintf("version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: %q}\n  delete: {enabled: true}\nhttp:\n  addr: 127.0.0.1:0\n", filepath.Join(dir, "data"))
	if opts.TLS {
		r.Certs = filepath.Join(dir, "certs")
		key, err := writeCertificate(r.Certs)
		if err != nil {
			return nil, err
		}
		config += fmt.Sprintf("  tls: {certificate: %q, key: %q}\n", filepath.Join(r.Certs, "ca.crt"), key)
	}
	if len(opts.Users) > 0 {
		passwords := filepath.Join(dir, "htpasswd")
		if err := writePasswords(passwords, opts.Users); err != nil {
			return nil, err
		}
		config += fmt.Sprintf("auth:\n  htpasswd: {realm: test, path: %q}\n", passwords)
	}
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	r.cmd = exec.Command(program, "serve", file)
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	r.cmd.Stdout, r.cmd.Stderr = in, in
	err = r.cmd.Start()
	_ = in.Close() // the process has it
	if err != nil {
		_ = out.Close() // nothing will come
		return nil, err
	}
	go func() { r.ended <- r.cmd.Wait() }()
	listens := make(chan string, 1)
	go r.read(out, listens)
	select {
	case r.Host = <-listens:
		return r, nil
	case err = <-r.ended:
	case <-time.After(20 * time.Second):
		err = errors.New("it did not say where it listens")
	}
	return nil, errors.Join(fmt.Errorf("docker-registry: %w:\n%s", err, strings.Join(r.log(), "\n")), r.Stop())
}

func writePasswords(name string, users map[string]string) error {
	var text strings.Builder
	for user, password := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s:%s\n", user, hash)
	}
	return os.WriteFile(name, []byte(text.String()), 0o600)
}

var (
	listening = regexp.MustCompile(`msg="listening on ([0-9.]+:[0-9]+)`)
	request   = regexp.MustCompile(`"([A-Z]+) ([^ "]+) HTTP/[0-9.]+" ([0-9]{3}) `)
)

// read keeps what it prints; of requests, "METHOD PATH STATUS".
func (r *Registry) read(out io.ReadCloser, listens chan<- string) {
	defer out.Close()
	for sc := bufio.NewScanner(out); sc.Scan(); {
		line := sc.Text()
		if m := listening.FindStringSubmatch(line); m != nil {
			listens <- m[1]
		}
		if m := request.FindStringSubmatch(line); m != nil {
			line = strings.Join(m[1:], " ")
		}
		r.mu.Lock()
		r.lines = append(r.lines, line)
		r.mu.Unlock()
	}
}

func (r *Registry) log() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...)
}

// Count tells how many requests of a method had a path that begins so, and succeeded.
func (r *Registry) Count(method, path string) (n int) {
	for _, line := range r.log() {
		at, status, _ := strings.Cut(strings.TrimPrefix(line, method+" "), " ")
		if code, err := strconv.Atoi(status); err == nil && code < 300 && strings.HasPrefix(line, method+" ") && strings.HasPrefix(at, path) {
			n++
		}
	}
	return n
}

// Log is what it has printed, for messages.
func (r *Registry) Log() string { return strings.Join(r.log(), "\n") }

// Stop ends it. Twice is fine.
func (r *Registry) Stop() error {
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
