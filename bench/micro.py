"""Seconds of single convolutions in PyTorch: the other side of `percept-conv`'s example `micro`.

    python bench/micro.py [--threads 2] [--repeat 30]

Prints one JSON line for every shape and pass: {"shape", "pass", "seconds"}, the least of all repetitions.
Passes: forward; input (forward and the gradient to the input, weights frozen); full (all gradients).
"""

import argparse
import json
import time

import torch
from torch.nn import functional as F

# name, batch, side, input channels, output channels
SHAPES = [
    ("64->64 8x96", 8, 96, 64, 64),
    ("128->128 8x48", 8, 48, 128, 128),
    ("256->256 8x24", 8, 24, 256, 256),
    ("48->48 8x24", 8, 24, 48, 48),
    ("3->64 8x96", 8, 96, 3, 64),
    ("48->3 8x96", 8, 96, 48, 3),
]


def least(run, repeat):
    times = []
    for _ in range(repeat + 2):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name, batch, side, inputs, outputs in SHAPES:
        x = torch.rand(batch, inputs, side, side) - 0.5
        weight = torch.rand(outputs, inputs, 3, 3) - 0.5
        bias = torch.rand(outputs)

        def forward():
            with torch.no_grad():
                F.relu(F.conv2d(x, weight, bias, padding=1), inplace=True)

        def backward(weight, bias):
            source = x.detach().requires_grad_()
            F.relu(F.conv2d(source, weight, bias, padding=1), inplace=True).sum().backward()

        trained = [tensor.clone().requires_grad_() for tensor in (weight, bias)]

        def full():
            for tensor in trained:
                tensor.grad = None
            backward(*trained)

        passes = {"forward": forward, "input": lambda: backward(weight, bias), "full": full}
        for kind, run in passes.items():
            seconds = least(run, arguments.repeat)
            print(json.dumps({"shape": name, "pass": kind, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
