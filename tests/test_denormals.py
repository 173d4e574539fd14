"""Denormal numbers in training: zero within a step, and as ever in the caller's own arithmetic.

Oracle: what IEEE 754 says of halves of 2^-126, in NumPy on the calling thread.
"""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from specc import denormals
from specc.denormals import Flushing, flushing
from specc.graph import Graph
from specc.onnx_model import to_bytes
from specc.session import open_session
from specc.tensors import BATCH

LEAST = np.float32(2.0**-126)
known = pytest.mark.skipif(not flushing.able, reason="this system's environment is not known")


def halved() -> float:
    """Half of the least normal number, as this thread computes now."""
    x = np.full(64, LEAST)
    return float((x * np.float32(0.5)).max())


@known
def test_the_calling_thread_is_as_before() -> None:
    assert halved() == 2.0**-127
    with flushing:
        assert halved() == 0
        with pytest.raises(ZeroDivisionError), Flushing():
            raise ZeroDivisionError
        assert halved() == 0
    assert halved() == 2.0**-127


@known
@pytest.mark.parametrize("flush", [True, False])
def test_all_threads_of_a_session_agree(flush: bool) -> None:
    g = Graph()
    x = g.input("x", "float32", (BATCH,))
    model = to_bytes(g, "test", g.inputs, {"y": x * 0.5})
    session = open_session(model, threads=2, flush=flush)
    assert halved() == 2.0**-127
    feed = {"x": np.full(2**21, LEAST)}
    if flush:
        with flushing:
            (y,) = session.run(None, feed)
    else:
        (y,) = session.run(None, feed)
    assert set(y) == ({0.0} if flush else {2.0**-127})
    assert halved() == 2.0**-127


def test_unknown_systems_compute_as_they_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denormals.platform, "machine", lambda: "riscv64")
    unable = Flushing()
    assert not unable.able
    with unable:
        assert halved() == 2.0**-127


def test_an_environment_without_its_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not Flushing().able
