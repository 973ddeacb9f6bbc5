"""Seconds of the parts of training and judging in PyTorch: the other side of `percept-nn`'s example `parts`.

    python bench/parts.py [--threads 2] [--repeat 10]

Prints one JSON line for each: {"shape", "pass", "seconds"}, the least of all repetitions. Weights are random.
"""

import argparse
import contextlib
import io
import json

import lpips
import torch
from micro import least
from networks import Residual, Vgg16, contextual


def report(shape, kind, repeat, run):
    print(json.dumps({"shape": shape, "pass": kind, "seconds": least(run, repeat)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    repeat = arguments.repeat

    for tap in ["relu3_3", "relu4_3", "relu5_3"]:
        vgg = Vgg16([tap])
        for batch, side in [(8, 96), (1, 256)]:
            shape = f"vgg16 {tap} {batch}x{side}"
            x = torch.rand(batch, 3, side, side)

            def forward():
                with torch.no_grad():
                    vgg(x)

            report(shape, "forward", repeat, forward)
            report(shape, "input", repeat, lambda: vgg(x.detach().requires_grad_())[0].sum().backward())

    with contextlib.redirect_stdout(io.StringIO()):
        metric = lpips.LPIPS(net="alex", pretrained=False, pnet_rand=True)
    a, b = torch.rand(1, 3, 512, 512), torch.rand(1, 3, 512, 512)
    with torch.no_grad():
        report("lpips-alex 1x512", "forward", repeat, lambda: metric(a, b))

    a, b = torch.rand(8, 256, 24, 24), torch.rand(8, 256, 24, 24)
    loss = lambda: contextual(a.detach().requires_grad_(), b)
    report("contextual 8x24", "input", repeat, lambda: loss().backward())

    network = Residual(64, 8)
    small, tile = torch.rand(1, 3, 256, 256), torch.rand(1, 3, 360, 384)
    with torch.no_grad():
        report("x4 of 256x256", "forward", repeat, lambda: network(small))
        report("x4 of 1920x1080", "forward", -1, lambda: [network(tile) for _ in range(15)] and None)


if __name__ == "__main__":
    main()
