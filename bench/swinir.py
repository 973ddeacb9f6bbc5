"""Seconds of SwinIR's inference and training step in PyTorch: the other side of `percept-nn`'s example `swinir`.

    python bench/swinir.py [--threads 2] [--repeat 5]

Prints one JSON line for each: {"shape", "pass", "seconds"}, the least of all repetitions. What is in bf16, by autocast, is
called so. The network is spandrel's, the lightweight one for four times larger photos; weights are random. A step is the forward pass, the L1 loss and the gradients to
all weights.
"""

import argparse
import json

import torch
from micro import PRECISIONS, least, narrow
from spandrel.architectures.SwinIR import SwinIR
from torch.nn import functional as F


def light():
    # No stochastic depth: it would leave work out.
    return SwinIR(
        img_size=64,
        window_size=8,
        embed_dim=60,
        depths=[6] * 4,
        num_heads=[6] * 4,
        mlp_ratio=2.0,
        upsampler="pixelshuffledirect",
        upscale=4,
        drop_path_rate=0.0,
    )


def forward(bf16):
    network, image = light().eval(), torch.rand(1, 3, 256, 256)

    def run():
        with torch.no_grad(), narrow(bf16):
            network(image)

    return run


def step(bf16):
    network, x, target = light(), torch.rand(2, 3, 64, 64), torch.rand(2, 3, 256, 256)

    def run():
        network.zero_grad(set_to_none=True)
        with narrow(bf16):
            result = network(x)
        F.l1_loss(result.float(), target).backward()

    return run


def report(shape, kind, run, repeat):
    print(json.dumps({"shape": shape, "pass": kind, "seconds": least(run, repeat)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for suffix, bf16 in PRECISIONS:
        report(f"swinir light x4 1x256{suffix}", "forward", forward(bf16), arguments.repeat)
        report(f"swinir light x4 2x64{suffix}", "step", step(bf16), arguments.repeat)


if __name__ == "__main__":
    main()
