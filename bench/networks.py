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


class UNet(nn.Module):
    """percept's discriminator `unet`: three halvings and back, spectral normalisation in the middle."""

    def __init__(self, features):
        super().__init__()
        f, norm = features, torch.nn.utils.spectral_norm
        self.first = nn.Conv2d(3, f, 3, 1, 1)
        down = [(f, 2 * f), (2 * f, 4 * f), (4 * f, 8 * f)]
        self.down = nn.ModuleList(norm(nn.Conv2d(a, b, 4, 2, 1, bias=False)) for a, b in down)
        self.up = nn.ModuleList(norm(nn.Conv2d(b, a, 3, 1, 1, bias=False)) for a, b in reversed(down))
        self.last = nn.ModuleList(norm(nn.Conv2d(f, f, 3, 1, 1, bias=False)) for _ in range(2))
        self.logits = nn.Conv2d(f, 1, 3, 1, 1)

    def forward(self, x):
        act = lambda y: F.leaky_relu(y, 0.2, inplace=True)
        seen = [act(self.first(x))]
        for conv in self.down:
            seen.append(act(conv(seen[-1])))
        y = seen.pop()
        for conv in self.up:
            y = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
            y = act(conv(y)) + seen.pop()
        for conv in self.last:
            y = act(conv(y))
        return self.logits(y)


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


class ChannelNorm(torch.autograd.Function):
    """Normalises every pixel over its channels; keeps what the backward pass needs and no more."""

    @staticmethod
    def forward(ctx, x, weight, bias, epsilon):
        centred = x - x.mean(1, keepdim=True)
        inverse = (centred.square().mean(1, keepdim=True) + epsilon).rsqrt()
        y = centred * inverse
        ctx.save_for_backward(y, inverse, weight)
        return y * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)

    @staticmethod
    def backward(ctx, gradient):
        y, inverse, weight = ctx.saved_tensors
        inner = gradient * weight.view(1, -1, 1, 1)
        along = (inner * y).mean(1, keepdim=True)
        to_x = inverse * (inner - y * along - inner.mean(1, keepdim=True))
        return to_x, (gradient * y).sum((0, 2, 3)), gradient.sum((0, 2, 3)), None


class LayerNorm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        if x.is_contiguous(memory_format=torch.channels_last):
            y = F.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, 1e-6)
            return y.permute(0, 3, 1, 2)
        return ChannelNorm.apply(x, self.weight, self.bias, 1e-6)


def gate(x):
    a, b = x.chunk(2, 1)
    return a * b


class NafBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1 = nn.Conv2d(c, 2 * c, 1)
        self.conv2 = nn.Conv2d(2 * c, 2 * c, 3, 1, 1, groups=2 * c)
        self.conv3 = nn.Conv2d(c, c, 1)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1))
        self.conv4 = nn.Conv2d(c, 2 * c, 1)
        self.conv5 = nn.Conv2d(c, c, 1)
        self.norm1, self.norm2 = LayerNorm(c), LayerNorm(c)
        self.beta = nn.Parameter(torch.zeros(1, c, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, c, 1, 1))

    def forward(self, x):
        y = gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(y * self.sca(y)) * self.beta
        return x + self.conv5(gate(self.conv4(self.norm2(x)))) * self.gamma


class NafNet(nn.Module):
    """percept's `nafnet` with one block at every level."""

    def __init__(self, width, levels):
        super().__init__()
        widths = [width << level for level in range(levels + 1)]
        self.intro = nn.Conv2d(3, width, 3, 1, 1)
        self.ending = nn.Conv2d(width, 3, 3, 1, 1)
        self.encoders = nn.ModuleList(NafBlock(c) for c in widths[:-1])
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, 2) for c in widths[:-1])
        self.middle = NafBlock(widths[-1])
        self.ups = nn.ModuleList(nn.Conv2d(c, 2 * c, 1, bias=False) for c in widths[:0:-1])
        self.decoders = nn.ModuleList(NafBlock(c) for c in widths[-2::-1])

    def forward(self, image):
        x, skips = self.intro(image), []
        for encoder, down in zip(self.encoders, self.downs):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for up, decoder in zip(self.ups, self.decoders):
            x = decoder(F.pixel_shuffle(up(x), 2) + skips.pop())
        return self.ending(x) + image
