"""Frozen classification networks, read at their taps."""

import contextlib
import json
import struct

import torch
import torch.nn.functional as F
from torch import nn

from .. import _percept

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}


def float32(images):
    """No autocast here: for sums over many positions."""
    try:
        return torch.autocast(images.device.type, enabled=False)
    except RuntimeError:
        # A device that has none.
        return contextlib.nullcontext()


def load_weights(name):
    """Known weights, `random NETWORK`, or those of a file, as float32 tensors by name."""
    data = _percept.weights(name)
    (length,) = struct.unpack_from("<Q", data)
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    tensors = {}
    for key, entry in header.items():
        if key == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        part = torch.frombuffer(body[start:end], dtype=_DTYPES[entry["dtype"]])
        tensors[key] = part.reshape(entry["shape"]).to(torch.float32)
    return tensors


def _vgg(depths):
    layers, index = [], 0
    for block, depth in enumerate(depths, 1):
        if block > 1:
            layers.append(("pool", 2, 2))
            index += 1
        for place in range(1, depth + 1):
            layers.append(("conv", f"{block}_{place}", index, 1, 1))
            index += 2
    return layers


_ALEXNET = [
    ("conv", "1", 0, 4, 2),
    ("pool", 3, 2),
    ("conv", "2", 3, 1, 2),
    ("pool", 3, 2),
    ("conv", "3", 6, 1, 1),
    ("conv", "4", 8, 1, 1),
    ("conv", "5", 10, 1, 1),
]
_LAYERS = {"vgg16": _vgg([2, 2, 3, 3, 3]), "vgg19": _vgg([2, 2, 4, 4, 4]), "alexnet": _ALEXNET}


class Trunk(nn.Module):
    """`kind` up to the deepest of `taps`; features come in the order of `taps`, whatever their depth."""

    def __init__(self, kind, taps, weights="bundled", precision="f32", l2_pooling=False):
        super().__init__()
        state = load_weights({"bundled": kind, "random": f"random {kind}"}.get(weights, weights))
        self.taps, self.precision, self.l2_pooling = list(taps), precision, l2_pooling
        wanted, self.layers = set(taps), []
        for layer in _LAYERS[kind]:
            if not wanted:
                break
            self.layers.append(layer)
            if layer[0] == "conv":
                _, place, index, _, _ = layer
                for what in ("weight", "bias"):
                    self.register_buffer(f"{what}_{place}", state[f"features.{index}.{what}"], persistent=False)
                wanted -= {f"conv{place}", f"relu{place}"}
        self.register_buffer("mean", torch.tensor(_MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).reshape(1, 3, 1, 1), persistent=False)
        row = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", torch.outer(row, row).reshape(1, 1, 3, 3), persistent=False)

    def channels(self, tap):
        return self.get_buffer(f"bias_{tap[4:]}").numel()

    def forward(self, image):
        """Features of `[N, 3, H, W]` by tap, float32."""
        # With "f32" as the caller has it: its autocast counts.
        bf16 = self.precision == "bf16"
        with torch.autocast(image.device.type, dtype=torch.bfloat16) if bf16 else contextlib.nullcontext():
            return self._features(image)

    def _features(self, image):
        x, found = (image.float() - self.mean) / self.deviation, {}
        wanted = set(self.taps)
        for layer in self.layers:
            if layer[0] == "pool":
                x = self._l2_pool(x) if self.l2_pooling else F.max_pool2d(x, layer[1], layer[2])
                continue
            _, place, _, stride, padding = layer
            weight, bias = self.get_buffer(f"weight_{place}"), self.get_buffer(f"bias_{place}")
            x = F.conv2d(x, weight, bias, stride, padding)
            if f"conv{place}" in wanted:
                found[f"conv{place}"] = x.float()
            x = F.relu(x)
            if f"relu{place}" in wanted:
                found[f"relu{place}"] = x.float()
        return [found[tap] for tap in self.taps]

    def _l2_pool(self, x):
        channels, squares = x.shape[1], x.float().square()
        with float32(x):
            mean = F.conv2d(squares, self.window.expand(channels, 1, 3, 3), stride=2, padding=1, groups=channels)
            return (mean + 1e-12).sqrt()
