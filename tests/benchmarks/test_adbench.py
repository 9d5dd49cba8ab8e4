"""The readers of ADBench's formats, on files of a few numbers, and what is drawn in their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.native import adbench


def written(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_mixture_is_read(tmp_path: Path) -> None:
    written(tmp_path, "gmm/f", "2 1 3\n0.5\n1 2\n3 4 5\n6 7\n8 9\n10 11\n1 0\n")
    alphas, means, icf, x, gamma, m, constant = adbench.gmm(tmp_path, "f", 0, 0, 0)
    assert alphas.tolist() == [0.5]
    assert means.tolist() == [[1, 2]]
    assert icf.tolist() == [[3, 4, 5]]
    assert x.tolist() == [[6, 7], [8, 9], [10, 11]]
    assert (gamma, m) == (1, 0)
    # Three normal densities in two dimensions; Γ₂(3/2) = √π Γ(3/2) Γ(1) in the Wishart density with γ = 1.
    wishart = -3 * np.log(2) - 0.5 * np.log(np.pi) - np.log(np.sqrt(np.pi) / 2)
    assert constant == pytest.approx(-3 * np.log(2 * np.pi) - wishart)


def test_bundle_is_read_and_jittered(tmp_path: Path) -> None:
    written(tmp_path, "ba/f", "2 3 5\n1 2 3 4 5 6 7 8 9 10 11\n1 2 3\n0.5\n6 7\n")
    cameras, points, weights, features, camera_of, point_of = adbench.bundle(tmp_path, "f", 0, 0, 0)
    np.testing.assert_allclose(cameras, np.tile(np.arange(1.0, 12.0), (2, 1)), rtol=0.01)
    np.testing.assert_allclose(points, np.tile([1.0, 2.0, 3.0], (3, 1)), atol=0.01)
    np.testing.assert_allclose(weights, np.full(5, 0.5), rtol=0.01)
    np.testing.assert_allclose(features, np.tile([6.0, 7.0], (5, 1)), rtol=0.01)
    assert len(set(weights)) == 5
    assert camera_of.tolist() == [0, 1, 0, 1, 0]
    assert point_of.tolist() == [0, 1, 2, 0, 1]


def test_lstm_is_read(tmp_path: Path) -> None:
    main, extra, state, sequence = np.arange(16.0), np.arange(6.0), np.arange(4.0), np.eye(2)[[0, 1, 1]]
    rows = [" ".join(map(str, part.ravel())) for part in (main, extra, state, sequence)]
    written(tmp_path, "lstm/f", "1 3 2\n\n" + "\n\n".join(rows) + "\n")
    read = adbench.lstm(tmp_path, "f", 0, 0, 0)
    for part, shape, original in zip(
        read, [(2, 8), (3, 2), (2, 2), (3, 2)], (main, extra, state, sequence), strict=True
    ):
        np.testing.assert_array_equal(part, original.reshape(shape))


def test_hand_is_read(tmp_path: Path) -> None:
    relative, inverse = np.arange(16.0), np.arange(16.0, 32.0)
    bone = ":".join(map(str, np.concatenate((relative, inverse))))
    written(tmp_path, "hand/model/bones.txt", f"wrist:-1:{bone}\nthumb:0:{bone}\n")
    skipped = "0:0:0:0:0"
    vertices = f"1:2:3:{skipped}:1:0:1.0\n4:5:6:{skipped}:2:0:0.25:1:0.75\n"
    written(tmp_path, "hand/model/vertices.txt", vertices)
    written(tmp_path, "hand/f", "1 3\n1 7 8 9\n0.1\n0.2\n0.3\n")
    theta, parents, relatives, inverses, positions, weights, points = adbench.hand(tmp_path, "f", 0)
    assert theta.tolist() == [0.1, 0.2, 0.3]
    assert parents.tolist() == [-1, 0]
    np.testing.assert_array_equal(relatives[1], relative.reshape(4, 4))
    np.testing.assert_array_equal(inverses[1], inverse.reshape(4, 4))
    assert positions.tolist() == [[4, 5, 6]]
    assert weights.tolist() == [[0.25, 0.75]]
    assert points.tolist() == [[7, 8, 9]]


def test_folder_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(adbench.VARIABLE, raising=False)
    assert adbench.folder() is None
    monkeypatch.setenv(adbench.VARIABLE, "somewhere")
    assert adbench.folder() == Path("somewhere")


def test_drawn_arguments_have_the_sizes_asked_for() -> None:
    assert [np.shape(x) for x in adbench.gmm(None, "", 3, 4, 5)] == [(4,), (4, 3), (4, 6), (5, 3), (), (), ()]
    assert [x.shape for x in adbench.bundle(None, "", 2, 3, 5)] == [(2, 11), (3, 3), (5,), (5, 2), (5,), (5,)]
    assert [x.shape for x in adbench.lstm(None, "", 2, 7, 3)] == [(4, 12), (3, 3), (4, 3), (7, 3)]
    shapes = [(26,), (22,), (22, 4, 4), (22, 4, 4), (9, 3), (9, 22), (9, 3)]
    assert [x.shape for x in adbench.hand(None, "", 9)] == shapes
    np.testing.assert_array_equal(adbench.hand(None, "", 9)[0], adbench.hand(None, "", 9)[0])
