"""The benchmark's protocol and table, with a peer that counts. Oracle: numbers by hand."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1] / "benchmarks"
PEER = """
import sys
sys.path.insert(0, {folder!r})
from worker import Peer, serve

def make(weights, x, y):
    print("libraries may print")
    def loss(one_x, one_y):
        return float(one_y.sum() * 0.5 + {error})

    return Peer({{"toy": str(list(weights[0].shape))}}, loss, lambda: None)

serve(make)
"""


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("step_mnist_cnn")


def peers(benchmark: ModuleType, folder: Path, errors: list[float]) -> list:
    out = []
    for i, error in enumerate(errors):
        script = folder / f"peer{i}.py"
        script.write_text(PEER.format(folder=str(ROOT / "peers"), error=error))
        out.append(benchmark.Client(f"peer{i}", sys.executable, str(script), 1, {}))
    return out


def test_peers_take_turns_and_must_agree(benchmark: ModuleType, tmp_path: Path) -> None:
    options = argparse.Namespace(batch=4, data=None, rounds=2, steps=3, threads=1)
    pair = peers(benchmark, tmp_path, [0.0, 1e-6])
    try:
        result = benchmark.compare(pair, options)
    finally:
        for peer in pair:
            peer.quit()
    assert result["versions"] == {"toy": "[3, 3, 1, 32]"}
    assert result["losses"]["peer0"] == [2.0] * 8  # four one-hot rows, halved
    assert [[len(ms) for ms in rounds] for rounds in result["ms"].values()] == [[3, 3], [3, 3]]
    assert "| peer1 |" in benchmark.markdown(result)


def test_different_programs_are_not_compared(benchmark: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"losses differ by 1.0e-02"):
        benchmark.check({"a": [1.0, 1.0], "b": [1.0, 1.01]})
    with pytest.raises(SystemExit, match="losses differ by nan"):
        benchmark.check({"a": [1.0], "b": [float("nan")]})


def test_a_dead_worker_is_named(benchmark: ModuleType, tmp_path: Path) -> None:
    script = tmp_path / "dead.py"
    script.write_text("")
    client = benchmark.Client("dead", sys.executable, str(script), 1, {})
    with pytest.raises(SystemExit, match="dead: the worker ended"):
        client.ask("setup", inputs="")
    client.quit()


def test_the_table(benchmark: ModuleType) -> None:
    result = {
        "batch": 64, "threads": 2, "data": "noise", "machine": "M", "versions": {"a": "1"},
        "losses": {"slow": [2.0], "fast": [2.0002]},
        "ms": {"slow": [[9.0, 10.0, 11.0], [12.0, 12.0, 12.0]], "fast": [[5.0] * 3, [4.0] * 3]},
    }  # fmt: skip
    lines = benchmark.markdown(result).splitlines()
    assert lines[2:4] == [
        "| slow | 11.00 | 10.00-12.00 | 9.00 |",
        "| fast | 4.50 | 4.00-5.00 | 4.00 |",
    ]
    assert lines[5] == "fast against slow: 2.50 times as fast (2.00-3.00 over 2 rounds)."
    assert lines[7].endswith("2 pinned threads, M, noise; a 1. First losses agree within 1e-04.")
