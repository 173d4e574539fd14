"""Whole reports: what they hold, and how a browser shows them."""

from __future__ import annotations

import html
import re

import numpy as np
import pytest

from specc.errors import RunError
from specc.report import write_report
from specc.report.structure import duration
from specc.runs.folder import RunFolder
from specc.runs.training import train
from specc.spec.reader import loads
from tests.app.console import TINY, invoke
from tests.browser import opened
from tests.web.markup import accessible, outside

DIGITS = """
specc: 1
name: small
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 6, kernel_size: 3, activation: relu}
  - max_pooling2d: 2
  - flatten
  - dense: {units: 10, activation: softmax}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.01}}
  metrics: [accuracy]
  epochs: 2
  validation_split: 0.1
data: {dataset: digits}
"""
NUMBERS = """
specc: 1
name: line
inputs: {x: [2]}
layers: [{dense: 1}]
train: {loss: mse, optimizer: {sgd: 0.1}, epochs: 2}
data: {npz: {path: data.npz}}
"""
# The page in a frame as wide as a phone; the title tells how far it can be scrolled sideways.
PHONE = """<!doctype html><title>measuring</title><body style="margin:0">
<iframe id="f" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe><script>
addEventListener("load", () => {{ const e = document.getElementById("f").contentDocument
.documentElement; document.title = "over " + (e.scrollWidth - {width}) }})</script>"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    return train(loads(DIGITS), folder)


@pytest.fixture(scope="module")
def text(run):
    return write_report(run.folder).read_text(encoding="utf-8")


def test_a_report_has_everything_of_a_classifier_of_images(run, text):
    found = accessible(text)
    titles = re.findall(r"<h2[^>]*>([^<]*)</h2>", text)
    assert titles == [
        "Learning curves", "Confusion", "Scores by class", "Calibration", "Worst mistakes",
        "First filters", "Feature maps", "Receptive fields", "What predictions rest on",
        "Architecture", "Layers",
    ]  # fmt: skip
    assert f"{run.test['accuracy']:.4f}" in found.text
    count = round((1 - run.test["accuracy"]) * 359)
    assert f"{count} of 359 are wrong" in found.text
    assert "dashed: validation" in found.text
    assert "max_pooling2d: 4×4 of 8×8" in found.text
    assert len(found.all("img")) > 20
    assert sum(int(n) for n in re.findall(r'--share:[0-9.]+">(\d+)<', text)) == 359


def test_it_needs_no_network_and_no_scripts(text):
    found = accessible(text)
    assert outside(found) == []
    assert found.all("script") == []
    assert "@import" not in text
    assert not re.search(r"url\((?!data:)", text)


def test_a_browser_shows_it_also_on_a_phone(text, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    assert "What predictions rest on" in opened(page, tmp_path)
    for width in (360, 1000):
        page.write_text(PHONE.format(width=width, page=html.escape(text)), encoding="utf-8")
        assert "<title>over 0</title>" in opened(page, tmp_path, width + 200)


def test_numbers_are_compared_with_the_truth(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).astype("f4")
    np.savez("data.npz", x=x, y=x.sum(axis=1, keepdims=True))
    made = train(loads(NUMBERS), tmp_path / "run")
    found = accessible(write_report(made.folder).read_text(encoding="utf-8"))
    assert "R² " in found.text
    assert "Samples that are off the most" in found.text
    assert "60 samples of the training split" in found.text
    assert "Confusion" not in found.text


def test_tables_show_their_numbers_and_missing_data_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 4)).astype("f4")
    np.savez("data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    made = train(loads(TINY), tmp_path / "run")
    found = accessible(write_report(made.folder).read_text(encoding="utf-8"))
    assert "Worst mistakes" in found.text
    assert "First filters" not in found.text
    assert f"{x[0, 0]:.3g}"[:4] in found.text or "wrong" in found.text
    (tmp_path / "data.npz").unlink()
    found = accessible(write_report(made.folder).read_text(encoding="utf-8"))
    assert "No predictions" in found.text
    assert "data.npz" in found.text
    assert "Learning curves" in found.text


MANY = """
specc: 1
name: many
inputs: {x: [2]}
layers: [{dense: {units: 25, activation: softmax}}]
train: {loss: sparse_categorical_crossentropy, optimizer: {sgd: 0.1}}
data: {npz: {path: data.npz}}
"""


def test_rows_of_a_table_show_their_cells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"{20 + i},{'nurse' if i % 3 else 'clerk'},{'no' if i % 2 else 'yes'}"
             for i in range(40)]  # fmt: skip
    (tmp_path / "t.csv").write_text("\n".join(["age,job,rich", *lines]))
    spec = """{specc: 1, inputs: {row: [3]}, layers: [{dense: {units: 2, activation: softmax}}],
      train: {loss: sparse_categorical_crossentropy},
      data: {csv: {path: t.csv, target: rich, columns: {age: numeric, job: category}}}}"""
    train(loads(spec), tmp_path / "r")
    page = html.unescape(write_report(tmp_path / "r").read_text(encoding="utf-8"))
    shown = re.findall(r"<code>age\xa0(\d+), job\xa0(\w+)</code>.*?is (yes|no), sample (\d+)", page)
    assert len(shown) == 12
    for age, job, rich, number in shown:
        assert f"{age},{job},{rich}" == lines[int(number)]


def test_the_classes_of_a_text_are_its_tokens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_text("ab ba\n" * 40)
    spec = """{specc: 1, inputs: {t: {shape: [8], dtype: int32}}, layers: [
      {embedding: {input_dim: 4, output_dim: 2}}, {dense: {units: 4, activation: softmax}}],
      train: {loss: sparse_categorical_crossentropy}, data: {text: t.txt}}"""
    train(loads(spec), tmp_path / "r")
    page = write_report(tmp_path / "r").read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="col">([^<]*)</th>', page[page.index('id="confusion"') :])
    assert heads[:4] == ["\\n", "\u2423", "a", "b"]


def test_many_classes_are_folded_to_what_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.normal(size=(90, 2)).astype("f4"), y=rng.integers(0, 25, 90))
    made = train(loads(MANY), tmp_path / "run")
    found = accessible(write_report(made.folder).read_text(encoding="utf-8"))
    assert "Classes most often confused" in found.text
    assert "All 25 classes" in found.text


PIXELS = """
specc: 1
name: pixels
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu}
  - conv2d: {filters: CHANNELS, kernel_size: 1, activation: LAST}
