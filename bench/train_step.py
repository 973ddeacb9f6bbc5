"""Seconds per training step in PyTorch: the same network, losses and batch as percept's demo.

Network: residual x4 (48 features, 6 blocks). Batch: 8 crops of 96 pixels. Losses: l1; feature (VGG16 relu1_2, relu2_2,
relu3_3, squared distance, each tap divided by its energy); selection (feature with the contrast across contents, one
Adam step on the channel weights a batch); contextual (the contextual loss of relu3_3 with such a selection);
contextual-three (the contextual loss of all three, without); gan (l1, feature and a U-Net discriminator with spectral
normalisation, cross entropy, which takes its own step). Data loading is outside of the timing.

    python bench/train_step.py --weights vgg16.safetensors [--steps 20] [--threads 2] [--precision bf16] [--layout last]

bf16 is autocast, for network, trunk and losses. Prints one JSON line for every loss: {"loss", "seconds": [...],
"peak_rss_mib"}.
"""

import argparse
import json
import resource
import time

import torch
from micro import narrow
from networks import SCALE, Residual, UNet, Vgg16, contextual
from safetensors.torch import load_file
from torch.nn import functional as F

FEATURES, BLOCKS, BATCH, CROP = 48, 6, 8, 96


def distance(a, b):
    return ((a - b) ** 2).mean(dim=(2, 3))


class Selection:
    """The contrast across contents with percept's default guards."""

    def __init__(self, channels):
        self.theta = [torch.zeros(c, requires_grad=True) for c in channels]
        self.average = [torch.ones(c) for c in channels]
        self.response = [None for _ in channels]
        self.adam = torch.optim.Adam(self.theta, lr=0.01)

    def weights(self):
        return [0.4 + 0.6 * len(t) * torch.softmax(t, 0) for t in self.theta]

    def step(self, result, distorted):
        for i, d in enumerate(distorted):
            now = d.mean(0)
            self.response[i] = now if self.response[i] is None else 0.95 * self.response[i] + 0.05 * now
        w = self.weights()
        scale = [r + 1e-3 * r.mean() for r in self.response]
        total = lambda ds: sum((d * (v / s)).mean(1) for d, v, s in zip(ds, w, scale))
        near, far = total(result).log()[:, None], total(distorted).log()[None, :]
        others = 1 - torch.eye(len(near))
        contrast = (0.1 * F.softplus((near - far + 0.2) / 0.1) * others).sum() / others.sum()
        p = [v / v.sum() for v in w]
        entropy = sum(-(q * q.log()).sum() / torch.tensor(float(len(q))).log() for q in p) / len(p)
        self.adam.zero_grad()
        (contrast - 0.02 * entropy).backward()
        self.adam.step()
        with torch.no_grad():
            for average, v in zip(self.average, self.weights()):
                average.mul_(0.95).add_(v, alpha=0.05)

    def gates(self):
        return [a * r.mean() / (r + 1e-3 * r.mean()) for a, r in zip(self.average, self.response)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--losses", default="l1,feature,selection,contextual,contextual-three,gan")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--layout", choices=["first", "last"], default="first")
    args = parser.parse_args()
    layout = torch.channels_last if args.layout == "last" else torch.contiguous_format
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    state = load_file(args.weights)
    target = F.interpolate(torch.rand(BATCH, 3, CROP // 4, CROP // 4), scale_factor=4, mode="bicubic").clamp(0, 1)
    small = F.interpolate(target, scale_factor=1 / SCALE, mode="bicubic", antialias=True)
    distorted = F.interpolate(small, scale_factor=SCALE, mode="bicubic")
    small, target, distorted = (image.to(memory_format=layout) for image in (small, target, distorted))
    for loss in args.losses.split(","):
        network = Residual(FEATURES, BLOCKS).to(memory_format=layout)
        optim = torch.optim.Adam(network.parameters(), lr=1e-4)
        taps = {"contextual": {"relu3_3": 256}}.get(loss, {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256})
        vgg = Vgg16(list(taps), state).to(memory_format=layout)
        selection = Selection(list(taps.values()))
        discriminator = UNet(64).to(memory_format=layout) if loss == "gan" else None
        optim_d = torch.optim.Adam(discriminator.parameters(), lr=1e-4) if discriminator else None
        seconds = []
        for step in range(args.steps + 2):
            start = time.perf_counter()
            with narrow(args.precision == "bf16"):
                result = network(small)
                if loss == "l1":
                    total = (result - target).abs().mean()
                else:
                    seen = vgg(result)
                    with torch.no_grad():
                        wanted = vgg(target)
                        energy = [(t**2).mean() for t in wanted]
                    moved = [distance(a, b) for a, b in zip(seen, wanted)]
                    uniform = sum(d.mean() / e for d, e in zip(moved, energy))
                    if loss in ("selection", "contextual"):
                        with torch.no_grad():
                            far = [distance(a, b) for a, b in zip(vgg(distorted), wanted)]
                        selection.step([d.detach() for d in moved], far)
                    if loss == "contextual":
                        total = contextual(seen[0], wanted[0], selection.gates()[0].detach())
                    elif loss == "contextual-three":
                        total = sum(contextual(a, b) for a, b in zip(seen, wanted))
                    elif loss == "selection":
                        total = sum((d * g).mean() / e for d, g, e in zip(moved, selection.gates(), energy))
                        total = total * (uniform / total).detach()
                    else:
                        total = uniform
                if discriminator:
                    discriminator.requires_grad_(False)
                    total = total + (result - target).abs().mean() + 0.1 * F.softplus(-discriminator(result)).mean()
            optim.zero_grad()
            total.backward()
            optim.step()
            if discriminator:
                discriminator.requires_grad_(True)
                with narrow(args.precision == "bf16"):
                    real, fake = discriminator(target), discriminator(result.detach())
                    cost = F.softplus(-real).mean() + F.softplus(fake).mean()
                optim_d.zero_grad()
                cost.backward()
                optim_d.step()
            total.item()
            if step >= 2:
                seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"loss": loss, "seconds": seconds, "peak_rss_mib": peak}), flush=True)


if __name__ == "__main__":
    main()
