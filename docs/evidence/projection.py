"""Gates against a 1×1 projection inside a training: what a selection is when it may mix channels.

    python docs/evidence/projection.py PHOTOS TEST ASSETS PERCEPT [--task lowlight] [--seeds 2] [--only NAME]

PHOTOS is a folder to train on, TEST one or more folders to judge (separated by commas), ASSETS assets/weights, PERCEPT the binary,
which scores. Low light (or `denoise`, σ 25 to 50), NAFNet of width 16, VGG16 to relu3_3: 400 steps of L1 and then 200 of the feature loss, with the settings of
lowlight.toml, in PyTorch and with its own random numbers. The contrast is `across` on each of the first 40 batches. Where gates weigh
channels, `D = Σ_c w_c δ_c`, a projection P weighs their products too, `D = tr(M Σ)` with `M = floor · I + (1 − floor) · C · P Pᵀ / tr(P Pᵀ)`
and Σ the second moments of the difference. Both start uniform. Prints Markdown. Needs torch, safetensors, pillow and numpy.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F

sys.path.append(str(Path(__file__).parents[2] / "bench"))
from networks import NafNet, Vgg16  # noqa: E402

TAPS = ["relu1_2", "relu2_2", "relu3_3"]
BATCH, CROP, WARM, STEPS, UNTIL, UNIFORM = 4, 96, 400, 200, 40, 20
FLOOR, MARGIN, TEMPERATURE, ENTROPY, PAST = 0.4, 0.2, 0.1, 0.02, 0.95
METRICS = {"psnr-y": "↑", "lpips-alex": "↓", "haarpsi": "↑", "mdsi": "↓", "fsimc": "↑", "dss": "↑", "ciede2000": "↓"}


def read(folder):
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".bmp"))
    photos = [(path.stem, np.asarray(Image.open(path).convert("RGB"))) for path in files]
    return [(name, photo) for name, photo in photos if min(photo.shape[:2]) >= CROP]


def tensor(photo):
    return torch.from_numpy(photo.copy()).permute(2, 0, 1).float() / 255


def dark(photo, random):
    """An exposure that is too short, as percept's degradation `low_light`."""
    stops, shot, noise = (random.uniform(*ends) for ends in ((2, 5), (1e-4, 1e-3), (5e-4, 3e-3)))
    red, blue = random.uniform(-0.3, 0.3, 2)
    gains = torch.tensor([2 ** (red - stops), 2**-stops, 2 ** (blue - stops)]).view(3, 1, 1).float()
    light = torch.where(photo <= 0.04045, photo / 12.92, ((photo + 0.055) / 1.055) ** 2.4) * gains
    spread = (shot * light + noise**2).sqrt() * torch.from_numpy(random.normal(size=tuple(light.shape))).float()
    light = (light + spread).clamp(0, 1)
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def noisy(photo, random):
    deviation = random.uniform(25, 50) / 255
    return (photo + torch.from_numpy(random.normal(0, deviation, tuple(photo.shape))).float()).clamp(0, 1)


TASKS = {"lowlight": dark, "denoise": noisy}


def batch(photos, degrade, random):
    pairs = []
    for at in random.integers(len(photos), size=BATCH):
        photo = photos[at][1]
        top, left = (random.integers(side - CROP + 1) for side in photo.shape[:2])
        crop = photo[top : top + CROP, left : left + CROP]
        crop = crop[:, ::-1] if random.integers(2) else crop
        target = tensor(crop)
        pairs.append((degrade(target, random), target))
    return [torch.stack(side) for side in zip(*pairs)]


def moments(difference):
    """Second moments over positions by photo, `[N, C, C]`."""
    flat = difference.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


class Uniform:
    def __init__(self, l1=False):
        self.l1 = l1

    def matrices(self, at):
        return None

    def step(self, at, near, far):
        pass


class Selected:
    """Gates (vectors) or projections (matrices), moved by the contrast across contents."""

    def __init__(self, free, rate):
        self.free = [tap.requires_grad_() for tap in free]
        self.adam, self.response = torch.optim.Adam(self.free, lr=rate), [None] * len(free)

    def metric(self, free):
        channels = len(free)
        if free.dim() == 1:
            return torch.diag(FLOOR + (1 - FLOOR) * channels * torch.softmax(free, 0))
        product = free @ free.T
        return FLOOR * torch.eye(channels) + (1 - FLOOR) * channels * product / torch.trace(product)

    def matrices(self, at):
        with torch.no_grad():
            return None if at < UNIFORM else [self.metric(tap) for tap in self.free]

    def step(self, at, near, far):
        if at >= UNTIL:
            return
        for tap, now in enumerate(far):
            now, before = now.diagonal(dim1=1, dim2=2).mean(0), self.response[tap]
            self.response[tap] = now if before is None else PAST * before + (1 - PAST) * now
        scales = [(r + 1e-3 * r.mean()).rsqrt() for r in self.response]
        matrices = [self.metric(tap) for tap in self.free]
        whole = lambda taps: sum(
            (m * s[:, None] * s * t).sum((1, 2)) / len(m) for m, s, t in zip(matrices, scales, taps)
        )
        violation = whole(near).log()[:, None] - whole(far).log()[None] + MARGIN
        others = 1 - torch.eye(len(violation))
        contrast = (F.softplus(violation / TEMPERATURE) * TEMPERATURE * others).sum() / others.sum()
        # The entropy of how the weight is spread over directions: for gates, over channels.
        shares = [torch.linalg.eigvalsh(m).clamp_min(1e-12) / len(m) for m in matrices]
        spread = sum(-(p * p.log()).sum() / math.log(len(p)) for p in shares) / len(shares)
        self.adam.zero_grad()
        (contrast - ENTROPY * spread).backward()
        self.adam.step()

    def effective(self):
        """Directions in force by tap."""
        with torch.no_grad():
            shares = [torch.linalg.eigvalsh(self.metric(tap)).clamp_min(1e-12) / len(tap) for tap in self.free]
            return [(-(p * p.log()).sum()).exp().item() for p in shares]