train: {loss: LOSS, optimizer: {sgd: 0.1}}
data: {npz: {path: data.npz}}
"""


@pytest.mark.parametrize("kind", ["classes", "pictures"])
def test_outputs_that_are_images(kind, tmp_path, monkeypatch):
    """A class for each pixel, or a picture for a picture."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random(size=(40, 8, 8, 1)).astype("f4")
    classes = kind == "classes"
    np.savez("data.npz", x=x, y=(x[..., 0] > 0.5).astype(np.int64) if classes else x)
    changes = {"CHANNELS": "2", "LAST": "softmax", "LOSS": "sparse_categorical_crossentropy"}
    if not classes:
        changes = {"CHANNELS": "1", "LAST": "sigmoid", "LOSS": "mse"}
    text = PIXELS
    for word, value in changes.items():
        text = text.replace(word, value)
    made = train(loads(text), tmp_path / "run")
    found = accessible(write_report(made.folder).read_text(encoding="utf-8"))
    if classes:
        page = (made.folder / "report.html").read_text()
        cells = re.findall(r'--share:[0-9.]+">([\d,]+)<', page)
        assert sum(int(cell.replace(",", "")) for cell in cells) == 40 * 64
        assert "Worst mistakes" not in found.text
        assert "40 samples of the training split, 2,560 predictions." in found.text
    else:
        assert "what sample" in str(found.all("img"))
    assert "Feature maps" in found.text


def test_an_unfinished_run_has_a_report_and_an_empty_folder_has_none(run, tmp_path):
    folder = RunFolder(run.folder)
    record = folder.record()
    folder.write_record({**record, "finished": False, "test": {}})
    try:
        out = write_report(run.folder, output=tmp_path / "x.html")
    finally:
        folder.write_record(record)
    found = accessible(out.read_text(encoding="utf-8"))
    assert "The run has not finished." in found.text
    with pytest.raises(RunError, match="expected a run, found no"):
        write_report(tmp_path)


def test_the_commands_write_it(run, tmp_path, monkeypatch):
    result = invoke("report", run.folder, "-o", tmp_path / "x.html")
    assert (result.exit_code, result.stderr) == (0, f"wrote {tmp_path / 'x.html'}\n")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.normal(size=(40, 4)).astype("f4"), y=rng.integers(0, 2, 40))
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    result = invoke("train", "tiny.yaml", "-o", "made", "-q", "--report")
    assert result.exit_code == 0
    assert (tmp_path / "made/report.html").is_file()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(2.5, "2.5 s"), (0.1234, "120 ms"), (3e-4, "300 µs"), (4.56e-6, "4.6 µs"), (5e-10, "0.5 ns")],
)
def test_durations_have_two_digits(seconds, expected):
    assert duration(seconds) == expected
