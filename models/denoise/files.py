"""Photos with noise as files have it: cut off at black and white, 8 bits.

usage: files.py PHOTOS OUT SIGMA

Then `percept apply denoise OUT -o RESTORED` and `percept score --ref PHOTOS --test RESTORED --metric psnr-rgb` have what the card of
`denoise` says of files. Needs numpy and Pillow.
"""

import pathlib
import sys

import numpy as np
from PIL import Image


def main():
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for seed, path in enumerate(sorted(pathlib.Path(sys.argv[1]).iterdir())):
        photo = np.asarray(Image.open(path).convert("RGB"), np.float64)
        noisy = photo + np.random.default_rng(seed).normal(0, float(sys.argv[3]), photo.shape)
        Image.fromarray(np.round(noisy.clip(0, 255)).astype(np.uint8)).save(out / f"{path.stem}.png")


main()
