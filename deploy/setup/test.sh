#!/usr/bin/env bash
# What `make test` runs, after need.sh: the true binaries, then every test against them. The tests
# make their own databases and their own stand-in for AWS on free ports, in temporary folders, and
# stop what they started. Arguments go to the test runner: a name runs the tests that contain it.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=/dev/null
command -v cargo >/dev/null || { [ -f ~/.cargo/env ] && . ~/.cargo/env; }
export PATH="$PWD/.venv/bin:$PATH" RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
locked=()
[ -z "${CI:-}" ] || locked=(--locked)

echo "test: building the programs that the tests start"
cargo build "${locked[@]}" --quiet --workspace --bins
begin=$SECONDS
if [ "${RUNNER:-}" = nextest ]; then
    echo "test: running by cargo nextest"
    cargo nextest run "${locked[@]}" --workspace --no-fail-fast "$@"
else
    echo "test: running by cargo test"
    cargo test "${locked[@]}" --workspace --no-fail-fast "$@"
fi
echo "test: all passed in $((SECONDS - begin)) s"
