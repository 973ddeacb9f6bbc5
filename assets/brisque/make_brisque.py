"""Packs the regression of BRISQUE: model.f64, little-endian doubles, the least (36) and the largest (36) value of every feature, then
of each of 774 support vectors its weight and its 36 numbers.

    python make_brisque.py BRISQUE/MATLAB

The argument is that folder of https://github.com/utlive/BRISQUE, with `allmodel` and `allrange`. Needs numpy.
"""
import hashlib
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
ranges = [line.split() for line in (folder / "allrange").read_text().splitlines()[2:] if line.strip()]
assert [int(row[0]) for row in ranges] == list(range(1, 37))
least, most = (np.array([float(row[k]) for row in ranges]) for k in (1, 2))
assert (least < most).all()

head, vectors = (folder / "allmodel").read_text().split("SV\n", 1)
settings = dict(line.split(None, 1) for line in head.splitlines())
assert settings["svm_type"].strip() == "epsilon_svr" and settings["kernel_type"].strip() == "rbf", settings
assert float(settings["gamma"]) == 0.05 and float(settings["rho"]) == -153.591, settings
rows = []
for line in vectors.splitlines():
    weight, *numbers = line.split()
    row = np.zeros(37)
    row[0] = float(weight)
    for number in numbers:
        at, value = number.split(":")
        row[int(at)] = float(value)
    rows.append(row)
assert len(rows) == int(settings["total_sv"]) == 774

target = Path(__file__).with_name("model.f64")
target.write_bytes(np.concatenate([least, most, *rows]).astype("<f8").tobytes())
for path in (target, folder / "allmodel", folder / "allrange"):
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
