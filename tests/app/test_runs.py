"""`specc data`, `runs`, `reproduce`. Oracles: the arrays and files that were written."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from tests.app.console import TINY, invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A spec with data, and two runs of it that differ in the learning rate."""
    made = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    np.savez(made / "data.npz", x=x, y=(x[:, 0] > 0.5).astype(int), x_test=x[:20],
             y_test=(x[:20, 0] > 0.5).astype(int))  # fmt: skip
    (made / "tiny.yaml").write_text(TINY)
    for name, rate in (("slow", 0.001), ("fast", 0.5)):
        done = invoke(
            "train", made / "tiny.yaml", "--data", made, "-q", "-o", made / "runs" / name,
            f"--set=train.optimizer={{sgd: {rate}}}",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    return made


def table(text):
    return [line.split() for line in text.splitlines()]


def test_data(folder):
    done = invoke("data", folder / "tiny.yaml", "--data", folder)
    assert done.exit_code == 0, done.output
    lines = table(done.stdout)
    assert lines[0] == ["split", "array", "samples", "shape", "type", "min", "mean", "max"]
    assert ["train", "x", "60", "4", "float32"] in [line[:5] for line in lines]
    assert any(line[:2] == ["test", "dense_1"] for line in lines)
    found = json.loads(invoke("data", folder / "tiny.yaml", "--data", folder, "--json").stdout)
    with np.load(folder / "data.npz") as arrays:
        x, y = arrays["x"], arrays["y"]
    column = found["train"]["inputs"]["x"]
    assert (column["min"], column["max"]) == (float(x.min()), float(x.max()))
    assert column["mean"] == pytest.approx(float(x.mean()), rel=1e-5)
    classes = found["train"]["targets"]["dense_1"]["classes"]
    assert classes == {"0": int((y == 0).sum()), "1": int((y == 1).sum())}


def test_picture_of_a_batch(folder, tmp_path):
    image = pytest.importorskip("PIL.Image")
    from specc.data.looking import picture

    pixels = np.random.default_rng(0).random((3, 4, 5, 1)).astype(np.float32)
    (tmp_path / "a.png").write_bytes(picture(pixels, ["a", "b", "c"]))
    with image.open(tmp_path / "a.png") as sheet:
        found = np.asarray(sheet)
    scale = -(-56 // 5)
    tile = found[4 : 4 + 4 * scale : scale, 4 : 4 + 5 * scale : scale]
    np.testing.assert_array_equal(tile[..., 0], np.floor(pixels[0, ..., 0] * 255 + 0.5))
    done = invoke("data", folder / "tiny.yaml", "--data", folder, "-o", tmp_path / "b.png")
    assert (done.exit_code, "expected images (n, height" in done.stderr) == (2, True)


def test_data_of_a_spec_without(tmp_path):
    (tmp_path / "a.yaml").write_text("{specc: 1, inputs: {x: [2]}, layers: [{dense: 1}]}")
    done = invoke("data", tmp_path / "a.yaml")
    assert (done.exit_code, "there is no `data:` section" in done.stderr) == (2, True)


def test_runs_are_ranked(folder):
    done = invoke("runs", folder / "runs")
    assert done.exit_code == 0, done.output
    lines = table(done.stdout)
    assert [line[0].rpartition("/")[2] for line in lines[1:]] == ["fast", "slow"]
    assert lines[1][1] == "3/3"
    found = json.loads(invoke("runs", folder / "runs", "--by=test_accuracy", "--json").stdout)
    scores = [each["results"]["test_accuracy"] for each in found["runs"]]
    assert scores == sorted(scores, reverse=True)


def test_runs_are_compared(folder):
    paths = folder / "runs" / "fast", folder / "runs" / "slow"
    found = json.loads(invoke("runs", *paths, "--compare", "--json").stdout)
    assert found["differences"] == {"train.optimizer.sgd.learning_rate": [0.5, 0.001]}
    done = invoke("runs", *paths, "--compare")
    assert "train.optimizer.sgd.learning_rate 0.5 0.001" in " ".join(done.stdout.split())


def test_what_is_no_run(folder, tmp_path):
    done = invoke("runs", tmp_path)
    assert (done.exit_code, "expected a run, or a folder of runs" in done.stderr) == (2, True)
    done = invoke("runs", folder / "runs", "--by=val_los")
    assert (done.exit_code, "found 'val_los'" in done.stderr) == (2, True)


def test_a_damaged_run_among_others_is_left_out(folder, tmp_path):
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "slow" / "run.json").write_text("{")
    done = invoke("runs", tmp_path / "runs")
    assert [line[0].rpartition("/")[2] for line in table(done.stdout)[1:]] == ["fast"]
    assert (done.exit_code, done.stderr.count("left out: ")) == (0, 1)
    assert "slow/run.json: no JSON" in done.stderr
    (tmp_path / "runs" / "fast" / "run.json").write_text("{")
    done = invoke("runs", tmp_path / "runs")
    assert (done.exit_code, "found damaged ones only" in done.stderr) == (2, True)


def test_a_run_stands_for_its_spec(folder):
    fast, slow = folder / "runs" / "fast", folder / "runs" / "slow"
    for command in ("summary", "explain"):
        done = invoke(command, fast)
        assert done.stdout == invoke(command, fast / "spec.yaml").stdout
        assert (done.exit_code, done.stderr) == (0, "")
    assert (
        "{learning_rate: 0.5}} -> {sgd: {learning_rate: 0.001}}"
        in invoke("diff", fast, slow).stdout
    )
    done = invoke("summary", folder / "runs")
    assert (done.exit_code, "cannot be read: Is a directory" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", None), ("threads", "2"), ("environment", "3.11"), ("test", {"loss": "0.5"})],
)
def test_a_record_that_is_damaged(folder, tmp_path, field, value):
    run = tmp_path / "run"
    shutil.copytree(folder / "runs" / "fast", run)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {field: value}))
    for command in ("runs", "reproduce", "report"):
        done = invoke(command, run)
        assert (done.exit_code, f"run.json: {field}" in done.stderr) == (2, True), done.output


