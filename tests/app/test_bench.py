"""`specc bench`, and `--calibrated` of `compile` and `train`. Oracles: files that were written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from specc.bench import cache, calibration, steps
from specc.bench.kernels import Convolution
from specc.targets.costs import DEFAULT, KernelCosts
from tests.app.console import invoke

# Transforms that never pay.
DEAR = KernelCosts(transformed=1e6)
SPEC = """\
specc: 1
name: small
inputs: {x: [4, 4, 2]}
layers:
  - conv2d: {filters: 3, kernel_size: 3, padding: same}
  - flatten
  - dense: 2
train: {loss: mse, optimizer: sgd, epochs: 1}
data: {npz: {path: data.npz}}
"""


@pytest.fixture
def place(workplace, monkeypatch):
    """A spec that is tiled by default, its data, and a cache that is empty."""
    (workplace / "small.yaml").write_text(SPEC)
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(8, *s)).astype(np.float32) for s in ((4, 4, 2), (2,)))
    np.savez(workplace / "data.npz", x_train=x, y_train=y)
    monkeypatch.setenv("XDG_CACHE_HOME", str(workplace / "cache"))
    monkeypatch.setattr(calibration, "CONVOLUTIONS", (Convolution(2, 4, 2, 3),))
    monkeypatch.setattr(calibration, "ROUNDS", 1)
    monkeypatch.setattr(steps, "TURN_SECONDS", 0.0)
    return workplace


@pytest.mark.parametrize("arguments", [[], ["small.yaml", "--calibrate"]])
def test_a_spec_or_the_machine(place, arguments):
    result = invoke("bench", *arguments)
    assert result.exit_code == 2
    assert "expected a spec or --calibrate" in result.stderr


def test_calibrating_writes_what_it_shows(place):
    result = invoke("bench", "--calibrate", "--threads", 1)
    assert result.exit_code == 0, result.stderr
    costs = cache.calibrated_costs(1)
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()[1:]}
    assert rows["gathered"] == [f"{DEFAULT.gathered:g}", f"{costs.gathered:g}"]
    assert rows["transformed"] == [f"{DEFAULT.transformed:g}", f"{costs.transformed:g}"]
    assert f"wrote {cache.path_of(1)}" in result.stderr
    told = json.loads(invoke("bench", "--calibrate", "--threads", 1, "--json").stdout)
    assert told["measured"] == cache.calibrated_costs(1).to_dict()
    assert told["file"] == str(cache.path_of(1))


def test_targets_side_by_side(place):
    lines = invoke("bench", "small.yaml", "--rounds", 1).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["target", "cpu", "portable", "model.onnx"]
    cache.keep(DEAR)
    told = json.loads(invoke("bench", "small.yaml", "--rounds", 1, "--json").stdout)
    assert [each["target"] for each in told["milliseconds"]] == [
        "cpu", "portable", "cpu, calibrated", "model.onnx",
    ]  # fmt: skip
    assert (told["name"], told["batch"], told["costs"]) == ("small", 32, DEAR.sha256)
    assert told["changed"] is True
    cache.keep(DEFAULT)
    lines = invoke("bench", "small.yaml", "--rounds", 1).stdout.splitlines()
    assert lines[-1] == "the costs of this machine choose the same graphs for cpu"
    assert len(lines) == 5


def test_a_damaged_calibration_is_told_and_left_out(place):
    path = cache.keep(DEAR)
    path.write_text("{")
    result = invoke("bench", "small.yaml", "--rounds", 1)
    assert result.exit_code == 0
    assert f"{path}: no JSON" in result.stderr
    assert "calibrated" not in result.stdout


def test_calibrated_without_a_calibration(place):
    for command in ("compile", "train"):
        result = invoke(command, "small.yaml", "-o", "out", "--calibrated")
        assert result.exit_code == 2
        assert result.stderr.endswith("measure them: specc bench --calibrate\n")
        assert not (place / "out").exists()


def test_compiled_with_and_without(place):
    cache.keep(DEAR)
    for name, options in (("plain", []), ("dear", ["--calibrated"])):
        result = invoke("compile", "small.yaml", "-o", name, "--target", "cpu", *options)
        assert result.exit_code == 0, result.stderr
    plain, dear = (json.loads((place / n / "manifest.json").read_text()) for n in ("plain", "dear"))
    assert "costs" not in plain
    assert dear["costs"] == {"sha256": DEAR.sha256, "values": DEAR.to_dict()}
    assert plain["programs"]["train"]["sha256"] != dear["programs"]["train"]["sha256"]
    result = invoke("compile", "small.yaml", "-o", "portable", "--calibrated")
    assert result.exit_code == 2
    assert "target portable: expected cpu" in result.stderr
    assert not (place / "portable").exists()


def test_a_calibrated_run_goes_on_and_is_reproduced_without_the_cache(place):
    path = cache.keep(DEAR)
    result = invoke("train", "small.yaml", "-o", "run", "-q", "--calibrated")
    assert result.exit_code == 0, result.stderr
    manifest = json.loads((place / "run" / "manifest.json").read_text())
    assert manifest["costs"]["sha256"] == DEAR.sha256
    path.unlink()
    result = invoke("train", "small.yaml", "-o", "run", "-q", "--calibrated", "--resume")
    assert result.exit_code == 0, result.stderr
    assert invoke("reproduce", "run", "-q").exit_code == 0
    assert json.loads((place / "run-again" / "manifest.json").read_text()) == manifest
