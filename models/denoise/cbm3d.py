"""PSNR (RGB) of CBM3D, which is told how strong the noise is: what the card of `denoise` names beside its own.

usage: cbm3d.py PHOTOS [COUNT]

The first COUNT (8) photos of the folder by name; white noise of 25 and 50 levels, neither clipped nor rounded; the result is clipped.
Needs bm3d, numpy and Pillow. `percept models bench` on the same photos gives the network's.
"""

import pathlib
import sys

import bm3d
import numpy as np
from PIL import Image


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    for sigma in (25, 50):
        found = []
        for seed, path in enumerate(sorted(pathlib.Path(sys.argv[1]).iterdir())[:count]):
            photo = np.asarray(Image.open(path).convert("RGB"), np.float64) / 255
            noisy = photo + np.random.default_rng(seed).normal(0, sigma / 255, photo.shape)
            result = np.clip(bm3d.bm3d_rgb(noisy, sigma / 255), 0, 1)
            found.append(-10 * np.log10(((result - photo) ** 2).mean()))
        print(sigma, f"{np.mean(found):.2f}", flush=True)


main()
