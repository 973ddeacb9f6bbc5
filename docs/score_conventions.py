"""How far apart common conventions of PSNR and SSIM are: prints the table of scores.md.

Needs numpy, pillow and scikit-image, whose photos are compared with themselves at JPEG quality 30.
"""
import io

import numpy as np
from PIL import Image
from skimage import data
from skimage.metrics import structural_similarity


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a - b) ** 2))


def studio(rgb):
    return rgb @ np.array([65.481, 128.553, 24.966]) / 255 + 16


def full(rgb):
    return rgb @ np.array([0.299, 0.587, 0.114])


def jpeg(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=30)
    return np.asarray(Image.open(file))


rows = {}
for name in ["astronaut", "coffee", "chelsea"]:
    photo = getattr(data, name)()
    a, b = photo.astype(float), jpeg(photo).astype(float)
    ya, yb = studio(a), studio(b)
    inner = (slice(4, -4), slice(4, -4))
    gaussian = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    found = {
        "psnr-y": psnr(ya, yb),
        "psnr-y, crop 4": psnr(ya[inner], yb[inner]),
        "Y rounded to integers": psnr(np.round(ya), np.round(yb)),
        "full-range luma": psnr(full(a), full(b)),
        "psnr-rgb": psnr(a, b),
        "ssim-y": structural_similarity(ya, yb, data_range=255, **gaussian),
        "uniform 7x7 window": structural_similarity(ya, yb, data_range=255),
    }
    for row, value in found.items():
        rows.setdefault(row, []).append(value)
for row, values in rows.items():
    print(f"| {row} | " + " | ".join(f"{value:.{4 if value < 1 else 2}f}" for value in values) + " |")
