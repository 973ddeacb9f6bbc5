"""percept's losses for trainings in PyTorch, as `nn.Module`s in pure PyTorch: any device, AMP, `torch.compile`, DDP.

    >>> from percept.torch import DisentangledLoss
    >>> loss = DisentangledLoss(type="contextual", selection={"type": "closed"})
    >>> value = loss(result, target, distorted=upscaled_input)

Images are `[N, 3, H, W]`, sRGB from 0 to 1. Weights come from the wheel. Options have the names, defaults and checks of percept's
configuration (docs/config.md): values, gradients and selections are those of `percept train` to 1e-4, which tests compare.

A selection moves while the module is in `train()` mode, and rests in `eval()`. Its state is in `state_dict()`. Where
`torch.distributed` is initialised, what it sees is gathered from all processes, so that all select as one.
"""

try:
    import torch as _torch
except ImportError as missing:
    raise ImportError("percept.torch needs PyTorch; install it with `pip install torch`") from missing

from ._learned import DISTS, LPIPS
from ._space import ContextualLoss, DisentangledLoss, FeatureLoss

__all__ = ["DISTS", "LPIPS", "ContextualLoss", "DisentangledLoss", "FeatureLoss"]
