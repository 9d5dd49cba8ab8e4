"""Measurements of pullback next to NumPy alone and to its peers; `make bench` runs them.

They run on one thread, which the libraries under NumPy are told before they are loaded.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
