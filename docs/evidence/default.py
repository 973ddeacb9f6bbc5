"""The figure and the table of default.md, from the results that the experiments left.

    python docs/evidence/default.py            # writes default.svg and the table in default.md, both beside this file
    python docs/evidence/default.py --check    # changes nothing; exit code 1 if either is not what the results say

Standard library alone.
"""

import json
from pathlib import Path

from figure import figure, signed
from pages import filled, settle

HERE = Path(__file__).parent
NO_BREAK, NO_BREAK_HYPHEN = "\u00a0", "\u2011"

# What is damaged, and the rows of it: task, folder of the experiment, variant that is the selection.
GROUPS = [
    ("Light and colour are damaged", [
        ("low light", "prior-lowlight", "ladder-8-static-2"),
        ("low light", "lowlight-long", "ladder-8-static"),
    ]),
    ("Detail is missing", [
        ("×4 super-resolution", "prior-sr", "ladder-8-static-2"),
        ("×4 super-resolution", "sr-long", "ladder-8-static"),
        ("×4 super-resolution", "sr-longer", "selected"),
        ("JPEG, quality 10–30", "prior-jpeg", "ladder-8-static-2"),
        ("blur", "projection-deblur", "gates"),
    ]),
    ("Something lies over the photo", [
        ("noise, σ 25–50", "prior-denoise", "ladder-8-static-2"),
        ("noise, σ 25–50", "denoise-long", "ladder-8-static"),
        ("rain", "derain-long", "ladder-8-static"),
    ]),
]

# Score, title, what less is better of, and how far the plot goes: values at its left and right end, and its ticks.
COLUMNS = [
    ("psnr-y", "PSNR, dB", -1.4, 3.8, [-1, 0, 1, 2, 3]),
    ("lpips-alex", "LPIPS", 0.02, -0.02, [0.01, 0, -0.01]),
    ("haarpsi", "HaarPSI", -0.03, 0.03, [-0.02, 0, 0.02]),
    ("ciede2000", "colour, ΔE₀₀", 2.2, -4.2, [2, 0, -2, -4]),
]

TITLE = 'The default selection less the plain <tspan font-family="monospace">feature</tspan> loss'
NOTE = "95 % intervals over 3 seeds and 18 photos; colour: shown after correction"


class Row:
    """One selection in one experiment, less the plain `feature` loss."""

    def __init__(self, task, folder, variant):
        results = json.loads((HERE / folder / "results.json").read_text())
        assert results["plan"]["reference"] == "feature", folder
        found = next(v for v in results["variants"] if v["name"] == variant)
        self.task, self.folder, self.steps = task, folder, found["steps"]
        self.findings = found["findings"]
        less = {name: info["better"] == "lower" for name, info in results["metrics"].items()}
        counted = {name: f for name, f in self.findings.items() if f["outcome"] is not None}
        self.counted = len(counted)
        self.ahead = sum((f["difference"]["mean"] < 0) == less[name] for name, f in counted.items())
        self.better = [name for name, f in counted.items() if f["outcome"] == "better"]
        self.worse = [name for name, f in counted.items() if f["outcome"] == "worse"]
        self.label = f"{self.steps} steps{' °' if variant == 'ladder-8-static' else ''}"


def names(metrics):
    short = {"psnr-y": "PSNR", "lpips-alex": "LPIPS", "haarpsi": "HaarPSI", "mdsi": "MDSI", "fsimc": "FSIMc",
             "dss": "DSS", "ciede2000": "colour"}
    order = list(short)
    return ", ".join(short[name] for name in sorted(metrics, key=order.index)) or "–"


def table(groups):
    out = [
        "| what is damaged | steps | PSNR, dB | LPIPS | colour | better in the mean | shown better | shown worse |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, rows in groups:
        for row in rows:
            mean = {name: f["difference"]["mean"] for name, f in row.findings.items()}
            out.append(
                f"| [{row.task.replace(' ', NO_BREAK).replace('-', NO_BREAK_HYPHEN)}]({row.folder}/README.md) | {row.label.replace(' steps', '').replace(' ', NO_BREAK)} | {signed(mean['psnr-y'], 2)} "
                f"| {signed(mean['lpips-alex'], 4)} | {signed(mean['ciede2000'], 2)} "
                f"| {row.ahead} of {row.counted} | {names(row.better)} | {names(row.worse)} |"
            )
    return "\n".join(out)


def main():
    groups = [(title, [Row(*row) for row in rows]) for title, rows in GROUPS]
    page = HERE / "default.md"
    figures = {HERE / "default.svg": figure(TITLE, groups, COLUMNS, NOTE)}
    settle({page: filled(page, "default.py", table(groups))} | figures, "default.py")


if __name__ == "__main__":
    main()
