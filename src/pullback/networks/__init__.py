"""Tensor networks: `contract` in the manner of opt_einsum, `ncon` in that of physicists."""

from pullback.networks.contract import contract
from pullback.networks.ncon import ncon

__all__ = ["contract", "ncon"]
