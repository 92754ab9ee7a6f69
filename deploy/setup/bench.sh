#!/usr/bin/env bash
# What `make bench` runs: the programs as they are shipped, measured from outside; it reports and
# asserts nothing. Arguments choose benches by name.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH"
echo "bench: building the programs as they are shipped (some minutes the first time)"
cargo build --quiet --release --workspace --bins
cargo run --quiet --release --package kentongan-tests --bin bench -- "$@"
