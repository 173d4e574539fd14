"""A table with text and holes: from the file to predictions on raw cells."""

from __future__ import annotations

import json

import numpy as np
import onnxruntime
import pytest

from specc.runs.training import train
from specc.runs.using import evaluate
from specc.spec.reader import loads
from tests.app.console import invoke

SPEC = """
specc: 1
name: rich
inputs: {row: [5]}
layers: [{dense: {units: 8, activation: tanh}}, {dense: {units: 2, activation: softmax}}]
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: 0.05}
  metrics: [accuracy]
  epochs: 15
data:
  csv:
    path: people.csv
    target: rich
    columns: {pay: {numeric: {missing: mean}}, job: {category: {missing: unknown}}, age: numeric}
  split: {stratified: {test: 0.25}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    lines = ["pay,job,age,rich"]  # an order that is not that of the alphabet
    for _ in range(240):
        age, job, pay = rng.integers(18, 70), rng.choice(["nurse", "boss", "clerk"]), rng.random()
        rich = "yes" if pay + (job == "boss") > 0.8 else "no"
        lines.append(f"{'' if rng.random() < 0.05 else f'{pay:.3f}'},{job},{age},{rich}")
    (made / "people.csv").write_text("\n".join(lines) + "\n")
    train(loads(SPEC), made / "run", data=made)
    return made


def test_it_learns_and_says_the_same_of_the_test_split(folder):
    record = json.loads((folder / "run" / "run.json").read_text())
    assert record["test"]["accuracy"] > 0.9
    assert evaluate(folder / "run") == record["test"]


def test_a_stopped_run_goes_on_with_its_columns(folder):
    spec = loads(SPEC)
    train(spec, folder / "stopped", data=folder, max_minutes=1e-9)
    record = json.loads((folder / "stopped" / "run.json").read_text())
    (folder / "stopped" / "run.json").write_text(json.dumps({**record, "finished": False}))
    assert train(spec, folder / "stopped", data=folder, resume=True).test == record["test"]


def test_the_model_takes_raw_cells(folder):
    session = onnxruntime.InferenceSession(folder / "run" / "model.onnx")
    found = {each.name: each.type for each in session.get_inputs()}
    assert found == {"age": "tensor(float)", "job": "tensor(string)", "pay": "tensor(float)"}
    cells = {"age": [[30], [40]], "job": [["boss"], ["pilot"]], "pay": [[0.9], [np.nan]]}
    raw = {k: np.array(v, object if k == "job" else np.float32) for k, v in cells.items()}
    (scores,) = session.run(None, raw)
    classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
    assert classes[scores[0].argmax()] == "yes"


def test_run_finds_columns_by_name(folder):
    (folder / "new.csv").write_text("job,extra,pay,age\nboss,?,0.9,30\nnurse,?,0.1,50\nx,?,,9\n")
    done = invoke("run", folder / "run", folder / "new.csv", "--json")
    assert done.exit_code == 0, done.stderr
    best = [each["top"]["dense_1"][0]["class"] for each in json.loads(done.stdout)["predictions"]]
    assert best[:2] == ["yes", "no"]
    (folder / "short.csv").write_text("job,pay\nboss,0.9\n")
    done = invoke("run", folder / "run", folder / "short.csv")
    assert (done.exit_code, "expected a column 'age'" in done.stderr) == (2, True)
