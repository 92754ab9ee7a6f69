#!/usr/bin/env bash
# What `make fuzz` runs: every target of fuzz/ for SECONDS_EACH seconds (20), beginning with the
# inputs of the tests. Needs nothing but the installed stable compiler: libFuzzer comes with a
# crate, the coverage counters are options of the code generator. What it finds lies in
# fuzz/artifacts; keep such an input as a test.
set -euo pipefail
cd "$(dirname "$0")/../.."
each=${SECONDS_EACH:-20}
host=$(rustc -vV | sed -n 's/^host: //p')
llvm=(-sanitizer-coverage-level=4 -sanitizer-coverage-inline-8bit-counters
    -sanitizer-coverage-pc-table -sanitizer-coverage-trace-compares)
flags="--cfg fuzzing -Cpasses=sancov-module"
for option in "${llvm[@]}"; do flags="$flags -Cllvm-args=$option"; done

echo "fuzz: building (a quarter of an hour the first time)"
RUSTFLAGS="$flags" cargo build --quiet --manifest-path fuzz/Cargo.toml --target "$host" --bins
for target in mail notice envelope text; do
    echo "fuzz: $target for $each s"
    corpus=fuzz/corpus/$target
    mkdir -p "$corpus" fuzz/artifacts
    seeds=()
    [ "$target" != mail ] || seeds=(common/testdata/mail)
    [ "$target" != envelope ] || cp common/src/messages/*.json "$corpus/"
    # One file for each example of the code files: from nothing it would hardly find a code.
    [ "$target" != text ] || sed -n 's/^text *= *"\(.*\)"$/\1/p' common/codes/*.toml |
        split -a 4 -l 1 - "$corpus/example-"
    "fuzz/target/$host/debug/$target" -max_total_time="$each" -timeout=20 -rss_limit_mb=1500 \
        -max_len=20000 -artifact_prefix=fuzz/artifacts/ -print_final_stats=1 -verbosity=0 \
        "$corpus" "${seeds[@]}"
done
echo "fuzz: nothing found"
