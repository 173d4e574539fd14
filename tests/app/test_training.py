"""train, evaluate, run."""

import csv
import json
import re
import shutil

import numpy as np
import onnxruntime
import pytest

import specc.runs.training
from specc.network import open_spec
from tests.app.console import invoke


def test_train_prints_the_run_and_its_figures(tiny):
    result = invoke("train", "tiny.yaml", "-o", "run")
    assert result.exit_code == 0
    lines = dict(line.split() for line in result.stdout.splitlines())
    assert list(lines) == ["run", "test_loss", "test_accuracy"]
    assert lines["run"] == "run"
    assert re.fullmatch(r"[01]\.\d{4}", lines["test_accuracy"])
    assert "training tiny in run\n" in result.stderr
    assert "Epoch 3/3" in result.stderr
    assert (tiny / "run" / "model.onnx").is_file()


def test_train_into_a_new_folder_and_resume_the_newest(tiny):
    first = invoke("train", "tiny.yaml", "--quiet")
    assert first.stderr == ""
    second = invoke("train", "tiny.yaml", "--quiet", "--seed", 5)
    folders = [r.stdout.splitlines()[0].removeprefix("run ") for r in (first, second)]
    assert re.fullmatch(r"runs/tiny-\d{4}-\d\d-\d\d-1", folders[0])
    assert re.fullmatch(r"runs/tiny-\d{4}-\d\d-\d\d-2", folders[1])
    assert first.stdout.splitlines()[1:] != second.stdout.splitlines()[1:]
    again = invoke("train", "tiny.yaml", "--resume", "--seed", 5)
    assert (again.exit_code, again.stdout) == (0, second.stdout)
    assert "has finished; nothing to do" in again.stderr
    assert invoke("train", "tiny.yaml", "--resume", "--quiet").exit_code == 2  # another seed


def test_train_with_changes_as_json(tiny):
    result = invoke(
        "train", "tiny.yaml", "-o", "run", "--set", "train.epochs=2",
        "--set", "train.validation_split=0.25", "--seed", 3, "--json", "--quiet",
    )  # fmt: skip
    found = json.loads(result.stdout)
    assert found["run"] == "run"
    assert {name: len(values) for name, values in found["history"].items()} == {
        "loss": 2, "accuracy": 2, "val_loss": 2, "val_accuracy": 2,
    }  # fmt: skip
    assert set(found["test"]) == {"loss", "accuracy"}
    spec, _ = open_spec(tiny / "run" / "spec.yaml")
    assert (spec.train.epochs, spec.train.seed) == (2, 3)


