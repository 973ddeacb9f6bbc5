"""From free parameters to weights, and what a contrast needs of them: the rules of percept's `disentangle/gate.rs`."""

import math

import torch
import torch.nn.functional as F


class Channels:
    """A weight for each of the `C` channels: `D = mean_c w_c δ_c`."""

    pace = 1.0

    def __init__(self, kind, floor):
        self.kind, self.floor = kind, floor

    def weights(self, theta):
        if self.kind == "softplus":
            return F.softplus(theta)
        return theta.softmax(0) * ((1 - self.floor) * theta.numel()) + self.floor

    def uniform(self, weights):
        return torch.ones_like(weights)

    def moments(self, a, b):
        """What is weighted of two feature maps `[N, C, H, W]`: `[N, C]`."""
        return (a - b).square().mean((2, 3))

    def distances(self, moments):
        return moments

    def scales(self, scale):
        return scale

    def evenness(self, weights):
        """How evenly weights are spread, from 0 to 1: their entropy as a share of the largest possible."""
        shares = weights / weights.sum()
        return -(shares * (shares + 1e-12).log()).sum() / math.log(max(len(weights), 2))

    def shown(self, weights):
        return weights

    def of_tap(self, weights):
        return weights


class Projection:
    """A matrix `P`, `[C, C]`, that may mix channels: `D = mean_hw dᵀMd / C` for the difference `d` of the features, with
    `M = floor · I + (1 − floor) · C · PPᵀ / tr(PPᵀ)`. All is kept flat, `[C²]`; weights are `C · M`.
    """

    pace = 0.04

    def __init__(self, floor):
        self.floor = floor

    def weights(self, theta):
        matrix = theta.reshape(_side(theta), -1)
        product = (matrix @ matrix.T).reshape(-1)
        scale = (1 - self.floor) * theta.numel()
        return product / theta.square().sum() * scale + self.uniform(theta) * self.floor

    def uniform(self, weights):
        side = _side(weights)
        return torch.eye(side, dtype=weights.dtype, device=weights.device).reshape(-1) * side

    def moments(self, a, b):
        """All second moments of the difference: `[N, C²]`."""
        difference = (a - b).flatten(2)
        return (difference @ difference.transpose(1, 2) / difference.shape[2]).flatten(1)

    def distances(self, moments):
        return moments[:, :: _side(moments[0]) + 1]

    def scales(self, scale):
        root = scale.sqrt()
        return torch.outer(root, root).reshape(-1)

    def evenness(self, weights):
        """Over directions: the entropy of order 2, which needs no eigenvalues."""
        return -(weights / weights.numel()).square().sum().log() / math.log(max(_side(weights), 2))

    def shown(self, weights):
        side = _side(weights)
        return weights[:: side + 1] / side

    def of_tap(self, weights):
        side = _side(weights)
        return weights.reshape(side, side) / side


def make_gate(kind, floor):
    return Projection(floor) if kind == "projection" else Channels(kind, floor)


def _side(weights):
    return math.isqrt(weights.numel())
