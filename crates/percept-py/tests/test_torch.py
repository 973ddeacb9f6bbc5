"""`percept.torch` against percept's own losses: values, gradients and fifty steps of a selection."""

import io
import json
import subprocess
import sys
from pathlib import Path

import percept
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not here, and percept.torch needs it")

from percept import _percept  # noqa: E402
from percept.torch import DISTS, LPIPS, ContextualLoss, DisentangledLoss, FeatureLoss  # noqa: E402

TOLERANCE = 1e-4
SIDE = 48


def batch(step, images=2, side=SIDE):
    """Result, target and distorted image, `[N, 3, H, W]`, of a training that gets better."""
    generator = torch.Generator().manual_seed(step)
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    phase = torch.rand(images, 3, 1, 1, generator=generator) * 6
    target = 0.5 + 0.25 * torch.sin(x / 3 + phase) * torch.cos(y / 5 - phase) + 0.1 * torch.randn(
        images, 3, side, side, generator=generator
    )
    target = target.clamp(0, 1)
    distorted = torch.nn.functional.avg_pool2d(target, 5, 1, 2) * 0.9
    result = distorted + (target - distorted) * (0.3 + 0.01 * step)
    result = result + 0.03 * torch.randn(result.shape, generator=generator)
    return result.clamp(0, 1), target, distorted.clamp(0, 1)


def raw(images):
    return bytes(images.permute(0, 2, 3, 1).contiguous().flatten().view(torch.uint8).tolist())


def percepts_own(config):
    own = _percept._Loss(json.dumps(config))

    def step(result, target, distorted):
        n, c, h, w = result.shape
        found = own.step([n, h, w, c], raw(result), raw(target), raw(distorted))
        gradient = torch.frombuffer(bytearray(found["gradient"]), dtype=torch.float32)
        found["gradient"] = gradient.reshape(n, h, w, c).permute(0, 3, 1, 2)
        return found

    return step


def ours(loss, result, target, distorted):
    result = result.clone().requires_grad_()
    value = loss(result, target, distorted) if hasattr(loss, "selection") else loss(result, target)
    (gradient,) = torch.autograd.grad(value, result)
    return value.item(), gradient


def same(a, b):
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return float((a - b).norm() / b.norm().clamp_min(1e-12))


def alike(a, b):
    """How far gradients are apart, but for few pixels. Where a ReLU or a pooling is undecided to the last digit, rounding decides, and
    all pixels that it sees have another gradient: in these pictures that is one place in some thousand steps."""
    assert same(a, b) < 2e-2
    return float(((a - b).abs().flatten().quantile(0.8)) / b.square().mean().sqrt())


CLOSED = {"type": "closed", "warmup": 2, "every": 2}
TRIPLET = {"type": "triplet", "warmup": 2, "every": 1, "until": 0}
PROJECTION = {**TRIPLET, "gate": "projection", "start": "uniform"}

PLAIN = {
    "feature": {"type": "feature"},
    "basicsr": {"type": "feature", "criterion": {"type": "l1"}, "normalize": False, "layer_weights": {"conv3_3": 0.5, "relu1_2": 2.0}},
    "charbonnier": {"type": "feature", "criterion": {"type": "charbonnier", "eps": 0.01}},
    "huber": {"type": "feature", "criterion": {"type": "huber", "delta": 0.5}},
    "alexnet": {"type": "feature", "backbone": {"type": "alexnet"}, "layer_weights": {"relu2": 1.0, "conv5": 0.3}},
    "random": {"type": "feature", "backbone": {"type": "alexnet", "weights": "random"}, "layer_weights": {"relu2": 1.0}},
    "contextual": {"type": "contextual"},
    "contextual, deep": {"type": "contextual", "layer_weights": {"relu1_2": 1.0, "relu3_3": 0.5}, "max_positions": 200, "bandwidth": 0.3},
}


def module(config, **more):
    options = {**config, **more}
    kind = options.pop("type")
    return (FeatureLoss if kind == "feature" else ContextualLoss)(**options)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_losses_are_percepts_own(name):
    own, loss = percepts_own(PLAIN[name]), module(PLAIN[name])
    for at in range(3):
        images = batch(at)
        found, (value, gradient) = own(*images), ours(loss, *images)
        assert value == pytest.approx(found["loss"], rel=TOLERANCE)
        assert alike(gradient, found["gradient"]) < (1e-3 if "contextual" in name else TOLERANCE), at


@pytest.mark.parametrize("net", ["vgg", "alex"])
def test_lpips_is_percepts_own(net):
    own, loss = percepts_own({"type": "lpips", "net": net}), LPIPS(net)
    images = batch(1, side=64)
    found, (value, gradient) = own(*images), ours(loss, *images)
    assert value == pytest.approx(found["loss"], rel=TOLERANCE) and alike(gradient, found["gradient"]) < TOLERANCE
    each = LPIPS(net, reduction="none")(images[0], images[1])
    assert each.shape == (2,) and float(each.mean()) == pytest.approx(value, rel=1e-5)
    score = percept.create_metric(f"lpips-{net}")(images[0], images[1])
    assert score == pytest.approx(each.tolist(), rel=TOLERANCE)


