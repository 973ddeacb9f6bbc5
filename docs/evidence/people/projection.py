"""Gates against a projection: what a selection of AlexNet's channels is when it may mix them.

    python docs/evidence/people/projection.py PHOTOS TID2013 assets/weights [--seeds 3]

PHOTOS is a folder of photos to learn from; TID2013 has `reference_images`, `distorted_images` and `mos_with_names.txt`. The
ladder and the contrast are those of `percept select`, in AlexNet's first three activations. Where gates weigh channels,
`D = Σ_c w_c δ_c`, a projection P weighs their products too: `D = tr(P Pᵀ Σ)`, with Σ the second moments of the difference. Both
start from uniform weights and keep the same floor. Prints Markdown. Needs torch, torchvision, safetensors, pillow, numpy and scipy.
"""

import argparse
import io
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter, zoom
from scipy.stats import spearmanr

TAPS = [1, 4, 7]
KINDS, LEVELS, PHOTOS, SIDE, BATCH, STEPS = 8, 5, 60, 256, 24, 600
FLOOR, MARGIN, TEMPERATURE, PAST = 0.4, 0.2, 0.1, 0.95


def network(assets):
    features = torchvision.models.alexnet(weights=None).features
    weights = load_file(assets / "alexnet.safetensors")
    features.load_state_dict({name.removeprefix("features."): w.float() for name, w in weights.items()})
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))

    def taps(photo):
        x = (torch.from_numpy(photo / 255).permute(2, 0, 1)[None].float() - mean) / deviation
        found = []
        for index, layer in enumerate(features[: TAPS[-1] + 1]):
            x = layer(x)
            if index in TAPS:
                found.append(x[0].flatten(1).clone())
        return found

    return taps


def moments(a, b):
    return [(d @ d.T / d.shape[1]).half() for d in (a - b for a, b in zip(a, b))]


