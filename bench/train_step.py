"""Seconds per training step in PyTorch: the same network, losses and batch as percept's demo.

Network: residual x4 (48 features, 6 blocks). Batch: 8 crops of 96 pixels. VGG16 relu1_2, relu2_2, relu3_3.
Losses: l1; feature (squared distance, each tap divided by its energy); feature + selection (the contrast
across contents, one Adam step on the channel weights a batch). Data loading is outside of the timing.

    python bench/train_step.py --weights vgg16.safetensors [--steps 20] [--threads 2]

Prints one JSON line for every loss: {"loss", "seconds": [...], "peak_rss_mib"}.
"""

import argparse
import json
import resource
import time

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

FEATURES, BLOCKS, BATCH, CROP, SCALE = 48, 6, 8, 96, 4


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x), inplace=True))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_first = nn.Conv2d(3, FEATURES, 3, 1, 1)
        self.body = nn.Sequential(*[Block(FEATURES) for _ in range(BLOCKS)])
        self.upconv1 = nn.Conv2d(FEATURES, FEATURES * 4, 3, 1, 1)
        self.upconv2 = nn.Conv2d(FEATURES, FEATURES * 4, 3, 1, 1)
        self.conv_hr = nn.Conv2d(FEATURES, FEATURES, 3, 1, 1)
        self.conv_last = nn.Conv2d(FEATURES, 3, 3, 1, 1)

    def forward(self, x):
        y = F.leaky_relu(self.conv_first(x), 0.1, inplace=True)
        y = self.body(y)
        y = F.leaky_relu(F.pixel_shuffle(self.upconv1(y), 2), 0.1, inplace=True)
        y = F.leaky_relu(F.pixel_shuffle(self.upconv2(y), 2), 0.1, inplace=True)
        y = self.conv_last(F.leaky_relu(self.conv_hr(y), 0.1, inplace=True))
        return y + F.interpolate(x, scale_factor=SCALE, mode="bilinear", align_corners=False)


class Vgg(nn.Module):
    """VGG16 up to relu3_3; the outputs of relu1_2, relu2_2 and relu3_3."""

    LAYERS = [(0, 3, 64), (2, 64, 64), "tap", "pool", (5, 64, 128), (7, 128, 128), "tap", "pool",
              (10, 128, 256), (12, 256, 256), (14, 256, 256), "tap"]

    def __init__(self, path):
        super().__init__()
        state = load_file(path)
        self.convs = nn.ModuleList()
        for layer in self.LAYERS:
            if isinstance(layer, tuple):
                index, before, after = layer
                conv = nn.Conv2d(before, after, 3, 1, 1)
                conv.weight.data.copy_(state[f"features.{index}.weight"].float())
                conv.bias.data.copy_(state[f"features.{index}.bias"].float())
                self.convs.append(conv)
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, image):
        x, taps, convs = (image - self.mean) / self.std, [], iter(self.convs)
        for layer in self.LAYERS:
            if layer == "tap":
                taps.append(x)
            elif layer == "pool":
                x = F.max_pool2d(x, 2)
            else:
                x = F.relu(next(convs)(x), inplace=False)
        return taps


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
    parser.add_argument("--losses", default="l1,feature,selection")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    vgg = Vgg(args.weights)
    target = F.interpolate(torch.rand(BATCH, 3, CROP // 4, CROP // 4), scale_factor=4, mode="bicubic").clamp(0, 1)
    small = F.interpolate(target, scale_factor=1 / SCALE, mode="bicubic", antialias=True)
    distorted = F.interpolate(small, scale_factor=SCALE, mode="bicubic")
    for loss in args.losses.split(","):
        network = Residual()
        optim = torch.optim.Adam(network.parameters(), lr=1e-4)
        selection = Selection([64, 128, 256])
        seconds = []
        for step in range(args.steps + 2):
            start = time.perf_counter()
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
                if loss == "selection":
                    with torch.no_grad():
                        far = [distance(a, b) for a, b in zip(vgg(distorted), wanted)]
                    selection.step([d.detach() for d in moved], far)
                    total = sum((d * g).mean() / e for d, g, e in zip(moved, selection.gates(), energy))
                    total = total * (uniform / total).detach()
                else:
                    total = uniform
            optim.zero_grad()
            total.backward()
            optim.step()
            total.item()
            if step >= 2:
                seconds.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"loss": loss, "seconds": seconds, "peak_rss_mib": peak}), flush=True)


if __name__ == "__main__":
    main()
