# make demo     the main job end to end, on a sample store made on the spot
# make test     set up what the tests need, then run all of them
# make check    formatting, vet, lint, tidiness (part of test)
# make bench    compare with containers-storage, tar and podman, into docs/PERFORMANCE.md
#               (root; an hour; 17 GiB in /var/tmp/cstor-bench, of which 5 are kept)
# make fuzz     each fuzz target for FUZZTIME
# make man      manual pages into man/
# make install  the binaries into DESTDIR/PREFIX/bin, manual pages, completions

export CGO_ENABLED = 0
PREFIX  ?= /usr/local
FUZZTIME ?= 10s
GO      ?= go
TOOL     = $(GO) tool -modfile=tools/go.mod

.PHONY: all demo test unit race check conformance setup bench fuzz man install clean
all: bin/cstor bin/tar-diff

bin/cstor bin/tar-diff: FORCE
	$(GO) build -trimpath -o $@ ./cmd/$(@F)
FORCE:

demo: bin/cstor
	@./scripts/demo.sh bin/cstor

# What is missing on this machine is said at the end: scripts/test.sh.
test:
	@./scripts/test.sh

setup:
	@./scripts/setup.sh

unit:
	$(GO) test ./...

race:
	CGO_ENABLED=1 $(GO) test -race -short ./...

conformance:
	$(MAKE) -C conformance test

check:
	@./scripts/check.sh

bench:
	$(MAKE) -C conformance bench

fuzz:
	@./scripts/fuzz.sh $(FUZZTIME)

man: bin/cstor
	bin/cstor man man

install: bin/cstor bin/tar-diff man
	install -d $(DESTDIR)$(PREFIX)/bin && install -m 755 bin/cstor bin/tar-diff $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 && install -m 644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	bin/cstor completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/cstor
	bin/cstor completion zsh  > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_cstor
	bin/cstor completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/cstor.fish

clean:
	rm -rf bin man
