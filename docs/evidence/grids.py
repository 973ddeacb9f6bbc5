"""How much of a grid of four pixels results have in smooth parts, and how much of it is the same everywhere.

    python docs/evidence/grids.py GT RESULTS

Levels of 255, root of the mean square: in windows of 32 pixels the mean of each of the 4 × 4 places, less the mean of all and less the
target's. A window is smooth where the target's next pixels differ by at most 3 levels. Needs numpy and Pillow.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, PERIOD, SMOOTH = 32, 4, 3.0
BRIGHTNESS = [0, 30, 60, 100, 150, 200, 256]


def photo(path):
    return np.asarray(Image.open(path).convert("RGB"), float)


def grid(window):
    places = window.reshape(SIDE // PERIOD, PERIOD, SIDE // PERIOD, PERIOD, 3).mean((0, 2))
    return places - places.mean((0, 1))


def rms(values):
    return np.sqrt(np.mean(values**2))


def main():
    targets, results = map(Path, sys.argv[1:3])
    grids, light = [], []
    for path in sorted(targets.iterdir()):
        target, result = photo(path), photo(results / path.name)
        luma = target @ [0.299, 0.587, 0.114]
        for y in range(0, target.shape[0] - SIDE, SIDE):
            for x in range(0, target.shape[1] - SIDE, SIDE):
                at = np.s_[y : y + SIDE, x : x + SIDE]
                if np.hypot(rms(np.diff(luma[at], axis=0)), rms(np.diff(luma[at], axis=1))) <= SMOOTH:
                    grids.append(grid(result[at]) - grid(target[at]))
                    light.append(luma[at].mean())
    grids, light = np.array(grids), np.array(light)
    print(f"{len(grids)} windows: {rms(grids):.2f}; the same in all {rms(grids.mean(0)):.2f}")
    for low, high in zip(BRIGHTNESS, BRIGHTNESS[1:]):
        those = grids[(light >= low) & (light < high)]
        if len(those):
            print(f"{low} to {high}, {len(those)} windows: {rms(those):.2f}; the same in all {rms(those.mean(0)):.2f}")


main()
