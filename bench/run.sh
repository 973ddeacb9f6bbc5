#!/usr/bin/env bash
# Single convolutions, trunks, LPIPS, the contextual loss, inference and published architectures: percept and PyTorch in turn on
# two threads, and their ratio (percept ÷ PyTorch).
#
#   bench/run.sh PYTHON [ROUNDS] [REPETITIONS] [BENCHES] [ONLY]
#
# BENCHES are some of "micro parts restore"; left out, the first two. ONLY begins the names of what restore shall time. PYTHON is
# the interpreter of an environment with torch, torchvision, lpips and, for restore, spandrel. Each side runs with its allocator as it
# comes ("stock") and told to keep its memory ("kept"); the least time of all rounds counts.
set -euo pipefail

python=${1:?usage: bench/run.sh PYTHON [ROUNDS] [REPETITIONS] [BENCHES] [ONLY]}
rounds=${2:-3}
repeat=${3:-15}
benches=${4:-micro parts}
only=${5:-}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$root"
cargo build --quiet --release --workspace --example peak --example micro --example parts --example restore
examples=${CARGO_TARGET_DIR:-target}/release/examples
export RAYON_NUM_THREADS=2 PYTHONWARNINGS=ignore
keep=(env MALLOC_TRIM_THRESHOLD_=9223372036854775807 MALLOC_MMAP_MAX_=0)

"$examples/peak" >"$out/peak"
for round in $(seq "$rounds"); do
    for bench in $benches; do
        echo "round $round of $rounds, $bench" >&2
        ours=() theirs=()
        if [ "$bench" = restore ] && [ -n "$only" ]; then
            ours=("$only") theirs=(--only "$only")
        fi
        "$examples/$bench" "$repeat" "${ours[@]}" >>"$out/percept-stock"
        "$python" "bench/$bench.py" --repeat "$repeat" "${theirs[@]}" >>"$out/torch-stock"
        "$examples/$bench" "$repeat" keep "${ours[@]}" >>"$out/percept-kept"
        "${keep[@]}" "$python" "bench/$bench.py" --repeat "$repeat" "${theirs[@]}" >>"$out/torch-kept"
    done
done

"$python" bench/ratios.py "$out"
