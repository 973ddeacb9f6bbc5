"""The networks of percept's demo and benchmarks, in PyTorch."""

import torch
from torch import nn
from torch.nn import functional as F

SCALE = 4


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(x), inplace=True))


class Residual(nn.Module):
    """percept's `srresnet`, 4 times larger."""

    def __init__(self, features, blocks):
        super().__init__()
        self.conv_first = nn.Conv2d(3, features, 3, 1, 1)
        self.body = nn.Sequential(*[Block(features) for _ in range(blocks)])
        self.upconv1 = nn.Conv2d(features, features * 4, 3, 1, 1)
        self.upconv2 = nn.Conv2d(features, features * 4, 3, 1, 1)
        self.conv_hr = nn.Conv2d(features, features, 3, 1, 1)
        self.conv_last = nn.Conv2d(features, 3, 3, 1, 1)

    def forward(self, x):
        y = F.leaky_relu(self.conv_first(x), 0.1, inplace=True)
        y = self.body(y)
        y = F.leaky_relu(F.pixel_shuffle(self.upconv1(y), 2), 0.1, inplace=True)
        y = F.leaky_relu(F.pixel_shuffle(self.upconv2(y), 2), 0.1, inplace=True)
        y = self.conv_last(F.leaky_relu(self.conv_hr(y), 0.1, inplace=True))
        return y + F.interpolate(x, scale_factor=SCALE, mode="bilinear", align_corners=False)


class Vgg16(nn.Module):
    """VGG16 up to the deepest of `taps` ("relu3_3"), frozen; `state` has torchvision's names, None is random."""

    def __init__(self, taps, state=None):
        super().__init__()
        self.layers, self.convs = [], nn.ModuleList()
        index, before, seen = 0, 3, 0
        for level, (count, channels) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
            for at in range(1, count + 1):
                if seen == len(taps):
                    break
                conv = nn.Conv2d(before, channels, 3, 1, 1)
                if state:
                    conv.weight.data.copy_(state[f"features.{index}.weight"].float())
                    conv.bias.data.copy_(state[f"features.{index}.bias"].float())
                self.convs.append(conv)
                self.layers.append("conv")
                if f"relu{level}_{at}" in taps:
                    self.layers.append("tap")
                    seen += 1
                index, before = index + 2, channels
            self.layers.append("pool")
            index += 1
        self.requires_grad_(False)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        last = len(self.layers) - self.layers[::-1].index("tap")
        self.layers = self.layers[:last]

    def forward(self, image):
        x, taps, convs = (image - self.mean) / self.std, [], iter(self.convs)
        for layer in self.layers:
            if layer == "tap":
                taps.append(x)
            elif layer == "pool":
                x = F.max_pool2d(x, 2)
            else:
                x = F.relu(next(convs)(x), inplace=False)
        return taps


def contextual(result, target, gate=None, bandwidth=0.5, most=1024):
    """The contextual loss of one tap, `[N, C, H, W]`, as percept defines it."""

    def positions(x):
        step = 1
        while -(-x.shape[2] // step) * -(-x.shape[3] // step) > most:
            step += 1
        return x[:, :, ::step, ::step].flatten(2)

    result, target = positions(result), positions(target)
    if gate is not None:
        root = gate.sqrt()[None, :, None]
        result, target = result * root, target * root
    centre = target.mean(2, keepdim=True)
    result, target = F.normalize(result - centre, dim=1), F.normalize(target - centre, dim=1)
    distance = ((1 - result.transpose(1, 2) @ target) / 2).clamp_min(0)
    nearest = distance.amin(2, keepdim=True) + 1e-5
    similarity = (-(distance / nearest) / bandwidth).softmax(2)
    return -similarity.amax(1).mean(1).log().mean()
