"""How far selections agree: rank correlations of their weights by tap, for every pair of files that `percept select` wrote.

    python docs/evidence/halves.py a.safetensors b.safetensors ...

Prints Markdown. Needs safetensors and numpy.
"""

import sys
from itertools import combinations
from pathlib import Path

from safetensors.numpy import load_file
from tasks import spearman


def weights(path):
    return {name: list(tap) for name, tap in load_file(path).items() if "." not in name}


found = {Path(path).stem: weights(path) for path in sys.argv[1:]}
taps = list(next(iter(found.values())))
print(f"| | {' | '.join(taps)} |\n|---|{'---|' * len(taps)}")
for (a, of_a), (b, of_b) in combinations(found.items(), 2):
    print(f"| {a}, {b} | {' | '.join(f'{spearman(of_a[tap], of_b[tap]):.2f}' for tap in taps)} |")
