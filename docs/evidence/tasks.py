"""What several experiments say together: one table of differences by task, and how far their selections agree.

    python docs/evidence/tasks.py runs/sr runs/lowlight runs/denoise [--variant across]

Each argument is the folder of an experiment (`percept experiment FILE --out FOLDER`), with its `results.json` and its
runs. Prints Markdown. Standard library alone.
"""

import argparse
import json
from pathlib import Path

SIGNS = {"better": "✓", "worse": "✗"}


def ranks(values):
    """Ranks from 0, ties with the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    out = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for at in range(start, end + 1):
            out[order[at]] = (start + end) / 2
        start = end + 1
    return out


def spearman(a, b):
    a, b = ranks(a), ranks(b)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - ma) * (y - mb) for x, y in zip(a, b))
    return top / (sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)) ** 0.5


def weights(folder, seeds, variant):
    """Mean weights over seeds at the end of the runs: {tap: [C]}."""
    runs = []
    for seed in seeds:
        lines = (folder / f"seed-{seed}" / variant / "selection.jsonl").read_text().splitlines()
        runs.append({tap["name"]: tap["weights"] for tap in json.loads(lines[-1])["taps"]})
    return {tap: [sum(of) / len(runs) for of in zip(*(run[tap] for run in runs))] for tap in runs[0]}


def cell(finding):
    effect = finding["difference"]
    sign = SIGNS.get(finding["outcome"], "")
    return f"{effect['mean']:+.4f} {sign}".replace("-", "−").strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--variant", default="across")
    parser.add_argument("--metrics", default="lpips-alex,haarpsi,mdsi,ciede2000")
    arguments = parser.parse_args()
    found = {folder: json.loads((folder / "results.json").read_text()) for folder in arguments.folders}
    names = [result["plan"]["name"] for result in found.values()]
    variants = [
        variant["name"]
        for variant in next(iter(found.values()))["variants"]
        if all(variant["name"] in [v["name"] for v in result["variants"]] for result in found.values())
    ]

    for metric in arguments.metrics.split(","):
        print(f"| {metric}, less the reference | " + " | ".join(names) + " |")
        print("|---" * (len(names) + 1) + "|")
        for variant in variants:
            findings = [
                next(v for v in result["variants"] if v["name"] == variant)["findings"][metric]
                for result in found.values()
            ]
            if all(finding["difference"] for finding in findings):
                print(f"| {variant} | " + " | ".join(cell(finding) for finding in findings) + " |")
        print()

    print("Metrics that count, better ✓ and worse ✗ after Holm's correction:\n")
    print("| variant | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for variant in variants:
        row = []
        for result in found.values():
            findings = next(v for v in result["variants"] if v["name"] == variant)["findings"].values()
            outcomes = [f["outcome"] for f in findings if f["outcome"]]
            row.append(f"{outcomes.count('better')} ✓ {outcomes.count('worse')} ✗ of {len(outcomes)}" if outcomes else "–")
        if any(text != "–" for text in row):
            print(f"| {variant} | " + " | ".join(row) + " |")
    print()

    selected = [
        weights(folder, result["plan"]["seeds"], arguments.variant) for folder, result in found.items()
    ]
    print(f"Rank correlation of the weights of `{arguments.variant}` between tasks, by tap:\n")
    print("| | " + " | ".join(names[:-1]) + " |")
    print("|---" * len(names) + "|")
    for row in range(1, len(names)):
        cells = [
            ", ".join(f"{spearman(selected[row][tap], selected[column][tap]):.2f}" for tap in selected[row])
            for column in range(row)
        ]
        print(f"| {names[row]} | " + " | ".join(cells + [""] * (len(names) - 1 - row)) + " |")


if __name__ == "__main__":
    main()
