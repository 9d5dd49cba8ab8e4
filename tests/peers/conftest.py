"""PyTorch and JAX compute in double precision and on one thread, as NumPy does here.

The modules beside the tests say how each is called. XLA compiles every operation at every shape once and runs
it once: it shall not spend time on making it fast.
"""

import os
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
sys.path.insert(0, str(Path(__file__).parent))

import jax
import torch

jax.config.update("jax_enable_x64", True)
torch.set_num_threads(1)