def test_dists_is_percepts_own():
    own, loss = percepts_own({"type": "dists"}), DISTS()
    images = batch(1, side=64)
    found, (value, gradient) = own(*images), ours(loss, *images)
    assert value == pytest.approx(found["loss"], rel=TOLERANCE) and alike(gradient, found["gradient"]) < TOLERANCE


def margin(trunk, image):
    """How far the network is from deciding otherwise anywhere: the smallest size of what a ReLU sees, and the smallest lead in a
    pooling that lets something through, each over the layer's deviation. In double precision."""
    x, least = (image.double() - trunk.mean) / trunk.deviation, 1.0
    for layer in trunk.layers:
        if layer[0] == "conv":
            _, place, _, stride, padding = layer
            weight, bias = trunk.get_buffer(f"weight_{place}").double(), trunk.get_buffer(f"bias_{place}").double()
            x = torch.nn.functional.conv2d(x, weight, bias, stride, padding)
            least, x = min(least, float(x.abs().min() / x.std())), x.relu()
        elif trunk.l2_pooling:
            window = trunk.window.double().expand(x.shape[1], 1, 3, 3)
            squares = torch.nn.functional.conv2d(x.square(), window, stride=2, padding=1, groups=x.shape[1])
            x = (squares + 1e-12).sqrt()
        else:
            _, size, step = layer
            best = x.unfold(2, size, step).unfold(3, size, step).flatten(-2).topk(2).values
            lead = (best[..., 0] - best[..., 1])[best[..., 0] > 0]
            least = min(least, float(lead.min() / x.std()))
            x = torch.nn.functional.max_pool2d(x, size, step)
    return least


STRICT = {
    "feature": PLAIN["feature"],
    "charbonnier": PLAIN["charbonnier"],
    "huber": PLAIN["huber"],
    "alexnet": PLAIN["alexnet"],
    "lpips-vgg": {"type": "lpips", "net": "vgg"},
    "lpips-alex": {"type": "lpips", "net": "alex"},
    "dists": {"type": "dists"},
    "closed": {"type": "feature", "selection": {**CLOSED, "warmup": 0, "every": 1}},
    "projection": {"type": "feature", "layer_weights": {"relu2_2": 1.0}, "selection": PROJECTION},
}


@pytest.mark.parametrize("name", STRICT)
def test_gradients_are_percepts_own_to_the_last_pixel(name):
    """In pictures in which nothing is undecided. A ReLU whose input is 0 but for rounding, or a pooling whose two largest are equal
    but for rounding, lets the gradient through on one side and not on the other; that is no difference of the losses. So the
    picture is one of many for which all such decisions are clear, and then every pixel must agree. Absolute differences have one
    more such decision at each feature and are left to the test above."""
    config = dict(STRICT[name])
    own = percepts_own(config)
    kind = config.pop("type")
    loss = {"lpips": lambda: LPIPS(**config), "dists": DISTS}.get(kind, lambda: FeatureLoss(**config))()
    side = 32 if "alex" in name else 16
    clear = (images for images in (batch(seed, 1, side) for seed in range(400)) if margin(loss.trunk, images[0]) > 2e-5)
    images = next(clear)
    found, (value, gradient) = own(*images), ours(loss, *images)
    assert value == pytest.approx(found["loss"], rel=TOLERANCE)
    assert same(gradient, found["gradient"]) < TOLERANCE


@pytest.mark.parametrize("loss", [LPIPS, DISTS, FeatureLoss, ContextualLoss])
def test_gradients_of_equal_images_are_numbers(loss):
    image = batch(0)[1]
    value, gradient = ours(loss(), image, image, None)
    assert gradient.isfinite().all() and abs(value) < 1e-3


