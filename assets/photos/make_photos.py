"""Makes train/ and val/ from the original photos; LICENSES.md says where they come from.

    python make_photos.py FOLDER...

The folders are searched for the file names below. Each photo is shrunk by a whole factor (mean of blocks), so that
the crop is sharp pixel by pixel, cut, and stored as JPEG of quality 95 without chroma subsampling. Needs Pillow;
face.dat is SciPy's bz2 of 768 x 1024 RGB bytes.
"""
import bz2
import sys
from pathlib import Path

from PIL import Image

# Set, name, original, factor, crop in shrunk pixels: left, top, width, height.
PHOTOS = [
    ("train", "astronaut", "astronaut.png", 1, (0, 0, 512, 512)),
    ("train", "cat", "chelsea.png", 1, (0, 0, 448, 300)),
    ("train", "rocket", "rocket.jpg", 1, (64, 0, 512, 424)),
    ("train", "bricks", "brick.png", 1, (0, 0, 512, 512)),
    ("train", "gravel", "gravel.png", 1, (0, 0, 512, 512)),
    ("train", "osprey", "perched-osprey.jpg", 4, (180, 0, 640, 540)),
    ("train", "lake", "lake-sherburne.jpg", 4, (120, 0, 640, 540)),
    ("train", "courtyard", "casa-mila.jpg", 4, (160, 0, 640, 640)),
    ("train", "forget-me-nots", "blue-periwinkle.jpg", 4, (200, 60, 560, 560)),
    ("train", "tower", "piazza-gae-aulenti.jpg", 4, (200, 60, 512, 560)),
    ("train", "wren", "canyon-wren.jpg", 4, (120, 20, 640, 512)),
    ("train", "otters", "oakland-zoo-otters.jpg", 4, (260, 0, 640, 540)),
    ("train", "dandelions", "seeding_by_Clements_Engelhardt.jpg", 5, (60, 0, 640, 560)),
    ("val", "raccoon", "face.dat", 2, (0, 0, 512, 384)),
    ("val", "coffee", "coffee.png", 1, (0, 0, 600, 400)),
    ("val", "tea-garden", "tea-gardens.jpg", 4, (0, 160, 640, 480)),
    ("val", "cityscape", "singaporean-cityscape.jpg", 4, (240, 60, 640, 480)),
    ("val", "spices", "the-spices-of-life.jpg", 4, (160, 120, 640, 512)),
]


def original(name, folders):
    for folder in folders:
        for path in sorted(Path(folder).rglob(name)):
            if path.suffix == ".dat":
                return Image.frombytes("RGB", (1024, 768), bz2.decompress(path.read_bytes()))
            return Image.open(path).convert("RGB")
    sys.exit(f"{name}: in none of the folders")


here = Path(__file__).parent
for kind, name, source, factor, (left, top, width, height) in PHOTOS:
    photo = original(source, sys.argv[1:]).reduce(factor)
    assert left + width <= photo.width and top + height <= photo.height, (name, photo.size)
    (here / kind).mkdir(exist_ok=True)
    crop = photo.crop((left, top, left + width, top + height))
    crop.save(here / kind / f"{name}.jpg", quality=95, subsampling=0, optimize=True)
