"""Seconds of the parts of training and judging in PyTorch: the other side of `percept-nn`'s example `parts`.

    python bench/parts.py [--threads 2] [--repeat 10]

Prints one JSON line for each: {"shape", "pass", "seconds"}, the least of all repetitions in either layout, channels first or
last. What is in bf16, by autocast, is called so. Weights are random.
"""

import argparse
import contextlib
import io
import json

import lpips
import torch
from micro import LAYOUTS, PRECISIONS, least, narrow
from networks import Residual, Vgg16, contextual


def report(shape, kind, repeat, *runs):
    """`runs` are layouts of the same."""
    seconds = min(least(run, repeat) for run in runs)
    print(json.dumps({"shape": shape, "pass": kind, "seconds": seconds}), flush=True)


def forward(network, layout, bf16, times, *size):
    network, x = network.to(memory_format=layout), torch.rand(*size).to(memory_format=layout)

    def run():
        with torch.no_grad(), narrow(bf16):
            for _ in range(times):
                network(x)

    return run


def backward(network, layout, bf16, *size):
    network, x = network.to(memory_format=layout), torch.rand(*size).to(memory_format=layout)

    def run():
        with narrow(bf16):
            y = network(x.detach().requires_grad_())[0]
        y.sum().backward()

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    repeat = arguments.repeat

    for tap in ["relu3_3", "relu4_3", "relu5_3"]:
        for suffix, bf16 in PRECISIONS:
            for batch, side in [(8, 96), (1, 256)]:
                shape, size = f"vgg16 {tap} {batch}x{side}{suffix}", (batch, 3, side, side)
                report(shape, "forward", repeat, *(forward(Vgg16([tap]), l, bf16, 1, *size) for l in LAYOUTS))
                report(shape, "input", repeat, *(backward(Vgg16([tap]), l, bf16, *size) for l in LAYOUTS))

    with contextlib.redirect_stdout(io.StringIO()):
        metric = lpips.LPIPS(net="alex", pretrained=False, pnet_rand=True)
    a, b = torch.rand(1, 3, 512, 512), torch.rand(1, 3, 512, 512)
    with torch.no_grad():
        report("lpips-alex 1x512", "forward", repeat, lambda: metric(a, b))

    a, b = torch.rand(8, 256, 24, 24), torch.rand(8, 256, 24, 24)
    loss = lambda: contextual(a.detach().requires_grad_(), b)
    report("contextual 8x24", "input", repeat, lambda: loss().backward())

    for suffix, bf16 in PRECISIONS:
        enlarge = lambda times, *size: (forward(Residual(64, 8), l, bf16, times, 1, 3, *size) for l in LAYOUTS)
        report(f"x4 of 256x256{suffix}", "forward", repeat, *enlarge(1, 256, 256))
        report(f"x4 of 1920x1080{suffix}", "forward", -1, *enlarge(15, 360, 384))


if __name__ == "__main__":
    main()
