#!/usr/bin/env bash
# CPU time of every score for a pair of 1920x1080 pixels, percept's wheel and the packages in turn on two threads, and their
# ratio (percept ÷ package).
#
#   bench/metrics.sh PYTHON [ROUNDS] [BASICSR]
#
# PYTHON is the interpreter of an environment with percept's wheel, torch, torchvision, piq, lpips, DISTS_pytorch, scikit-image,
# plenoptic, flip-evaluator, pypiqe and ssimulacra2. BASICSR, for NIQE, is the unpacked source distribution of PyPI basicsr
# 1.4.2. The median of the rounds counts.
set -euo pipefail

python=${1:?usage: bench/metrics.sh PYTHON [ROUNDS] [BASICSR]}
cd "$(dirname "$0")/.."
exec "$python" bench/metrics.py --rounds "${2:-3}" ${3:+--basicsr "$3"}
