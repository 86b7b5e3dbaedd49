# `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help run build test test-faults test-histories bench bench-api bench-stats fuzz check format sizes clippy deny advisories doc

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: build ## Build and start the server on SQLite, in ./waypost-data (settings: WAYPOST_*)
	cargo run --release --locked --package waypost-server

build: ## Build the optimised binaries: target/release/server and target/release/linkctl
	cargo build --release --locked --package waypost-server --package waypost-linkctl

test: ## Install the dependencies of the tests (databases, Chromium, packages of pip and npm) and run all tests
	tests/install-dependencies.sh databases pgbouncer replication faketime strace curl documents schemathesis oidc-provider chromium page-checkers
	cargo test --workspace --locked

test-faults: ## Run the long form of the fault tests (kills, outages, full disks), one after the other
	tests/install-dependencies.sh databases pgbouncer replication faketime strace
	WAYPOST_TEST_FAULTS=long cargo test --package waypost-e2e --test faults --locked -- --test-threads=1 --nocapture

test-histories: ## Search a million histories and the protocol in larger sizes for lost and double-counted clicks
	WAYPOST_TEST_HISTORIES=1000000 cargo test --release --package waypost-histories --test histories --locked -- --test-threads=1 --nocapture
	WAYPOST_TEST_PROTOCOL=long cargo test --release --package waypost-histories --test protocol --locked -- --test-threads=1 --nocapture

fuzz: ## Fuzz the parsers of the click journal, a minute each (needs `cargo install cargo-fuzz` and g++)
	cd crates/analytics && RUSTC_BOOTSTRAP=1 cargo fuzz run segment -- -max_total_time=60
	cd crates/analytics && RUSTC_BOOTSTRAP=1 cargo fuzz run record -- -max_total_time=60

check: format sizes clippy deny advisories doc ## Run all checks except the tests: format, sizes, lints, dependencies, documentation

format: ## Check the format of the code
	cargo fmt --all --check

sizes: ## List files over 500 lines and functions over 60; fail on those that are not agreed exceptions
	cargo test --quiet --locked --package waypost-guards --test guards -- sizes:: --nocapture --test-threads=1

clippy: ## Lint, warnings denied; core and store also without the rest of the workspace
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	cargo clippy --package waypost-core --package waypost-store --locked -- --deny warnings

deny: ## Check the licences, bans and sources of the dependencies
	tests/install-dependencies.sh cargo-deny
	cargo deny --locked check licenses bans sources

advisories: ## Look for known vulnerabilities of the dependencies, where the RustSec database can be had
	tests/install-dependencies.sh cargo-deny
	@if timeout 120 cargo deny --locked fetch db; then \
		cargo deny --locked --offline check advisories; \
	else \
		echo "advisories were not looked at: the RustSec database cannot be fetched"; \
	fi

bench: ## Measure redirects and storing, compared with a bare server (ARGS="--help" lists options)
	cargo run --release --locked --package waypost-bench -- $(ARGS)

bench-api: ## Measure the lists of the REST API and the pages with 100,000 links of 1,000 users (ARGS="--help" lists options)
	cargo run --release --locked --package waypost-bench -- api $(ARGS)

bench-stats: ## Measure statistics, storing and purging with 10,000, 1 and 10 million clicks (ARGS="--help" lists options)
	cargo run --release --locked --package waypost-bench -- stats $(ARGS)

doc: ## Build the documentation, warnings denied
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --locked
