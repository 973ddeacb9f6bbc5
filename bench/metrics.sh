#!/usr/bin/env bash
# CPU time of every score for a pair of 1920x1080 pixels, percept and Python (piq, scikit-image) in turn on one thread, and
# their ratio (percept ÷ Python).
#
#   bench/metrics.sh PYTHON [ROUNDS] [BASICSR]
#
# PYTHON is the interpreter of an environment with torch, piq and scikit-image. BASICSR, for NIQE, is the unpacked source
# distribution of PyPI basicsr 1.4.2. The median of the rounds counts.
set -euo pipefail

python=${1:?usage: bench/metrics.sh PYTHON [ROUNDS] [BASICSR]}
rounds=${2:-3}
basicsr=${3:-}
root=$(cd "$(dirname "$0")/.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

cd "$root"
cargo build --quiet --release -p percept-image --example metrics
percept=${CARGO_TARGET_DIR:-target}/release/examples/metrics
export RAYON_NUM_THREADS=1

for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    "$percept" >>"$out/percept"
    "$python" bench/metrics.py measure ${basicsr:+--basicsr "$basicsr"} >>"$out/python"
done

"$python" bench/metrics.py table "$out"
