# shellcheck shell=bash
# What the demos share: a private folder, a way to show commands, and an end that stops everything.
# The folder goes with the demo, unless KEEP=1.

folder=$(mktemp -d "${TMPDIR:-/tmp}/kentongan-demo.XXXXXX")
# As root, PostgreSQL runs under another name and must get through.
chmod 711 "$folder"
export KENTONGAN_CONFIG=$folder/kentongan.toml
# Process of `kentongan up`, and of what else was started.
up=""
others=()

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold="" dim="" plain=""; fi
title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
run() {
    local word line=""
    for word in "$@"; do
        case $word in *[!A-Za-z0-9@./_=-]*) word="\"$word\"" ;; esac
        line="$line $word"
    done
    printf '%s$%s%s\n' "$dim" "$line" "$plain"
    "$@"
}

finish() {
    local rc=$? process
    trap - EXIT INT TERM
    for process in $up "${others[@]}"; do
        kill -0 "$process" 2>/dev/null || continue
        kill -TERM "$process"
        wait "$process" 2>/dev/null || true
    done
    if [ "$rc" != 0 ] && [ -s "$folder/up.log" ]; then
        printf '\ndemo: it did not work; the last words of the daemons:\n' >&2
        tail -25 "$folder/up.log" >&2
    fi
    if [ -n "${KEEP:-}" ]; then echo "demo: kept $folder"; else rm -rf "$folder"; fi
    exit "$rc"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# until_true SECONDS WHAT COMMAND...: tries again until it works; ends the demo when it never does.
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ -z "$up" ] || kill -0 "$up" 2>/dev/null || { echo "demo: \`kentongan up\` ended" >&2; exit 1; }
        [ "$SECONDS" -lt "$end" ] || { echo "demo: waited in vain for $what" >&2; exit 1; }
        sleep 0.1
    done
}

# start_up: `kentongan up` in the folder with the demo's people, until everything answers.
start_up() {
    (unset KENTONGAN_CONFIG; exec kentongan up --folder "$folder" --load demo --ready-file "$folder/ready") \
        >"$folder/up.log" 2>&1 </dev/null &
    up=$!
    until_true 120 "the daemons" test -s "$folder/ready"
    echo "ready after $SECONDS s"
}
