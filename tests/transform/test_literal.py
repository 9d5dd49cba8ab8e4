"""Arrays written out number by number, in derivatives on whole arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

X = np.arange(1.0, 6.0) / 3


def written_out(x: Any, n: Any) -> Any:
    s = 0.0
    a = np.array([x[0], 1.0])
    for k in range(n):
        a = np.array([a[1] * x[k], a[0]])
        m = np.asarray([[a[0], n], [x[1], a[1]]])
        s += np.linalg.det(m) * np.sum(m @ a)
        m[0] *= 2
        s += m.sum() + np.sum(np.array([k, 2]))
    return s


@pytest.mark.parametrize("stage", ["captured", "adjoint", "lowered", "final"])
def test_every_stage_runs_under_python(stage: Any) -> None:
    text = pb.source(pb.grad(written_out), X, 3, stage=stage)
    module: dict[str, Any] = {}
    exec(text, module)
    seed = () if stage in ("captured", "lowered") else (1.0,)
    found = module["written_out_adjoint" if seed else "written_out"](X.copy(), 3, *seed)
    np.testing.assert_allclose(found[0], written_out(X, 3))
    if seed:
        np.testing.assert_allclose(found[1], pb.grad(pb.compile(written_out))(X, 3))
