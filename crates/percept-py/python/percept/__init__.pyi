from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal, TypedDict, overload

__version__: str

_Path = str | PathLike[str]
# An array (`__array_interface__` or `__dlpack__`), a torch tensor, a PIL image, or the path of a picture.
_Picture = Any
_Dict = dict[str, Any]

class Error(Exception): ...
class CallError(Error, ValueError): ...
class ArrayError(CallError): ...
class WorkError(Error, RuntimeError): ...
class Fault(Error, RuntimeError): ...

class MetricEntry(TypedDict):
    name: str
    better: Literal["higher", "lower"]
    range: tuple[float, float]
    reference: bool
    cost: Literal["low", "medium", "network"]
    protocol: str
    source: str

class ModelEntry(TypedDict):
    name: str
    title: str | None
    task: str | None
    licence: str | None
    copyright: str | None
    origin: str | None
    scores: str | None

class Step(TypedDict):
    iter: int
    total: int
    lr: float
    terms: dict[str, float]
    active: dict[str, float]
    gradient_norm: float
    seconds: float

class Metric:
    def __init__(self, name: str, *, crop: int = 0) -> None: ...
    # A float for one picture, a list for a batch.
    def __call__(self, test: _Picture, ref: _Picture | None = None) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def lower_better(self) -> bool: ...
    @property
    def needs_reference(self) -> bool: ...
    @property
    def range(self) -> tuple[float, float]: ...

class Image:
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def dtype(self) -> Literal["uint8", "uint16", "float32"]: ...
    @property
    def __array_interface__(self) -> _Dict: ...
    def tobytes(self) -> bytes: ...
    def save(self, path: _Path) -> None: ...

class Model:
    def __init__(self, model: _Path, *, precision: Literal["f32", "bf16"] = "f32") -> None: ...
    @property
    def scale(self) -> int: ...
    @property
    def network(self) -> str: ...
    @overload
    def restore(
        self, image: _Path, *, tile: int | None = None, overlap: int | None = None, tta: bool = False
    ) -> Image: ...
    @overload
    def restore(
        self, image: Any, *, tile: int | None = None, overlap: int | None = None, tta: bool = False
    ) -> Any: ...

def create_metric(name: str, *, crop: int = 0) -> Metric: ...
def metrics() -> list[MetricEntry]: ...
def models() -> list[ModelEntry]: ...
def score(
    test: _Picture,
    ref: _Picture | None = None,
    *,
    metrics: str | Sequence[str] = ...,
    crop: int = 0,
    preset: str | None = None,
) -> _Dict: ...
def train(
    config: _Path,
    *,
    out: _Path | None = None,
    resume: bool = False,
    callback: Callable[[Step], object] | None = None,
    on_validation: Callable[[_Dict], object] | None = None,
) -> _Dict: ...
def agree(
    table: _Path,
    *,
    metrics: str | Sequence[str],
    layout: str | None = None,
    root: _Path | None = None,
    lower_is_better: bool = False,
    logistic: Literal[4, 5] = 5,
    progress: Callable[[int, int], object] | None = None,
    frame: bool = False,
) -> Any: ...
def compare(
    a: _Path,
    b: _Path,
    *,
    data: _Path | None = None,
    gt: _Path | None = None,
    lq: _Path | None = None,
    metrics: str | Sequence[str] = (),
    over_seeds: bool = False,
    progress: Callable[[int, int], object] | None = None,
    frame: bool = False,
) -> Any: ...
