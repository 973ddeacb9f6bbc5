import os
import shutil
import sys
from pathlib import Path

import pytest

from pictures import noisy, rgb, save_png

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folders(tmp_path):
    """Two folders of four photos each: references, and results."""
    for at in range(4):
        for name, make in (("gt", rgb), ("out", noisy)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            save_png(folder / f"photo{at}.png", make(72, 80, at))
    return tmp_path / "gt", tmp_path / "out"


@pytest.fixture
def command():
    """The command that was built from the same sources."""
    built = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "percept"
    binary = os.environ.get("PERCEPT") or next((str(p) for p in (built, built.with_suffix(".exe")) if p.exists()), None)
    if binary is None or not shutil.which(binary):
        pytest.skip("the command is not built (cargo build --release -p percept-cli)")
    return binary


@pytest.fixture
def python():
    return sys.executable
