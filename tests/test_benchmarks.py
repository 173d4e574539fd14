"""The benchmark's protocol, plans and tables, with peers that count. Oracle: numbers by hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

ROOT = Path(__file__).parents[1] / "benchmarks"
PEER = """
import sys
sys.path.insert(0, {folder!r})
from worker import Peer, Unsupported, serve

def make(task):
    print("libraries may print")
    {refuse}
    def loss(xs, y):
        return float(y.sum() * 0.5 + {error})

    return Peer({{"toy": str(list(task.weights[0].shape))}}, loss, lambda: None)

serve(make)
"""


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.syspath_prepend(str(ROOT))
    names = ("client", "measuring", "tables", "workloads", "plot", "gemms", "growth")
    return SimpleNamespace(**{n: importlib.import_module(f"comparing.{n}") for n in names})


def peers(parts: SimpleNamespace, folder: Path, errors: list[float], refuse: str = "") -> list:
    out = []
    for i, error in enumerate(errors):
        script = folder / f"peer{i}.py"
        script.write_text(PEER.format(folder=str(ROOT / "peers"), error=error, refuse=refuse))
        out.append(parts.client.Client(f"peer{i}", sys.executable, script, 1, {}))
    return out


def measured(parts: SimpleNamespace, chosen: list, **settings: object):
    task = parts.workloads.Task.of(ROOT / "specs/mlp.yaml", batch=4, count=5)
    plan = parts.measuring.Plan(rounds=2, seconds=1e-9, **settings)
    try:
        return parts.measuring.measure(task, chosen, plan)
    finally:
        for peer in chosen:
            peer.quit()


def test_peers_take_turns_and_must_agree(parts: SimpleNamespace, tmp_path: Path) -> None:
    result = measured(parts, peers(parts, tmp_path, [0.0, 1e-6]), batches=(1,))
    assert result.versions == {"toy": "[784, 512]"}
    assert result.losses["peer0"] == [2.0] * 3  # four one-hot rows, halved
    assert [[len(ms) for ms in rounds] for rounds in result.training.values()] == [[3, 3], [3, 3]]
    assert result.gaps == {f"peer{i}, inference": "only trains" for i in range(2)}
    assert result.memory["peer0"] > 1


def test_what_a_peer_cannot_do_is_a_gap(parts: SimpleNamespace, tmp_path: Path) -> None:
    refuse = "raise Unsupported('no perceptrons')"
    result = measured(parts, peers(parts, tmp_path, [0.0], refuse), batches=())
    assert result.gaps == {"peer0": "no perceptrons"}


def test_a_dead_worker_is_a_gap(parts: SimpleNamespace, tmp_path: Path) -> None:
    script = tmp_path / "dead.py"
    script.write_text("")
    client = parts.client.Client("dead", sys.executable, script, 1, {})
    result = measured(parts, [client], batches=())
    assert result.gaps["dead"].startswith("the worker ended")


def test_different_programs_are_not_compared(parts: SimpleNamespace) -> None:
    check = parts.measuring.check_losses
    check({"a": [1.0, 1.0], "b": [1.0, 1.0001]})
    with pytest.raises(SystemExit, match=r"losses differ by 1.0e-02"):
        check({"a": [1.0, 1.0], "b": [1.01, 1.0]})
    with pytest.raises(SystemExit, match="losses differ by nan"):
        check({"a": [1.0], "b": [float("nan")]})
    with pytest.raises(SystemExit, match=r"predictions of a and b differ by 5.0e-01"):
        parts.measuring.check_outputs({"a": np.array([2.0, 1.0]), "b": np.array([2.0, 2.0])})


def test_a_plan_says_what_a_peer_builds(parts: SimpleNamespace) -> None:
    plan = parts.workloads.Task.of(ROOT / "specs/mobilenet_v2.yaml", batch=2, count=1).plan
    pads = next(call for call in plan["calls"] if call["kind"] == "zero_padding2d")
    assert pads["fields"] == {"padding": ((0, 1), (0, 1))}
    assert pads["input_shapes"] == [[48, 48, 48]]
    assert sum(len(call["weights"]) for call in plan["calls"]) == 262  # as Keras' MobileNetV2
    assert plan["trainable"].count(False) == 2 * 52  # moving statistics of 52 normalizations


def test_products_of_a_model(parts: SimpleNamespace) -> None:
    task = parts.workloads.Task.of(ROOT / "specs/mlp.yaml", batch=4, count=1)
    inference = list(parts.gemms.products(task.plan, training=False))
    assert inference == [((512, 784, 4), 1), ((512, 512, 4), 1), ((10, 512, 4), 1)]
    # A weight gradient for each layer, an input gradient for all but the first.
    assert len(list(parts.gemms.products(task.plan, training=True))) == 3 + 3 + 2
    assert parts.gemms.timed((2, 3, 4), 1, "nt") > 0


def test_growth_with_depth(parts: SimpleNamespace) -> None:
    one, three = (parts.growth.growth(blocks, "portable") for blocks in (1, 3))
    # A block has two kernels of 3 x 3 x 16 x 16, but the graph holds no weights: only nodes grow.
    assert 1 < three["train_kb"] / one["train_kb"] < 3


def test_installed_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "peers"))
    installed = importlib.import_module("installed")
    found = installed.closure(["annotated-types", "not-there-at-all"])
    assert list(found) == ["annotated-types"]
    folder = Path(importlib.import_module("annotated_types").__file__).parent
    assert installed.size(found["annotated-types"]) >= (folder / "__init__.py").stat().st_size


def test_the_table_and_the_plot(parts: SimpleNamespace) -> None:
    result = parts.measuring.Result(
        losses={"torch": [2.0], "specc": [2.0002]},
        training={"torch": [[9.0, 10.0, 11.0], [12.0] * 3], "specc": [[5.0] * 3, [4.0] * 3]},
        inference={1: {"torch": [[2.0], [2.0]], "specc": [[1.0], [0.5]]}},
        memory={"torch": 700.0, "specc": 100.4},
        versions={"torch": "1"},
        gaps={"jax": "is not there"},
    )
    limits = {"training": {"ms": 3.0, "gflop": 0.6}}
    results = {
        "machine": "M", "threads": 2, "rounds": 2,
        "workloads": {"w": parts.tables.record("Toy", 64, result, limits)},
    }  # fmt: skip
    lines = parts.tables.markdown(results).splitlines()
    assert lines[4:6] == [
        "| specc | 4.50 | 4.00-5.00 | 2.50 (2.00-3.00) | 1.50 | 100 |",
        "| torch | 11.00 | 10.00-12.00 | 1 | 3.67 | 700 |",
    ]
    assert "Gemm limit 3.00 ms: 0.60 GFLOP at 200 GFLOP/s." in lines
    assert "| specc | 0.750 (0.500-1.000) |" in lines
    assert "| specc, times as fast as the fastest peer | 3.00 (2.00-4.00) |" in lines
    assert "First losses agree within 1e-04." in lines
    assert "- not measured: jax: is not there" in lines
    assert lines[-1] == "2 pinned threads, M; torch 1. Medians of 2 alternating rounds."
    svg = ElementTree.fromstring(parts.plot.svg(results))
    assert [t.text for t in svg.iter() if t.text and t.text.strip()][1:5] == [
        "specc", "4.50", "torch", "11.00",
    ]  # fmt: skip
