"""The adapters: ten steps of BasicSR itself where it is installed, else its registry's protocol; neosr's protocol."""

import importlib.util
import math
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from pictures import noisy, rgb, save_png

torch = pytest.importorskip("torch", reason="PyTorch is not here, and the adapters need it")

ADAPTERS = Path(__file__).resolve().parents[1] / "adapters"
SELECTION = {"type": "closed", "warmup": 0, "every": 1, "score": {"type": "literal", "anchor": "blurred"}}


class Registry(dict):
    """What BasicSR and neosr have."""

    def register(self):
        def keep(made):
            self[made.__name__] = made
            return made

        return keep


def load(monkeypatch, file, modules):
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("adapter", ADAPTERS / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def images():
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(2, 3, 32, 32, generator=generator) for _ in range(2)]


def test_neosr_finds_the_loss(monkeypatch):
    losses = Registry()
    load(monkeypatch, "neosr_percept_loss.py", {"neosr": {}, "neosr.utils": {}, "neosr.utils.registry": {"LOSS_REGISTRY": losses}})
    loss = losses["percept_loss"](loss_weight=0.5, distance="contextual", layer_weights={"relu2_2": 1.0}, selection=SELECTION)
    result, target = images()
    value = loss(result.requires_grad_(), target)
    value.backward()
    assert value.dim() == 0 and result.grad.abs().sum() > 0 and loss.loss.selection.batches == 1
    plain = losses["percept_loss"]()
    assert plain.loss.selection is None and plain(result, target).isfinite()


def test_neosrs_options_are_understood():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
    options = tomllib.loads((ADAPTERS / "neosr_percept.toml").read_text())["train"]["perceptual_opt"]
    from percept.torch import ContextualLoss

    kept = {key: value for key, value in options.items() if key not in ("type", "loss_weight", "distance")}
    loss = ContextualLoss(**kept)
    assert loss.selection.config["score"]["anchor"] == "blurred"


def test_basicsrs_protocol(monkeypatch, tmp_path):
    """A model of BasicSR's shape, with BasicSR's calls."""

    class SRModel:
        def __init__(self, loss):
            self.cri_perceptual, self.opt = loss, {"rank": 0, "path": {"training_states": tmp_path}}

        def feed_data(self, data):
            self.lq = data["lq"]

        def save_training_state(self, epoch, current_iter):
            pass

        def resume_training(self, state):
            pass

    class SRGANModel(SRModel):
        pass

    losses, models = Registry(), Registry()
    modules = {
        "torchvision": {},
        "torchvision.transforms": {},
        "torchvision.transforms.functional_tensor": {},
        "basicsr": {},
        "basicsr.models": {},
        "basicsr.models.sr_model": {"SRModel": SRModel},
        "basicsr.models.srgan_model": {"SRGANModel": SRGANModel},
        "basicsr.utils": {},
        "basicsr.utils.registry": {"LOSS_REGISTRY": losses, "MODEL_REGISTRY": models},
    }
    load(monkeypatch, "basicsr_percept.py", modules)
    selection = {**SELECTION, "score": {"type": "literal"}}
    make = lambda: losses["PerceptLoss"](loss_weight=2.0, layer_weights={"relu1_2": 1.0}, selection=selection)
    model = models["PerceptSRModel"](make())
    result, target = images()
    for _ in range(3):
        model.feed_data({"lq": torch.nn.functional.avg_pool2d(target, 4)})
        perceptual, style = model.cri_perceptual(result.requires_grad_(), target)
    assert style is None and perceptual.requires_grad and model.cri_perceptual.loss.selection.batches == 3
    model.save_training_state(0, 3)
    other = models["PerceptSRGANModel"](make())
    other.resume_training({"iter": 3})
    assert torch.equal(other.cri_perceptual.loss.selected()["relu1_2"], model.cri_perceptual.loss.selected()["relu1_2"])


@pytest.mark.skipif(importlib.util.find_spec("basicsr") is None, reason="BasicSR is not installed")
def test_ten_steps_of_basicsr(tmp_path):
    for kind in ("hr", "lr"):
        folder = tmp_path / "datasets" / "train" / kind
        folder.mkdir(parents=True)
        for at in range(4):
            save_png(folder / f"{at}.png", noisy(160, 160, at) if kind == "hr" else rgb(40, 40, at))
    options = (ADAPTERS / "basicsr_percept.yml").read_text()
    for key, value in {
        "num_gpu": 0,
        "gt_size": 64,
        "num_worker_per_gpu": 0,
        "batch_size_per_gpu": 2,
        "total_iter": 10,
        "print_freq": 1,
        "save_checkpoint_freq": 10,
    }.items():
        options, found = re.subn(rf"(?m)^(\s*{key}:).*$", rf"\1 {value}", options)
        assert found == 1, key
    options = options.replace("num_feat: 64, num_block: 16", "num_feat: 8, num_block: 1")
    (tmp_path / "ten.yml").write_text(options)
    call = [sys.executable, ADAPTERS / "basicsr_percept.py", "-opt", "ten.yml"]
    ran = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, timeout=600, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    values = [float(value) for value in re.findall(r"l_percep: ([-+.\de]+)", ran.stdout + ran.stderr)]
    assert len(values) == 10 and all(map(math.isfinite, values)) and len(set(values)) > 5
    states = tmp_path / "experiments" / "srresnet_percept" / "training_states"
    saved = torch.load(states / "10.percept", weights_only=True)
    assert saved["loss.selection._extra_state"]["batches"] == 10
