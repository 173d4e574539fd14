"""Sweeps and the learning-rate finder."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from specc.checkpoint import load as load_checkpoint
from specc.errors import RunError
from specc.runs.folder import RunFolder
from specc.runs.locking import Lock
from specc.runs.spaces import Space
from specc.runs.sweep import Sweep
from specc.runs.trials import Trial, drawn
from specc.session import default_threads
from specc.web.charts import LEFT, RIGHT, WIDTH
from tests.app.console import TINY, invoke


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("train.epochs=2..8", Space("train.epochs", (), 2, 8, whole=True)),
        ("a=1e-4..1e-2:log", Space("a", (), 1e-4, 1e-2, log=True)),
        ("a=0..1:0.25", Space("a", (), 0, 1, step=0.25)),
        ("a=16..128:16", Space("a", (), 16, 128, step=16, whole=True)),
        ("layers[0].dense.activation=relu,tanh", Space("layers[0].dense.activation",
                                                       ("relu", "tanh"))),
        ("train.optimizer={sgd: 0.1},{adam: [1, 2]}", Space("train.optimizer",
                                                            ("{sgd: 0.1}", "{adam: [1, 2]}"))),
    ],
)  # fmt: skip
def test_ranges_and_choices(written, expected):
    assert Space.of(written) == expected


@pytest.mark.parametrize(
    "written", ["a", "a=", "a=3..2", "a=0..1:log", "a=x..y", "a=1..2:often", "a=1..inf"]
)
def test_wrong_ranges(written):
    with pytest.raises(RunError, match="expected"):
        Space.of(written)


class Parabola(Sweep):
    """Trials that train nothing: (x - 3)^2, and a failure for x > 9."""

    def _train(self, number, settings, threads):
        x = float(settings[0].partition("=")[2])
        self.seen.append(x)
        return None if x > 9 else (x - 3) ** 2

    seen: list


SVG = "{http://www.w3.org/2000/svg}"
RATE = "train.optimizer.sgd.learning_rate"


def parabola(folder, by="val_loss"):
    (folder / "a.yaml").write_text(TINY)
    made = Parabola(folder / "a.yaml", folder / "sweep", [Space.of(f"{RATE}=0.0..10.0")], by)
    made.seen = []
    return made


def rows(folder):
    with (folder / "sweep" / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_goes_on_where_it_stopped(tmp_path):
    pytest.importorskip("optuna")
    first = parabola(tmp_path)
    first.run(4)
    again = parabola(tmp_path)
    found = again.run(12, parallel=2)
    assert (len(first.seen), len(again.seen), len(found)) == (4, 8, 12)
    assert len({*first.seen, *again.seen}) == 12
    values = [float(row["val_loss"]) for row in rows(tmp_path) if row["val_loss"]]
    assert values == sorted(values)
    tried = sorted(float(row[RATE]) for row in rows(tmp_path))
    assert tried == sorted(first.seen + again.seen)
    best = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["best"]
    assert best["value"] == values[0] == (best["settings"][RATE] - 3) ** 2
    with pytest.raises(RunError, match="holds a sweep of other settings"):
        parabola(tmp_path, by="val_accuracy").run(13)


def test_a_killed_trial_is_run_again(tmp_path):
    pytest.importorskip("optuna")
    made = parabola(tmp_path)

    def killed(number, settings, threads):
        made.seen.append(settings)
        raise KeyboardInterrupt

    made._train = killed  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(KeyboardInterrupt):
        made.run(1)
    again = parabola(tmp_path)
    again.run(1)
    assert [[f"{RATE}={x}"] for x in again.seen] == made.seen


def test_what_is_tried_does_not_depend_on_stops(tmp_path):
    """All at once, in three calls, and with a stop in the middle of the third."""
    pytest.importorskip("optuna")
    for name in ("whole", "parts", "stopped"):
        (tmp_path / name).mkdir()
    whole, parts = parabola(tmp_path / "whole"), parabola(tmp_path / "parts")
    whole.run(12)
    for trials in (1, 5, 12):
        parts.run(trials)
    assert parts.seen == whole.seen
    stopped = parabola(tmp_path / "stopped")

    def third(number, settings, threads):
        if number == 2:
            raise KeyboardInterrupt
        return Parabola._train(stopped, number, settings, threads)

    stopped._train = third  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(KeyboardInterrupt):
        stopped.run(12)
    assert [t.number for t in sorted(stopped.found(), key=lambda t: t.number)] == [0, 1]
    again = parabola(tmp_path / "stopped")
    again.run(12)
    assert stopped.seen + again.seen == whole.seen


def test_each_choice_is_tried_once_before_any_is_tried_again(tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "a.yaml").write_text(TINY)
    tried = []

    class Noted(Sweep):
        def _train(self, number, settings, threads):
            tried.append(tuple(settings))
            return float(len(tried))

    spaces = [Space.of("layers[0].dense.units=2..4"), Space.of("train.batch_size=8,16")]
    Noted(tmp_path / "a.yaml", tmp_path / "sweep", spaces).run(7)
    assert (len(set(tried[:6])), len(tried)) == (6, 7)
    runs = [t.run.name for t in Noted(tmp_path / "a.yaml", tmp_path / "sweep", spaces).found()]
    assert sorted(runs) == [f"trial-{i:04d}" for i in range(7)]


def test_a_folder_of_other_things(tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "letter.txt").touch()
    with pytest.raises(RunError, match=r"expected a sweep, found 'letter\.txt'"):
        parabola(tmp_path).run(1)


def test_the_drawing():
    """Places are computed again: log10 of a rate, the number of a choice."""
    spaces = [Space.of("rate=1e-4..1e-2:log"), Space.of("act=relu,tanh"), Space.of("epochs=3")]
    found = [
        Trial(0, {"rate": 1e-4, "act": "relu", "epochs": "3"}, 3.0, Path("a")),
        Trial(1, {"rate": 1e-3, "act": "tanh", "epochs": "3"}, None, Path("b")),
        Trial(2, {"rate": 1e-2, "act": "tanh", "epochs": "3"}, 1.0, Path("c")),
        Trial(3, {"rate": 1e-3, "act": "tanh", "epochs": "3"}, 2.0, Path("d")),
    ]
    root = ElementTree.fromstring(drawn(found, "val_<loss>", spaces))
    panels = root.findall(f"{SVG}g/{SVG}svg")
    assert len(panels) == 3  # the trials, the rate, the activation; what does not vary has none
    middle = (LEFT + WIDTH - RIGHT) / 2
    for panel, expected in ((panels[1], [LEFT, WIDTH - RIGHT, middle]),
                            (panels[2], [LEFT + 94, LEFT + 282, LEFT + 282])):  # fmt: skip
        dots = panel.findall(f"{SVG}circle")
        np.testing.assert_allclose([float(dot.get("cx")) for dot in dots], expected, atol=0.06)
        heights = [float(dot.get("cy")) for dot in dots]
        assert heights[2] == pytest.approx((heights[0] + heights[1]) / 2, abs=0.11)
        assert [dot.get("class") for dot in dots] == ["dots", "fill", "dots"]
    texts = [text.text for text in panels[1].findall(f"{SVG}text")]
    assert texts[:3] == ["1e-4", "1e-3", "1e-2"]
    assert panels[0].find(f"{SVG}title").text == "val_<loss> by trial; the best is 1 of trial 2"
    assert ElementTree.fromstring(drawn([], "loss")).find(f"{SVG}title").text == "loss of 0 trials"


def heights(values, by="val_loss"):
    """(the first panel, cy of its dots, number of its triangles, labels left of it)."""
    found = [Trial(i, {}, value, Path("a")) for i, value in enumerate(values)]
    panel = ElementTree.fromstring(drawn(found, by)).find(f"{SVG}g/{SVG}svg")
    texts = panel.findall(f"{SVG}text")
    return (
        [float(dot.get("cy")) for dot in panel.findall(f"{SVG}circle")],
        [each for each in panel.findall(f"{SVG}path") if each.get("class") == "dots"],
        [each.text for each in texts if each.get("text-anchor") == "end"],
        texts[-1].text,
    )


@pytest.mark.parametrize(("by", "sign"), [("val_loss", 1.0), ("val_accuracy", -1.0)])
def test_a_trial_that_went_astray_is_drawn_on_the_edge(by, sign):
    """Without it the others lie where they did; 0.9 is within ten times the median's distance."""
    values = [sign * each for each in (0.1, 0.3, 0.2, 0.9, 0.15)]
    cy, none, _, label = heights(values, by)
    assert (none, label) == ([], by)
    astray, triangles, ticks, label = heights([*values, sign * 1e6], by)
    np.testing.assert_allclose(astray, cy, atol=0.06)
    (triangle,) = triangles
    edge = float(triangle.get("d").partition(" ")[2].partition("h")[0])
    assert edge == pytest.approx(cy[3], abs=0.06)
    assert triangle.find(f"{SVG}title").text.startswith(f"trial 5: {by} {sign * 1e6:.4g}")
    assert max(abs(float(each)) for each in ticks) < 1
    assert label == f"{by} ({'▲ more' if sign > 0 else '▼ less'} than shown)"


