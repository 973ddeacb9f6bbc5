"""CPU seconds of scores: percept's wheel and the packages that have the same score, in turn.

    metrics.py [--rounds N] [--only NAME,NAME] [--basicsr DIR]

Prints a table in Markdown. Each side is a process of its own with two threads, and waits while the other one works. The CPU time
of a process counts, so that other programs on the machine matter less; the median of the rounds is taken. Both get the pair of
1920x1080 pixels as it is their custom: an array of float32, or tensors. Networks have random weights on their side, which takes as
long, and a column says how much memory a fresh process took at most.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

# PyTorch's threads would otherwise wait in a loop for the next piece of work, which counts as CPU time.
THREADS = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "RAYON_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
NETWORKS = ["lpips-alex", "lpips-vgg", "dists"]
# What piq has: its function and how it is called.
PIQ = {
    "psnr-rgb": ("psnr", {}),
    "psnr-y": ("psnr", {"convert_to_greyscale": True}),
    "ssim-rgb": ("ssim", {"downsample": False}),
    "ms-ssim-rgb": ("multi_scale_ssim", {}),
    "iw-ssim": ("information_weighted_ssim", {}),
    "vifp": ("vif_p", {}),
    "gmsd": ("gmsd", {}),
    "ms-gmsd": ("multi_scale_gmsd", {}),
    "fsim": ("fsim", {"chromatic": False}),
    "fsimc": ("fsim", {}),
    "vsi": ("vsi", {}),
    "haarpsi": ("haarpsi", {}),
    "mdsi": ("mdsi", {}),
    "dss": ("dss", {}),
}


def pair():
    import numpy as np

    def triangle(v, period):
        return np.abs(v % (2 * period) - period)

    y, x, c = np.meshgrid(np.arange(1080), np.arange(1920), np.arange(3), indexing="ij")
    noise = (x * 7919 + y * 104729 + c * 1299709) % 41 - 20
    a = 20 + triangle(3 * x + y + 40 * c, 61 + 7 * c) + triangle(2 * y - x + 4000, 83) + 30 * ((x // 16 + y // 24) % 2)
    b = (a * 7 + 20 * c) // 8 + 9 + np.sign(noise) * (np.abs(noise) // 4)
    return [np.clip(v, 0, 255).astype(np.float32) / np.float32(255) for v in (a, b)]


class Percept:
    """The score of percept by name."""

    def __init__(self, arguments):
        self.reference, self.test = pair()

    def score(self, name):
        import percept

        metric = percept.create_metric(name)
        if not metric.needs_reference:
            return lambda: metric(self.test)
        return lambda: metric(self.test, self.reference)


class Packages:
    """The same scores of others, by percept's names; `used` says whose."""

    def __init__(self, arguments):
        import numpy as np
        import torch

        torch.set_num_threads(2)
        torch.set_grad_enabled(False)
        self.arrays, self.arguments = pair(), arguments
        tensors = [torch.from_numpy(np.ascontiguousarray(v.transpose(2, 0, 1)))[None] for v in self.arrays]
        self.reference, self.test = tensors

    @staticmethod
    def has(name):
        return name in PIQ or hasattr(Packages, name.replace("-", "_"))

    def score(self, name):
        if name in PIQ:
            import piq

            function, options = PIQ[name]
            return lambda: float(getattr(piq, function)(self.test, self.reference, data_range=1.0, **options))
        made = getattr(self, name.replace("-", "_"), None)
        return made and made()

    def ssim_y(self):
        from skimage.metrics import structural_similarity

        y = [v @ Y for v in self.arrays]
        options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return lambda: structural_similarity(*y, **options)

    def tv(self):
        import piq

        return lambda: float(piq.total_variation(self.test, norm_type="l1")) / self.test.numel()

    def lab(self, value):
        from skimage.color import rgb2lab

        def score():
            reference, test = [value(rgb2lab(v)).mean() for v in self.arrays]
            return abs(test - reference)

        return score

    def ciede2000(self):
        from skimage.color import deltaE_ciede2000, rgb2lab

        return lambda: deltaE_ciede2000(*map(rgb2lab, self.arrays)).mean()

    def luminance_shift(self):
        return self.lab(lambda lab: lab[..., 0])

    def saturation_shift(self):
        import numpy as np

        return self.lab(lambda lab: np.hypot(lab[..., 1], lab[..., 2]))

    def sharpness_shift(self):
        import numpy as np

        gradient = lambda l: np.hypot(np.diff(l[:-1], axis=1), np.diff(l[:, :-1], axis=0))
        return self.lab(lambda lab: gradient(lab[..., 0]))

    def nlpd(self):
        import plenoptic

        luma = [(v.permute(0, 2, 3, 1) @ v.new_tensor([0.299, 0.587, 0.114]))[None] for v in (self.reference, self.test)]
        return lambda: float(plenoptic.metric.nlpd(*luma))

    def flip(self):
        import flip_evaluator

        return lambda: flip_evaluator.evaluate(*self.arrays, "LDR")[1]

    def piqe(self):
        import pypiqe

        return lambda: pypiqe.piqe((255 * self.arrays[1] @ [0.299, 0.587, 0.114]).round())[0]

    def brisque(self):
        import piq
        import torch

        # As many support vectors as there are.
        weights = (torch.randn(774), torch.randn(774, 36))
        sys.modules["piq.brisque"].load_url = lambda *_, **__: (weights[0], weights[1].clone())
        return lambda: float(piq.brisque(self.test))

    def niqe(self):
        if not self.arguments.basicsr:
            return None
        import numpy as np

        sys.path.append(str(Path(__file__).parents[1] / "crates/percept-image/tests/fixtures"))
        # It puts empty modules in the place of those that it does not need.
        with mock.patch.dict(sys.modules):
            import basicsr_niqe

            niqe = basicsr_niqe.load(self.arguments.basicsr)
        return lambda: niqe((self.arrays[1] @ Y + 16).round().astype(np.float32))

    def ssimulacra2(self):
        from ssimulacra2 import compute_ssimulacra2

        paths = self.files()
        return lambda: compute_ssimulacra2(*map(str, paths))

    def lpips_alex(self):
        return self.lpips("alex")

    def lpips_vgg(self):
        return self.lpips("vgg")

    def lpips(self, net):
        import lpips

        model = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False).eval()
        return lambda: float(model(self.reference, self.test, normalize=True))

    def dists(self):
        import torchvision
        from DISTS_pytorch import DISTS_pt

        # The constructor would download the trunk.
        vgg16 = torchvision.models.vgg16
        with mock.patch.object(DISTS_pt.models, "vgg16", lambda **_: vgg16(weights=None)):
            model = DISTS_pt.DISTS(load_weights=False).eval()
        return lambda: float(model(self.test, self.reference))

    def files(self):
        import tempfile

        import numpy as np
        from PIL import Image

        self.folder = tempfile.TemporaryDirectory()
        paths = [Path(self.folder.name, name) for name in ("reference.png", "test.png")]
        for path, v in zip(paths, self.arrays):
            Image.fromarray((255 * v).round().astype(np.uint8)).save(path, compress_level=0)
        return paths


