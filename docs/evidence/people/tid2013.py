"""Makes eleven of TID2013's 24 kinds of distortion anew from its references, for `percept agree`, where its files are not at hand.

Who has TID2013 (Ponomarenko et al., Signal Processing: Image Communication 30, 2015) needs nothing of this: `percept agree DIR` reads
it as it is. What each kind does was found by the values that its authors publish for every image (their metrics_values):

- 07, 08, 10, 16, 17 need no random numbers. All 625 images have the published colour PSNR to its four decimals.
- 01, 02, 03, 06, 19 are other draws of the same noise. Of eight references, 160 images of the first four kinds, colour PSNR is within 0.3 dB
  of the published one, half of them within 0.06; on reference 24 luma PSNR and PSNR-HVS are as near and FSIMc is within 0.006, mostly 0.001.
- 18 has a strength of its own for each image, found by the PSNR that all are made for; FSIMc of reference 24 is within 0.001. What grey
  does not reach goes on to opposite colours, as in TID2013: references 10 and 17 end at the published 22.17 and 23.71 dB.

    python tid2013.py REFERENCES mos_with_names.txt OUT [KIND...]

Needs NumPy, SciPy and Pillow.
"""

import io
import os
import sys

import numpy as np
from PIL import Image
from scipy.ndimage import convolve, convolve1d

KINDS = [1, 2, 3, 6, 7, 8, 10, 16, 17, 18, 19]
TARGETS = (33, 30, 27, 24, 21)
VARIANCE = [32.5 * 2**level for level in range(5)]
# Of 8-bit Y, Cb, Cr of ITU-R BT.601, as differences.
TO_RGB = np.linalg.inv(np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255)


def to_bytes(x):
    return np.clip(np.floor(x + 0.5), 0, 255)


def psnr(a, b):
    error = ((a - b) ** 2).mean()
    return 10 * np.log10(255**2 / error) if error else np.inf


def tuned(make, reference, target):
    """make(strength) with the strength in 0..1 that comes nearest to a PSNR which falls with it."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if psnr(reference, make(middle)) > target else (low, middle)
    return make(low)


def blurred(x, sigma):
    taps = np.arange(-5, 6)
    kernel = np.exp(-(taps**2) / (2 * sigma**2))
    for axis in (0, 1):
        x = convolve1d(x, kernel / kernel.sum(), axis=axis, mode="constant")
    return to_bytes(x)


def jpeg(x, quality):
    """libjpeg's tables, not limited to the 255 of a baseline file."""

    def coded(**options):
        data = io.BytesIO()
        Image.fromarray(x.astype(np.uint8)).save(data, "JPEG", subsampling="4:2:0", **options)
        return Image.open(data)

    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    standard = coded(quality=50).quantization
    tables = [[min(max((step * percent + 50) // 100, 1), 32767) for step in standard[i]] for i in (0, 1)]
    return np.asarray(coded(qtables=tables)).astype(float)


def noise(x, kernel, variance, random):
    drawn = random.normal(size=x.shape)
    if kernel is not None:
        drawn = np.stack([convolve(drawn[..., c], kernel, mode="wrap") for c in range(3)], -1)
    return to_bytes(x + drawn / drawn.std() * variance**0.5)


def impulses(x, share, together, random):
    hit = random.random(x.shape[:2] + (1 if together else 3,)) < share
    return np.where(hit, random.integers(0, 256, x.shape), x)


def saturation(x, factor):
    y = (x * [0.299, 0.587, 0.114]).sum(-1, keepdims=True)
    return to_bytes(y + (x - y) * factor)


def made(kind, level, x, name, random):
    """Reference `x` [H, W, 3] of 0..255, damaged."""
    if kind == 1:
        return noise(x, None, VARIANCE[level], random)
    if kind == 2:  # in Y, Cb and Cr, four times as strong in the colours
        return to_bytes(x + random.normal(size=x.shape) * (2.72 * 2**level * np.array([1, 4, 4])) ** 0.5 @ TO_RGB.T)
    if kind == 3:
        return noise(x, np.full((3, 3), 1 / 9), VARIANCE[level], random)
    if kind == 6:  # of three channels together but for the first level, and for the artificial picture
        return impulses(x, (0.004, 0.0085, 0.017, 0.034, 0.068)[level], level > 0 and name != "I25", random)
    if kind == 7:
        step = (19, 27, 39, 55, 76)[level]
        return to_bytes(np.floor(x / step + 0.5) * step)
    if kind == 8:
        return blurred(x, (0.5, 0.65, 1.0, 1.7, 4.0)[level])
    if kind == 10:
        return jpeg(x, (80, 60, 23, 8, 4)[level])
    if kind == 16:
        return np.clip(x + (-6, 10, -20, 30, -40)[level], 0, 255)
    if kind == 17:
        return to_bytes((x - x.mean()) * (0.9, 1.2, 0.75, 1.45, 0.5)[level] + x.mean())
    if kind == 18:
        return tuned(lambda s: saturation(x, 1 - 2 * s), x, TARGETS[level])
    if kind == 19:
        drawn = random.normal(size=x.shape)
        return tuned(lambda s: to_bytes(x * (1 + s * drawn)), x, TARGETS[level])
    raise SystemExit(f"kind {kind} of TID2013 is not known here")


def main():
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    references, scores, out, *kinds = sys.argv[1:]
    kinds = [int(kind) for kind in kinds] or KINDS
    scored = {line.split()[1].upper(): line.split()[0] for line in open(scores) if line.strip()}
    for folder in ("reference_images", "distorted_images"):
        os.makedirs(f"{out}/{folder}", exist_ok=True)
    with open(f"{out}/mos_with_names.txt", "w") as table:
        for file in sorted(os.listdir(references)):
            name = os.path.splitext(file)[0].upper()
            reference = Image.open(f"{references}/{file}").convert("RGB")
            reference.save(f"{out}/reference_images/{name}.BMP")
            x = np.asarray(reference).astype(float)
            for kind in kinds:
                for level in range(5):
                    random = np.random.default_rng([int(name[1:]), kind, level])
                    image = f"{name.lower()}_{kind:02}_{level + 1}.bmp"
                    Image.fromarray(made(kind, level, x, name, random).astype(np.uint8)).save(f"{out}/distorted_images/{image}")
                    print(scored[image.upper()], image, file=table)


if __name__ == "__main__":
    main()
