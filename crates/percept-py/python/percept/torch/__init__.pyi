from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor, nn

_Table = str | Mapping[str, Any]

# Images are [N, 3, H, W], sRGB from 0 to 1.

class _Space(nn.Module):
    def forward(
        self, result: Tensor, target: Tensor, distorted: Tensor | None = None, earlier: Tensor | None = None
    ) -> Tensor: ...
    def selected(self) -> dict[str, Tensor]: ...

class FeatureLoss(_Space):
    def __init__(
        self,
        backbone: _Table | None = None,
        layer_weights: Mapping[str, float] | None = None,
        criterion: _Table | None = None,
        normalize: bool | None = None,
        selection: _Table | None = None,
    ) -> None: ...

class ContextualLoss(_Space):
    def __init__(
        self,
        backbone: _Table | None = None,
        layer_weights: Mapping[str, float] | None = None,
        bandwidth: float | None = None,
        max_positions: int | None = None,
        selection: _Table | None = None,
    ) -> None: ...

class DisentangledLoss(_Space):
    def __init__(
        self,
        type: Literal["feature", "contextual"] = "feature",
        selection: _Table | None = None,
        *,
        backbone: _Table | None = None,
        layer_weights: Mapping[str, float] | None = None,
        criterion: _Table | None = None,
        normalize: bool | None = None,
        bandwidth: float | None = None,
        max_positions: int | None = None,
    ) -> None: ...

class LPIPS(nn.Module):
    def __init__(self, net: Literal["vgg", "alex"] = "vgg", reduction: Literal["mean", "none"] = "mean") -> None: ...
    def forward(self, result: Tensor, target: Tensor) -> Tensor: ...

class DISTS(nn.Module):
    def __init__(self, reduction: Literal["mean", "none"] = "mean") -> None: ...
    def forward(self, result: Tensor, target: Tensor) -> Tensor: ...