def test_results_of_several_powers_of_ten():
    """Their logarithms are equally far apart; those of the lower side are never cut off."""
    cy, triangles, ticks, _ = heights([1e-4, 1e-3, 1e-2, 1e-1, 1e-1, 1e-1])
    assert triangles == []
    np.testing.assert_allclose(np.diff(cy)[:3], (cy[3] - cy[0]) / 3, atol=0.11)
    assert ticks == ["1e-4", "1e-3", "1e-2", "1e-1"]
    cy, _, ticks, _ = heights([-1e-4, 1e-3, 1e-2, 1e-1, 1e-1, 1e-1])  # no logarithm of the first
    assert cy[1] - cy[2] < (cy[2] - cy[3]) / 9
    assert "1e-3" not in ticks


@pytest.fixture
def tiny(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=(x[:, 0] > 0.5).astype(int))
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def test_real_runs(tiny):
    """One of the two trials diverges; the settings of the other are those with the result."""
    pytest.importorskip("optuna")
    done = invoke(
        "sweep", tiny / "tiny.yaml", "--data", tiny, "-o", tiny / "s", "--trials=2", "--parallel=2",
        "--by=loss", "--set=train.optimizer={sgd: 0.5},{sgd: 1e30}", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [each["settings"]["train.optimizer"] for each in found] == ["{sgd: 0.5}", "{sgd: 1e30}"]
    assert [each["value"] is None for each in found] == [False, True]
    assert "the loss is nan" in done.stderr
    assert (tiny / "s" / "sweep.svg").is_file()
    assert (tiny / "s" / f"trial-{found[0]['trial']:04d}" / "model.onnx").is_file()


def test_processors_are_shared(tiny, monkeypatch):
    """5 of them among 2 runs; later calls of the sweep keep the share, and runs record it."""
    pytest.importorskip("optuna")
    monkeypatch.setattr("specc.runs.sweep.default_threads", lambda: 5)
    command = ["sweep", tiny / "tiny.yaml", "--data", tiny, "-o", tiny / "s", "--by=loss",
               "--set=train.batch_size=16,30,60"]  # fmt: skip
    assert invoke(*command, "--trials=1", "--parallel=2").exit_code == 0
    assert invoke(*command, "--trials=2").exit_code == 0
    other = invoke(*command, "--trials=3", "--threads=4")
    assert (other.exit_code, "expected 2, which this sweep" in other.stderr) == (2, True)
    assert invoke(*command, "--trials=3", "--threads=2", "--parallel=6").exit_code == 0
    runs = sorted((tiny / "s").glob("trial-*"))
    assert [RunFolder(run).record()["threads"] for run in runs] == [2, 2, 2]
    # A run outside of the sweep with as many threads has the same bytes.
    again = invoke("reproduce", runs[0], "--json")
    assert (again.exit_code, json.loads(again.stdout)["same"]) == (0, True), again.output


@pytest.mark.parametrize(
    ("asked", "parallel", "expected"), [(None, 1, 5), (None, 2, 2), (None, 9, 1), (3, 2, 3)]
)
def test_threads_of_a_trial(tmp_path, monkeypatch, asked, parallel, expected):
    pytest.importorskip("optuna")
    monkeypatch.setattr("specc.runs.sweep.default_threads", lambda: 5)
    made, found = parabola(tmp_path), []
    made.threads = asked
    made._train = lambda number, settings, threads: found.append(threads)  # pyright: ignore[reportAttributeAccessIssue]
    made.run(1, parallel)
    assert found == [expected]
    assert json.loads((tmp_path / "sweep" / "settings.json").read_text())["threads"] == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--set=train.optimizer={sgd: 1},{sgf: 1}"], "did you mean 'sgd'?"),
        (["--set=train.optimizer.sdg.learning_rate=0..1"], "did you mean 'sgd'?"),
        (["--set=train.batch_size=0..3"], "train.batch_size"),
        (["--set=train.epochs=1..3", "--set=train.epochs=4"], "expected it once"),
    ],
)
def test_settings_that_no_trial_can_have_are_told_before_any(tiny, arguments, expected):
    pytest.importorskip("optuna")
    done = invoke("sweep", tiny / "tiny.yaml", "-o", tiny / "s", *arguments)
    assert (done.exit_code, expected in done.stderr) == (2, True), done.output
    assert not (tiny / "s").exists()


