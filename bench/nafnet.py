"""Seconds of NAFNet's training step and inference in PyTorch: the other side of `percept-nn`'s example `nafnet`.

    python bench/nafnet.py [--threads 2] [--repeat 10]

Prints one JSON line for each: {"shape", "pass", "seconds"}, the least of all repetitions in either layout, channels first
or last. What is in bf16, by autocast, is called so. Weights are random. A step is the forward pass, the L1 loss and the gradients to all weights.
"""

import argparse
import json

import torch
from micro import LAYOUTS, PRECISIONS, least, narrow
from networks import NafNet
from torch.nn import functional as F


def images(batch, side, layout):
    return torch.rand(batch, 3, side, side).to(memory_format=layout)


def step(width, levels, layout, bf16):
    network = NafNet(width, levels).to(memory_format=layout)
    x, target = images(4, 96, layout), images(4, 96, layout)

    def run():
        network.zero_grad(set_to_none=True)
        with narrow(bf16):
            result = network(x)
        F.l1_loss(result.float(), target).backward()

    return run


def forward(width, levels, layout, bf16):
    network = NafNet(width, levels).to(memory_format=layout)
    image = images(1, 512, layout)

    def run():
        with torch.no_grad(), narrow(bf16):
            network(image)

    return run


def report(shape, kind, repeat, of, *sizes):
    for suffix, bf16 in PRECISIONS:
        seconds = min(least(of(*sizes, layout, bf16), repeat) for layout in LAYOUTS)
        print(json.dumps({"shape": shape + suffix, "pass": kind, "seconds": seconds}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for width, levels in [(16, 3), (32, 4)]:
        report(f"nafnet {width} 4x96", "step", arguments.repeat, step, width, levels)
    report("nafnet 32 1x512", "forward", arguments.repeat, forward, 32, 4)


if __name__ == "__main__":
    main()
