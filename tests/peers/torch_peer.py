"""PyTorch as a peer: its functions under their own names, where they differ from NumPy's.

A function of the same name in `torch`, `torch.linalg` or `torch.special` is called as NumPy's is (PyTorch
understands ``axis``, ``keepdims``); `OTHERWISE` holds those that want it said in other words.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from comparison import Pull, leaves

from pullback.testing.rows import is_inexact


def _axes(axis: Any, x: Any) -> Any:
    if axis == ():
        raise NotImplementedError("to PyTorch no axes are all of them")
    return tuple(range(x.ndim)) if axis is None else axis


def _max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.amax(x, _axes(axis, x), keepdims)


def _min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.amin(x, _axes(axis, x), keepdims)


def _ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _max(x, axis, keepdims) - _min(x, axis, keepdims)


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axes = sorted((a % x.ndim for a in np.ravel(_axes(axis, x))), reverse=True)
    for a in axes:
        x = torch.prod(x, int(a), keepdims)
    return x


def _var(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return torch.var(x, _axes(axis, x), correction=ddof, keepdim=keepdims)


def _std(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return torch.std(x, _axes(axis, x), correction=ddof, keepdim=keepdims)


def _flat(x: Any, axis: Any) -> tuple[Any, int]:
    return (torch.ravel(x), 0) if axis is None else (x, axis)


def _cumsum(x: Any, axis: Any = None) -> Any:
    return torch.cumsum(*_flat(x, axis))


def _cumprod(x: Any, axis: Any = None) -> Any:
    return torch.cumprod(*_flat(x, axis))


def _median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _quantile(x, 0.5, axis, keepdims=keepdims)


def _quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    q = torch.as_tensor(q, dtype=x.dtype)
    return torch.quantile(x, q, axis, keepdims, interpolation=method)


def _nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    q = torch.as_tensor(q, dtype=x.dtype)
    return torch.nanquantile(x, q, axis, keepdims, interpolation=method)


def _sort(x: Any, axis: Any = -1) -> Any:
    x, axis = _flat(x, axis)
    return torch.sort(x, dim=axis, stable=True)[0]


def _take(x: Any, indices: Any, axis: Any = None) -> Any:
    x, axis = _flat(x, axis)
    chosen = torch.index_select(x, axis, torch.ravel(torch.as_tensor(indices)) % x.shape[axis])
    return torch.reshape(chosen, (*x.shape[:axis], *np.shape(indices), *x.shape[axis % x.ndim + 1 :]))


def _take_along(x: Any, indices: Any, axis: Any = -1) -> Any:
    x, axis = _flat(x, axis)
    return torch.take_along_dim(x, indices % x.shape[axis], axis)


def _repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    repeats = repeats if isinstance(repeats, int) else torch.as_tensor(repeats)
    return torch.repeat_interleave(x, repeats, axis)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.linalg.norm(x, ord, axis, keepdims)


def _diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return torch.diff(x, n, axis, prepend, append)


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.logsumexp(x, _axes(axis, x), keepdims)


def _softmax(x: Any, axis: Any = None) -> Any:
    if axis is None:
        return torch.softmax(torch.ravel(x), 0).reshape(x.shape)
    return torch.softmax(x, axis)


def _log_softmax(x: Any, axis: Any = None) -> Any:
    if axis is None:
        return torch.log_softmax(torch.ravel(x), 0).reshape(x.shape)
    return torch.log_softmax(x, axis)


def _dotted(a: Any, b: Any) -> Any:
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return torch.tensordot(a, b, ([-1], [max(b.ndim - 2, 0)]))


def _convolve(a: Any, v: Any, mode: str = "full") -> Any:
    if len(v) > len(a):
        a, v = v, a
    margin = {"full": len(v) - 1, "same": len(v) - 1, "valid": 0}[mode]
    y = torch.conv1d(a[None, None], torch.flip(v, (0,))[None, None], padding=margin)[0, 0]
    start = (len(v) - 1) // 2 if mode == "same" else 0
    return y[start : start + len(a)] if mode == "same" else y


def _pad(x: Any, width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    pairs = np.broadcast_to(width, (x.ndim, 2))[::-1]
    if mode != "constant" or np.ndim(constant_values):
        raise NotImplementedError(mode)
    return torch.nn.functional.pad(x, [int(n) for n in np.ravel(pairs)], value=constant_values)


def _multigammaln(x: Any, d: int) -> Any:
    return torch.special.multigammaln(x, d)


def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return torch.clip(x, low, high)


def _read(a: Any, upper: bool = False) -> Any:
    """The Hermitian matrix that NumPy reads from one triangle, of which PyTorch reads the other too."""
    if upper:
        return torch.adjoint(_read(torch.adjoint(a)))
    part = torch.tril(a, -1)
    return part + torch.adjoint(part) + torch.diag_embed(torch.real(torch.diagonal(a, dim1=-2, dim2=-1)))


def _cholesky(a: Any, upper: bool = False) -> Any:
    return torch.linalg.cholesky(_read(a, upper), upper=upper)


def _qr(a: Any, mode: str = "reduced") -> Any:
    return torch.linalg.qr(a)[1] if mode == "r" else torch.linalg.qr(a, mode)


def _pinv(a: Any, rcond: float = 1e-15, hermitian: bool = False, rtol: Any = None) -> Any:
    a = _read(a) if hermitian else a
    return torch.linalg.pinv(a, rtol=rcond if rtol is None else rtol, hermitian=hermitian)


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    x = torch.linalg.pinv(a) @ b
    squares = torch.sum(torch.abs(b - a @ x) ** 2, 0)
    several = squares if b.ndim == 2 else squares[None]
    return x, several if a.shape[0] > a.shape[1] else several[:0], torch.linalg.svdvals(a)


def _as_numpy(values: Any, vectors: Any = None) -> Any:
    """Real where NumPy's eigenvalues are."""
    if torch.any(values.imag != 0):
        return values if vectors is None else (values, vectors)
    return values.real if vectors is None else (values.real, vectors.real)


