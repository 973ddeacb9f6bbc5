"""The feature selection layer: a weight for each channel, moved online.

The rules are those of percept's `disentangle`: a closed form, and a triplet that is learned. Scores are kept and weighted on the
CPU in double precision, as there.
"""

import json
import math
import warnings

import torch
import torch.nn.functional as F
from torch import nn

from .. import _percept
from ._gate import make_gate

_EQUAL = 1e-4  # Scores whose deviation over a tap is smaller differ by rounding alone.
_SILENT = 1e-4  # A channel whose divisor is below this share of the tap's mean is not scored.
_SMALLEST = 1e-6  # The smallest ratio whose logarithm is taken.
_IDLE_SHARE, _IDLE_STEPS = 0.05, 20
_RESPONSE_EPSILON = 1e-3
_BETAS, _ADAM_EPSILON = (0.9, 0.999), 1e-8


def make_selection(config, taps, state):
    """The selection of a completed configuration over `taps`, at the start that percept gives it."""
    rule = Closed if config["type"] == "closed" else Learned
    return rule(config, taps, state)


class Selection(nn.Module):
    """What all rules have in common: when the weights move."""

    def __init__(self, config, taps):
        super().__init__()
        self.config, self.taps = config, list(taps)
        self.batches, self.idle = 0, 0
        self.last = {"loss": 0.0, "active": 0.0}

    def get_extra_state(self):
        return {"batches": self.batches, "idle": self.idle, **self.last}

    def set_extra_state(self, state):
        self.batches, self.idle = int(state["batches"]), int(state["idle"])
        self.last = {"loss": float(state["loss"]), "active": float(state["active"])}

    @torch.compiler.disable
    @torch.no_grad()
    def batch(self, distances):
        """Counts a batch; `distances()` is asked for what is contrasted where the weights move."""
        every, until = self.config["every"], self.config["until"]
        rests = until > 0 and self.batches >= until
        if self.batches % every == 0 and not rests and self.observes():
            self.last = self.step(distances())
            self._count_idle()
        self.batches += 1

    def _count_idle(self):
        if self.idle >= _IDLE_STEPS:
            return
        self.idle = self.idle + 1 if self.last["active"] < _IDLE_SHARE else 0
        if self.idle >= _IDLE_STEPS and self.learns():
            warnings.warn(
                f"the selection learns nothing: in {_IDLE_STEPS} selection steps in a row fewer than 5 % of it was active; "
                'raise `margin`, or take a selection of type = "closed"',
                stacklevel=4,
            )

    def shown(self):
        """The weights as they stand, to look at."""
        return self.current()

    @torch.compiler.disable
    def weights(self):
        """What each tap is measured with: weights `[C]`, mean 1, or a matrix `[C, C]`. Uniform during the warm-up."""
        if self.learns_or_scores() and self.batches <= self.config["warmup"]:
            return [torch.ones_like(weights) for weights in self.shown()]
        return self.current()

    def moments(self, a, b):
        """What is contrasted of two feature maps."""
        return (a - b).square().mean((2, 3))