def test_a_result_that_no_run_has(tiny):
    pytest.importorskip("optuna")
    command = ["sweep", tiny / "tiny.yaml", "--data", tiny, "-o", tiny / "s", "--trials=2",
               "--set=train.epochs=1..2"]  # fmt: skip
    done = invoke(*command, "--by=accurac")
    assert (done.exit_code, "did you mean 'accuracy'?" in done.stderr) == (2, True), done.output
    done = invoke(*command, "--by=accuracy", "--json")
    assert (done.exit_code, len(json.loads(done.stdout))) == (0, 2), done.output


def test_only_failures(tiny):
    pytest.importorskip("optuna")
    done = invoke("sweep", tiny / "tiny.yaml", "-o", tiny / "s", "--trials=1", "--by=loss",
                  "--set=train.epochs=1..2")  # fmt: skip
    assert done.exit_code == 2
    assert "all 1 failed" in done.stderr
    assert "data.npz" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="nothing is locked there")
def test_a_trial_that_a_killed_sweep_left_training_is_waited_for(tiny):
    pytest.importorskip("optuna")
    said: list[str] = []

    def note(text):
        said.append(text)
        if "waiting" in text:
            left.release()

    spaces = [Space.of("train.epochs=1..2")]
    made = Sweep(tiny / "tiny.yaml", tiny / "s", spaces, "loss", options=["--data", str(tiny)],
                 note=note)  # fmt: skip
    made.run(0)
    left = Lock(tiny / "s" / "trial-0000")
    left.create()
    (trial,) = made.run(1)
    assert trial.value is not None
    assert said[2].endswith("trial-0000: another process trains it; waiting for its end")


