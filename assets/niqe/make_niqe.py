"""Packs the parameters of NIQE: pristine.f64, little-endian doubles, the mean (36) and the covariance (36 x 36, by rows).

    python make_niqe.py niqe_pris_params.npz

The argument is basicsr/metrics/niqe_pris_params.npz of the source distribution of PyPI basicsr 1.4.2. Needs numpy.
"""
import hashlib
import sys
from pathlib import Path

import numpy as np

source = Path(sys.argv[1])
params = np.load(source)
mean = params["mu_pris_param"].astype("<f8").reshape(36)
covariance = params["cov_pris_param"].astype("<f8").reshape(36, 36)
assert np.allclose(covariance, covariance.T, atol=1e-12), "a covariance is symmetric"
assert np.linalg.eigvalsh(covariance).min() > 0, "this one has an inverse"

target = Path(__file__).with_name("pristine.f64")
target.write_bytes(mean.tobytes() + covariance.tobytes())
print(target.name, hashlib.sha256(target.read_bytes()).hexdigest())
print(source.name, hashlib.sha256(source.read_bytes()).hexdigest())