class Closed(Selection):
    """Channels ranked by a score, a stated share of them effective."""

    def __init__(self, config, taps, state):
        super().__init__(config, taps)
        control = config.get("control")
        self.control = json.dumps(control) if control else None
        self.sign = -1.0 if control and control["type"] == "inverted" else 1.0
        for tap in self.taps:
            self.register_buffer(f"score_{tap}", torch.tensor(state[f"selection.{tap}.score"]))
            self.register_buffer(f"known_{tap}", torch.tensor(state[f"selection.{tap}.known"]))
            self.register_buffer(f"weight_{tap}", torch.ones(len(state[f"selection.{tap}.score"])), persistent=False)
        self._weigh()

    def _load_from_state_dict(self, *arguments):
        super()._load_from_state_dict(*arguments)
        self._weigh()

    def anchor(self):
        return self.config["score"].get("anchor")

    def learns(self):
        return self.config["score"]["type"] != "random"

    def observes(self):
        return self.learns()

    def learns_or_scores(self):
        return True

    def matched(self):
        return "taps" if self.config["match_taps"] else "no"

    def wanted(self):
        """The distances that the score reads."""
        kinds = {
            "literal": ("distorted_target", "distorted_result"),
            "conventional": ("distorted_target", "distorted_result", "result_target"),
            "left": ("distorted_target", "result_target"),
            "systematic": ("result_target", "averaged"),
        }
        return kinds.get(self.config["score"]["type"], ())

    def step(self, distances):
        scored = channels = 0
        selected = 0.0
        for at, tap in enumerate(self.taps):
            means = {kind: taps[at].mean(0).cpu().double() for kind, taps in distances.items()}
            observed, speaks = self._score(means)
            score, known = self.get_buffer(f"score_{tap}"), self.get_buffer(f"known_{tap}")
            old, was_known = score.cpu().double(), known.cpu() > 0
            decay = self.config["decay"]
            new = torch.where(was_known, decay * old + (1 - decay) * observed, observed)
            score.copy_(torch.where(speaks, new, old).float())
            known.copy_((was_known | speaks).float())
            scored, channels = scored + int(speaks.sum()), channels + speaks.numel()
        self._weigh()
        for tap in self.taps:
            products = self.get_buffer(f"score_{tap}").cpu().double() * self.get_buffer(f"weight_{tap}").cpu().double()
            selected += float(products.mean())
        return {"loss": -selected / max(len(self.taps), 1), "active": scored / max(channels, 1)}

    def _score(self, d):
        """The score of every channel, and which of them have one."""
        kind = self.config["score"]["type"]
        if kind == "literal":
            above, below = d["distorted_target"] - d["distorted_result"], d["distorted_target"]
        elif kind == "conventional":
            above, below = d["distorted_result"] - d["result_target"], d["distorted_target"]
        elif kind == "left":
            above, below = d["result_target"], d["distorted_target"]
        else:
            above, below = d["averaged"], d["result_target"]
        ratio = above / below
        speaks = (below > 0) & (below >= _SILENT * below.mean()) & torch.isfinite(ratio.float())
        if kind in ("left", "systematic"):
            ratio = ratio.clamp_min(_SMALLEST).log()
        return torch.where(speaks, ratio, torch.zeros_like(ratio)), speaks

    @torch.no_grad()
    def _weigh(self):
        for tap in self.taps:
            score, known = self.get_buffer(f"score_{tap}").cpu().double(), self.get_buffer(f"known_{tap}").cpu() > 0
            z = torch.zeros_like(score)
            if known.any():
                mean = score[known].mean()
                deviation = (score[known] - mean).square().mean().sqrt()
                if deviation > _EQUAL:
                    z[known] = self.sign * (score[known] - mean) / deviation
            floor = self.config["floor"]
            weights = _floored(_concentrated(z, floor, self.config["share"]), floor)
            self.get_buffer(f"weight_{tap}").copy_(weights)

    def current(self):
        return [self._dealt(at, self.get_buffer(f"weight_{tap}")) for at, tap in enumerate(self.taps)]

    def _dealt(self, at, weights):
        """As a control deals them to the channels."""
        places = self.control and _percept.deal(self.control, len(weights), self.batches, at)
        if not places:
            return weights
        dealt = torch.empty_like(weights)
        dealt[torch.tensor(places, device=weights.device)] = weights
        return dealt


def _floored(weights, floor):
    return floor + (1.0 - floor) * weights


def _effective(weights):
    """The exponential of the weights' entropy."""
    shares = weights.double() / weights.double().sum()
    return math.exp(-float(torch.special.xlogy(shares, shares).sum()))


def _concentrated(z, floor, share):
    """`C · softmax(k z)` with the `k` at which, floor included, a `share` of the channels is effective."""
    channels, ahead = z.numel(), z - z.max()

    def weights(k):
        exp = (k * ahead).exp()
        return (exp * (channels / exp.sum())).float()

    def too_wide(k):
        return _effective(_floored(weights(k), floor)) / channels > share

    low, high = 0.0, 64.0
    while too_wide(high) and high < 1e15:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = 0.5 * (low + high)
        if too_wide(middle):
            low = middle
        else:
            high = middle
    return weights(low)


