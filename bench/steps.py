"""The tables of `steps.sh`, from the JSON lines of a folder, as Markdown.

Every round gives one median step time a setting; PyTorch's is that of its faster layout. A ratio is that of a round's two
times, percept ÷ PyTorch; the table has the median, least and largest ratio of all rounds. Best is the faster of f32 and bf16 on
each side. Memory is the largest peak of all rounds. A second table has what percept's selections add to its plain step, by
the means of a round, since not all batches of a selection are alike.
"""

import json
import statistics
import sys
from pathlib import Path


def rounds(path, middle=statistics.median):
    sides = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        sides.setdefault(row["loss"], []).append((middle(row["seconds"]), row["peak_rss_mib"]))
    return sides


def added(alone):
    """The second table."""
    plain = alone.pop("feature")
    print("\n| feature and | adds to the step of `feature` (least–largest of the rounds) | MiB |")
    print("|---|---|---|")
    for loss, ours in alone.items():
        more = sorted(a / b - 1 for (a, _), (b, _) in zip(ours, plain))
        ends = f"{more[0]:.0%} to {more[-1]:.0%}"
        print(f"| {loss} | {statistics.mean(more):.0%} ({ends}) | {max(mib for _, mib in ours):.0f} |")


def faster(sides):
    """Round by round the faster of several settings, with its memory."""
    return {loss: [min(each) for each in zip(*(side[loss] for side in sides))] for loss in sides[0]}


def main():
    folder = Path(sys.argv[1])
    precisions = [one for one in ("f32", "bf16") if (folder / f"percept-{one}").exists()]
    ours = [rounds(folder / f"percept-{one}") for one in precisions]
    theirs = [faster([rounds(folder / f"torch-{one}-{layout}") for layout in ("first", "last")]) for one in precisions]
    sides = [f"{side} {one}" for side in ("percept", "PyTorch") for one in precisions]
    ratios = [f"{one} ÷ {one}" for one in precisions] + ["best ÷ best"]
    memory = [f"MiB, {side}" for side in sides]
    head = ["loss", *sides, *ratios, *memory]
    print(f"Seconds a step.\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")

    def ratio(a, b):
        all_rounds = [one / other for (one, _), (other, _) in zip(a, b)]
        return f"**{statistics.median(all_rounds):.2f}** ({min(all_rounds):.2f}–{max(all_rounds):.2f})"

    for loss in ours[0]:
        settings = [side[loss] for side in ours + theirs]
        seconds = [f"{statistics.median(s for s, _ in side):.3f}" for side in settings]
        best = [faster(sides)[loss] for sides in (ours, theirs)]
        pairs = [*zip(settings, settings[len(precisions) :]), best]
        memory = [f"{max(mib for _, mib in side):.0f}" for side in settings]
        print(f"| {' | '.join([loss, *seconds, *(ratio(*pair) for pair in pairs), *memory])} |")
    if (folder / "alone").exists():
        added(rounds(folder / "alone", statistics.mean))


if __name__ == "__main__":
    main()
