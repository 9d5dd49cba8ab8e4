"""Contractions of many tensors: the order, the products of matrices they are made of, and their adjoint."""

from pullback.rules.networks import path

__all__ = ["path"]
