"""The table of `run.sh`, as Markdown: milliseconds of both sides, their ratio, and what share of the processor's
multiply-adds percept reaches, from the JSON lines of a folder.

The share counts the operations of the definition in f32: minimal filtering does with fewer, and bf16 does two at a time, so
it can be above 100 %. Rows with bf16 stand beside PyTorch's in bf16; best is the faster of f32 and bf16 on each side, both with
memory that is kept.
"""

import json
import sys
from pathlib import Path


def least(path):
    best = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        key = row["shape"], row["pass"]
        if key not in best or row["seconds"] < best[key]["seconds"]:
            best[key] = row
    return best


def main():
    folder = Path(sys.argv[1])
    peak = json.loads((folder / "peak").read_text())
    sides = [least(folder / name) for name in ("percept-stock", "torch-stock", "percept-kept", "torch-kept")]
    print(f"Two threads: {peak['flops'] / 1e9:.0f} GFLOP/s in registers, {peak['bytes'] / 1e9:.1f} GB/s from memory.\n")
    print(
        "| shape | pass | percept, ms | PyTorch, ms | percept kept, ms | PyTorch kept, ms | ratio | ratio kept | best ÷ best "
        "| of the peak |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for key in sides[0]:
        seconds = [side[key]["seconds"] for side in sides]
        times = " | ".join(f"{value * 1e3:.2f}" for value in seconds)
        exact = key[0].removesuffix(" bf16"), key[1]
        best = [min(side[each]["seconds"] for each in (key, exact)) for side in sides[2:]]
        of_both = f"**{best[0] / best[1]:.2f}**" if key != exact else ""
        flops = sides[2][key]["flops"]
        share = f"{100 * flops / seconds[2] / peak['flops']:.0f} %" if flops else ""
        ratios = f"{seconds[0] / seconds[1]:.2f} | **{seconds[2] / seconds[3]:.2f}** | {of_both}"
        print(f"| {key[0]} | {key[1]} | {times} | {ratios} | {share} |")


if __name__ == "__main__":
    main()