# BT.601 luma of studio range, but for its offset.
Y = [65.481, 128.553, 24.966]
SIDES = {"percept": Percept, "packages": Packages}


def serve(side, arguments):
    """Takes a score's name a line; answers with the CPU seconds of a call and its value, or with null."""
    scores, side = {}, SIDES[side](arguments)
    for line in sys.stdin:
        name = line.strip()
        if name not in scores:
            scores[name] = side.score(name)
            # The first call makes what the next ones keep.
            scores[name] and name not in NETWORKS and scores[name]()
        answer = None
        if scores[name]:
            start, count, spent, value = time.process_time(), 0, 0.0, 0.0
            while count == 0 or spent < arguments.seconds:
                value = float(scores[name]())
                count, spent = count + 1, time.process_time() - start
            answer = [spent / count, value]
        if name in NETWORKS:
            del scores[name]
        print(json.dumps(answer), flush=True)


def peak(side, name, options):
    """MiB that a fresh process takes at most for one score, and what it takes before it."""
    import resource

    command = [sys.executable, __file__, *options, "--seconds", "0", "--serve", side]
    call = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={**os.environ, **THREADS})
    call.stdin.write(name)
    call.stdin.close()
    _, _, usage = os.wait4(call.pid, 0)
    assert isinstance(usage, resource.struct_rusage)
    return usage.ru_maxrss / 1024


def main(arguments, options):
    import percept

    names = arguments.only.split(",") if arguments.only else [metric["name"] for metric in percept.metrics()]
    names = [name for name in names if arguments.only or Packages.has(name)]
    start = lambda side: subprocess.Popen(
        [sys.executable, __file__, *options, "--serve", side],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **THREADS},
    )
    workers = {side: start(side) for side in SIDES}
    rows = {name: {side: [] for side in SIDES} for name in names}
    for turn in range(arguments.rounds):
        for name in names:
            print(f"round {turn + 1}: {name}", file=sys.stderr)
            for side, worker in workers.items():
                worker.stdin.write(name + "\n")
                worker.stdin.flush()
                answer = json.loads(worker.stdout.readline())
                answer and rows[name][side].append(answer)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    print("| score | percept, ms | package, ms | ratio | values | memory, MiB |\n|---|---|---|---|---|---|")
    ratios = []
    for name, sides in rows.items():
        if not all(sides.values()):
            continue
        times = [1e3 * statistics.median(row[0] for row in side) for side in sides.values()]
        values = [f"{side[0][1]:.5g}" for side in sides.values()]
        memory = [f"{peak(side, name, options):.0f}" for side in SIDES] if name in NETWORKS else []
        ratios.append(times[0] / times[1])
        print(f"| {name} | {times[0]:.0f} | {times[1]:.0f} | **{ratios[-1]:.2f}** | {', '.join(values)} | {', '.join(memory)} |")
    if ratios:
        print(f"\nmedian {statistics.median(ratios):.2f}, largest {max(ratios):.2f}, {len(ratios)} scores")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--only")
    parser.add_argument("--basicsr")
    parser.add_argument("--serve", choices=SIDES)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments)
    else:
        main(arguments, [f"--basicsr={arguments.basicsr}"] * bool(arguments.basicsr))
