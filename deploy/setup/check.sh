#!/usr/bin/env bash
# What `make check` runs: the fast gate. One line per step; a failed step shows its output, the
# others still run, and the end says which failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=/dev/null
command -v cargo >/dev/null || { [ -f ~/.cargo/env ] && . ~/.cargo/env; }
export PATH="$PWD/target/tools/bin:$PATH" CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
# On a fresh clone the lock file must already be right.
locked=()
[ -z "${CI:-}" ] || locked=(--locked)
failed=()
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# step NAME COMMAND...: exit code 77 means that it could not be checked here.
step() {
    local name=$1 rc=0 begin=$SECONDS
    shift
    "$@" >"$output" 2>&1 </dev/null || rc=$?
    local took="$((SECONDS - begin)) s"
    case $rc in
        0) printf 'ok      %-12s %s\n' "$name" "$took" ;;
        77) printf 'skipped %-12s %s\n' "$name" "$(tail -1 "$output")" ;;
        *)
            printf 'FAILED  %-12s %s\n' "$name" "$took"
            cat "$output"
            failed+=("$name")
            ;;
    esac
}

clippy() { cargo clippy "${locked[@]}" --quiet --workspace --all-targets -- -D warnings; }

# Programmers read it with private items, so links to those are right.
docs() {
    RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" \
        cargo doc "${locked[@]}" --quiet --workspace --no-deps --document-private-items
}

shell() {
    local files
    files=$(echo deploy/*/*.sh .ci/run)
    local file
    for file in $files; do bash -n "$file" || return 1; done
    command -v shellcheck >/dev/null || {
        echo "syntax is fine; for more: deploy/setup/need.sh scripts"
        return 77
    }
    # shellcheck disable=SC2086
    shellcheck $files
}

# A path of somebody's machine works nowhere else.
paths() {
    git rev-parse --is-inside-work-tree >/dev/null 2>&1 || { echo "no git here"; return 77; }
    ! git grep -nE '(^|[^A-Za-z0-9_.~-])/(home/[a-z]+|root|Users/[A-Za-z]+|work)/' -- . ':!deploy/setup/check.sh'
}

step format cargo fmt --all --check
step clippy clippy
step docs docs
step units deploy/setup/check-units.sh
step shell shell
step paths paths
step libraries cargo deny --offline --log-level error check licenses bans sources

if [ ${#failed[@]} -gt 0 ]; then
    echo "check: failed: ${failed[*]}" >&2
    exit 1
fi
echo "check: all is well"
