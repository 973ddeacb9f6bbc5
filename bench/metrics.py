"""CPU seconds of scores in Python, or the table of both sides.

    metrics.py measure [--seconds S] [--basicsr DIR]    one JSON line a score: piq, scikit-image; NIQE of BasicSR
    metrics.py table FOLDER                             the table of metrics.sh, from the lines in percept and python

The pair of 1920x1080 pixels is that of crates/percept-image/examples/metrics.rs.
"""
import argparse
import json
import statistics
import sys
import time
from pathlib import Path


def pair():
    import numpy as np

    def triangle(v, period):
        return np.abs(v % (2 * period) - period)

    y, x, c = np.meshgrid(np.arange(1080), np.arange(1920), np.arange(3), indexing="ij")
    noise = (x * 7919 + y * 104729 + c * 1299709) % 41 - 20
    a = 20 + triangle(3 * x + y + 40 * c, 61 + 7 * c) + triangle(2 * y - x + 4000, 83) + 30 * ((x // 16 + y // 24) % 2)
    # Quotients are rounded towards zero, as in Rust.
    b = (a * 7 + 20 * c) // 8 + 9 + np.sign(noise) * (np.abs(noise) // 4)
    return [np.clip(v, 0, 255).astype(np.float32) / np.float32(255) for v in (a, b)]


def measure(seconds, basicsr):
    import numpy as np
    import piq
    import torch
    from skimage.color import deltaE_ciede2000, rgb2lab

    torch.set_num_threads(1)
    images = pair()
    test, reference = (torch.from_numpy(np.ascontiguousarray(v.transpose(2, 0, 1)))[None] for v in reversed(images))

    def of_piq(function, **options):
        return lambda: float(function(test, reference, data_range=1.0, **options))

    def of_lab(value):
        means = lambda: [value(rgb2lab(v)).mean() for v in images]
        return lambda: abs(np.subtract(*means()))

    scores = {
        "ssim-rgb": of_piq(piq.ssim, downsample=False),
        "ms-ssim-rgb": of_piq(piq.multi_scale_ssim),
        "gmsd": of_piq(piq.gmsd),
        "ms-gmsd": of_piq(piq.multi_scale_gmsd),
        "fsim": of_piq(piq.fsim, chromatic=False),
        "fsimc": of_piq(piq.fsim),
        "vsi": of_piq(piq.vsi),
        "haarpsi": of_piq(piq.haarpsi),
        "mdsi": of_piq(piq.mdsi),
        "dss": of_piq(piq.dss),
        "ciede2000": lambda: deltaE_ciede2000(*map(rgb2lab, images)).mean(),
        "luminance-shift": of_lab(lambda lab: lab[..., 0]),
        "saturation-shift": of_lab(lambda lab: np.hypot(lab[..., 1], lab[..., 2])),
        "sharpness-shift": of_lab(lambda lab: np.hypot(np.diff(lab[:-1, :, 0], axis=1), np.diff(lab[:, :-1, 0], axis=0))),
        "tv": lambda: float(piq.total_variation(test, norm_type="l1")) / test.numel(),
    }
    if basicsr:
        sys.path.append(str(Path(__file__).parents[1] / "crates/percept-image/tests/fixtures"))
        import basicsr_niqe

        niqe = basicsr_niqe.load(basicsr)
        weights = np.array([65.481, 128.553, 24.966]) / 255
        scores["niqe"] = lambda: niqe(((255 * images[1]) @ weights + 16).round().astype(np.float32))
    for name, score in scores.items():
        value, count, start = score(), 0, time.process_time()
        while count == 0 or time.process_time() - start < seconds:
            score()
            count += 1
        print(json.dumps({"metric": name, "cpu": (time.process_time() - start) / count, "value": float(value)}))


def table(folder):
    sides = {}
    for side in ("percept", "python"):
        rows = sides.setdefault(side, {})
        for line in (folder / side).read_text().splitlines():
            row = json.loads(line)
            rows.setdefault(row["metric"], []).append((row["cpu"], row["value"]))
    print(f"{'score':18}{'percept':>12}{'python':>12}{'ratio':>8}   {'value':>10}{'python':>12}")
    for name, rounds in sides["percept"].items():
        cpu = statistics.median(row[0] for row in rounds)
        others = sides["python"].get(name)
        if others is None:
            print(f"{name:18}{cpu * 1e3:9.1f} ms{'-':>12}{'-':>8}   {rounds[0][1]:10.5f}")
            continue
        other = statistics.median(row[0] for row in others)
        values = f"{rounds[0][1]:10.5f}{others[0][1]:12.5f}"
        print(f"{name:18}{cpu * 1e3:9.1f} ms{other * 1e3:9.1f} ms{cpu / other:8.2f}   {values}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("--seconds", type=float, default=0.5)
    measuring.add_argument("--basicsr")
    commands.add_parser("table").add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "measure":
        measure(arguments.seconds, arguments.basicsr)
    else:
        table(arguments.folder)
