#!/usr/bin/env bash
# Patches a second through Real-ESRGAN's degradations at scale 4, percept and OpenCV with NumPy in turn on one thread, and their
# ratio (percept ÷ Python; above 1 percept makes more).
#
#   bench/degrade.sh PYTHON [ROUNDS] [SIDE] [SECONDS]
#
# PYTHON is the interpreter of an environment with opencv-python-headless, numpy and scipy. SIDE is that of a patch: 192 is what
# crops of 96 are cut from, 400 what Real-ESRGAN's own are. The median of the rounds counts.
set -euo pipefail

python=${1:?usage: bench/degrade.sh PYTHON [ROUNDS] [SIDE] [SECONDS]}
rounds=${2:-5}
side=${3:-192}
seconds=${4:-10}
root=$(cd "$(dirname "$0")/.." && pwd)

cd "$root"
cargo build --quiet --release -p percept-image --example degrade
percept=${CARGO_TARGET_DIR:-target}/release/examples/degrade
export RAYON_NUM_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

ours=() theirs=()
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    ours+=("$("$percept" "$side" "$seconds")")
    theirs+=("$("$python" bench/degrade.py "$side" "$seconds")")
done

median() { printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
ours=$(median "${ours[@]}") theirs=$(median "${theirs[@]}")
echo "patches of $side a second: percept $ours, OpenCV and NumPy $theirs, ratio $(awk "BEGIN { printf \"%.2f\", $ours / $theirs }")"
