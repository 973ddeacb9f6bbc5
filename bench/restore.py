"""Seconds in which published architectures restore a tile, and of a training step of some, in PyTorch: the other side of
`percept-nn`'s example `restore`. The architectures are those of PyPI's `spandrel`, NAFNet that of `networks.py`.

    python bench/restore.py [--threads 2] [--repeat 3] [--only NAME]

Prints one JSON line for each: {"shape", "pass", "seconds"}, the least of all repetitions in either layout, channels first
or last. What is in bf16, by autocast, is called so. Weights are random. SPAN's convolutions are folded where it is applied. A step
is the forward pass, the L1 loss and the gradients to all weights.
"""

import argparse
import json
import time

import torch
from micro import LAYOUTS, PRECISIONS, narrow
from networks import NafNet
from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact
from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet
from spandrel.architectures.PLKSR.__arch.RealPLKSR import RealPLKSR
from spandrel.architectures.SPAN.__arch.span import SPAN, Conv3XC
from spandrel.architectures.SwinIR import SwinIR
from torch.nn import functional as F

SIZES = [(256, 256), (576, 512)]
# They take the small size alone.
LARGE = ("rrdbnet 64/23", "realplksr 64/28", "swinir light")


def span(features, cat=None):
    network = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=features, upscale=4)
    if cat is not None:
        network.conv_cat = torch.nn.Conv2d(4 * features, cat, 1)
        network.upsampler[0] = torch.nn.Conv2d(cat, 48, 3, padding=1)
    return network


def folded(network):
    """With one convolution instead of its branches."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, Conv3XC):
                child.update_params()
                setattr(module, name, child.eval_conv)
    return network


def swinir():
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


NETWORKS = {
    "span 28": lambda: folded(span(28, 20)),
    "span 48": lambda: folded(span(48)),
    "compact 64/32": lambda: SRVGGNetCompact(num_feat=64, num_conv=32, upscale=4, act_type="prelu"),
    "rrdbnet 64/23": lambda: RRDBNet(num_filters=64, num_blocks=23, scale=4),
    "realplksr 64/28": lambda: RealPLKSR(upscaling_factor=4),
    "nafnet 32": lambda: NafNet(32, 4),
    "swinir light": swinir,
}
# Name, network, scale, and the batch: so many squares of so many pixels are read.
STEPS = {
    "span 48": (lambda: span(48), 4, 8, 24),
    "nafnet 16": (lambda: NafNet(16, 3), 1, 4, 96),
    "nafnet 32": (lambda: NafNet(32, 4), 1, 4, 96),
    "swinir light": (swinir, 4, 2, 64),
}


def least(run, repeat):
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def forward(network, size, layout, bf16):
    image = torch.rand(1, 3, *size).to(memory_format=layout)

    def run():
        with torch.no_grad(), narrow(bf16):
            network(image)

    return run


def step(network, scale, batch, side, layout, bf16):
    network = network.train().to(memory_format=layout)
    x, target = (torch.rand(batch, 3, side, side).to(memory_format=layout) for side in (side, scale * side))

    def run():
        network.zero_grad(set_to_none=True)
        with narrow(bf16):
            result = network(x)
        F.l1_loss(result.float(), target).backward()

    return run


def report(shape, kind, seconds):
    print(json.dumps({"shape": shape, "pass": kind, "seconds": seconds}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name, make in NETWORKS.items():
        if not name.startswith(arguments.only):
            continue
        network = make().eval()
        for size in SIZES[: 1 if name in LARGE else 2]:
            for suffix, bf16 in PRECISIONS:
                seconds = []
                for layout in LAYOUTS:
                    network = network.to(memory_format=layout)
                    seconds.append(least(forward(network, size, layout, bf16), arguments.repeat))
                report(f"{name} {size[0]}x{size[1]}{suffix}", "forward", min(seconds))
    for name, (make, scale, batch, side) in STEPS.items():
        if not name.startswith(arguments.only):
            continue
        for suffix, bf16 in PRECISIONS:
            runs = (step(make(), scale, batch, side, layout, bf16) for layout in LAYOUTS)
            report(f"{name} {batch}x{side}{suffix}", "step", min(least(run, 3 * arguments.repeat) for run in runs))


if __name__ == "__main__":
    main()