class Learned(Selection):
    """Parameters behind the weights descend a triplet loss, with Adam."""

    def __init__(self, config, taps, state):
        super().__init__(config, taps)
        self.gate = make_gate(config["gate"], config["floor"])
        for tap in self.taps:
            theta = torch.tensor(state[f"selection.{tap}.theta"])
            self.register_buffer(f"theta_{tap}", theta)
            self.register_buffer(f"average_{tap}", torch.tensor(state[f"selection.{tap}.average"]))
            # Nothing is known of it until the first batch.
            self.register_buffer(f"response_{tap}", torch.full_like(self.gate.shown(theta), math.nan))
            self.register_buffer(f"moment_1_{tap}", torch.zeros_like(theta))
            self.register_buffer(f"moment_2_{tap}", torch.zeros_like(theta))
        self.time = 0

    def get_extra_state(self):
        return {**super().get_extra_state(), "time": self.time}

    def set_extra_state(self, state):
        super().set_extra_state(state)
        self.time = int(state["time"])

    def anchor(self):
        return self.config["anchor"] if self.observes() else None

    def learns(self):
        return self.config["contrast"] != "none"

    def observes(self):
        return self.learns() or (self.config["equalize"] and self.config["response_scale"] == "channel")

    def learns_or_scores(self):
        return self.learns()

    def matched(self):
        if self.config["match_taps"]:
            return "taps"
        return "sum" if self.config["match_uniform"] else "no"

    def wanted(self):
        kinds = {
            "across": ("distorted_target", "result_target"),
            "literal": ("distorted_target", "distorted_result"),
            "conventional": ("distorted_target", "distorted_result", "result_target"),
            "none": ("distorted_target",),
        }
        return kinds[self.config["contrast"]]

    def step(self, distances):
        config = self.config
        for tap, distance in zip(self.taps, distances["distorted_target"]):
            response, decay = self.get_buffer(f"response_{tap}"), config["scale_decay"]
            now = self.gate.distances(distance).mean(0)
            response.copy_(torch.where(response.isnan(), now, decay * response + (1 - decay) * now))
        if not self.learns():
            return {"loss": 0.0, "active": 0.0}
        thetas = [self.get_buffer(f"theta_{tap}") for tap in self.taps]
        with torch.enable_grad():
            free = [theta.detach().clone().requires_grad_() for theta in thetas]
            weights = [self.gate.weights(theta) for theta in free]
            scales = [self.gate.scales(self._scale(tap)) for tap in self.taps]
            loss, active = self._contrast(distances, weights, scales)
            spread = sum(self.gate.evenness(w) for w in weights)
            loss = loss - spread * (config["entropy"] / len(weights))
            gradients = torch.autograd.grad(loss, free)
        self.time += 1
        for tap, theta, gradient in zip(self.taps, thetas, gradients):
            first, second = self.get_buffer(f"moment_1_{tap}"), self.get_buffer(f"moment_2_{tap}")
            first.mul_(_BETAS[0]).add_(gradient, alpha=1 - _BETAS[0])
            second.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
            mean, square = first / (1 - _BETAS[0] ** self.time), second / (1 - _BETAS[1] ** self.time)
            theta.sub_(config["lr"] * self.gate.pace * mean / (square.sqrt() + _ADAM_EPSILON))
            average = self.get_buffer(f"average_{tap}")
            average.mul_(config["ema"]).add_(self.gate.weights(theta), alpha=1 - config["ema"])
        return {"loss": float(loss.detach()), "active": float(active)}

    def _scale(self, tap):
        """What the tap's distances are divided by before they are compared."""
        response, kind = self.get_buffer(f"response_{tap}"), self.config["response_scale"]
        if kind == "none" or bool(response.isnan().any()):
            return torch.ones_like(response)
        if kind == "tap":
            return torch.ones_like(response) * (response.mean() + 1e-20)
        return response + (response.mean() * _RESPONSE_EPSILON + 1e-20)

    def _contrast(self, distances, weights, scales):
        config = self.config

        def weighted(kind, weights):
            taps = zip(distances[kind], weights, scales)
            return sum((distance * (w / scale)).mean(1) for distance, w, scale in taps)

        far = weighted("distorted_target", weights)
        if config["contrast"] == "across":
            near = weighted("result_target", weights)
            violation = (near + 1e-12).log()[:, None] - (far + 1e-12).log()[None, :] + config["margin"]
            others, t = 1 - torch.eye(len(near), device=near.device), config["temperature"]
            pairs = max(len(near) * (len(near) - 1), 1)
            active = ((violation.detach() > 0) * others).sum() / pairs
            return (F.softplus(violation / t) * t * others).sum() / pairs, active
        between = weighted("distorted_result", weights)
        if config["contrast"] == "literal":
            near = between
        else:
            near, far = weighted("result_target", weights), between
        margin = config["margin"]
        if config["relative_margin"]:
            margin = margin * weighted("distorted_target", [self.gate.uniform(w) for w in weights])
        violation = near - far + margin
        return violation.relu().mean(), (violation.detach() > 0).float().mean()

    def shown(self):
        return [self.gate.shown(self.get_buffer(f"average_{tap}")) for tap in self.taps]

    def moments(self, a, b):
        return self.gate.moments(a, b)

    def current(self):
        config, all_weights = self.config, []
        for tap in self.taps:
            weights, response = self.get_buffer(f"average_{tap}"), self.get_buffer(f"response_{tap}")
            known = not bool(response.isnan().any()) if config["equalize"] else False
            if config["response_scale"] == "channel" and known:
                weights = weights * self.gate.scales(response.mean() / self._scale(tap))
            all_weights.append(self.gate.of_tap(weights))
        return all_weights
