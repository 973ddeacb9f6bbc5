#!/usr/bin/env bash
# Whole training steps of the demo, percept and PyTorch in turn on two threads, and their ratio (percept ÷ PyTorch).
#
#   bench/steps.sh PYTHON [ROUNDS] [STEPS]
#
# Then what a selection adds to percept's own `feature` step. PYTHON is the interpreter of an environment with torch and
# safetensors. PyTorch runs as it comes ("stock") and with an allocator that keeps its memory ("kept"), as percept's does.
set -euo pipefail

python=${1:?usage: bench/steps.sh PYTHON [ROUNDS] [STEPS]}
rounds=${2:-5}
steps=${3:-10}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$root"
cargo build --quiet --release --workspace --example train_step
percept=${CARGO_TARGET_DIR:-target}/release/examples/train_step
export RAYON_NUM_THREADS=2
keep=(env MALLOC_TRIM_THRESHOLD_=9223372036854775807 MALLOC_MMAP_MAX_=0)
torch=("$python" bench/train_step.py --weights assets/weights/vgg16.safetensors --steps "$steps")

for round in $(seq "$rounds"); do
    for loss in l1 feature selection contextual contextual-three gan; do
        echo "round $round of $rounds, $loss" >&2
        "$percept" "$loss" "$steps" >>"$out/percept"
        "${torch[@]}" --losses "$loss" >>"$out/stock"
        "${keep[@]}" "${torch[@]}" --losses "$loss" >>"$out/kept"
    done
    for loss in feature {selection,projection}{,-default,-rests}; do
        echo "round $round of $rounds, $loss alone" >&2
        "$percept" "$loss" "$((2 * steps))" >>"$out/alone"
    done
done

"$python" bench/steps.py "$out"
