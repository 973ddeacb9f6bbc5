"""percept's losses in BasicSR: a file to run in the place of `basicsr/train.py`, or to import before it.

    pip install percept basicsr
    python basicsr_percept.py -opt basicsr_percept.yml

It registers the loss `PerceptLoss`, whose options are those of `percept.torch.FeatureLoss` or `ContextualLoss`, and the models `PerceptSRModel` and
`PerceptSRGANModel`: BasicSR's own, which also show the loss the network's input (the distorted image that a selection looks at)
and keep the selection in the training states.
"""

import os
import sys

try:
    import torchvision.transforms.functional_tensor  # noqa: F401
except ImportError:
    # BasicSR 1.4.2 asks for a module that torchvision has renamed.
    import torchvision.transforms.functional as _functional

    sys.modules["torchvision.transforms.functional_tensor"] = _functional

import torch
from basicsr.models.sr_model import SRModel
from basicsr.models.srgan_model import SRGANModel
from basicsr.utils.registry import LOSS_REGISTRY, MODEL_REGISTRY
from percept.torch import ContextualLoss, FeatureLoss
from torch import nn


@LOSS_REGISTRY.register()
class PerceptLoss(nn.Module):
    """`perceptual_opt: { type: PerceptLoss, distance: contextual, selection: { type: closed }, loss_weight: 1.0, … }`; without
    `selection` the plain loss."""

    def __init__(self, loss_weight=1.0, distance="feature", selection=None, **options):
        super().__init__()
        self.loss_weight, self.distorted = loss_weight, None
        kind = {"feature": FeatureLoss, "contextual": ContextualLoss}[distance]
        self.loss = kind(selection=selection, **options)

    def forward(self, result, target):
        # BasicSR expects a perceptual and a style loss.
        return self.loss_weight * self.loss(result, target, distorted=self.distorted), None


class _Shows:
    """Shows the loss what the network gets, and saves its selection."""

    def feed_data(self, data):
        super().feed_data(data)
        if isinstance(getattr(self, "cri_perceptual", None), PerceptLoss):
            self.cri_perceptual.distorted = self.lq

    def save_training_state(self, epoch, current_iter):
        """The selection goes beside BasicSR's own state, under its iteration."""
        super().save_training_state(epoch, current_iter)
        loss = getattr(self, "cri_perceptual", None)
        if isinstance(loss, PerceptLoss) and current_iter != -1 and self.opt["rank"] == 0:
            torch.save(loss.state_dict(), self._selection_file(current_iter))

    def resume_training(self, resume_state):
        super().resume_training(resume_state)
        loss = getattr(self, "cri_perceptual", None)
        if isinstance(loss, PerceptLoss):
            saved = torch.load(self._selection_file(resume_state["iter"]), map_location="cpu", weights_only=True)
            loss.load_state_dict(saved)

    def _selection_file(self, current_iter):
        return os.path.join(self.opt["path"]["training_states"], f"{int(current_iter)}.percept")


@MODEL_REGISTRY.register()
class PerceptSRModel(_Shows, SRModel):
    """`model_type: PerceptSRModel`."""


@MODEL_REGISTRY.register()
class PerceptSRGANModel(_Shows, SRGANModel):
    """`model_type: PerceptSRGANModel`."""


if __name__ == "__main__":
    from basicsr.train import train_pipeline

    train_pipeline(os.getcwd())
