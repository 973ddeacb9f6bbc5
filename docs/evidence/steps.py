"""How soon each variant of an experiment reaches the best validation score of another.

    python docs/evidence/steps.py runs/lowlight-steps [--reference feature] [--metric lpips-alex]

The argument is the folder of an experiment (`percept experiment FILE --out FOLDER`) whose runs were validated as they
went. The metric is one of which less is better. Prints Markdown: for every variant, seed by seed, the first validated
step at which it is at least as good as the reference ever was. Standard library alone.
"""

import argparse
import json
from pathlib import Path


def validations(run, metric):
    """[(step, score)], first to last."""
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return [(line["iter"], line["val"][metric]) for line in lines if "val" in line]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--reference", default="feature")
    parser.add_argument("--metric", default="lpips-alex")
    args = parser.parse_args()
    seeds = sorted(args.experiment.glob("seed-*"), key=lambda seed: int(seed.name[5:]))
    best, found = {}, {}
    for seed in seeds:
        best[seed] = min(score for _, score in validations(seed / args.reference, args.metric))
        for run in sorted(path for path in seed.iterdir() if (path / "log.jsonl").exists()):
            scores = validations(run, args.metric)
            if not scores:
                continue
            reached = next((step for step, score in scores if score <= best[seed]), None)
            found.setdefault(run.name, {})[seed] = (reached, min(score for _, score in scores))
    print(f"| variant | {' | '.join(seed.name for seed in seeds)} |")
    print("|---" * (len(seeds) + 1) + "|")
    for variant, by_seed in found.items():
        cells = []
        for seed in seeds:
            reached, least = by_seed.get(seed, (None, float("nan")))
            cells.append(f"{reached or 'never'} (best {least:.4f})")
        print(f"| {variant} | {' | '.join(cells)} |")


main()
