"""Train, judge and apply image transformation networks by what people see.

    >>> import percept
    >>> percept.create_metric("lpips-alex")(test, ref)       # arrays, tensors, or paths
    >>> percept.score("results/", "gt/", metrics=["psnr-y", "lpips-alex"])["mean"]
    >>> percept.Model("photo-x4").restore("holiday.jpg").save("holiday-x4.png")

Pictures are sRGB, as files have them. An array is

- `uint8` (0 to 255), `uint16` (0 to 65535), or `float16`, `float32`, `float64` (0 to 1);
- `[H, W]`, `[H, W, C]` or a batch `[N, H, W, C]`, with 1, 3 or 4 channels `C`; opacity is not looked at by scores;
- a `torch` tensor: the same types, `[H, W]`, `[C, H, W]` or `[N, C, H, W]`.

Values outside of these ranges are a `percept.ArrayError`, never a wrong number. Nothing is downloaded; NumPy, pandas and PyTorch
are used where the caller has them, and needed only for what is named after them. The interpreter is free while percept works,
and Ctrl-C stops it.

`percept.torch` has the losses for trainings in PyTorch.
"""

import os as _os

from . import _percept
from ._errors import ArrayError, CallError, Error, Fault, WorkError
from ._frame import agreement_frame as _agreement_frame
from ._frame import comparison_frame as _comparison_frame
from ._percept import Image, Metric, __version__, metrics, models

__all__ = [
    "ArrayError",
    "CallError",
    "Error",
    "Fault",
    "Image",
    "Metric",
    "Model",
    "WorkError",
    "__version__",
    "agree",
    "compare",
    "create_metric",
    "metrics",
    "models",
    "score",
    "train",
]


def create_metric(name, *, crop=0):
    """The score called `name` (`percept.metrics()` lists them, `percept metrics` explains them), ready to be called.

    `metric(test, ref)` gives a float for one picture and a list of floats for a batch; paths of files are read. Scores without
    a reference are called as `metric(test)`. Classical scores leave out `crop` pixels at each border, learned ones look at
    whole pictures. `NAME@SIDE` shrinks to a shorter side of so many pixels first; `selected:RUN` is what a training selected.

    `metric.protocol` says all that is needed to get the same number elsewhere. One metric may be used by several threads.
    """
    return Metric(name, crop=crop)


def score(test, ref=None, *, metrics=("psnr-y", "ssim-y", "lpips-alex"), crop=0, preset=None):
    """Several scores of pictures: two folders or files (matched by name, as `percept score` does), or arrays and batches.

    A dict as `percept score --json` prints it: `"metrics"` has protocol and direction by score, `"images"` the scores of each
    picture (and under `"missing"` why it lacks one), `"mean"` the means. Equal pictures have a PSNR of infinity. `"skipped"`
    names pictures without any score, and why; where no picture has one, that is raised.

    `preset="ntire2025"` takes the scores of that challenge's formula in the place of `metrics`; `"preset"` then has its parts,
    those that are missing, and its value if none is.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    return _percept.score(test, ref, names, crop, preset)


class Model(_percept.Model):
    """A network that restores pictures: the name of one that is inside (`percept.models()`), a file of weights (percept's,
    safetensors or `.pth` of ESRGAN, Real-ESRGAN, SPAN, EDSR, NAFNet, …: the file says what it is), or the folder of a run.

    `precision` is "f32", or "bf16", which multiplies in half precision on processors with AVX512-BF16 as far as results stay
    within a level of 8 bits; elsewhere it warns and is "f32".
    """

    def restore(self, image, *, tile=None, overlap=None, tta=False):
        """The picture as the network makes it, `scale` times larger.

        A path gives a `percept.Image`, which saves itself with all that the file said (opacity, 16 bits, colour profile, EXIF).
        A NumPy array `[H, W]`, `[H, W, 3 or 4]` or `[N, H, W, C]` gives an array `[.., 3 or 4]`, a tensor `[C, H, W]` or `[N,
        C, H, W]` a tensor on its device: of the same integer type, or float32 from 0 to 1. Large pictures go through in tiles,
        which gives the same within a level of 8 bits; `tile` and `overlap` are in pixels, `tile=0` takes the whole picture.
        `tta` averages over eight turns.
        """
        dtype = str(getattr(image, "dtype", ""))
        made = self._restore(image, tile=tile, overlap=overlap, tta=tta, floats="float" in dtype)
        package = type(image).__module__.split(".")[0]
        if package == "torch":
            return _tensor(made, image)
        if package == "numpy":
            return _array(made)
        return made


def _array(made):
    import numpy

    if isinstance(made, list):
        return numpy.stack([numpy.asarray(one) for one in made])
    return numpy.array(made)


def _tensor(made, like):
    import torch

    def one(image):
        flat = torch.frombuffer(bytearray(image.tobytes()), dtype=getattr(torch, image.dtype))
        return flat.reshape(image.shape).permute(2, 0, 1).contiguous().to(like.device)

    return torch.stack([one(image) for image in made]) if isinstance(made, list) else one(made)


def train(config, *, out=None, resume=False, callback=None, on_validation=None):
    """Trains the network of a configuration: the path of a TOML file, or its text (docs/config.md has all keys).

    `callback(step)` hears of every step, a dict: `iter`, `total`, `lr`, `terms` (every term of the loss), `active` (of the
    selections), `gradient_norm`, `seconds`. `on_validation(validation)` hears of every validation: `iter`, `val`, `protocol`,
    `photos`. The step waits until they return. What they raise, and Ctrl-C, ends the training after this step; everything is
    saved first, and `train(RUN, resume=True)` goes on bit for bit. `out` is the run's folder, instead of the configuration's.

    A dict: `run` and `model` are paths, `finished` is True.
    """
    is_path = hasattr(config, "__fspath__") or "\n" not in config and "=" not in config
    path, text = (_os.fspath(config), None) if is_path else (None, config)
    return _percept.train(path, text, out, resume, callback, on_validation)


def agree(
    table, *, metrics, layout=None, root=None, lower_is_better=False, logistic=5, progress=None, frame=False
):
    """How far scores agree with people: a CSV file of opinions, or the folder of a data set (`layout`: `tid2013`, `kadid10k`,
    `live`, `csiq`, `pipal`, `sriqa-bench`, `bapps`; found by itself).

    A dict as `percept agree --json` prints it: by metric SROCC, KROCC, PLCC, RMSE and 2AFC with 95 % intervals over references,
    and under `"differences"` which metrics agree more than others, with p-values corrected over all pairs (Holm).
    With `frame=True` a pandas frame with a row for each metric and kind of distortion. `progress(done, total)` hears how many
    pictures are scored.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    found = _percept.agree(table, names, layout, root, lower_is_better, logistic, progress)
    return _agreement_frame(found) if frame else found


def compare(
    a, b, *, data=None, gt=None, lq=None, metrics=(), over_seeds=False, progress=None, frame=False
):
    """Two runs on the same photos: `data` (clean photos, degraded as in training), or `gt` and `lq`.

    A dict as `percept compare --json` prints it: by metric the mean difference with its 95 % interval, effect size and corrected
    p-value, and a verdict in words. With `frame=True` a pandas frame with a row for each metric. With `over_seeds` each side is a
    folder of runs, or a pattern. `progress(done, total)` hears how many photos are done.
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    found = _percept.compare(a, b, data, gt, lq, names, over_seeds, progress)
    return _comparison_frame(found) if frame else found