def cosine(step, steps, lr, least):
    return least + (lr - least) * 0.5 * (1 + math.cos(math.pi * step / steps))


def train(network, photos, degrade, random, steps, rates, loss):
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    for step in range(steps):
        lq, gt = batch(photos, degrade, random)
        for group in adam.param_groups:
            group["lr"] = rates(step)
        adam.zero_grad()
        loss(step, network(lq), lq, gt).backward()
        adam.step()


def feature_loss(vgg, selection):
    energies = [None] * len(TAPS)

    def loss(step, result, lq, gt):
        seen = vgg(result)
        with torch.no_grad():
            wanted = vgg(gt)
            for tap, target in enumerate(wanted):
                now = target.square().mean()
                energies[tap] = now if energies[tap] is None else 0.99 * energies[tap] + 0.01 * now
            if step < UNTIL and isinstance(selection, Selected):
                far = [moments(a - b) for a, b in zip(vgg(lq), wanted)]
                near = [moments(a - b) for a, b in zip(seen, wanted)]
            else:
                near = far = None
        selection.step(step, near, far)
        differences = [a - b for a, b in zip(seen, wanted)]
        uniform = sum(d.square().mean() / e for d, e in zip(differences, energies))
        matrices = selection.matrices(step)
        if matrices is None and getattr(selection, "l1", False):
            pixels = (result - gt).abs().mean()
            return uniform + pixels * (uniform / pixels).detach()
        if matrices is None:
            return uniform
        mixed = [torch.einsum("nchw,cd->ndhw", d, m) for d, m in zip(differences, matrices)]
        total = sum((d * m).mean() / e for d, m, e in zip(differences, mixed, energies))
        return total * (uniform / total).detach()

    return loss


def judge(network, tests, degrade, folder, percept):
    gt, out = folder / "gt", folder / "out"
    for path in (gt, out):
        path.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(12345)
    for name, photo in tests:
        height, width, _ = photo.shape
        side = min(256, height, width) // 8 * 8
        top, left = (height - side) // 2, (width - side) // 2
        target = tensor(photo[top : top + side, left : left + side])
        with torch.no_grad():
            result = network(degrade(target, random)[None])[0].clamp(0, 1)
        for path, image in ((gt, target), (out, result)):
            values = (image.permute(1, 2, 0) * 255).round().byte().numpy()
            Image.fromarray(values).save(path / f"{name}.png")
    names = ",".join(METRICS)
    command = [percept, "score", "--ref", gt, "--test", out, "--metric", names, "--json"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [said["mean"][name] for name in METRICS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("test")
    parser.add_argument("assets", type=Path)
    parser.add_argument("percept")
    parser.add_argument("--task", choices=TASKS, default="lowlight")
    parser.add_argument("--only", default="", help="ways that have this in their name")
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    photos, degrade = read(args.photos), TASKS[args.task]
    tests = [photo for folder in args.test.split(",") for photo in read(Path(folder))]
    vgg = Vgg16(TAPS, load_file(args.assets / "vgg16.safetensors"))
    sizes = [64, 128, 256]
    ways = {
        "uniform": Uniform,
        "uniform + as much L1": lambda: Uniform(l1=True),
        "gates": lambda: Selected([torch.zeros(size) for size in sizes], 0.05),
        **{
            f"projection, rate {rate}": lambda rate=rate: Selected([torch.eye(size) for size in sizes], rate)
            for rate in (0.002, 0.006, 0.02)
        },
    }
    ways = {name: make for name, make in ways.items() if args.only in name}
    found = {name: [] for name in ways}
    effective = {}
    for seed in range(args.seeds):
        torch.manual_seed(seed)
        warm = NafNet(16, 3)
        rates = lambda step: 5e-4 * (step + 1) / 20 if step < 20 else cosine(step, WARM, 5e-4, 1e-4)
        l1 = lambda step, result, lq, gt: (result - gt).abs().mean()
        train(warm, photos, degrade, np.random.default_rng([seed, 0]), WARM, rates, l1)
        for name, make in ways.items():
            network, selection = NafNet(16, 3), make()
            network.load_state_dict(warm.state_dict())
            rates = lambda step: cosine(step, STEPS, 2e-4, 1e-6)
            random = np.random.default_rng([seed, 1])
            train(network, photos, degrade, random, STEPS, rates, feature_loss(vgg, selection))
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(judge(network, tests, degrade, Path(folder), args.percept))
            if isinstance(selection, Selected):
                effective.setdefault(name, []).append(selection.effective())
            print(f"seed {seed}, {name}: {found[name][-1]}", file=sys.stderr, flush=True)
    print("| | " + " | ".join(f"{name} {way}" for name, way in METRICS.items()) + " | directions in force |")
    print("|---" * (len(METRICS) + 2) + "|")
    for name, rows in found.items():
        cells = [f"{np.mean(c):.4g} ({min(c):.4g}–{max(c):.4g})" for c in zip(*rows)]
        force = ", ".join(f"{np.mean(tap):.0f}" for tap in zip(*effective[name])) if name in effective else "all"
        print(f"| {name} | " + " | ".join(cells) + f" | {force} |")


main()
