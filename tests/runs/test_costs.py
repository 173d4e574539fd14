"""Costs of a machine in compiled folders, runs and saved models.

Oracles: the files' own bytes, the hash of the canonical constants, runs without interruption.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import specc
from specc.artifacts import MANIFEST, read_bundle, write_compiled
from specc.errors import CompileError, RunError
from specc.runs.reproducing import reproduce
from specc.targets.costs import DEFAULT, KernelCosts
from tests.runs.running import Killed, Killer, result, run, spec, write_data

# The convolution of the spec, which is tiled by default, becomes one product.
DEAR = KernelCosts(transformed=1e6)


def nodes(folder: Path) -> bytes:
    return (folder / "train.onnx").read_bytes()


def test_the_manifest_tells_costs_only_when_they_were_given(tmp_path: Path) -> None:
    write_compiled(tmp_path / "plain", spec(), "cpu")
    write_compiled(tmp_path / "default", spec(), "cpu", costs=DEFAULT)
    write_compiled(tmp_path / "dear", spec(), "cpu", costs=DEAR)
    plain, default, dear = (
        json.loads((tmp_path / name / MANIFEST).read_text())
        for name in ("plain", "default", "dear")
    )
    assert "costs" not in plain
    assert default.pop("costs")["values"] == DEFAULT.to_dict()
    assert default == plain
    assert dear["costs"] == {
        "sha256": hashlib.sha256(DEAR.json.encode()).hexdigest(),
        "values": DEAR.to_dict(),
    }
    assert nodes(tmp_path / "default") == nodes(tmp_path / "plain") != nodes(tmp_path / "dear")
    assert read_bundle(tmp_path / "dear")[0].costs == DEAR
    assert read_bundle(tmp_path / "plain")[0].costs is None


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"sha256": "0" * 64}, "not those of their hash"),
        ({"values": {"gathered": 1.0}}, "the costs are damaged"),
        ({"values": None}, "the costs are damaged"),
    ],
)
def test_costs_that_were_changed_are_refused(
    tmp_path: Path, change: dict[str, object], match: str
) -> None:
    write_compiled(tmp_path, spec(), "cpu", costs=DEAR)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["costs"] |= change
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(RunError, match=f"{MANIFEST}: .*{match}"):
        read_bundle(tmp_path)


def test_a_run_keeps_its_costs(tmp_path: Path) -> None:
    write_data(tmp_path)
    run(tmp_path / "plain")
    run(tmp_path / "whole", costs=DEAR)
    assert nodes(tmp_path / "whole") != nodes(tmp_path / "plain")
    with pytest.raises(Killed):
        run(tmp_path / "stopped", costs=DEAR, progress=Killer(5))
    run(tmp_path / "stopped", resume=True)
    assert result(tmp_path / "stopped") == result(tmp_path / "whole")
    again = reproduce(tmp_path / "whole", tmp_path / "again")
    assert again.same
    assert nodes(again.folder) == nodes(tmp_path / "whole")


def test_a_model_keeps_its_costs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4, 4, 2)).astype(np.float32), rng.integers(0, 3, 6)
    # Adam would make whole steps of the rounding in gradients that are zero.
    small = spec(optimizer="{sgd: 0.1}")
    dear, plain = specc.Model(small, costs=DEAR), specc.Model(small)
    dear.save(tmp_path)
    restored = specc.Model.restore(tmp_path)
    losses = [m.train_on_batch(x, y)["loss"] for m in (dear, restored, plain)]
    assert losses[0] == losses[1]
    assert losses[0] == pytest.approx(losses[2], rel=1e-5)
    for name, array in restored.weights.items():
        np.testing.assert_array_equal(array, dear.weights[name])
        np.testing.assert_allclose(array, plain.weights[name], rtol=1e-4, atol=1e-5)
    assert [
        m._bundle.programs["train"].nodes == dear._bundle.programs["train"].nodes  # pyright: ignore[reportPrivateUsage]
        for m in (restored, plain)
    ] == [True, False]


def test_costs_are_for_the_target_that_chooses() -> None:
    with pytest.raises(CompileError, match="target portable: expected cpu"):
        specc.compile(spec(), costs=DEAR)
    with pytest.raises(CompileError, match="target portable: expected cpu"):
        specc.Model(spec(), "portable", costs=DEAR)
