"""Seconds of single convolutions in PyTorch: the other side of `percept-conv`'s example `micro`.

    python bench/micro.py [--threads 2] [--repeat 30]

Prints one JSON line for every shape, precision and pass: {"shape", "pass", "seconds"}, the least of all repetitions in either
layout, channels first or last. What is in bf16 is called so. Passes: forward; input (forward and the gradient to the input,
weights frozen); full (all gradients, by autocast where they are bf16).
"""

import argparse
import json
import time

import torch
from torch.nn import functional as F

LAYOUTS = [torch.contiguous_format, torch.channels_last]
# What a row's name ends with, and whether it is bf16.
PRECISIONS = [("", False), (" bf16", True)]

# name, batch, side, input channels, output channels, side of the kernel
SHAPES = [
    ("64->64 8x96", 8, 96, 64, 64, 3),
    ("128->128 8x48", 8, 48, 128, 128, 3),
    ("256->256 8x24", 8, 24, 256, 256, 3),
    ("48->48 8x24", 8, 24, 48, 48, 3),
    ("3->64 8x96", 8, 96, 3, 64, 3),
    ("48->3 8x96", 8, 96, 48, 3, 3),
    ("1x1 32->64 1x512", 1, 512, 32, 64, 1),
    ("1x1 256->512 1x64", 1, 64, 256, 512, 1),
    ("1x1 180->360 1x128", 1, 128, 180, 360, 1),
]


def least(run, repeat):
    times = []
    for _ in range(repeat + 2):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def narrow(on):
    """What a user of PyTorch writes for bf16."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=on)


def passes(batch, side, inputs, outputs, kernel, layout, bf16):
    x = (torch.rand(batch, inputs, side, side) - 0.5).to(memory_format=layout)
    weight = (torch.rand(outputs, inputs, kernel, kernel) - 0.5).to(memory_format=layout)
    bias = torch.rand(outputs)
    trained = [tensor.clone().requires_grad_() for tensor in (weight, bias)]
    if bf16:
        x, weight, bias = x.bfloat16(), weight.bfloat16(), bias.bfloat16()

    def convolved(x, weight, bias):
        return F.relu(F.conv2d(x, weight, bias, padding=kernel // 2), inplace=True)

    def forward():
        with torch.no_grad():
            convolved(x, weight, bias)

    def backward():
        convolved(x.detach().requires_grad_(), weight, bias).sum().backward()

    def full():
        for tensor in trained:
            tensor.grad = None
        with narrow(bf16):
            y = convolved(x.detach().requires_grad_(), *trained)
        y.sum().backward()

    return {"forward": forward, "input": backward, "full": full}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=30)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name, *sizes in SHAPES:
        for suffix, bf16 in PRECISIONS:
            layouts = [passes(*sizes, layout, bf16) for layout in LAYOUTS]
            for kind in layouts[0]:
                seconds = min(least(runs[kind], arguments.repeat) for runs in layouts)
                print(json.dumps({"shape": name + suffix, "pass": kind, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
