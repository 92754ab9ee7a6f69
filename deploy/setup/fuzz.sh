#!/usr/bin/env bash
# What `make fuzz` runs: every target of tests/fuzz for SECONDS_EACH seconds (60). What it finds lies
# in tests/fuzz/artifacts; keep such an input as a test.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/target/tools/bin:$PATH"
each=${SECONDS_EACH:-60}
toolchain=()
if command -v rustup >/dev/null && rustup toolchain list | grep -q ^nightly; then
    toolchain=(+nightly)
else
    # The fuzzer's flags want a nightly compiler or this; the stable one knows them as well.
    export RUSTC_BOOTSTRAP=1
fi
for target in $(cargo fuzz list --fuzz-dir tests/fuzz); do
    echo "fuzz: $target for $each s"
    cargo "${toolchain[@]}" fuzz run --fuzz-dir tests/fuzz --sanitizer none "$target" -- \
        -max_total_time="$each" -rss_limit_mb=1024 -print_final_stats=1
done
