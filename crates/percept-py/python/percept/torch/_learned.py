"""LPIPS and DISTS as losses."""

from torch import nn

from .._errors import CallError
from ._trunk import Trunk, float32, load_weights

_VGG = ["relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"]
_ALEX = ["relu1", "relu2", "relu3", "relu4", "relu5"]


def _reduced(values, reduction):
    return values.mean() if reduction == "mean" else values


def _checked(reduction):
    if reduction not in ("mean", "none"):
        raise CallError(f'reduction must be "mean" or "none"; it is {reduction!r}')
    return reduction


class LPIPS(nn.Module):
    """LPIPS v0.1 (Zhang et al., CVPR 2018) through `vgg` (default, the usual choice for losses) or `alex` (for scores).

    `[N, 3, H, W]` in 0 to 1, twice, to the mean over the batch; with `reduction="none"` to `[N]`. The gradient is finite
    everywhere, also at equal images.
    """

    def __init__(self, net="vgg", reduction="mean"):
        super().__init__()
        if net not in ("vgg", "alex"):
            raise CallError(f'net must be "vgg" or "alex"; it is {net!r}')
        kind, taps = ("vgg16", _VGG) if net == "vgg" else ("alexnet", _ALEX)
        self.trunk, self.reduction = Trunk(kind, taps), _checked(reduction)
        heads = load_weights(f"lpips-{kind}")
        for at in range(5):
            head = heads[f"lin{at}.model.1.weight"].reshape(1, -1, 1, 1)
            self.register_buffer(f"head_{at}", head, persistent=False)

    def forward(self, result, target):
        features = zip(self.trunk(result), self.trunk(target))
        with float32(result):
            total = 0.0
            for at, (a, b) in enumerate(features):
                difference = _unit(a, 1e-10) - _unit(b, 1e-10)
                total = total + (difference.square() * self.get_buffer(f"head_{at}")).sum(1).mean((1, 2))
        return _reduced(total, self.reduction)


def _unit(x, epsilon):
    return x * (x.square().sum(1, keepdim=True) + epsilon).rsqrt()


class DISTS(nn.Module):
    """DISTS (Ding et al., TPAMI 2020).

    `[N, 3, H, W]` in 0 to 1, twice, to the mean over the batch; with `reduction="none"` to `[N]`.
    """

    def __init__(self, reduction="mean"):
        super().__init__()
        self.trunk, self.reduction = Trunk("vgg16", _VGG, l2_pooling=True), _checked(reduction)
        weights = load_weights("dists")
        alpha, beta = (weights[name].reshape(-1) for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self.sizes = [3] + [self.trunk.channels(tap) for tap in _VGG]
        self.register_buffer("alpha", alpha / total, persistent=False)
        self.register_buffer("beta", beta / total, persistent=False)

    def forward(self, result, target):
        stages = [(result.float(), target.float()), *zip(self.trunk(result), self.trunk(target))]
        alphas, betas = self.alpha.split(self.sizes), self.beta.split(self.sizes)
        with float32(result):
            similarity = sum(_similarity(a, b, *weights) for (a, b), *weights in zip(stages, alphas, betas))
        return _reduced(1.0 - similarity, self.reduction)


def _similarity(a, b, alpha, beta, c=1e-6):
    """Texture compares the channels' means, structure their covariance: `[N]`."""
    mean_a, mean_b = (x.mean((2, 3), keepdim=True) for x in (a, b))
    a, b = a - mean_a, b - mean_b
    variances = a.square().mean((2, 3)) + b.square().mean((2, 3))
    covariance = (a * b).mean((2, 3))
    mean_a, mean_b = mean_a.flatten(1), mean_b.flatten(1)
    texture = (2 * mean_a * mean_b + c) / (mean_a.square() + mean_b.square() + c)
    structure = (2 * covariance + c) / (variances + c)
    return (texture * alpha + structure * beta).sum(1)
