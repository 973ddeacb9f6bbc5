"""Makes the weight files of this folder from their full precision sources.

usage: make_weights.py SOURCES [--out FOLDER]

SOURCES holds vgg16.safetensors and alexnet.safetensors (convolutional trunks, fp32, torchvision's
names), lpips-v0.1-vgg16.safetensors, lpips-v0.1-alexnet.safetensors and dists.safetensors. The large
layers of the trunks are rounded to half precision (to nearest, ties to even). Their first layers, small
in bytes and felt by everything behind them, stay in fp32, and so do the small files: with every layer
rounded LPIPS would move by up to 1.4e-4. Needs numpy and safetensors. The output is the same bytes every time; its sha256 sums are those that
crates/percept-nn/src/weights/known.rs lists.
"""

import argparse
import hashlib
import json
import pathlib
import struct

import numpy as np
from safetensors.numpy import load_file

HALF = {"vgg16": "vgg16", "alexnet": "alexnet"}
FULL = {
    "lpips-vgg16": "lpips-v0.1-vgg16",
    "lpips-alexnet": "lpips-v0.1-alexnet",
    "dists": "dists",
}
# Arrays with more values than this are rounded.
SMALL = 1 << 19
CODE = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}


def safetensors_bytes(arrays, metadata):
    """The file with names in order, so that the same input gives the same bytes."""
    header, blobs, at = {"__metadata__": metadata}, [], 0
    # Wide types first keeps every array aligned.
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        blob = np.ascontiguousarray(arrays[name]).tobytes()
        shape = list(arrays[name].shape)
        header[name] = {"dtype": CODE[arrays[name].dtype], "shape": shape, "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    args = parser.parse_args()
    for name, source in {**HALF, **FULL}.items():
        path = args.sources / f"{source}.safetensors"
        arrays = load_file(path)
        if name in HALF:
            arrays = {key: value if value.size <= SMALL else value.astype(np.float16) for key, value in arrays.items()}
        assert all(np.isfinite(value).all() for value in arrays.values()), path
        origin = hashlib.sha256(path.read_bytes()).hexdigest()
        content = safetensors_bytes(arrays, {"name": name, "made_from_sha256": origin})
        (args.out / f"{name}.safetensors").write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {name}.safetensors  from {origin}  {len(content)} bytes")


if __name__ == "__main__":
    main()
