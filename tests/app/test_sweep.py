"""Sweeps and the learning-rate finder."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from specc.errors import RunError
from specc.runs.sweep import Space, Sweep, Trial, drawn
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


@pytest.mark.parametrize("written", ["a", "a=", "a=3..2", "a=0..1:log", "a=x..y", "a=1..2:often"])
def test_wrong_ranges(written):
    with pytest.raises(RunError, match="expected"):
        Space.of(written)


class Parabola(Sweep):
    """Trials that train nothing: (x - 3)^2, and a failure for x > 9."""

    def _train(self, number, settings):
        x = float(settings[0].partition("=")[2])
        self.seen.append(x)
        return None if x > 9 else (x - 3) ** 2

    seen: list


def parabola(folder, by="val_loss"):
    made = Parabola(folder / "a.yaml", folder / "sweep", [Space.of("x=0..10")], by)
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
    values = [float(row["val_loss"]) for row in rows(tmp_path) if row["val_loss"]]
    assert values == sorted(values)
    tried = sorted(float(row["x"]) for row in rows(tmp_path))
    assert tried == sorted(first.seen + again.seen)
    best = json.loads((tmp_path / "sweep" / "sweep.json").read_text())["best"]
    assert best["value"] == values[0] == (best["settings"]["x"] - 3) ** 2
    with pytest.raises(RunError, match="holds a sweep of other settings"):
        parabola(tmp_path, by="val_accuracy").run(13)


def test_a_killed_trial_is_run_again(tmp_path):
    pytest.importorskip("optuna")
    made = parabola(tmp_path)

    def killed(number, settings):
        made.seen.append(settings)
        raise KeyboardInterrupt

    made._train = killed  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(KeyboardInterrupt):
        made.run(1)
    again = parabola(tmp_path)
    again.run(1)
    assert [f"x={int(x)}" for x in again.seen] == made.seen[0]


def test_a_folder_of_other_things(tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "letter.txt").touch()
    with pytest.raises(RunError, match=r"expected a sweep, found 'letter\.txt'"):
        parabola(tmp_path).run(1)


def test_the_drawing():
    found = [Trial(0, {}, 3.0, None), Trial(1, {}, None, None), Trial(2, {}, 1.0, None)]
    text = drawn(found, "val_<loss>")
    assert text.count("<circle") == 2
    assert "val_&lt;loss>" in text
    assert drawn([], "loss").startswith("<svg")


@pytest.fixture
def tiny(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    np.savez(tmp_path / "data.npz", x=x, y=(x[:, 0] > 0.5).astype(int))
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def test_real_runs(tiny):
    pytest.importorskip("optuna")
    done = invoke(
        "sweep", tiny / "tiny.yaml", "--data", tiny, "-o", tiny / "s", "--trials=2", "--parallel=2",
        "--by=loss", "--set=train.optimizer={sgd: 0.5},{sgd: 0.001},{sgf: 1}", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert len(found) == 2
    assert (tiny / "s" / "sweep.svg").is_file()
    for each in found:
        run = tiny / "s" / f"trial-{each['trial']:04d}"
        wrong = "sgf" in each["settings"]["train.optimizer"]
        assert (each["value"] is None) == wrong == (not (run / "model.onnx").is_file())


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
