#!/usr/bin/env bash
# Single convolutions, trunks, LPIPS, the contextual loss, inference, NAFNet and SwinIR: percept and PyTorch in turn on two
# threads, and their ratio (percept ÷ PyTorch).
#
#   bench/run.sh PYTHON [ROUNDS] [REPETITIONS]
#
# PYTHON is the interpreter of an environment with torch, torchvision, lpips and spandrel. Each side runs with its allocator as it
# comes ("stock") and told to keep its memory ("kept"); the least time of all rounds counts.
set -euo pipefail

python=${1:?usage: bench/run.sh PYTHON [ROUNDS] [REPETITIONS]}
rounds=${2:-3}
repeat=${3:-15}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$root"
cargo build --quiet --release --workspace --example peak --example micro --example parts --example nafnet --example swinir
examples=${CARGO_TARGET_DIR:-target}/release/examples
export RAYON_NUM_THREADS=2 PYTHONWARNINGS=ignore
keep=(env MALLOC_TRIM_THRESHOLD_=9223372036854775807 MALLOC_MMAP_MAX_=0)

"$examples/peak" >"$out/peak"
for round in $(seq "$rounds"); do
    for bench in micro parts nafnet swinir; do
        echo "round $round of $rounds, $bench" >&2
        "$examples/$bench" "$repeat" >>"$out/percept-stock"
        "$python" "bench/$bench.py" --repeat "$repeat" >>"$out/torch-stock"
        "$examples/$bench" "$repeat" keep >>"$out/percept-kept"
        "${keep[@]}" "$python" "bench/$bench.py" --repeat "$repeat" >>"$out/torch-kept"
    done
done

"$python" bench/ratios.py "$out"
