"""Every row of rules/special against finite differences, and the dtype of what it gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import pullback.rules.special  # fills the table
from pullback.rules.read import tangent
from pullback.rules.table import TABLE, Rule, name_of, rows
from pullback.testing.rows import check_row

SPECIAL = [rule for rule in rows() if "special" in rule.name]
DIFFERENTIABLE = [rule for rule in SPECIAL if rule.partials or rule.vjps]
FAMILIES = """
    erf erfc erfcx erfi erfinv erfcinv dawsn wofz
    gamma gammaln loggamma rgamma digamma psi polygamma beta betaln gammainc gammaincc multigammaln
    poch binom betainc
    expit logit log_expit xlogy xlog1py entr rel_entr kl_div huber pseudo_huber boxcox inv_boxcox
    exprel cosm1 expm1 log1p logsumexp softmax log_softmax
    j0 j1 jn jv y0 y1 yn yv i0 i0e i1 i1e iv ive k0 k0e k1 k1e kn kv kve jve yve hankel1 hankel2
    ndtr ndtri log_ndtr spence ellipk ellipe ellipkm1 airy
""".split()


@pytest.mark.parametrize("rule", DIFFERENTIABLE, ids=lambda rule: rule.name)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
def test_row_against_finite_differences(rule: Rule, dtype: type) -> None:
    if np.dtype(dtype).kind == "c" and not rule.complex:
        assert not any("D" in types.split("->")[0] for types in getattr(rule.function, "types", ())) or (
            rule.function
            in (special.ive, special.jve, special.yve, pullback.rules.special.integrals.hurwitz_zeta)
        ), "a holomorphic function that SciPy takes complex arguments for"
        return
    with np.errstate(all="ignore"):
        assert check_row(rule, dtype) > 0


@pytest.mark.parametrize("name", FAMILIES)
def test_families_have_a_row(name: str) -> None:
    rule = TABLE[getattr(special, name)]
    assert rule.partials or rule.vjps


@pytest.mark.parametrize("rule", DIFFERENTIABLE, ids=lambda rule: rule.name)
def test_tangent_keeps_single_precision(rule: Rule) -> None:
    if rule.partials is None or rule.calls:
        return
    args = tuple(np.full(2, 0.5 * (low + high), np.float32) for low, high in rule.intervals)
    y = rule.function(*args)
    for position in range(len(args)):
        if position not in rule.refusals:
            with np.errstate(all="ignore"):
                y_dot = tangent(rule, position, np.ones(2, np.float32), y, args, {})
            assert y_dot.dtype == y.dtype


def test_names_are_the_public_ones() -> None:
    assert name_of(special.erf) == "scipy.special.erf"
    assert name_of(special.logsumexp) == "scipy.special.logsumexp"
    assert name_of(np.exp) == "numpy.exp"
    assert name_of(pullback.rules.special.integrals.riemann_zeta) == "scipy.special.zeta"