SELECTIONS = {
    "literal": {**CLOSED, "score": {"type": "literal"}},
    "literal, blurred": {**CLOSED, "score": {"type": "literal", "anchor": "blurred"}, "share": 0.3, "floor": 0.1},
    "conventional": {**CLOSED, "score": {"type": "conventional"}, "match_taps": False},
    "left": {**CLOSED, "score": {"type": "left"}, "decay": 0.5, "until": 30},
    "systematic": {**CLOSED, "score": {"type": "systematic", "window": 10}},
    "inverted": {**CLOSED, "control": {"type": "inverted"}},
    "random": {**CLOSED, "score": {"type": "random", "seed": 3}},
    "permuted": {**CLOSED, "control": {"type": "permuted", "seed": 3}},
    "redrawn": {**CLOSED, "control": {"type": "redrawn", "seed": 4}},
    "triplet, default": {},
    "triplet, across": {**TRIPLET, "start": "uniform", "match_taps": True},
    "triplet, literal": {**TRIPLET, "contrast": "literal", "margin": 1.0, "start": "random", "start_seed": 5, "ema": 0.9},
    "triplet, conventional": {**TRIPLET, "contrast": "conventional", "margin": 1.0, "start": "lpips", "equalize": True},
    "triplet, tap": {**TRIPLET, "response_scale": "tap", "relative_margin": False, "contrast": "literal", "match_uniform": False},
    "triplet, softplus": {**TRIPLET, "gate": "softplus", "response_scale": "none", "start": "uniform"},
    "projection": {**PROJECTION, "contrast": "literal", "margin": 1.0, "ema": 0.9},
    "projection, across": {**PROJECTION, "start": "lpips", "equalize": True, "floor": 0.1},
    "fixed": {"type": "triplet", "contrast": "none", "start": "lpips"},
}


@pytest.mark.parametrize("name", SELECTIONS)
def test_fifty_steps_of_a_selection_are_percepts_own(name):
    config = {"type": "feature", "layer_weights": {"relu1_2": 1.0, "relu2_2": 0.5}, "selection": SELECTIONS[name]}
    own, loss = percepts_own(config), module(config)
    start = {tap: weights.clone() for tap, weights in loss.selected().items()}
    for at in range(50):
        images = batch(at, side=32)
        found = own(*images)
        if at % 7 == 0 or at == 49:
            value, gradient = ours(loss, *images)
            assert value == pytest.approx(found["loss"], rel=TOLERANCE), at
            assert alike(gradient, found["gradient"]) < TOLERANCE, at
        else:
            loss(*images)
        for tap, weights in loss.selected().items():
            assert same(weights, found["weights"][tap]) < TOLERANCE, (at, tap)
        if "active" in found:
            assert loss.selection.last["active"] == pytest.approx(found["active"], abs=1e-6)
            assert loss.selection.last["loss"] == pytest.approx(found["selection_loss"], rel=1e-3, abs=1e-5)
    if name not in ("random", "fixed"):
        assert any(same(weights, start[tap]) > 0.05 for tap, weights in loss.selected().items()), "nothing moved"


@pytest.mark.parametrize("selection", [{**CLOSED, "every": 1}, PROJECTION])
def test_the_contextual_loss_in_a_selected_space_is_percepts_own(selection):
    config = {"type": "contextual", "layer_weights": {"relu2_2": 1.0}, "selection": selection}
    own = percepts_own(config)
    loss = DisentangledLoss(**config)
    for at in range(6):
        images = batch(at, side=32)
        found, (value, gradient) = own(*images), ours(loss, *images)
        assert value == pytest.approx(found["loss"], rel=TOLERANCE) and alike(gradient, found["gradient"]) < 1e-3
        assert same(loss.selected()["relu2_2"], found["weights"]["relu2_2"]) < TOLERANCE


@pytest.mark.parametrize("selection", [{**CLOSED, "every": 1}, {**TRIPLET, "ema": 0.5}, {**PROJECTION, "ema": 0.5}])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(selection):
    make = lambda: DisentangledLoss(layer_weights={"relu1_2": 1.0}, selection=selection)
    loss = make()
    for at in range(5):
        loss(*batch(at, side=32))
    stored = io.BytesIO()
    torch.save(loss.state_dict(), stored)
    assert len(stored.getvalue()) < 200_000, "the frozen network is not part of it"
    stored.seek(0)
    other = make()
    other.load_state_dict(torch.load(stored, weights_only=True))
    for at in range(5, 9):
        assert torch.equal(loss(*batch(at, side=32)), other(*batch(at, side=32)))
        assert torch.equal(loss.selected()["relu1_2"], other.selected()["relu1_2"])


def test_a_selection_rests_in_eval_mode():
    loss = DisentangledLoss(layer_weights={"relu1_2": 1.0}, selection={**CLOSED, "warmup": 0, "every": 1})
    loss(*batch(0, side=32))
    before = {key: value.clone() for key, value in loss.selected().items()}
    state = loss.selection.batches
    loss.eval()
    loss(*batch(7, side=32)[:2])
    assert loss.selection.batches == state and torch.equal(before["relu1_2"], loss.selected()["relu1_2"])
    fresh = DisentangledLoss(selection=CLOSED).eval()
    assert fresh(*batch(0)[:2]).isfinite()


