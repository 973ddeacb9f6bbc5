"""The table of `steps.sh`, from the JSON lines of a folder, as Markdown.

Every round gives one median step time a side. The ratio is that of the two medians of a round; the table has the
median, least and largest ratio of all rounds. Memory is the largest peak of all rounds. A second table has what percept's
selections add to its plain step, by the means of a round, since not all batches of a selection are alike.
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


def main():
    folder = Path(sys.argv[1])
    percept, stock, kept = (rounds(folder / name) for name in ("percept", "stock", "kept"))
    print("| loss | percept, s/step | PyTorch, s/step | PyTorch kept, s/step | ratio | ratio to kept | MiB | MiB, PyTorch |")
    print("|---|---|---|---|---|---|---|---|")
    for loss, ours in percept.items():
        def middle(side):
            return statistics.median(seconds for seconds, _ in side)

        def ratio(side):
            all_rounds = [a / b for (a, _), (b, _) in zip(ours, side)]
            return f"**{statistics.median(all_rounds):.2f}** ({min(all_rounds):.2f}–{max(all_rounds):.2f})"

        seconds = " | ".join(f"{middle(side):.3f}" for side in (ours, stock[loss], kept[loss]))
        memory = " | ".join(f"{max(mib for _, mib in side):.0f}" for side in (ours, stock[loss]))
        print(f"| {loss} | {seconds} | {ratio(stock[loss])} | {ratio(kept[loss])} | {memory} |")
    added(rounds(folder / "alone", statistics.mean))


if __name__ == "__main__":
    main()
