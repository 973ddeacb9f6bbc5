"""Rank correlation with human scores over some kinds of distortion, and how far one metric is ahead of the others.

    percept agree DIR --metric mdsi,lpips-alex,selected:FILE --json > agree.json
    python docs/evidence/people/kinds.py agree.json --kinds 07 08 10 --ahead selected:FILE

Several files, of other images or of other metrics on the same ones, are joined by image. Kinds are told by how their names begin. Intervals of 95 % are a bootstrap over references, paired for the differences.
Prints Markdown. Needs numpy and scipy.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import rankdata


def correlation(a, b):
    return np.corrcoef(rankdata(a), rankdata(b))[0, 1]


def joined(files):
    metrics, rows = {}, {}
    for file in files:
        found = json.loads(file.read_text())
        metrics |= found["metrics"]
        for row in found["rows"]:
            rows.setdefault(row["distorted"], row)["scores"] |= row["scores"]
    return {"metrics": metrics, "rows": rows.values()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agreements", nargs="+", type=Path)
    parser.add_argument("--kinds", nargs="+", required=True)
    parser.add_argument("--ahead", required=True)
    parser.add_argument("--resamples", type=int, default=2000)
    args = parser.parse_args()
    found = joined(args.agreements)
    rows = [row for row in found["rows"] if row["distortion"].startswith(tuple(args.kinds))]
    human = np.array([row["human"] for row in rows])
    sign = {name: 1 if metric["better"] == "higher" else -1 for name, metric in found["metrics"].items()}
    scores = {name: sign[name] * np.array([row["scores"][name][0] for row in rows]) for name in sign}
    references = sorted({row["reference"] for row in rows})
    of = {name: [i for i, row in enumerate(rows) if row["reference"] == name] for name in references}
    random = np.random.default_rng(0)
    drawn = {name: [] for name in scores}
    for _ in range(args.resamples):
        picked = np.concatenate([of[references[i]] for i in random.integers(0, len(references), len(references))])
        for name, values in scores.items():
            drawn[name].append(correlation(values[picked], human[picked]))
    drawn = {name: np.array(values) for name, values in drawn.items()}
    whole = {name: correlation(values, human) for name, values in scores.items()}
    print(f"{len(rows)} images\n\n| metric | SROCC | `{args.ahead}` less it |\n|---|---|---|")
    for name in sorted(whole, key=whole.get, reverse=True):
        low, high = np.percentile(drawn[name], [2.5, 97.5])
        less, more = np.percentile(drawn[args.ahead] - drawn[name], [2.5, 97.5])
        ahead = f"{whole[args.ahead] - whole[name]:+.3f} [{less:+.3f}, {more:+.3f}]"
        print(f"| {name} | {whole[name]:.3f} [{low:.3f}, {high:.3f}] | {ahead} |")


main()