def _eig(a: Any) -> Any:
    return torch.linalg.eig(a) if a.is_complex() else _as_numpy(*torch.linalg.eig(a))


def _eigvals(a: Any) -> Any:
    return torch.linalg.eigvals(a) if a.is_complex() else _as_numpy(torch.linalg.eigvals(a))


OTHERWISE: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    "numpy.add.reduce": lambda x, axis=0, keepdims=False: torch.sum(x, _axes(axis, x), keepdims),
    "numpy.add.accumulate": lambda x, axis=0: torch.cumsum(x, axis),
    "numpy.multiply.accumulate": lambda x, axis=0: torch.cumprod(x, axis),
    "numpy.multiply.reduce": lambda x, axis=0, keepdims=False: _prod(x, axis, keepdims),
    "numpy.maximum.reduce": lambda x, axis=0, keepdims=False: _max(x, axis, keepdims),
    "numpy.minimum.reduce": lambda x, axis=0, keepdims=False: _min(x, axis, keepdims),
    "numpy.maximum.accumulate": lambda x, axis=0: torch.cummax(x, axis)[0],
    "numpy.minimum.accumulate": lambda x, axis=0: torch.cummin(x, axis)[0],
    "numpy.logaddexp.reduce": lambda x, axis=0, keepdims=False: _logsumexp(x, axis, keepdims),
    "numpy.sum": lambda x, axis=None, keepdims=False: torch.sum(x, _axes(axis, x), keepdims),
    "numpy.nansum": lambda x, axis=None, keepdims=False: torch.nansum(x, _axes(axis, x), keepdims),
    "numpy.mean": lambda x, axis=None, keepdims=False: torch.mean(x, _axes(axis, x), keepdims),
    "numpy.nanmean": lambda x, axis=None, keepdims=False: torch.nanmean(x, _axes(axis, x), keepdims),
    "numpy.prod": _prod,
    "numpy.var": _var,
    "numpy.std": _std,
    "numpy.max": _max,
    "numpy.min": _min,
    "numpy.ptp": _ptp,
    "numpy.cumsum": _cumsum,
    "numpy.cumprod": _cumprod,
    "numpy.median": _median,
    "numpy.quantile": _quantile,
    "numpy.nanquantile": _nanquantile,
    "numpy.percentile": lambda x, q, *rest, **options: _quantile(
        x, torch.as_tensor(q, dtype=x.dtype) / 100, *rest, **options
    ),
    "numpy.sort": _sort,
    "numpy.diff": _diff,
    "numpy.trapezoid": lambda y, x=None, dx=1.0, axis=-1: (
        torch.trapezoid(y, dx=dx, dim=axis) if x is None else torch.trapezoid(y, x, dim=axis)
    ),
    "numpy.clip": _clip,
    "numpy.take": _take,
    "numpy.take_along_axis": _take_along,
    "numpy.repeat": _repeat,
    "numpy.tile": lambda x, n: torch.tile(x, tuple(np.ravel(n))),
    "numpy.expand_dims": torch.unsqueeze,
    "numpy.transpose": lambda x, axes=None: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
    "numpy.matrix_transpose": lambda x: torch.adjoint(x).conj(),
    "numpy.flip": lambda x, axis=None: torch.flip(x, tuple(np.ravel(_axes(axis, x)))),
    "numpy.rot90": lambda x, k=1, axes=(0, 1): torch.rot90(x, k, axes),
    "numpy.roll": lambda x, shift, axis=None: torch.roll(x, shift, axis),
    "numpy.copy": torch.clone,
    "numpy.pad": _pad,
    "numpy.concatenate": lambda xs, axis=0: (
        torch.cat([torch.ravel(x) for x in xs]) if axis is None else torch.cat(xs, axis)
    ),
    "numpy.append": lambda x, y, axis=None: torch.cat((_flat(x, axis)[0], _flat(y, axis)[0]), axis or 0),
    "numpy.split": lambda x, n, axis=0: torch.tensor_split(x, n, axis),
    "numpy.array_split": lambda x, n, axis=0: torch.tensor_split(x, n, axis),
    "numpy.unstack": lambda x, axis=0: torch.unbind(x, axis),
    "numpy.compress": lambda c, x, axis=None: _flat(x, axis)[0].index_select(
        axis or 0, torch.tensor(np.flatnonzero(c))
    ),
    "numpy.dot": _dotted,
    "numpy.tensordot": lambda a, b, axes=2: torch.tensordot(a, b, axes),
    "numpy.vecdot": lambda a, b, axis=-1: torch.linalg.vecdot(a, b, dim=axis),
    "numpy.cross": lambda a, b, axis=-1: torch.linalg.cross(a, b, dim=axis),
    "numpy.matvec": lambda a, b: (a @ b[..., None])[..., 0],
    "numpy.vecmat": lambda a, b: (a.conj()[..., None, :] @ b)[..., 0, :],
    "numpy.convolve": _convolve,
    "numpy.diag": lambda x, k=0: torch.diag(x, k),
    "numpy.diagonal": lambda x, offset=0, axis1=0, axis2=1: torch.diagonal(x, offset, axis1, axis2),
    "numpy.tril": lambda x, k=0: torch.tril(x, k),
    "numpy.triu": lambda x, k=0: torch.triu(x, k),
    "numpy.trace": torch.trace,
    "numpy.meshgrid": lambda *xs, indexing="xy": torch.meshgrid(*xs, indexing=indexing),
    "numpy.linalg.cholesky": _cholesky,
    "numpy.linalg.qr": _qr,
    "numpy.linalg.pinv": _pinv,
    "numpy.linalg.lstsq": _lstsq,
    "numpy.linalg.eig": _eig,
    "numpy.linalg.eigvals": _eigvals,
    "numpy.linalg.norm": _norm,
    "numpy.linalg.vector_norm": lambda x, axis=None, keepdims=False, ord=2: torch.linalg.vector_norm(
        x, ord, axis, keepdims
    ),
    "numpy.linalg.matrix_norm": lambda x, keepdims=False, ord="fro": torch.linalg.matrix_norm(
        x, ord, keepdim=keepdims
    ),
    "numpy.linalg.tensorsolve": lambda a, b, axes=None: torch.linalg.tensorsolve(a, b, axes),
    "numpy.real": lambda x: torch.real(x) if x.is_complex() else x,
    "numpy.conjugate": lambda x: torch.conj(x).resolve_conj(),
    "numpy.arctan2": torch.atan2,
    "numpy.ldexp": lambda x, n: torch.ldexp(*torch.broadcast_tensors(x, n)),
    "numpy.sign": torch.sgn,
    "numpy.fabs": torch.abs,
    "numpy.cbrt": lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3),
    "numpy.nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: torch.nan_to_num(x, nan, posinf, neginf),
    # Without a dtype PyTorch's ranges are of its default one, whatever their ends are.
    "numpy.linspace": lambda a, b, num: torch.linspace(a, b, num, dtype=torch.result_type(a, b)),
    "numpy.logspace": lambda a, b, num: torch.logspace(a, b, num, dtype=torch.result_type(a, b)),
    "numpy.where": lambda c, a, b: torch.where(torch.as_tensor(c), a, b),
    "scipy.special.gamma": lambda x: torch.exp(torch.lgamma(x)),
    "scipy.special.beta": lambda a, b: torch.exp(torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)),
    "scipy.special.betaln": lambda a, b: torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b),
    "scipy.special.loggamma": torch.lgamma,
    "scipy.special.multigammaln": _multigammaln,
    "scipy.special.logsumexp": _logsumexp,
    "scipy.special.softmax": _softmax,
    "scipy.special.log_softmax": _log_softmax,
    "scipy.special.i0": torch.special.i0,
    "scipy.special.i1": torch.special.i1,
    "scipy.special.i0e": torch.special.i0e,
    "scipy.special.i1e": torch.special.i1e,
    "scipy.special.j0": torch.special.bessel_j0,
    "scipy.special.j1": torch.special.bessel_j1,
    "scipy.special.y0": torch.special.bessel_y0,
    "scipy.special.y1": torch.special.bessel_y1,
    "scipy.special.k0": torch.special.modified_bessel_k0,
    "scipy.special.k1": torch.special.modified_bessel_k1,
    "scipy.special.log_expit": torch.nn.functional.logsigmoid,
    "scipy.special.psi": torch.special.digamma,
    "numpy.degrees": torch.rad2deg,
    "numpy.radians": torch.deg2rad,
    "numpy.logaddexp2.reduce": lambda x, axis=0, keepdims=False: (
        _logsumexp(x * np.log(2), axis, keepdims) / np.log(2)
    ),
}


