"""The tables of acting.md, and table and figure of README.md, from the results that the experiments `acting-TASK` left.

    python docs/evidence/acting.py            # writes them, and acting.svg, beside this file
    python docs/evidence/acting.py --check    # changes nothing; exit code 1 if they are not what the results say

`acting-TASK/results.json` has the differences to `feature`, `acting-TASK/permuted.json` those to `permuted` (the same experiment
with that `reference`, by `--judge-only`). Holm's correction is over the nine scores of a row. Standard library alone.
"""

import json
from pathlib import Path

from figure import figure, signed
from pages import filled, settle

HERE = Path(__file__).parent

TASKS = {
    "sr": "×4 super-resolution",
    "sr-long": "the same, 1000 steps",
    "lowlight": "low light",
    "denoise": "noise, σ 25–50",
    "jpeg": "JPEG, quality 10–30",
    "deblur": "blur",
    "derain": "rain",
}
ARMS = ["literal", "closed", "systematic", "permuted", "ladder-8-static-2", "l1"]
FAMILIES = {
    "fidelity": ["psnr-y", "ciede2000"],
    "structure": ["haarpsi", "mdsi", "fsimc", "dss", "gmsd"],
    "texture": ["lpips-alex", "band-energy"],
}
COUNTED = [score for scores in FAMILIES.values() for score in scores]
SHOWN = {"psnr-y": 2, "ciede2000": 2, "haarpsi": 4, "dss": 4, "lpips-alex": 4, "band-energy": 2, "grid": 2}
ARROWS = {"higher": "↑", "lower": "↓"}

# README.md: tasks by what is damaged, a score of each family, and how far its plot goes.
GROUPS = {
    "Detail is missing": ["sr", "sr-long", "deblur", "jpeg"],
    "Light and colour are damaged": ["lowlight"],
    "Something lies over the photo": ["denoise", "derain"],
}
CLOSED = ["closed", "systematic"]
COLUMNS = [
    ("psnr-y", "PSNR, dB", -1.4, 3.8, [-1, 0, 1, 2, 3]),
    ("ciede2000", "colour, ΔE₀₀", 3.4, -4.2, [2, 0, -2, -4]),
    ("dss", "DSS", -0.05, 0.05, [-0.04, 0, 0.04]),
    ("lpips-alex", "LPIPS", 0.05, -0.05, [0.04, 0, -0.04]),
]
TITLE = 'Two closed forms of the selection less the plain <tspan font-family="monospace">feature</tspan> loss'
NOTE = "95 % intervals over 3 seeds and 18 photos; colour: shown after correction"


def holm(p):
    """p-values corrected for one another, in their order."""
    out, least = [0.0] * len(p), 0.0
    for rank, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - rank) * p[at]))
        out[at] = least
    return out


class Row:
    """An arm of a task less another one."""

    def __init__(self, results, arm):
        found = next(variant for variant in results["variants"] if variant["name"] == arm)["findings"]
        self.effects = {score: finding["difference"] for score, finding in found.items()}
        higher = {score: info["better"] == "higher" for score, info in results["metrics"].items()}
        corrected = holm([self.effects[score]["p"] for score in COUNTED])
        self.shown = {}
        for score, p in zip(COUNTED, corrected):
            if p < 0.05:
                ahead = (self.effects[score]["mean"] > 0) == higher[score]
                self.shown[score] = "better" if ahead else "worse"

    def families(self, outcome):
        return [name for name, scores in FAMILIES.items() if outcome in [self.shown.get(score) for score in scores]]

    def verdict(self):
        """As rule 1 has it."""
        better, worse = self.families("better"), self.families("worse")
        if len(better) >= 2 and not worse:
            return "**wins**"
        if len(worse) >= 2 and not better:
            return "loses"
        return "–"

    @property
    def findings(self):
        """As the figure reads them."""
        effects = self.effects.items()
        return {score: {"difference": effect, "outcome": self.shown.get(score, "none")} for score, effect in effects}

    def interval(self, score):
        effect = self.effects[score]
        low, high = (signed(effect[end], SHOWN[score]) for end in ("low", "high"))
        return f"{self.cell(score)} [{low}, {high}]"

    def cell(self, score):
        mark = {"better": " ✓", "worse": " ✗"}.get(self.shown.get(score), "")
        return signed(self.effects[score]["mean"], SHOWN[score]) + mark


def read(task, name):
    return json.loads((HERE / f"acting-{task}" / name).read_text())


def present(results, arms):
    there = [variant["name"] for variant in results["variants"]]
    return [arm for arm in arms if arm in there]


def names(scores):
    return ", ".join(f"`{score}`" for score in scores) or "–"


def tables():
    results = {task: read(task, "results.json") for task in TASKS}
    dealt = {task: read(task, "permuted.json") for task in TASKS}
    assert all(found["plan"]["reference"] == "feature" for found in results.values())
    assert all(found["plan"]["reference"] == "permuted" for found in dealt.values())
    better = next(iter(results.values()))["metrics"]
    heads = " | ".join(f"{score} {ARROWS[better[score]['better']]}" for score in SHOWN)
    out = ["Each less `feature`:", "", f"| task | arm | {heads} | by rule 1 |", "|---" * (len(SHOWN) + 3) + "|"]
    for task, title in TASKS.items():
        for at, arm in enumerate(present(results[task], ARMS)):
            row = Row(results[task], arm)
            cells = " | ".join(row.cell(score) for score in SHOWN)
            task_cell = f"[{title}](acting-{task}/README.md)" if at == 0 else ""
            out.append(f"| {task_cell} | `{arm}` | {cells} | {row.verdict()} |")
    out += ["", "Each less `permuted`, the same weights dealt to other channels (rule 2):", ""]
    out += ["| task | arm | shown better | shown worse |", "|---|---|---|---|"]
    for task, title in TASKS.items():
        for at, arm in enumerate(present(dealt[task], ["literal", "closed", "systematic"])):
            shown = Row(dealt[task], arm).shown
            ahead, behind = ([s for s, o in shown.items() if o == wanted] for wanted in ("better", "worse"))
            out.append(f"| {title if at == 0 else ''} | `{arm}` | {names(ahead)} | {names(behind)} |")
    return "\n".join(out)


def summary():
    """The table and the figure of README.md."""
    groups, out = [], ["| what is damaged | selection | fidelity: PSNR, dB | structure: DSS | texture: LPIPS | verdict |"]
    out.append("|---|---|---|---|---|---|")
    for heading, tasks in GROUPS.items():
        rows = []
        for task in tasks:
            results = read(task, "results.json")
            for at, arm in enumerate(present(results, CLOSED)):
                row = Row(results, arm)
                row.task, row.label = TASKS[task] if at == 0 else "", arm
                rows.append(row)
                task_cell = f"[{TASKS[task]}](acting-{task}/README.md)" if at == 0 else ""
                cells = " | ".join(row.interval(score) for score in ("psnr-y", "dss", "lpips-alex"))
                out.append(f"| {task_cell} | `{arm}` | {cells} | {row.verdict()} |")
        groups.append((heading, rows))
    return "\n".join(out), figure(TITLE, groups, COLUMNS, NOTE)


def main():
    table, drawn = summary()
    texts = {"acting.md": tables(), "README.md": table}
    made = {HERE / page: filled(HERE / page, "acting.py", words) for page, words in texts.items()}
    settle(made | {HERE / "acting.svg": drawn}, "acting.py")


main()
