"""Pairs of one size for `percept agree`, of TU Ilmenau's test of images of higher resolutions.

    git clone https://github.com/Telecommunication-Telemedia-Assessment/image_quality_test
    python ilmenau.py image_quality_test OUT

Göring, Rao, Raake, Quality and User Experience 8, 2023: frames made smaller and coded by x265, rated full-screen. Each is enlarged to its
source's size, and both are halved (bicubic). Images whose source or file is not there are left out. Needs Pillow and av.
"""

import csv
import os
import sys

import av
from PIL import Image


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    found, out = sys.argv[1:]
    for folder in ("reference", "distorted"):
        os.makedirs(f"{out}/{folder}", exist_ok=True)
    sources = {}
    for file in sorted(os.listdir(f"{found}/images/src_cropped")):
        with av.open(f"{found}/images/src_cropped/{file}") as video:
            source = next(video.decode(video=0)).to_image()
        half = (source.width // 2, source.height // 2)
        source.resize(half, Image.Resampling.BICUBIC).save(f"{out}/reference/{file}.png")
        sources[file.removesuffix(".mkv")] = (f"reference/{file}.png", source.size, half)
    with open(f"{found}/test_1/mos_ci.csv") as opinions, open(f"{out}/scores.csv", "w") as table:
        print("reference,distorted,score", file=table)
        for row in csv.DictReader(opinions):
            image = f"{row['image_name']}.png"
            path = f"{found}/test_1/images/{image}"
            source = sources.get(row["image_name"].split("_crf_")[0])
            if source is None or not os.path.exists(path):
                continue
            reference, full, half = source
            shown = Image.open(path).convert("RGB").resize(full, Image.Resampling.BICUBIC)
            shown.resize(half, Image.Resampling.BICUBIC).save(f"{out}/distorted/{image}")
            print(f"{reference},distorted/{image},{row['mos']}", file=table)


if __name__ == "__main__":
    main()