@pytest.mark.parametrize(
    ("path", "value"),
    [("tensor", ["weights"]), ("shape", ["x"]), ("start", []), ("elements.0.name", [1]),
     ("elements.0.offset", -1), ("elements.0.storage.order", [0, 0]),
     ("elements.0.shape", [999])],
)  # fmt: skip
def test_a_manifest_that_is_damaged(folder, tmp_path, path, value):
    run = tmp_path / "run"
    shutil.copytree(folder / "runs" / "fast", run)
    manifest = json.loads((run / "manifest.json").read_text())
    *outer, last = path.split(".")
    at = manifest["state"][0]
    for key in outer:
        at = at[int(key) if key.isdigit() else key]
    at[last] = value
    (run / "manifest.json").write_text(json.dumps(manifest))
    done = invoke("evaluate", run, "--data", folder)
    assert (done.exit_code, "the manifest is damaged" in done.stderr) == (2, True), done.output


def test_reproduce(folder, tmp_path):
    run = folder / "runs" / "fast"
    done = invoke("reproduce", run, "-q", "-o", tmp_path / "again")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "model.onnx: the same bytes", "metrics.csv: the same bytes",
        "last checkpoint: the same bytes",
    ]  # fmt: skip
    (run / "metrics.csv").write_text((run / "metrics.csv").read_text() + "\n")
    done = invoke("reproduce", run, "-q", "-o", tmp_path / "more", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["agree"]["metrics.csv"] is False


def test_reproduce_tells_of_a_spec_that_was_edited(folder, tmp_path):
    shutil.copytree(folder / "runs" / "slow", tmp_path / "run")
    path = tmp_path / "run" / "spec.yaml"
    path.write_text(path.read_text().replace("learning_rate: 0.001", "learning_rate: 0.002"))
    done = invoke("reproduce", tmp_path / "run", "-q")
    assert done.exit_code == 2
    assert re.match(r"spec\.yaml: [0-9a-f]{12} then, [0-9a-f]{12} now\n", done.stdout)
