"""Runs find their data from other folders, and after they or the data were moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from specc.runs.folder import RunFolder
from tests.app.console import TINY, invoke


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data, and a run trained in their folder without `--data`; the current folder is another."""
    folder = tmp_path / "project"
    (folder / "files").mkdir(parents=True)
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    y = (x[:, 0] > 0.5).astype(int)
    np.savez(folder / "files" / "data.npz", x=x[:40], y=y[:40], x_test=x[40:], y_test=y[40:])
    (folder / "tiny.yaml").write_text(TINY.replace("data.npz", "files/data.npz"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(folder)
    assert invoke("train", "tiny.yaml", "-o", "runs/a", "--set=train.epochs=1").exit_code == 0
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def works(run: Path) -> None:
    """Every command that reads the data of a run finds it."""
    accuracy = f"accuracy {RunFolder(run).record()['test']['accuracy']:.4f}"
    done = invoke("evaluate", run)
    assert (done.exit_code, accuracy in done.stdout) == (0, True), done.output
    page = run / "report.html"
    assert invoke("report", run).exit_code == 0
    assert "expected a file at" not in page.read_text(encoding="utf-8")
    again = invoke("reproduce", run, "--json", "-o", run.with_name("again"))
    assert (again.exit_code, json.loads(again.stdout)["same"]) == (0, True), again.output
    # The new run knows where the data was, too.
    assert invoke("evaluate", run.with_name("again")).exit_code == 0
    assert invoke("data", run).exit_code == 0


def test_from_another_folder(project: Path) -> None:
    works(project / "runs" / "a")


def test_the_run_was_moved(project: Path, tmp_path: Path) -> None:
    works(shutil.move(project / "runs" / "a", tmp_path / "elsewhere" / "b"))


def test_all_was_moved(project: Path) -> None:
    works(project.rename(project.with_name("moved")) / "runs" / "a")


def test_the_folder_that_data_named_was_moved(project: Path, tmp_path: Path) -> None:
    run = project / "runs" / "named"
    done = invoke("train", project / "tiny.yaml", "-o", run, "--data", project)
    assert done.exit_code == 0, done.output
    works(project.rename(tmp_path / "moved") / "runs" / "named")


def test_the_current_folder_comes_last(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.move(project / "runs" / "a", tmp_path / "b")
    moved = project.rename(tmp_path / "moved")
    done = invoke("evaluate", run)
    assert done.exit_code == 2
    assert f"expected a file at {project / 'files' / 'data.npz'}, found none" in done.stderr
    assert "name the folder that holds it with --data" in done.stderr
    assert f"not below {tmp_path / 'files'}" not in done.stderr
    assert str(tmp_path / "elsewhere") in done.stderr
    monkeypatch.chdir(moved)
    assert invoke("evaluate", run).exit_code == 0
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert invoke("evaluate", run, "--data", moved).exit_code == 0


def test_resume_by_the_run_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`specc train RUN --resume` means that run, not the newest `runs/tiny-...`."""
    monkeypatch.chdir(project)
    done = invoke("train", "tiny.yaml", "-o", "runs/b", "--set=train.epochs=3", "--max-minutes=0")
    assert done.exit_code == 0, done.output
    whole = project / "runs" / "b"
    record = json.loads((whole / "run.json").read_text())
    (whole / "run.json").write_text(json.dumps(record | {"finished": False}))
    monkeypatch.chdir(project.with_name("elsewhere"))
    done = invoke("train", whole, "--resume", "--json")
    assert (done.exit_code, json.loads(done.stdout)["run"]) == (0, str(whole)), done.output
    assert RunFolder(whole).record()["finished"]
    # A run's spec begins a new run with the same data.
    done = invoke("train", whole, "-o", "new", "--set=train.epochs=1")
    assert done.exit_code == 0, done.output