@pytest.mark.skipif(os.name == "nt", reason="nothing is locked there")
def test_one_process_at_a_sweep(tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "sweep").mkdir()
    with (
        Lock(tmp_path / "sweep"),
        pytest.raises(RunError, match=r"expected a sweep that nobody runs, found another process"),
    ):
        parabola(tmp_path).run(1)
    parabola(tmp_path).run(1)
    assert len(rows(tmp_path)) == 1


def test_no_trial_begins_while_a_sweep_stops(tmp_path, monkeypatch):
    made = Sweep(tmp_path / "a.yaml", tmp_path / "s", [])
    monkeypatch.setattr("specc.runs.sweep.subprocess.Popen", None)
    made._stop(0.0)
    assert made._train(0, [], 1) is None


HASTY = "import specc.app, specc.runs.sweep as s; s.PATIENCE = 0.5; specc.app.main()"


@pytest.mark.skipif(os.name == "nt", reason="there are no signals of that kind")
@pytest.mark.parametrize("whole", [True, False], ids=["terminal", "kill"])
def test_ctrl_c_and_on(tiny, whole):
    """From a terminal, where every process hears it, and from `kill`, where one does."""
    pytest.importorskip("optuna")
    command = [
        sys.executable, "-c", HASTY, "sweep", "tiny.yaml", "-o", "s",
        "--trials=2", "--parallel=2", "--by=loss", "--set=train.epochs=100000,100001",
    ]  # fmt: skip
    child = subprocess.Popen(
        command, cwd=tiny, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True
    )
    metrics = [tiny / "s" / f"trial-000{i}" / "metrics.csv" for i in range(2)]
    until = time.monotonic() + 60
    while not all(path.is_file() for path in metrics) and time.monotonic() < until:
        time.sleep(0.05)
    (os.killpg if whole else os.kill)(child.pid, signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    share = max(1, default_threads() // 2)
    assert said.splitlines() == [
        f"searching in s: 2 of 2 trials to go, 2 at a time, {share} thread{'s'[: share - 1]} each",
        "stopped after 0 of 2 trials; the same command goes on",
    ]
    for i in range(2):
        run = RunFolder(tiny / "s" / f"trial-000{i}")
        done = len(run.metrics(100_000))
        assert done > 0
        # Stopped between two steps, after a checkpoint.
        assert load_checkpoint(run.checkpoint("last"))[1]["epoch"] >= done


def test_rate(tiny):
    """All samples in a batch, so that the loss falls until the rate is too high."""
    done = invoke("rate", tiny / "tiny.yaml", "--data", tiny, "--json", "--steps=40",
                  "--low=1e-4", "--high=100", "--set=train.batch_size=60")  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    rates = np.array(found["rates"])
    np.testing.assert_allclose(rates[1:] / rates[:-1], 1e6 ** (1 / 39), rtol=1e-9)
    assert 0.01 < found["suggested"] < 100
    losses = found["losses"]
    assert losses[:10] == sorted(losses[:10], reverse=True)
    shown = invoke("rate", tiny / "tiny.yaml", "--data", tiny, "--steps=5")
    assert shown.stdout.splitlines()[0].split() == ["rate", "loss"]
    assert invoke("rate", tiny / "tiny.yaml", "--low=2", "--high=1").exit_code == 2
