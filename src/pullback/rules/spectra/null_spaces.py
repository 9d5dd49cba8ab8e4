"""The cotangents of singular vectors whose singular values are 0, and of those of a full U or V outside.

The bases of both null spaces are arbitrary, each by itself. Let L and R be frames of them; then a smooth loss
changes by ``Re tr(G^H L^H A_dot R)`` with a matrix G that a basis shows the diagonal of, as cotangents of the
singular values. G is found from the vectors' cotangents where rounding has left something of them, or by
asking for further bases (see `inquiry`). A kink, as that of ``abs``, fits no G.
"""

from __future__ import annotations

import numpy as np

from pullback.base.errors import NotDifferentiableError
from pullback.rules.spectra import inquiry
from pullback.rules.spectra.gauge import ROUNDED, Array, eps_of, placed, refuse_basis, slack_of
from pullback.rules.spectra.inquiry import UndeterminedError


class NullSpaces:
    """The null spaces of a stack of matrices, and what arrives at their bases; plain arrays.

    Attributes:
        known: how many singular values of each matrix are not 0.
        of_u, of_v: ``U^H U_bar`` and ``V^H V_bar``.
    """

    def __init__(
        self,
        function: str,
        kind: str,
        values: Array,
        known: Array,
        left: tuple[Array, ...],
        right: tuple[Array, ...],
    ) -> None:
        self.function, self.kind = function, kind
        self.values, self.known, self.count = values, known, values.shape[-1]
        self.u, self.u_bar, self.of_u = left
        self.v, self.v_bar, self.of_v = right
        self.scale = np.maximum(_largest(self.u_bar), _largest(self.v_bar))
        self.allowed = slack_of(values.dtype) * self.scale
        self.size = max(self.u.shape[-2], self.v.shape[-2])
        self.full_rank = bool((known == self.count).all())

    def check(self) -> None:
        """Raise where the loss depends on a basis of a null space, or on what is outside it."""
        count = self.count
        for basis, basis_bar, m in ((self.u, self.u_bar, self.of_u), (self.v, self.v_bar, self.of_v)):
            if basis.shape[-1] == count and self.full_rank:
                continue
            inside = np.arange(basis.shape[-1]) >= self.known[..., None]
            both = inside[..., None, :] & inside[..., :, None]
            turning = np.abs(m - np.conj(np.swapaxes(m, -1, -2))) / 2
            wrong = np.where(both, turning, 0).max(axis=(-2, -1), initial=0)
            if basis.shape[-1] == count < basis.shape[-2]:
                outside = np.abs(basis_bar - basis @ m).max(axis=-2, initial=0)
                wrong = np.maximum(wrong, np.where(inside, outside, 0).max(axis=-1, initial=0))
            for place in map(tuple, np.argwhere(wrong > self.allowed).tolist()):
                self._refuse(place, int(self.known[place]), basis is self.u)
            used = np.where(both, np.abs(m), 0).max(axis=(-2, -1), initial=0) > self.allowed
            for place in map(tuple, np.argwhere(used | (self.known < count))[:1].tolist()):
                inquiry.note(self._named(place, min(int(self.known[place]), count - 1)))
        if self.u.shape[-2] == self.v.shape[-2] == count and self.u.dtype.kind == "f":
            self._check_pairs_of_signs()

    def _check_pairs_of_signs(self) -> None:
        """Raise where the loss may depend on the product of the only two real vectors of null spaces.

        Their signs are arbitrary one by one, and that of the product jumps as the singular value passes 0;
        no rotation leads from one sign to the other, so that no cotangent tells. Another run may.
        """
        last = self.count - 1
        both = np.minimum(np.abs(self.of_u[..., last, last]), np.abs(self.of_v[..., last, last]))
        for place in map(tuple, np.argwhere((self.known == last) & (both > self.allowed)).tolist()):
            if inquiry.current() is not None:
                inquiry.note(self._named(place, last))
                return
            raise UndeterminedError(
                NotDifferentiableError(
                    f"{self.function} has no derivative that its cotangents determine here: the result "
                    f"depends on both vectors of {self._named(place, last)}, which is 0 up to rounding",
                    why="the sign of their product jumps as the singular value passes 0",
                    remedy="keep the singular values that are not 0.",
                )
            )

    def _named(self, place: tuple[int, ...], index: int) -> str:
        return f"singular value {index}{placed(place)} ({self.values[place][index]})"

    def _refuse(self, place: tuple[int, ...], rank: int, left: bool) -> None:
        values = self.values[place]
        if self.count - rank > 1:
            raise refuse_basis(self.function, self.kind, values, (rank, rank + 1), place)
        side = "left" if left else "right"
        last = f", singular value {rank} ({values[rank]}) being 0 up to rounding" if rank < self.count else ""
        raise NotDifferentiableError(
            f"{self.function} has no derivative here: the result depends on the basis of the {side} null "
            f"space{placed(place)} (from column {rank} on){last}",
            why="any orthonormal basis of it would do",
            remedy="use full_matrices=False or the projector onto the whole null space, "
            "or keep the singular values that are not 0.",
        )

    def smooth(self, s_bar: Array, zero: Array) -> tuple[Array, Array, Array | None]:
        """The block of the gradient where singular values are 0.

        A loss of ``U diag(s) V^H`` sends ``C V s`` to U, ``C^H U s`` to V and ``Re diag(U^H C V)`` to s: if
        the first two, divided by s, agree with each other and with the third, the block is ``U^H C V``.

        Returns:
            The block in the basis of U and V; those of the singular values of which ``1/s`` counts; and what
            else there is of the gradient, in no basis.
        """
        values, count = self.values, self.count
        s_bar = np.broadcast_to(s_bar, values.shape)
        block = np.zeros(self.of_u[..., :count, :count].shape, self.of_u.dtype)
        keeps, rest = np.zeros(zero.shape, bool), None
        asked = inquiry.current()
        visit = 0 if asked is None else asked.visit()
        for place in map(tuple, np.argwhere(zero.any(axis=-1)).tolist()):
            null = slice(int(self.known[place]), count)
            s, own_bar = values[place][null], s_bar[place][null]
            if s.all():
                right = self.of_u[place][null, null] / s
                left = np.conj((self.of_v[place][null, null] / s).T)
                allowed = eps_of(values.dtype) ** 0.5 * np.max(np.abs(right))
                fits = np.abs(right - left).max() <= allowed
                if fits and np.abs(np.real(np.diagonal(right)) - own_bar).max() <= allowed:
                    block[place][null, null] = right
                    keeps[place][null] = True
                    continue
            top = float(values[place][0])
            floor = ROUNDED * self.size * eps_of(values.dtype) * self.scale[place] / top if top else 0.0
            if np.max(np.abs(own_bar)) > max(slack_of(values.dtype) * np.max(np.abs(s_bar[place])), floor):
                if rest is None:
                    rest = np.zeros((*self.u.shape[:-1], self.v.shape[-2]), self.u.dtype)
                rest[place] = self._asked((visit, *place), place, null, own_bar, floor)
        return block, keeps, rest

    def _asked(
        self, key: tuple[int, ...], place: tuple[int, ...], null: slice, s_bar: Array, floor: float
    ) -> Array:
        """The gradient between the null spaces, from the cotangents of the zeros in several bases."""
        refusal = NotDifferentiableError(
            f"{self.function} has no derivative that its cotangents determine here: "
            f"{self._named(place, null.start)} is 0 up to rounding",
            why="a function of the singular value has a kink there, a matrix U f(s) V^H has none, "
            "and the two send the same",
            remedy="keep the singular values that are not 0, "
            "or take functions of the singular values alone from np.linalg.svdvals.",
        )
        asked = inquiry.current()
        if asked is None:
            raise UndeterminedError(refusal)
        u, v = self.u[place], self.v[place]

        def frames() -> tuple[Array, Array]:
            return _beyond(u[:, : null.start]), _beyond(v[:, : null.start])

        block = asked.block(("null", *key), frames, u[:, null], v[:, null], s_bar, floor, refusal)
        if block is None:
            asked.drop(s_bar, float(self.values[place][0]))
            return np.zeros((len(u), len(v)), u.dtype)
        return block.left @ block.matrix @ np.conj(block.right.T)


def _beyond(basis: Array) -> Array:
    """An orthonormal frame of what is orthogonal to the columns of `basis`."""
    return np.linalg.qr(basis, "complete")[0][:, basis.shape[1] :]


def _largest(cotangent: Array) -> Array:
    return np.abs(cotangent).max(axis=(-2, -1), initial=0)