def test_options_are_percepts_own():
    for wrong, says in (
        ({"selection": {"type": "closed", "share": 2.0}}, "share"),
        ({"selection": {"type": "closed", "shar": 0.2}}, "shar"),
        ({"layer_weights": {"relu9_9": 1.0}}, "relu9_9"),
        ({"backbone": "vgg11"}, "vgg11"),
        ({"criterion": "l1", "selection": {"gate": "projection"}}, "projection"),
    ):
        with pytest.raises(percept.CallError, match=says):
            FeatureLoss(**wrong)
    loss = DisentangledLoss(selection=CLOSED)
    with pytest.raises(percept.CallError, match="distorted"):
        loss(*batch(0)[:2])
    with pytest.raises(percept.ArrayError, match=r"\[N, 3, H, W\]"):
        loss(torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32))


def test_an_input_of_another_size_is_enlarged():
    loss = DisentangledLoss(layer_weights={"relu1_2": 1.0}, selection={**CLOSED, "warmup": 0})
    result, target, distorted = batch(0)
    assert loss(result, target, torch.nn.functional.avg_pool2d(distorted, 4)).isfinite()


@pytest.mark.parametrize("make", [FeatureLoss, lambda: DisentangledLoss("contextual", CLOSED), LPIPS, DISTS])
def test_mixed_precision_gives_about_the_same(make):
    result, target, distorted = batch(3, side=64)
    plain, mixed = make(), make()
    expected, gradient = ours(plain, result, target, distorted)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, other = ours(mixed, result, target, distorted)
    assert value == pytest.approx(expected, rel=0.03) and same(other, gradient) < 0.3


def test_compiled_losses_are_the_same():
    images = batch(2)
    for make in (lambda: FeatureLoss(layer_weights={"relu1_2": 1.0}), lambda: DisentangledLoss(layer_weights={"relu1_2": 1.0}, selection=CLOSED)):
        plain, compiled = make(), torch.compile(make(), backend="aot_eager")
        for _ in range(3):
            expected, gradient = ours(plain, *images)
            result = images[0].clone().requires_grad_()
            value = compiled(result, *images[1:])
            (other,) = torch.autograd.grad(value, result)
            assert float(value) == pytest.approx(expected, rel=1e-5) and same(other, gradient) < 1e-5


def test_tensors_are_scored_and_restored():
    result, target, _ = batch(0, side=40)
    metric = percept.create_metric("psnr-rgb")
    both = metric(result, target)
    by_hand = [float(-10 * (a.double() - b.double()).square().mean().log10()) for a, b in zip(result, target)]
    assert both == pytest.approx(by_hand, abs=1e-4)
    assert metric(result[0], target[0]) == both[0]
    # Views are read where they are.
    last = result.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert metric(last, target) == both and metric(result[:, :, ::2, ::2], target[:, :, ::2, ::2])
    assert metric(result.requires_grad_().half(), target) == pytest.approx(both, abs=0.01)
    with pytest.raises(percept.ArrayError, match="channels first"):
        metric(torch.zeros(1, 40, 40, 3), torch.zeros(1, 40, 40, 3))
    with pytest.raises(percept.ArrayError, match="int64"):
        metric(torch.zeros(3, 40, 40, dtype=torch.int64), target[0])
    with pytest.raises(percept.ArrayError, match="divide by 255"):
        metric(target * 255, target)
    restored = percept.Model("photo-x4").restore(target[:, :, :16, :16])
    assert restored.shape == (2, 3, 64, 64) and restored.dtype == torch.float32 and 0 <= float(restored.min())
    levels = percept.Model("photo-x4").restore((target[0, :, :16, :16] * 255).round().to(torch.uint8))
    assert levels.shape == (3, 64, 64) and levels.dtype == torch.uint8


def test_numpy_arrays_are_scored_and_restored():
    numpy = pytest.importorskip("numpy", reason="NumPy is not here")
    result, target, _ = batch(0, side=40)
    arrays = [images.permute(0, 2, 3, 1).numpy() for images in (result, target)]
    metric = percept.create_metric("ssim-rgb")
    assert metric(*arrays) == metric(result, target)
    assert metric(arrays[0][0, ::-1, ::-2], arrays[1][0, ::-1, ::-2]) < 1
    restored = percept.Model("photo-x4").restore((arrays[1][0, :16, :16] * 255).astype(numpy.uint8))
    assert restored.shape == (64, 64, 3) and restored.dtype == numpy.uint8 and restored.flags.writeable
    with pytest.raises(percept.ArrayError, match="order of another machine"):
        metric(arrays[0][0].astype(">f4"), arrays[1][0])


@pytest.mark.parametrize("kind", ["closed", "triplet"])
def test_processes_select_as_one(kind, tmp_path):
    """Two processes with two images each select as one with all four, and their gradients are that one's."""
    script = Path(__file__).with_name("two_processes.py")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ran = subprocess.run([*torchrun, script, kind, tmp_path], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (tmp_path / "0").read_text() == (tmp_path / "1").read_text() == "as one"
