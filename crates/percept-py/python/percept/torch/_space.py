"""The losses in features: a frozen network, an optional selection of its channels, and a distance in that space."""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

from .. import _percept
from .._errors import ArrayError, CallError
from ._processes import all_images, mean_over_processes
from ._selection import make_selection
from ._trunk import Trunk, float32

_ENERGY_DECAY = 0.95
_UNIT_EPSILON = 1e-12
_NEAREST_EPSILON = 1e-5


class _Space(nn.Module):
    """What `FeatureLoss` and `ContextualLoss` share. `options` are those of percept's configuration."""

    def __init__(self, type, options):
        super().__init__()
        given = {name: value for name, value in options.items() if value is not None}
        for name in ("backbone", "criterion", "selection"):
            if isinstance(given.get(name), str):
                given[name] = {"type": given[name]}
        # percept itself checks and completes the options, and says where the selection starts.
        own = _percept._Loss(json.dumps({"type": type, **given}))
        self.config = json.loads(own.config())
        backbone = self.config["backbone"]
        self.layer_weights = dict(sorted(self.config["layer_weights"].items()))
        taps = list(self.layer_weights)
        self.trunk = Trunk(backbone["type"], taps, backbone["weights"], backbone.get("precision", "f32"))
        # NaN until the first batch.
        self.register_buffer("energy", torch.full([len(taps)], math.nan))
        selection = self.config.get("selection")
        self.selection = make_selection(selection, taps, own.state()) if selection is not None else None

    def forward(self, result, target, distorted=None, earlier=None):
        """The loss, a scalar. Images are `[N, 3, H, W]` in 0 to 1; the gradient goes to `result`.

        `distorted` is the network's input, which most selections look at; where it is smaller than the target it is enlarged by
        bicubic interpolation. `earlier` is the result of an averaged network, for `anchor = "earlier"`.
        """
        if result.shape != target.shape or result.dim() != 4 or result.shape[1] != 3:
            shapes = f"{list(result.shape)} and {list(target.shape)}"
            raise ArrayError(f"result and target must both be [N, 3, H, W]; they are {shapes}")
        target = target.detach()
        a = self.trunk(result)
        with torch.no_grad():
            b = self.trunk(target)
        with float32(result):
            if self.training:
                self._observe(b)
                if self.selection is not None:
                    self._select(a, b, target, distorted, earlier)
            weights = None if self.selection is None else self.selection.weights()
            return self._distance(a, b, weights)

    def selected(self):
        """The weights as they stand, `[C]` by tap; none without a selection."""
        return {} if self.selection is None else dict(zip(self.layer_weights, self.selection.shown()))

    def extra_repr(self):
        return f"{self.config['type']}, {', '.join(self.layer_weights)}"

    @torch.no_grad()
    def _observe(self, target):
        now = mean_over_processes(torch.stack([x.square().mean() for x in target]))
        new = _ENERGY_DECAY * self.energy + (1 - _ENERGY_DECAY) * now
        self.energy.copy_(torch.where(self.energy.isnan(), now, new))

    def _energies(self, target):
        """The running mean square of each tap; of this batch where none was seen."""
        now = torch.stack([x.square().mean() for x in target])
        return torch.where(self.energy.isnan(), now, self.energy)

    @torch.compiler.disable
    @torch.no_grad()
    def _select(self, result, target, image, distorted, earlier):
        def distances():
            x, kinds = self._distorted(image, distorted, earlier), self.selection.wanted()
            pairs = {"distorted_target": (x, target), "distorted_result": (x, result), "result_target": (result, target)}
            found = {}
            for kind in kinds:
                if kind == "averaged":
                    window = self.selection.config["score"]["window"]
                    taps = [_averaged(a, b, window, image.shape[2:]) for a, b in zip(result, target)]
                else:
                    taps = [self.selection.moments(a, b) for a, b in zip(*pairs[kind])]
                found[kind] = [all_images(tap) for tap in taps]
            return found

        self.selection.batch(distances)

    def _distorted(self, image, distorted, earlier):
        """Features of the distorted image that the selection asks for."""
        anchor = self.selection.anchor()
        if anchor is None:
            return None
        if anchor == "blurred":
            return self.trunk(_blurred(image))
        x = earlier if anchor == "earlier" and earlier is not None else distorted
        if x is None:
            raise CallError(
                "this selection looks at the distorted image: pass the network's input as `distorted`, "
                'or take anchor = "blurred"'
            )
        x = x.detach().to(image)
        if x.shape[2:] != image.shape[2:]:
            x = F.interpolate(x, image.shape[2:], mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        return self.trunk(x)


class FeatureLoss(_Space):
    """The distance of features, position by position (Johnson et al., ECCV 2016; equation 1 of the paper), optionally in a
    selected space. Options and defaults are those of `type = "feature"` in docs/config.md: `backbone` (`"vgg16"`), `layer_weights`
    (`relu1_2`, `relu2_2`, `relu3_3`), `criterion` (`"mse"`), `normalize` (True), `selection` (none).
    """

    def __init__(self, backbone=None, layer_weights=None, criterion=None, normalize=None, selection=None):
        options = {"backbone": backbone, "layer_weights": layer_weights, "criterion": criterion}
        super().__init__("feature", {**options, "normalize": normalize, "selection": selection})

    def _distance(self, a, b, weights):
        return _pointwise(self, a, b, weights)


class ContextualLoss(_Space):
    """The contextual loss (Mechrez et al., ECCV 2018): features against the most similar ones, wherever they are; optionally in
    a selected space. Options and defaults are those of `type = "contextual"` in docs/config.md: `backbone` (`"vgg16"`),
    `layer_weights` (`relu3_3`), `bandwidth` (0.5), `max_positions` (1024), `selection` (none).
    """

    def __init__(self, backbone=None, layer_weights=None, bandwidth=None, max_positions=None, selection=None):
        options = {"backbone": backbone, "layer_weights": layer_weights, "bandwidth": bandwidth}
        super().__init__("contextual", {**options, "max_positions": max_positions, "selection": selection})

    def _distance(self, a, b, weights):
        return _contextual(self, a, b, weights)


class DisentangledLoss(_Space):
    """The paper's loss (arXiv 2006.13511): a feature distance (`type="feature"`) or the contextual loss (`type="contextual"`), in
    a space that is selected online. `selection` is a dict of docs/config.md: `{"type": "closed", "score": {"type": "literal"},
    "share": 0.4, …}` or `{"type": "triplet", "contrast": "literal", "margin": 1.0, …}`; `{}` is percept's default. The other
    options are those of `FeatureLoss` or `ContextualLoss`.
    """

    def __init__(self, type="feature", selection=None, **options):
        if type not in ("feature", "contextual"):
            raise CallError(f'type must be "feature" or "contextual"; it is {type!r}')
        super().__init__(type, {**options, "selection": {} if selection is None else selection})

    def _distance(self, a, b, weights):
        return (_pointwise if self.config["type"] == "feature" else _contextual)(self, a, b, weights)


def _compared(criterion, difference):
    kind = criterion["type"]
    if kind == "mse":
        return difference.square()
    if kind == "l1":
        return difference.abs()
    if kind == "charbonnier":
        return (difference.square() + criterion["eps"] ** 2).sqrt()
    size = difference.abs()
    small = size.clamp_max(criterion["delta"])
    return 0.5 * small.square() + (size - small) * criterion["delta"]


def _pointwise(space, a, b, weights):
    """`Σ_l λ_l · mean_nc (w_c δ_nc) / scale_l`."""
    criterion = space.config.get("criterion", {"type": "mse"})
    distances = [_compared(criterion, x - y).mean((2, 3)) for x, y in zip(a, b)]
    scales = space._energies(b)
    if criterion["type"] != "mse":
        scales = scales.sqrt()
    if not space.config.get("normalize", True):
        scales = torch.ones_like(scales)
    factors = scales.new_tensor(list(space.layer_weights.values())) / scales
    uniform = torch.stack([distance.mean() for distance in distances]) * factors
    if weights is None:
        return uniform.sum()
    selected = [_selected(*tap) for tap in zip(a, b, distances, weights)]
    selected = torch.stack(selected) * factors
    matched = space.selection.matched()
    if matched == "no":
        return selected.sum()
    if matched == "sum":
        selected, uniform = selected.sum(), uniform.sum()
    values = torch.stack([uniform.detach(), selected.detach()])
    uniform, size = (mean_over_processes(values) if space.training else values).unbind()
    return (selected * (uniform / (size + 1e-20))).sum()


def _selected(a, b, distance, weights):
    """The selected distance of a tap: by channel, or after a projection, where differences are squared."""
    if weights.dim() == 1:
        return (distance * weights).mean()
    difference = a - b
    return (difference * torch.einsum("ij,njhw->nihw", weights, difference)).mean()


def _contextual(space, a, b, weights):
    config, total = space.config, 0.0
    for at, (factor, x, y) in enumerate(zip(space.layer_weights.values(), a, b)):
        x, y = (_positions(features, config["max_positions"]) for features in (x, y))
        centre = y.mean(1, keepdim=True)
        x, y = x - centre, y - centre
        mixed_x, mixed_y = x, y
        if weights is not None and weights[at].dim() == 2:
            mixed_x, mixed_y = x @ weights[at], y @ weights[at]
        elif weights is not None:
            mixed_x, mixed_y = x * weights[at], y * weights[at]
        x, mixed_y = (
            w * ((v * m).sum(2, keepdim=True).clamp_min(0) + _UNIT_EPSILON).rsqrt()
            for w, v, m in ((x, x, mixed_x), (mixed_y, y, mixed_y))
        )
        distance = ((1 - x @ mixed_y.transpose(1, 2)) * 0.5).clamp_min(0)
        nearest = distance.min(2, keepdim=True).values
        power = ((nearest - distance) / (nearest + _NEAREST_EPSILON) / config["bandwidth"]).exp()
        similarity = power / power.sum(2, keepdim=True)
        best = similarity.max(1).values.mean(1)
        total = total - factor * best.log().mean()
    return total


def _positions(features, most):
    """`[N, C, H, W]` → `[N, P, C]`, on a regular grid where there are too many positions."""
    h, w = features.shape[2:]
    step = 1
    while -(-h // step) * -(-w // step) > most and step < max(h, w):
        step += 1
    return features[:, :, ::step, ::step].flatten(2).transpose(1, 2)


def _averaged(a, b, window, sides):
    """The squared difference of features after both are averaged over windows of so many pixels of the image: `[N, C]`."""
    h, w = a.shape[2:]
    tall, wide = (_cells(window, cells, pixels) for cells, pixels in zip((h, w), sides))
    below, right = -h % tall, -w % wide
    sums = F.avg_pool2d(F.pad(a - b, (0, right, 0, below)), (tall, wide)) * (tall * wide)
    inside = F.avg_pool2d(F.pad(a.new_ones(1, 1, h, w), (0, right, 0, below)), (tall, wide)) * (tall * wide)
    return (sums.square() / inside).sum((2, 3)) / (h * w)


def _cells(window, cells, pixels):
    return min(max(math.floor(window * cells / max(pixels, 1) + 0.5), 1), cells)


def _blurred(image, sigma=2.0, reach=6):
    """A Gaussian blur; beyond the edges there is nothing to mix in."""
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma).square())
    window = torch.outer(line, line).expand(image.shape[1], 1, -1, -1).contiguous()

    def mixed(x):
        return F.conv2d(x, window, padding=reach, groups=x.shape[1])

    return mixed(image.float()) / mixed(torch.ones_like(image, dtype=torch.float32))
