"""The figure and the table of the summary page, from the results that the experiments left.

    python docs/evidence/summary.py            # writes summary.svg and the table in README.md, both beside this file
    python docs/evidence/summary.py --check    # changes nothing; exit code 1 if either is not what the results say

Standard library alone.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
NO_BREAK, NO_BREAK_HYPHEN = "\u00a0", "\u2011"
BEGIN, END = "<!-- summary.py writes from here -->", "<!-- to here -->"

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

WIDTH, LEFT, CELL, GAP, TOP, ROW, HEADING = 900, 238, 145, 18, 62, 24, 30
INK, FAINT, LINE, BAND = "#1f2937", "#6b7280", "#9ca3af", "#f6f7f9"
COLOURS = {"better": "#0b6bcb", "worse": "#c2410c", "none": "#6b7280"}


def signed(value, digits):
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−")


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
        self.fast = variant == "ladder-8-static"


def text(x, y, words, anchor="start", size=12.5, fill=INK, weight="normal"):
    return (f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" fill="{fill}" '
            f'font-weight="{weight}">{words}</text>')


def mark(finding, at, left, right, y):
    """An interval with its mean; an arrow where it leaves the plot."""
    effect, colour = finding["difference"], COLOURS[finding["outcome"]]
    ends = sorted((at(effect["low"]), at(effect["high"])))
    from_, to = max(ends[0], left), min(ends[1], right)
    out = [f'<line x1="{from_:.1f}" x2="{to:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.2"/>']
    for end, edge, way in ((ends[0] < left, left, -1), (ends[1] > right, right, 1)):
        if end:
            out.append(f'<path d="M{edge + 5 * way:.1f} {y} l{-7 * way} -4 v8 z" fill="{colour}"/>')
    out.append(f'<circle cx="{at(effect["mean"]):.1f}" cy="{y}" r="3.8" fill="{colour}" stroke="#fff" stroke-width="1"/>')
    return out


def figure(groups):
    height = TOP + sum(HEADING + ROW * len(rows) for _, rows in groups) + 58
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="Arial, Helvetica, sans-serif" role="img" '
        'aria-label="A selection less the plain feature loss, by task and score, with 95 % intervals">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        text(16, 24, "A selection less the plain <tspan font-family=\"monospace\">feature</tspan> loss", size=15, weight="bold"),
        text(WIDTH - 16, 24, "to the right of the line: better", "end", 12.5, FAINT),
    ]
    body, y = [], TOP
    for title, rows in groups:
        body.append(text(16, y + 20, title, size=12.5, weight="bold"))
        y += HEADING
        for index, row in enumerate(rows):
            if index % 2 == 0:
                body.append(f'<rect x="8" y="{y}" width="{WIDTH - 16}" height="{ROW}" fill="{BAND}"/>')
            body.append(text(24, y + 16.5, row.task))
            body.append(text(LEFT - 6, y + 16.5, f"{row.steps} steps{' °' if row.fast else ''}", "end", 11.5, FAINT))
            y += ROW
    bottom = y + 4
    out += body
    for index, (metric, title, low, high, ticks) in enumerate(COLUMNS):
        left = LEFT + GAP + index * (CELL + GAP)
        right = left + CELL
        def at(value):
            return left + (value - low) / (high - low) * CELL
        out.append(text((left + right) / 2, 52, title, "middle", 12.5, INK, "bold"))
        for tick in ticks:
            x = at(tick)
            main = tick == 0
            out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="{LINE if main else "#e5e7eb"}" '
                       f'stroke-width="{1.4 if main else 1}"/>')
            label = "0" if main else signed(tick, 0 if abs(tick) >= 1 else 2)
            out.append(text(x, bottom + 15, label, "middle", 11, FAINT))
        y = TOP
        for _, rows in groups:
            y += HEADING
            for row in rows:
                out += mark(row.findings[metric], at, left, right, y + ROW / 2)
                y += ROW
    y, x = height - 16, 24
    for outcome, words in (("better", "better"), ("worse", "worse"), ("none", "no difference is shown")):
        out.append(f'<line x1="{x}" x2="{x + 26}" y1="{y - 4}" y2="{y - 4}" stroke="{COLOURS[outcome]}" stroke-width="2.2"/>')
        out.append(f'<circle cx="{x + 13}" cy="{y - 4}" r="3.8" fill="{COLOURS[outcome]}" stroke="#fff"/>')
        out.append(text(x + 33, y, words, size=11.5, fill=FAINT))
        x += 48 + 6.4 * len(words)
    out.append(text(WIDTH - 16, y, "95 % intervals over 3 seeds and 18 photos; colour: shown after correction", "end", 11.5, FAINT))
    return "\n".join(out + ["</svg>", ""])


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
                f"| [{row.task.replace(' ', NO_BREAK).replace('-', NO_BREAK_HYPHEN)}]({row.folder}/README.md) | {row.steps}{NO_BREAK + '°' if row.fast else ''} | {signed(mean['psnr-y'], 2)} "
                f"| {signed(mean['lpips-alex'], 4)} | {signed(mean['ciede2000'], 2)} "
                f"| {row.ahead} of {row.counted} | {names(row.better)} | {names(row.worse)} |"
            )
    return "\n".join(out)


def main():
    groups = [(title, [Row(*row) for row in rows]) for title, rows in GROUPS]
    page = (HERE / "README.md").read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    wanted = {
        HERE / "summary.svg": figure(groups),
        HERE / "README.md": f"{before}{BEGIN}\n\n{table(groups)}\n\n{END}{after}",
    }
    stale = [path for path, words in wanted.items() if not path.exists() or path.read_text() != words]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} is not what the results say: python docs/evidence/summary.py")
        sys.exit(1 if stale else 0)
    for path in stale:
        path.write_text(wanted[path])


if __name__ == "__main__":
    main()
