"""Losses that trade fidelity for texture, at equal fidelity: weights between the common start and each result make a curve.

    percept experiment FILE.toml --out RUNS --judge-only --pictures PICTURES
    python docs/evidence/curves.py RUNS START PICTURES [REFERENCE]

RUNS holds the runs of `percept experiment`, START is its `start_model`, PICTURES what it wrote. Each model goes several shares (`STEPS`)
of the way from START to the result; `percept models bench` scores it on the targets, shrunk four times. Prints Markdown: the scores of every
arm in the mean of the seeds, and those less REFERENCE (`uniform`) at the PSNR that it ends at, for every seed. Needs percept in the PATH, or
its path in PERCEPT.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

PERCEPT = os.environ.get("PERCEPT", "percept")
STEPS = [0.5, 0.75, 0.85, 0.92, 1.0, 1.5]
SCORES = ["psnr-y", "lpips-alex", "ssim-y", "grid"]


def percept(*arguments):
    call = subprocess.run([PERCEPT, *map(str, arguments)], capture_output=True, text=True)
    if call.returncode:
        raise SystemExit(call.stderr)
    return call.stdout


def scored(models, sets):
    """The scores of each model, on photos that were only shrunk."""
    named = [part for model in models for part in ("--model", model)]
    rows = json.loads(percept("models", "bench", sets, *named, "--json"))["rows"]
    found = {row["model"]: row["scores"] for row in rows if row["spoiling"].startswith("bicubic")}
    return [[found[str(model)][name] for name in SCORES] for model in models]


def at_psnr(curve, psnr):
    """The scores where a curve has that PSNR, linear between its points; None where it does not reach it."""
    points = sorted(curve)
    for a, b in zip(points, points[1:]):
        if a[0] <= psnr <= b[0]:
            share = (psnr - a[0]) / (b[0] - a[0])
            return [x + share * (y - x) for x, y in zip(a, b)]
    return None


def main():
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    runs, start, pictures = map(pathlib.Path, sys.argv[1:4])
    reference = sys.argv[4] if len(sys.argv) == 5 else "uniform"
    seeds = sorted(path for path in runs.glob("seed-*") if (path / reference / "model.safetensors").exists())
    # A variant that some seed lacks cannot be compared.
    names = {path.name for seed in seeds for path in seed.iterdir()}
    whole = [name for name in names if all((seed / name / "model.safetensors").exists() for seed in seeds)]
    arms = sorted(whole, key=lambda name: (name != reference, name))
    curves = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "sets").mkdir()
        (folder / "sets/photos").symlink_to((pictures / "gt").resolve())
        for seed in seeds:
            models = [start]
            for arm in arms:
                for step in STEPS:
                    models.append(folder / f"{seed.name}-{arm}-{step}.safetensors")
                    percept("interpolate", seed / arm / "model.safetensors", start, "--alpha", step, "-o", models[-1])
            first, *values = scored(models, folder / "sets")
            for at, arm in enumerate(arms):
                curves[seed.name, arm] = [first, *values[len(STEPS) * at : len(STEPS) * (at + 1)]]
            print(seed.name, file=sys.stderr)
    print(f"| arm | share | {' | '.join(SCORES)} |\n|---|---|{'---|' * len(SCORES)}")
    for arm in arms:
        for at, step in enumerate([0.0, *STEPS]):
            if at or arm == reference:
                of = [curves[seed.name, arm][at] for seed in seeds]
                print(f"| {f'`{arm}`' if at else 'start'} | {step} | {' | '.join(f'{sum(values) / len(values):.4f}' for values in zip(*of))} |")
    print(f"\nLess `{reference}` at the PSNR that it ends at, by seed:\n\n| arm | {' | '.join(SCORES[1:])} |\n|---|{'---|' * len(SCORES[1:])}")
    for arm in arms[1:]:
        pairs = []
        for seed in seeds:
            own = curves[seed.name, reference][1 + STEPS.index(1.0)]
            other = at_psnr(curves[seed.name, arm], own[0])
            pairs.append(None if other is None else [b - a for a, b in zip(own[1:], other[1:])])
        columns = [", ".join("–" if pair is None else f"{pair[k]:+.4f}" for pair in pairs) for k in range(len(SCORES) - 1)]
        print(f"| `{arm}` | {' | '.join(columns)} |")


main()