def test_train_refuses_a_folder_that_exists(tiny):
    (tiny / "run").mkdir()
    (tiny / "run" / "mine").touch()
    result = invoke("train", "tiny.yaml", "-o", "run", "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--resume" in result.stderr


def test_train_with_missing_data(tiny):
    (tiny / "data.npz").unlink()
    result = invoke("train", "tiny.yaml", "-o", "run", "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "data.npz" in result.stderr
    assert not (tiny / "run").exists()


def test_resume_starts_a_run_where_there_is_none(tiny):
    result = invoke("train", "tiny.yaml", "--resume")
    assert result.exit_code == 0
    assert "starting from the beginning" in result.stderr


def test_train_looks_for_data_in_a_folder(tiny):
    (tiny / "elsewhere").mkdir()
    shutil.move(tiny / "data.npz", tiny / "elsewhere")
    result = invoke("train", "tiny.yaml", "-o", "run", "--data", "elsewhere", "--quiet")
    assert result.exit_code == 0
    assert invoke("evaluate", "run").exit_code == 0  # the run remembers it
    shutil.move(tiny / "elsewhere", tiny / "other")
    assert invoke("evaluate", "run").exit_code == 2
    assert invoke("evaluate", "run", "--data", "other").exit_code == 0


def interrupting(error, folder=None):
    def train(spec, run, **options):
        if folder is not None:
            (folder / run).mkdir()
            (folder / run / "run.json").touch()
        raise error

    return train


def test_an_interrupted_run_says_how_to_go_on(tiny, monkeypatch):
    stopped = interrupting(KeyboardInterrupt, tiny)
    monkeypatch.setattr(specc.runs.training, "train", stopped)
    result = invoke(
        "train",
        "tiny.yaml",
        "-o",
        "my run",
        "--set",
        "train.epochs=2",
        "--seed",
        1,
        "--quiet",
        "--report",
    )
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == (
        "stopped; to go on: specc train tiny.yaml -o 'my run' --resume --set=train.epochs=2 "
        "--seed=1 --report\n"
    )


def test_a_run_that_never_began_says_so(tiny, monkeypatch):
    monkeypatch.setattr(specc.runs.training, "train", interrupting(KeyboardInterrupt))
    result = invoke("train", "tiny.yaml", "--quiet")
    assert (result.exit_code, result.output) == (130, "interrupted\n")


def test_evaluate_prints_a_line_for_each_metric(trained, monkeypatch):
    monkeypatch.chdir(trained)
    result = invoke("evaluate", "run")
    assert (result.exit_code, result.stderr) == (0, "")
    loss, accuracy = (line.split() for line in result.stdout.splitlines())
    # Oracle: model.onnx on the test split, in plain NumPy.
    session = onnxruntime.InferenceSession("run/model.onnx", providers=["CPUExecutionProvider"])
    (p,) = session.run(None, {"x": np.load("x.npy")})
    y = np.load("y.npy")
    assert loss[0] == "loss"
    assert float(loss[1]) == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), abs=6e-5)
    assert accuracy == ["accuracy", f"{(p.argmax(axis=1) == y).mean():.4f}"]
    found = json.loads(invoke("evaluate", "run", "--json").stdout)
    assert f"{found['accuracy']:.4f}" == accuracy[1]
    assert invoke("evaluate", "run", "--checkpoint", "best").exit_code == 0


def test_evaluate_without_a_run(workplace):
    result = invoke("evaluate", "nothing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected a run" in result.stderr


def test_run_shows_the_likeliest_classes(trained, monkeypatch):
    monkeypatch.chdir(trained)
    result = invoke("run", "run", "x.npy", "--top", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    header, *rows = (line.split() for line in result.stdout.splitlines())
    assert header == ["input", "1"]
    found = json.loads(invoke("run", "run", "x.npy", "--json").stdout)["predictions"]
    assert [row[0] for row in rows] == [p["input"] for p in found]
    assert [int(row[1]) for row in rows] == [int(np.argmax(p["outputs"]["dense_1"])) for p in found]


def test_run_writes_a_file(trained, monkeypatch, tmp_path):
    monkeypatch.chdir(trained)
    path = tmp_path / "out.csv"
    result = invoke("run", "run", "x.npy", "-o", path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"wrote {path}\n")
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["input", "dense_1[0]", "dense_1[1]"]
    assert len(rows) == 33
    result = invoke("run", "run", "x.npy", "-o", "out.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "found .txt" in result.stderr


def test_run_on_a_compiled_folder(trained, monkeypatch, tmp_path):
    monkeypatch.chdir(trained)
    assert invoke("compile", "tiny.yaml", "-o", tmp_path / "out").exit_code == 0
    assert invoke("run", tmp_path / "out", "x.npy").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "missing.npy"], "missing.npy: expected a file, found none"),
        (["run", "."], ".: expected pictures (PNG or JPEG) in the folder, found none"),
        (["run", "tiny.yaml"], "tiny.yaml: expected .png"),
        (["tiny.yaml", "x.npy"], "found no manifest.json"),
    ],
)
def test_run_on_what_it_cannot_read(trained, monkeypatch, arguments, message):
    monkeypatch.chdir(trained)
    result = invoke("run", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="has CUDA"
)
def test_a_device_that_is_not_there_is_an_error(trained, monkeypatch):
    monkeypatch.chdir(trained)
    for arguments in (["run", "run", "x.npy"], ["evaluate", "run"]):
        result = invoke(*arguments, "--device", "cuda")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "no CUDA provider" in result.stderr
