"""Makes the bundled models from their authors' files: half precision, names as they are, with what they are and whose.

usage: make_models.py FOLDER [RUNS]

FOLDER holds span28-x4.safetensors (entry 46 of NTIRE2025_ESR's model zoo, folded), realesr-general-x4v3.safetensors and
realesr-general-wdn-x4v3.safetensors (Real-ESRGAN). RUNS holds the runs of what percept trained itself, by the configurations in
the models' folders. Needs numpy and safetensors.
"""

import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent
REALESRGAN = {
    "licence": "BSD-3-Clause",
    "copyright": "Copyright (c) 2021, Xintao Wang. All rights reserved.",
    "task": "sr",
}
MODELS = {
    "classic-x4-psnr/model": (
        "span28-x4",
        {
            "title": "enlarges photos that were only shrunk; trained on pixels: faithful and soft",
            "task": "sr",
            "licence": "MIT",
            "copyright": "Copyright (c) 2025 BinRen",
            "origin": "NTIRE2025_ESR's model zoo, entry 46; architecture SPAN, arXiv 2311.12770",
        },
    ),
    "photo-x4/model": (
        "realesr-general-x4v3",
        REALESRGAN
        | {
            "title": "enlarges photos as they are, and takes noise and JPEG traces away",
            "origin": "Real-ESRGAN, realesr-general-x4v3; arXiv 2107.10833",
        },
    ),
    "photo-x4/mild": (
        "realesr-general-wdn-x4v3",
        REALESRGAN
        | {
            "title": "as photo-x4, but keeps noise: the other end of --denoise-strength",
            "origin": "Real-ESRGAN, realesr-general-wdn-x4v3; arXiv 2107.10833",
        },
    ),
}
TRAINED = {
    "classic-x4/model": (
        "classic-x4",
        {
            "title": "enlarges photos that were only shrunk, sharply: trained on with what people see",
            "task": "sr",
            "licence": "MIT",
            "copyright": "Copyright (c) 2025 BinRen (the network that it started from); the authors of percept",
            "origin": "trained by percept from classic-x4-psnr, 4000 steps of L1 and 1500 with a discriminator, seed 0; its folder has all of it",
        },
    ),
    "denoise/model": (
        "denoise-3",
        {
            "title": "takes noise away from colour photos, up to about 50 of 255",
            "task": "denoise",
            "licence": "MIT OR Apache-2.0",
            "copyright": "the authors of percept",
            "origin": "trained by percept from nothing, 30000 steps in three stages; its folder has all of it",
        },
    ),
    "jpeg/model": (
        "jpeg-1",
        {
            "title": "takes the blocks and false colours of JPEG away, whatever its quality",
            "task": "jpeg",
            "licence": "MIT OR Apache-2.0",
            "copyright": "the authors of percept",
            "origin": "trained by percept from denoise, 10000 steps, seed 0; its folder has all of it",
        },
    ),
    "lowlight/model": (
        "lowlight",
        {
            "title": "lightens dark photos, and takes their noise away",
            "task": "lowlight",
            "licence": "MIT OR Apache-2.0",
            "copyright": "the authors of percept",
            "origin": "trained by percept from denoise, 10500 steps, seed 0; its folder has all of it",
        },
    ),
}


def main():
    folders = [(pathlib.Path(sys.argv[1]), "{}.safetensors", MODELS)]
    if len(sys.argv) > 2:
        folders.append((pathlib.Path(sys.argv[2]), "{}/model.safetensors", TRAINED))
    models = [(folder / form.format(file), name, data) for folder, form, all in folders for name, (file, data) in all.items()]
    for path, name, metadata in models:
        arrays = load_file(path)
        if any(".eval_conv." in key for key in arrays):
            # A folded SPAN is saved with branches that amount to it.
            arrays = {key: value for key, value in arrays.items() if ".sk." not in key and ".conv." not in key}
        half = {key: value.astype(np.float16) for key, value in arrays.items()}
        error = max(float(np.abs(half[key].astype(np.float64) - arrays[key]).max()) for key in arrays)
        save_file(half, HERE / f"{name}.safetensors", metadata=metadata)
        print(name, sum(value.size for value in half.values()), "values, rounded by at most", error)


main()
