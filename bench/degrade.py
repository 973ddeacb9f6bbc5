"""Patches a second through Real-ESRGAN's degradations on one thread, by OpenCV and NumPy: `python degrade.py SIDE SECONDS`.

The same steps, probabilities and ranges as `recipe = "real-esrgan"` at scale 4, written with what people of this field use:
kernels by NumPy, cv2.filter2D, cv2.resize, numpy.random, cv2.imencode. Prints one number.
"""

import sys
import time

import cv2
import numpy as np
from scipy.special import j1

SCALE = 4
FILTERS = [cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC]
KERNELS = ["gaussian", "generalised", "plateau", "gaussian", "generalised", "plateau"]
WEIGHTS = [0.45, 0.12, 0.12, 0.25, 0.03, 0.03]


def sinc(rng, size, lowest):
    omega = np.pi * rng.uniform(lowest, 1)
    axis = np.arange(size) - size // 2
    x, y = np.meshgrid(axis, axis)
    r = np.hypot(x, y)
    r[size // 2, size // 2] = 1.0
    kernel = omega * j1(omega * r) / (2 * np.pi * r)
    kernel[size // 2, size // 2] = omega**2 / (4 * np.pi)
    return kernel / kernel.sum()


def kernel(rng, sigma_range):
    size = 2 * rng.integers(3, 11) + 1
    if rng.random() < 0.1:
        return sinc(rng, size, 1 / 3 if size < 13 else 1 / 5)
    kind = rng.choice(6, p=WEIGHTS)
    sigma = rng.uniform(*sigma_range)
    other, angle = (sigma, 0.0) if kind < 3 else (rng.uniform(*sigma_range), rng.uniform(-np.pi, np.pi))
    axis = np.arange(size) - size // 2
    x, y = np.meshgrid(axis, axis)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    q = (along / sigma) ** 2 + (across / other) ** 2
    low, high = {"gaussian": (1, 1), "generalised": (0.5, 4), "plateau": (1, 2)}[KERNELS[kind]]
    beta = rng.uniform(low, 1) if rng.random() < 0.5 else rng.uniform(1, high)
    weights = 1 / (1 + q**beta) if KERNELS[kind] == "plateau" else np.exp(-0.5 * q**beta)
    return weights / weights.sum()


def blur(image, weights):
    return np.clip(cv2.filter2D(image, -1, weights.astype(np.float32), borderType=cv2.BORDER_REFLECT_101), 0, 1)


def resize(rng, image, size):
    size = (max(1, size[0]), max(1, size[1]))
    return np.clip(cv2.resize(image, size, interpolation=FILTERS[rng.integers(3)]), 0, 1)


def factor(rng, probs, low, high):
    kind = rng.choice(3, p=probs)
    return [rng.uniform(1, high), rng.uniform(low, 1), 1.0][kind]


def noise(rng, image, sigma_range, scale_range):
    grey = rng.random() < 0.4
    if rng.random() < 0.5:
        sigma = np.float32(rng.uniform(*sigma_range) / 255)
        shape = (*image.shape[:2], 1) if grey else image.shape
        return np.clip(image + sigma * rng.standard_normal(shape, dtype=np.float32), 0, 1)
    light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] if grey else image
    light = np.rint(np.clip(light, 0, 1) * 255) / 255
    peak = 2 ** np.ceil(np.log2(len(np.unique(light))))
    added = rng.poisson(light * peak) / peak - light
    return np.clip(image + (rng.uniform(*scale_range) * added).astype(np.float32), 0, 1)


def jpeg(rng, image):
    quality = int(rng.uniform(30, 95))
    _, file = cv2.imencode(".jpg", np.rint(image * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_COLOR).astype(np.float32) / 255


def degraded(rng, image):
    height, width = image.shape[:2]
    small = (width // SCALE, height // SCALE)
    image = blur(image, kernel(rng, (0.2, 3)))
    by = factor(rng, [0.2, 0.7, 0.1], 0.15, 1.5)
    image = resize(rng, image, (round(width * by), round(height * by)))
    image = jpeg(rng, noise(rng, image, (1, 30), (0.05, 3)))
    if rng.random() < 0.8:
        image = blur(image, kernel(rng, (0.2, 1.5)))
    by = factor(rng, [0.3, 0.4, 0.3], 0.3, 1.2) / SCALE
    image = resize(rng, image, (round(width * by), round(height * by)))
    image = noise(rng, image, (1, 25), (0.05, 2.5))
    last = sinc(rng, 2 * rng.integers(3, 11) + 1, 1 / 3) if rng.random() < 0.8 else None
    if rng.random() < 0.5:
        image = resize(rng, image, small)
        image = jpeg(rng, image if last is None else blur(image, last))
    else:
        image = resize(rng, jpeg(rng, image), small)
        image = image if last is None else blur(image, last)
    return np.rint(image * 255) / 255


def main():
    side, seconds = int(sys.argv[1]), float(sys.argv[2])
    cv2.setNumThreads(1)
    y, x, c = np.mgrid[0:side, 0:side, 0:3]
    image = (np.rint(127.5 + 60 * np.sin(x / 7 + c) + 60 * np.cos(y / 11 - c)) / 255).astype(np.float32)
    made, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        degraded(np.random.default_rng(made), image)
        made += 1
    print(f"{made / (time.perf_counter() - start):.2f}")


main()
