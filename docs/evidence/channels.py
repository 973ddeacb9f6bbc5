"""What the channels at both ends of a selection answer to, and when a selection has settled.

    python docs/evidence/channels.py assets/weights assets/photos/train,assets/photos/val RUNS/static RUNS/across ...

The first two are the folder of weight files and the photos that are disturbed; then come variants of experiments, each as
`FOLDER/VARIANT` of a folder that holds `seed-S`, with VGG16 for a backbone. A channel's answer to a disturbance is the mean squared
change of its features over their variance. Prints Markdown. Needs torch, safetensors, pillow and numpy.
"""

import argparse
import io
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from safetensors.torch import load_file

sys.path.append(str(Path(__file__).parents[2] / "bench"))
from networks import Vgg16  # noqa: E402
from tasks import spearman  # noqa: E402

TAPS = ["relu1_2", "relu2_2", "relu3_3"]
SIDE = 256


def gained(photo, gains):
    """With other gains in linear light."""
    x = np.asarray(photo, np.float64) / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4) * gains
    light = light.clip(0, 1)
    out = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.rint(out * 255).astype(np.uint8))


def noisy(photo, random):
    x = np.asarray(photo, np.float64) + random.normal(0, 25, np.asarray(photo).shape)
    return Image.fromarray(np.rint(x).clip(0, 255).astype(np.uint8))


def compressed(photo):
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=20)
    return Image.open(file).convert("RGB")


def shrunk(photo):
    small = photo.resize([side // 4 for side in photo.size], Image.Resampling.BICUBIC)
    return small.resize(photo.size, Image.Resampling.BICUBIC)


def disturbances(photo, random):
    return {
        "half the light": gained(photo, np.array([0.5, 0.5, 0.5])),
        "colour cast": gained(photo, 2 ** np.array([0.3, 0, -0.3])),
        "noise σ 25": noisy(photo, random),
        "JPEG 20": compressed(photo),
        "blur σ 1.6": photo.filter(ImageFilter.GaussianBlur(1.6)),
        "shrunk ×4": shrunk(photo),
    }


def middle(path):
    photo = Image.open(path).convert("RGB")
    left, top = ((side - SIDE) // 2 for side in photo.size)
    return photo.crop((left, top, left + SIDE, top + SIDE))


def answers(assets, folders):
    """By tap and disturbance `[C]`."""
    network = Vgg16(TAPS, load_file(assets / "vgg16.safetensors"))

    def features(photo):
        with torch.no_grad():
            x = torch.from_numpy(np.asarray(photo).copy()).permute(2, 0, 1)[None].float() / 255
            return [tap[0].flatten(1) for tap in network(x)]

    random = np.random.default_rng(0)
    changes, variances, photos = {}, [0] * len(TAPS), 0
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        if path.suffix.lower() not in (".png", ".jpg"):
            continue
        photo, photos = middle(path), photos + 1
        clean = features(photo)
        variances = [sum_ + tap.var(1) for sum_, tap in zip(variances, clean)]
        for name, other in disturbances(photo, random).items():
            change = [((a - b) ** 2).mean(1) for a, b in zip(clean, features(other))]
            changes[name] = [a + b for a, b in zip(changes.get(name, [0] * len(TAPS)), change)]
    print(f"{photos} photos, the {SIDE}×{SIDE} in the middle.\n")
    # Channels that hardly ever answer say nothing.
    floor = [1e-3 * variance.mean() for variance in variances]
    return {
        name: [(change / (variance + least)).numpy() for change, variance, least in zip(of, variances, floor)]
        for name, of in changes.items()
    }


def moments(run):
    """The weights of every tap at every step of a run's log: [(step, [[C]])]."""
    lines = map(json.loads, (run / "selection.jsonl").read_text().splitlines())
    return [(line["iter"], [np.array(tap["weights"]) for tap in line["taps"]]) for line in lines]


def agreement(a, b):
    return float(np.mean([spearman(list(x), list(y)) for x, y in zip(a, b)]))


def ends(weights, answer):
    """How much more the most and the least selected tenth of the channels answer than all do, mean over taps."""
    ratios = []
    for w, r in zip(weights, answer):
        order, tenth, log = np.argsort(-w), max(1, len(w) // 10), np.log(r + 1e-6)
        ratios.append([log[order[:tenth]].mean() - log.mean(), log[order[-tenth:]].mean() - log.mean()])
    return np.exp(np.mean(ratios, 0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("assets", type=Path)
    parser.add_argument("photos")
    parser.add_argument("variants", nargs="+", type=Path)
    arguments = parser.parse_args()
    found = answers(arguments.assets, [Path(folder) for folder in arguments.photos.split(",")])

    rows = {}
    for variant in arguments.variants:
        seeds = sorted(variant.parent.glob("seed-*"))
        rows[f"{variant.parent.name} `{variant.name}`"] = [moments(seed / variant.name) for seed in seeds]

    print("| selection | " + " | ".join(found) + " |\n|---|" + "---|" * len(found))
    for name, runs in rows.items():
        weights = [np.mean(tap, 0) for tap in zip(*(run[-1][1] for run in runs))]
        cells = ["{:.2f} / {:.2f}".format(*ends(weights, answer)) for answer in found.values()]
        print(f"| {name} | {' | '.join(cells)} |")

    shares = [0.1, 0.25, 0.5, 0.75]
    print("\n| selection | " + " | ".join(f"{share:.0%}" for share in shares) + " |\n|---|" + "---|" * len(shares))
    for name, runs in rows.items():
        cells = []
        for share in shares:
            last = runs[0][-1][0]
            early = [min(run, key=lambda moment: abs(moment[0] - share * last)) for run in runs]
            agree = np.mean([agreement(moment[1], run[-1][1]) for moment, run in zip(early, runs)])
            moved = [np.abs(np.log2(a / b)).mean() for m, run in zip(early, runs) for a, b in zip(m[1], run[-1][1])]
            cells.append(f"{agree:.2f}, {np.mean(moved):.2f}")
        # One that has rested says nothing.
        if np.mean(moved) > 0:
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
