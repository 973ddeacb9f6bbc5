"""percept's losses in neosr: put this file into `neosr/losses/`, where neosr finds what ends in `_loss.py`.

It registers `percept_loss`, whose options are those of `percept.torch.FeatureLoss` or `ContextualLoss`; `neosr_percept.toml` shows them. neosr shows
its losses the result and the target alone, so a selection has to do without the network's input: by `anchor = "blurred"`, or by the
score `systematic`, which needs none.
"""

from neosr.utils.registry import LOSS_REGISTRY
from percept.torch import ContextualLoss, FeatureLoss
from torch import nn


@LOSS_REGISTRY.register()
class percept_loss(nn.Module):
    """`[train.perceptual_opt] type = "percept_loss"`; without `selection` the plain loss."""

    def __init__(self, loss_weight=1.0, distance="feature", selection=None, **options):
        super().__init__()
        self.loss_weight = loss_weight
        kind = {"feature": FeatureLoss, "contextual": ContextualLoss}[distance]
        self.loss = kind(selection=selection, **options)

    def forward(self, result, target):
        return self.loss_weight * self.loss(result, target)
