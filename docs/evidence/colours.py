"""Which share of a photo's blocks has a colour that training photos hardly have (gan-colours.md).

usage: colours.py TRAIN PHOTOS

Blocks are 48 pixels wide. A colour is the mean of a block in steps of 8 levels; it is rare where fewer than three blocks of TRAIN have
it. A block is flat where its pixels, four times smaller, differ by less than 4 levels (standard deviation). Needs numpy and Pillow.
"""

import pathlib
import sys

import numpy as np
from PIL import Image


def blocks(path):
    """Mean colour and deviation of every block."""
    image = Image.open(path).convert("RGB")
    small = np.asarray(image.resize((image.width // 4, image.height // 4), Image.BOX), np.float32)
    down, across = (side // 12 for side in small.shape[:2])
    parts = small[: 12 * down, : 12 * across].reshape(down, 12, across, 12, 3)
    return parts.mean((1, 3)).reshape(-1, 3), parts.std((1, 3)).mean(-1).reshape(-1)


def photos(folder):
    return sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix.lower() in (".jpg", ".png", ".webp"))


def main():
    train, judged = sys.argv[1:]
    seen = np.zeros((32, 32, 32))
    for path in photos(train):
        np.add.at(seen, tuple((blocks(path)[0] // 8).astype(int).T), 1)
    for path in photos(judged):
        colours, deviation = blocks(path)
        rare = seen[tuple((colours // 8).astype(int).T)] < 3
        print(f"{path.name[:40]:40}  rare {rare.mean():.3f}  rare and flat {(rare & (deviation < 4)).mean():.3f}")


main()
