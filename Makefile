# Thin: what is longer than a line is in deploy/setup/. `make demo` and `make test` are the only
# commands that set anything up; both install what is missing and say so.

SETUP := deploy/setup
# Variables that people may set: make test T=name_of_a_test RUNNER=nextest; make fuzz SECONDS_EACH=600
T ?=
export RUNNER SECONDS_EACH PYTHON
# Where rustup puts cargo, for shells that do not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin
CARGO ?= cargo
PREFIX ?= /usr
DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-im test check build release bench fuzz advisories format docs install clean-venv clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Watch mails and texts go in and be answered (installs PostgreSQL by apt if missing)
	@$(SETUP)/need.sh rust cc postgres
	@echo "demo: building (some minutes the first time)"
	@$(CARGO) build --quiet --workspace --bins
	@deploy/demo/demo.sh

demo-im: ## Watch somebody ask by instant message and be answered (installs Prosody, too)
	@$(SETUP)/need.sh rust cc postgres venv prosody
	@echo "demo: building (some minutes the first time)"
	@$(CARGO) build --quiet --workspace --bins
	@deploy/demo/demo-im.sh

test: ## Run all tests (installs PostgreSQL, Postfix, gammu-smsd, Prosody by apt, a stand-in for AWS by pip, an SMS gateway by npm if missing)
	@$(SETUP)/need.sh rust cc postgres venv postfix gammu smsc prosody
	@$(SETUP)/test.sh $(T)

check: ## The fast gate: format, lints, docs, units, scripts, licences
	@$(SETUP)/need.sh rust cc deny
	@$(SETUP)/check.sh

build: ## Build the programs for trying out, into target/debug
	$(CARGO) build --workspace --bins

release: ## Build the programs for use, into target/release
	$(CARGO) build --workspace --bins --release --locked

bench: ## Measure speed and memory on this machine (installs as `make test` does)
	@$(SETUP)/need.sh rust cc postgres venv
	@$(SETUP)/bench.sh

fuzz: ## Feed random input to the parsers, SECONDS_EACH=20 for each
	@$(SETUP)/need.sh rust cc
	@$(SETUP)/fuzz.sh

advisories: ## Ask for known faults of our libraries (needs the internet)
	@$(SETUP)/need.sh rust cc deny
	@PATH="$(CURDIR)/target/tools/bin:$$PATH" $(CARGO) deny check advisories

format: ## Put all code into the one form
	$(CARGO) fmt --all

docs: ## Renew what of docs/ is generated; build the programmers' reference into target/doc
	KENTONGAN_RENEW=1 $(CARGO) test --quiet --package common --lib generated
	$(CARGO) doc --workspace --no-deps --document-private-items

install: ## Put programs, units, samples and docs below DESTDIR (after make release)
	@$(SETUP)/install.sh "$(DESTDIR)" "$(PREFIX)"

clean-venv: ## Forget the stand-ins for AWS and for an SMS gateway; the next test makes them anew
	rm -rf .venv .node

clean: clean-venv ## Forget everything that was built
	$(CARGO) clean
