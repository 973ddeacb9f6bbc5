#!/usr/bin/env bash
# Single convolutions, percept and PyTorch in turn on two threads, and their ratio (percept ÷ PyTorch).
#
#   bench/run.sh PYTHON [ROUNDS] [REPETITIONS]
#
# PYTHON is the interpreter of an environment with torch. Each side runs with its allocator as it comes
# ("stock") and told to keep its memory ("kept"); the least time of all rounds counts.
set -euo pipefail

python=${1:?usage: bench/run.sh PYTHON [ROUNDS] [REPETITIONS]}
rounds=${2:-3}
repeat=${3:-15}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$root"
cargo build --quiet --release -p percept-conv --example micro
micro=${CARGO_TARGET_DIR:-target}/release/examples/micro
export RAYON_NUM_THREADS=2
keep=(env MALLOC_TRIM_THRESHOLD_=9223372036854775807 MALLOC_MMAP_MAX_=0)

for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    "$micro" "$repeat" >>"$out/percept-stock"
    "$python" bench/micro.py --repeat "$repeat" >>"$out/torch-stock"
    "$micro" "$repeat" keep >>"$out/percept-kept"
    "${keep[@]}" "$python" bench/micro.py --repeat "$repeat" >>"$out/torch-kept"
done

"$python" bench/ratios.py "$out"
