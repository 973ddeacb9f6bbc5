"""Copies a data set with every picture shrunk until its shorter side has 256 pixels, as DISTS' authors do before they compare with people.

    python shrunk.py DIR OUT        # percept agree OUT

Other files, the scores among them, are copied. Bilinear, antialiased (torchvision's resize of Pillow's images). Needs Pillow.
"""

import os
import shutil
import sys
from pathlib import Path

from PIL import Image

SIDE = 256


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    found, out = map(Path, sys.argv[1:])
    for file in sorted(path for path in found.rglob("*") if path.is_file()):
        to = out / file.relative_to(found)
        os.makedirs(to.parent, exist_ok=True)
        if file.suffix.lower() not in (".bmp", ".png"):
            shutil.copy(file, to)
            continue
        picture = Image.open(file).convert("RGB")
        width, height = picture.size
        short = min(width, height)
        if short > SIDE:
            picture = picture.resize((SIDE * width // short, SIDE * height // short), Image.Resampling.BILINEAR)
        picture.save(to)


if __name__ == "__main__":
    main()