class Torch:
    """PyTorch, whose complex convention is ours."""

    refusals = (TypeError, ValueError, NotImplementedError, IndexError, AttributeError, RuntimeError)
    most_calls = 50

    def function(self, name: str) -> Callable[..., Any] | None:
        if name in OTHERWISE:
            return OTHERWISE[name]
        library, *path = name.split(".")
        own = path[-1]
        if path[:-1] == ["special"] and library == "scipy":
            return getattr(torch.special, own, None)
        if path[:-1] in (["linalg"], ["fft"]):
            return getattr(getattr(torch, path[0]), own, None)
        return getattr(torch, own, None) if library == "numpy" and len(path) == 1 else None

    def follow(
        self, function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], active: list[int]
    ) -> tuple[list[Any], Pull]:
        tensors = [_tensor(arg, i in active) for i, arg in enumerate(args)]
        value = function(*tensors, **{key: _tensor(kwarg, False) for key, kwarg in kwargs.items()})
        values = _inexact(value)
        inputs = _inexact([tensors[i] for i in active])

        def pull(cotangents: list[Any]) -> list[Any]:
            seeds = [
                torch.as_tensor(y_bar, dtype=y.dtype) for y_bar, y in zip(cotangents, values, strict=True)
            ]
            followed = [i for i, y in enumerate(values) if y.requires_grad]
            bars = torch.autograd.grad(
                [values[i] for i in followed], inputs, [seeds[i] for i in followed], materialize_grads=True
            )
            return [_array(x_bar) for x_bar in bars]

        return [_array(y) for y in values], pull


def _tensor(value: Any, active: bool) -> Any:
    if isinstance(value, list | tuple) and any(isinstance(leaf, np.ndarray) for leaf in leaves(value)):
        return type(value)(_tensor(item, active) for item in value)
    if isinstance(value, np.ndarray | np.generic) or (active and isinstance(value, float | complex)):
        return torch.tensor(value, requires_grad=active and is_inexact(value))
    return value


def _inexact(tree: Any) -> list[Any]:
    return [x for x in leaves(tree) if torch.is_tensor(x) and (x.is_floating_point() or x.is_complex())]


def _array(tensor: Any) -> np.ndarray[Any, Any]:
    return tensor.detach().resolve_conj().resolve_neg().numpy()
