"""`--allow-internal-ops` of `compile` and `train`. Oracles: files that were written."""

from __future__ import annotations

import json

import pytest

from specc import internal
from specc.bench import steps
from specc.errors import RuntimeSetupError
from specc.internal import internal_ops
from specc.targets.blocks import InternalOps
from tests.app.console import invoke
from tests.test_internal import SPEC


@pytest.fixture
def place(tmp_path, monkeypatch):
    try:
        internal_ops()
    except RuntimeSetupError as error:
        pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blocks.yaml").write_text(SPEC)
    return tmp_path


def test_compiled_with_and_without(place):
    for name, options in (("plain", []), ("allowed", ["--allow-internal-ops"])):
        result = invoke("compile", "blocks.yaml", "-o", name, "--target", "cpu", *options)
        assert result.exit_code == 0, result.stderr
    plain, allowed = (
        json.loads((place / name / "manifest.json").read_text()) for name in ("plain", "allowed")
    )
    assert "internal" not in plain
    assert not (place / "plain/train_full.onnx").exists()
    assert InternalOps.of(allowed["internal"]) == internal_ops()
    assert (place / "allowed/train_full.onnx").is_file()
    result = invoke("compile", "blocks.yaml", "-o", "portable", "--allow-internal-ops")
    assert result.exit_code == 2
    assert "target portable: expected cpu" in result.stderr
    assert not (place / "portable").exists()


def test_a_run_goes_on_and_is_reproduced_without_the_option(place):
    options = ("-q", "--set", "train.epochs=2")
    result = invoke("train", "blocks.yaml", "-o", "run", *options, "--allow-internal-ops")
    assert result.exit_code == 0, result.stderr
    assert invoke("train", "blocks.yaml", "-o", "run", *options, "--resume").exit_code == 0
    assert invoke("reproduce", "run", "-q").exit_code == 0


def test_timed_beside_the_targets(place, monkeypatch):
    monkeypatch.setattr(steps, "TURN_SECONDS", 0.0)
    for options, names in (([], []), (["--allow-internal-ops"], ["cpu,"])):
        lines = invoke("bench", "blocks.yaml", "--rounds", 1, *options).stdout.splitlines()
        found = [line.split()[0] for line in lines[1:5]]
        assert [each for each in found if each == "cpu,"] == names


def test_where_there_are_none(place, monkeypatch):
    def none():
        raise RuntimeSetupError("internal operators: none here; train without them")

    monkeypatch.setattr(internal, "internal_ops", none)
    for command in ("compile", "train"):
        result = invoke(command, "blocks.yaml", "-o", "out", "--allow-internal-ops")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith("none here; train without them\n")
        assert not (place / "out").exists()