def rungs(photo, random):
    """The ladder of `percept select`: eight kinds, five strengths each."""
    whole = lambda values: np.clip(np.rint(values), 0, 255)
    picture = Image.fromarray(photo.astype(np.uint8))
    height, width, _ = photo.shape
    for deviation in (0.6, 1.0, 1.6, 2.6, 4.2):
        yield whole(gaussian_filter(photo, (deviation, deviation, 0)))
    for deviation in (4, 10, 20, 36, 60):
        yield whole(photo + random.normal(0, deviation, photo.shape))
    for quality in (70, 35, 18, 10, 5):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        yield np.asarray(Image.open(file).convert("RGB")).astype(float)
    for factor in (1.4, 2.0, 3.0, 4.5, 6.0):
        small = picture.resize((round(width / factor), round(height / factor)), Image.BICUBIC)
        yield np.asarray(small.resize((width, height), Image.BICUBIC)).astype(float)
    for amount in (4, 9, 16, 27, 42):
        yield whole(photo + amount * random.choice([-1, 1]))
    for share in (0.08, 0.16, 0.27, 0.42, 0.6):
        yield whole((photo - photo.mean()) * (1 + share * random.choice([-1, 1])) + photo.mean())
    for step in (12, 22, 34, 50, 72):
        yield whole(np.round(photo / step) * step)
    for deviation in (4, 10, 20, 36, 60):
        grains = random.normal(0, deviation, (-(-height // 6), -(-width // 6), 3))
        yield whole(photo + zoom(grains, (6, 6, 1))[:height, :width])


def read(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(float)


def ladder(folder, taps):
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".bmp"))
    photos = [photo for photo in map(read, files) if min(photo.shape[:2]) >= SIDE]
    photos = [photos[at * len(photos) // PHOTOS] for at in range(min(PHOTOS, len(photos)))]
    random, seen = np.random.default_rng(0), []
    for photo in photos:
        top, left = ((side - SIDE) // 2 for side in photo.shape[:2])
        photo = photo[top : top + SIDE, left : left + SIDE]
        original = taps(photo)
        seen.append([moments(taps(rung), original) for rung in rungs(photo, random)])
    return [torch.stack([torch.stack([rung[tap] for rung in photo]) for photo in seen]) for tap in range(len(TAPS))]


def human(folder, taps):
    lines = [line.split() for line in (folder / "mos_with_names.txt").read_text().splitlines() if line.strip()]
    references = {path.stem.lower(): path for path in (folder / "reference_images").iterdir()}
    originals = {name: taps(read(path)) for name, path in references.items()}
    seen = [moments(taps(read(folder / "distorted_images" / n)), originals[n.lower()[:3]]) for _, n in lines]
    kinds = np.array([name[4:6] for _, name in lines])
    return [torch.stack(tap) for tap in zip(*seen)], np.array([float(mos) for mos, _ in lines]), kinds


def metric(free, channels):
    """The matrix of a distance: gates where `free` is a vector, a projection where it is a matrix."""
    if free.dim() == 1:
        return torch.diag(FLOOR + (1 - FLOOR) * channels * torch.softmax(free, 0))
    product = free @ free.T
    return FLOOR * torch.eye(channels) + (1 - FLOOR) * channels * product / torch.trace(product)


def distance(matrices, seen):
    return sum((m * s).sum((-1, -2)) / len(m) for m, s in zip(matrices, seen))


def learn(start, rate, seen, photos, seed):
    free = [tap.clone().requires_grad_() for tap in start]
    adam, random, mean = torch.optim.Adam(free, lr=rate), np.random.default_rng(seed), None
    others = 1 - torch.eye(min(BATCH, len(photos)))
    for _ in range(STEPS):
        kind, less = random.integers(KINDS), random.integers(LEVELS - 1)
        more = random.integers(less + 1, LEVELS)
        drawn = random.choice(photos, len(others), replace=False)
        matrices = [metric(tap, len(tap)) for tap in free]
        near, far = (distance(matrices, [tap[drawn, kind * LEVELS + at] for tap in seen]).log() for at in (less, more))
        violation = near[:, None] - far[None] + MARGIN
        soft = torch.nn.functional.softplus(violation / TEMPERATURE) * TEMPERATURE
        adam.zero_grad()
        ((soft * others).sum() / others.sum()).backward()
        adam.step()
        with torch.no_grad():
            now = [metric(tap, len(tap)) for tap in free]
            mean = now if mean is None else [PAST * m + (1 - PAST) * n for m, n in zip(mean, now)]
    return mean


def ordered(matrices, seen, photos):
    far = distance(matrices, seen).view(-1, KINDS, LEVELS)[photos]
    others = ~torch.eye(len(photos), dtype=torch.bool)
    pairs = [(k, a, b) for k in range(KINDS) for a in range(LEVELS) for b in range(a + 1, LEVELS)]
    right = [(far[:, k, a, None] < far[None, :, k, b])[others].float().mean() for k, a, b in pairs]
    return torch.stack(right).mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("tid2013", type=Path)
    parser.add_argument("assets", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    with torch.no_grad():
        taps = network(args.assets)
        seen = ladder(args.photos, taps)
        judged, mos, kinds = human(args.tid2013, taps)
    at = np.arange(len(seen[0]))
    photos, held = at[at % 4 != 3], at[at % 4 == 3]
    usual = [tap[photos].float().mean((0, 1)).diagonal() + 1e-12 for tap in seen]
    scale = lambda tap, usual: tap.float() * usual.rsqrt()[:, None] * usual.rsqrt()
    seen, judged = ([scale(tap, u) for tap, u in zip(all, usual)] for all in (seen, judged))
    few = np.isin(kinds, ["07", "08", "10"])
    sizes = [len(u) for u in usual]

    def look(matrices):
        with torch.no_grad():
            far = distance(matrices, judged).numpy()
            return ordered(matrices, seen, held), -spearmanr(far, mos)[0], -spearmanr(far[few], mos[few])[0]

    print("| | held-out pairs in order | SROCC, all | SROCC, blur, JPEG, quantisation noise |\n|---|---|---|---|", flush=True)
    ways = [
        ("gates", [torch.zeros(size) for size in sizes], 0.03),
        ("projection, rate 0.001", [torch.eye(size) for size in sizes], 0.001),
        ("projection, rate 0.003", [torch.eye(size) for size in sizes], 0.003),
        ("projection, rate 0.01", [torch.eye(size) for size in sizes], 0.01),
    ]
    print("| uniform | " + " | ".join(f"{value:.3f}" for value in look([torch.eye(size) for size in sizes])) + " |", flush=True)
    for name, start, rate in ways:
        found = np.array([look(learn(start, rate, seen, photos, seed)) for seed in range(args.seeds)])
        cells = [f"{column.mean():.3f} ({column.min():.3f}–{column.max():.3f})" for column in found.T]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


main()
