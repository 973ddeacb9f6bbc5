#!/usr/bin/env bash
# Whole training steps of the demo, percept and PyTorch in turn on two threads, and their ratio (percept ÷ PyTorch).
#
#   bench/steps.sh PYTHON [ROUNDS] [STEPS] [LOSSES] [PRECISIONS]
#
# Both sides in f32 and in bf16, PyTorch's by autocast and with channels first and last; it keeps its memory, as percept's
# allocator does. LOSSES are some of "l1 feature selection contextual contextual-three gan"; left out, all. Where none
# are named, then what a selection adds to percept's own `feature` step. PRECISIONS are "f32 bf16", or "f32" on processors without
# instructions for bf16, where PyTorch's takes up to thirty times as long. PYTHON is the interpreter of an environment with
# torch and safetensors.
set -euo pipefail

python=${1:?usage: bench/steps.sh PYTHON [ROUNDS] [STEPS] [LOSSES] [PRECISIONS]}
rounds=${2:-5}
steps=${3:-10}
losses=${4:-l1 feature selection contextual contextual-three gan}
precisions=${5:-f32 bf16}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$root"
cargo build --quiet --release --workspace --example train_step
percept=${CARGO_TARGET_DIR:-target}/release/examples/train_step
export RAYON_NUM_THREADS=2
torch=(env MALLOC_TRIM_THRESHOLD_=9223372036854775807 MALLOC_MMAP_MAX_=0 "$python" bench/train_step.py
    --weights assets/weights/vgg16.safetensors --steps "$steps")

for round in $(seq "$rounds"); do
    for loss in $losses; do
        echo "round $round of $rounds, $loss" >&2
        for precision in $precisions; do
            "$percept" "$loss" "$steps" "$precision" >>"$out/percept-$precision"
            for layout in first last; do
                "${torch[@]}" --losses "$loss" --precision "$precision" --layout "$layout" \
                    >>"$out/torch-$precision-$layout"
            done
        done
    done
    [[ $# -gt 3 ]] && continue
    for loss in feature {selection,projection}{,-default,-rests}; do
        echo "round $round of $rounds, $loss alone" >&2
        "$percept" "$loss" "$((2 * steps))" >>"$out/alone"
    done
done

"$python" bench/steps.py "$out"
