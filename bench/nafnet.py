"""Seconds of NAFNet's training step and inference in PyTorch: the other side of `percept-nn`'s example `nafnet`.

    python bench/nafnet.py [--threads 2] [--repeat 10] [--channels-last]

Prints one JSON line for each: {"shape", "pass", "seconds"}, the least of all repetitions. Weights are random. A step is
the forward pass, the L1 loss and the gradients to all weights.
"""

import argparse
import json

import torch
from micro import least
from networks import NafNet
from torch.nn import functional as F


def report(shape, kind, repeat, run):
    print(json.dumps({"shape": shape, "pass": kind, "seconds": least(run, repeat)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format

    def images(batch, side):
        return torch.rand(batch, 3, side, side).to(memory_format=layout)

    for width, levels in [(16, 3), (32, 4)]:
        network = NafNet(width, levels).to(memory_format=layout)
        x, target = images(4, 96), images(4, 96)

        def step():
            network.zero_grad(set_to_none=True)
            F.l1_loss(network(x), target).backward()

        report(f"nafnet {width} 4x96", "step", arguments.repeat, step)

    image = images(1, 512)
    with torch.no_grad():
        report("nafnet 32 1x512", "forward", arguments.repeat, lambda: network(image))


if __name__ == "__main__":
    main()
