"""How far apart common conventions of PSNR, SSIM and NIQE are: prints the tables of scores.md.

    python score_conventions.py [BASICSR]

Needs numpy, pillow and scikit-image, whose photos are compared with themselves at JPEG quality 30. For NIQE it needs
scipy, torch and the unpacked source distribution of PyPI basicsr 1.4.2.
"""
import io
import sys
from pathlib import Path

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


def table(photos, digits):
    """A row for every convention, a column for every photo."""
    rows = {}
    for found in photos:
        for row, value in found.items():
            rows.setdefault(row, []).append(value)
    for row, values in rows.items():
        print(f"| {row} | " + " | ".join(f"{value:.{digits(value)}f}" for value in values) + " |")


def compared(a, b):
    ya, yb = studio(a), studio(b)
    inner = (slice(4, -4), slice(4, -4))
    gaussian = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    return {
        "psnr-y": psnr(ya, yb),
        "psnr-y, crop 4": psnr(ya[inner], yb[inner]),
        "Y rounded to integers": psnr(np.round(ya), np.round(yb)),
        "full-range luma": psnr(full(a), full(b)),
        "psnr-rgb": psnr(a, b),
        "ssim-y": structural_similarity(ya, yb, data_range=255, **gaussian),
        "uniform 7x7 window": structural_similarity(ya, yb, data_range=255),
    }


def alone(a, niqe):
    return {
        "niqe": niqe(np.round(studio(a)).astype(np.float32)),
        "full-range luma, as MATLAB and pyiqa": niqe(np.round(full(a)).astype(np.float32)),
        "Y not rounded": niqe(studio(a).astype(np.float32)),
    }


photos = [getattr(data, name)() for name in ["astronaut", "coffee", "chelsea"]]
pairs = [(photo.astype(float), jpeg(photo).astype(float)) for photo in photos]
table([compared(a, b) for a, b in pairs], lambda value: 4 if value < 1 else 2)
if len(sys.argv) > 1:
    sys.path.append(str(Path(__file__).parents[1] / "crates/percept-image/tests/fixtures"))
    import basicsr_niqe
    import torch

    niqe = basicsr_niqe.load(sys.argv[1])
    found = [alone(a, niqe) for a, _ in pairs]
    # Its resizing makes single precision of everything otherwise.
    torch.set_default_dtype(torch.float64)
    torch.FloatTensor, torch.Tensor.float = torch.DoubleTensor, torch.Tensor.double
    for row, (a, _) in zip(found, pairs):
        row["niqe in double precision"] = niqe(np.round(studio(a)))
    print()
    table(found, lambda value: 4)
