#!/usr/bin/env bash
# Holds every unit to systemd's own checks: known keys, programs that exist, and an exposure of at
# most 1.5. Needs systemd-analyze, not a running systemd. Exit code 77: it is not here.
set -euo pipefail
cd "$(dirname "$0")/../../systemd"
command -v systemd-analyze >/dev/null || {
    echo "no systemd-analyze here; to have it: deploy/setup/need.sh systemd"
    exit 77
}

# The units as installed, but with programs that exist on this machine.
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cp -R ./*.service ./*.target ./*.d "$here"
sed -i "s|^ExecStart=/[^ ]*|ExecStart=$(command -v true)|" "$here"/*.service

failed=0
for unit in *.service *.target; do
    words=$(SYSTEMD_UNIT_PATH="$here:" systemd-analyze verify --recursive-errors=no "$here/$unit" 2>&1) ||
        words=${words:-refused}
    if [ -n "$words" ]; then
        echo "$unit: $words"
        failed=1
    fi
done
for unit in *.service; do
    if ! words=$(systemd-analyze security --offline=true --threshold=15 --no-pager "$here/$unit" 2>&1); then
        grep -E '^✗|→' <<<"$words"
        failed=1
    fi
done
# The table has a row for each.
for unit in *.service *.target; do
    grep -q "^| \`$unit\`" README.md || { echo "systemd/README.md has no row for $unit"; failed=1; }
done
exit "$failed"
