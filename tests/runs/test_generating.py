"""Continuing a text with a trained model."""

from __future__ import annotations

import json

import numpy as np
import pytest

from specc.errors import DataError, RunError
from specc.runs.generating import Sampling, draw, generate
from specc.runs.training import train
from specc.session import open_file
from specc.spec.reader import loads
from tests.app.console import invoke

SPEC = """
specc: 1
inputs: {{tokens: {{shape: [8], dtype: int32}}}}
layers:
  - embedding: {{input_dim: 10, output_dim: 8}}
{layers}
  - dense: {{units: 10, activation: softmax}}
train: {{loss: sparse_categorical_crossentropy, optimizer: {{adam: 0.03}}, epochs: {epochs}}}
data: {{text: {{path: count.txt, next: {next}, stride: 1}}}}
"""
# Each character tells the next, so that a trained model knows it for sure.
TEXT = "0123456789" * 30
CAUSAL = "  - conv1d: {filters: 16, kernel_size: 2, padding: causal, activation: relu}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    (folder / "count.txt").write_text(TEXT)
    train(loads(SPEC.format(layers=CAUSAL, next="each", epochs=6)), folder / "each", data=folder)
    train(loads(SPEC.format(layers="  - flatten", next="last", epochs=6)), folder / "last",
          data=folder)  # fmt: skip
    return folder


def test_a_table_smaller_than_the_vocabulary_is_told_with_its_place(tmp_path):
    (tmp_path / "count.txt").write_text(TEXT)
    text = SPEC.format(layers=CAUSAL, next="each", epochs=1).replace(
        "input_dim: 10", "input_dim: 7"
    )
    (tmp_path / "s.yaml").write_text(text)
    told = invoke("train", tmp_path / "s.yaml", "--data", tmp_path, "-o", tmp_path / "run")
    assert told.exit_code == 2
    expected = "expected a row for each of the 10 tokens of the text, found 7; write input_dim: 10"
    assert f"s.yaml:5:5: layers[0] (embedding): {expected}" in told.stderr


@pytest.mark.parametrize("name", ["each", "last"])
def test_a_text_is_continued_as_it_was_learned(run, name):
    """Longer than the window; a model of one target needs a whole window first."""
    prompt = "34" if name == "each" else "34567890"
    told = "".join(generate(run / name, Sampling(prompt, 25, temperature=0.0)))
    begin = (int(prompt[-1]) + 1) % 10
    assert told == (TEXT * 2)[begin : begin + 25]


def test_draws_are_decided_by_the_seed(run):
    def told(seed, temperature=8.0):
        return "".join(generate(run / "each", Sampling("3", 40, temperature, seed=seed)))

    assert told(1) == told(1)
    assert len({told(seed) for seed in range(3)}) == 3
    assert told(0, temperature=0.01) == told(1, temperature=0.01)


def test_drawn_tokens_have_the_softmaxs_frequencies():
    """Oracle: softmax(logits / temperature) in NumPy; 4 standard errors of 4,000 draws."""
    logits = np.log(np.array([0.5, 0.2, 0.2, 0.1]))
    for temperature, among in ((1.0, None), (2.0, None), (0.5, 2)):
        expected = np.exp(logits / temperature)
        if among:
            expected[among:] = 0
        expected /= expected.sum()
        drawn = [draw(logits, Sampling("", 1, temperature, among, 7), i) for i in range(4000)]
        found = np.bincount(drawn, minlength=4) / 4000
        limits = 4 * np.sqrt(expected * (1 - expected) / 4000)
        assert (abs(found - expected) <= limits).all()


def test_the_vocabulary_is_in_the_model(run):
    session = open_file(run / "each" / "model.onnx")
    learned = json.loads(session.get_modelmeta().custom_metadata_map["learned"])
    assert learned["text"]["tokens"] == {"characters": {"tokens": list("0123456789")}}


def test_what_cannot_be_continued(run, tmp_path):
    for prompt, message in (("12a", "found 'a'"), ("", "at least 1 tokens, found 0")):
        with pytest.raises(DataError, match=message):
            list(generate(run / "each", Sampling(prompt)))
    with pytest.raises(DataError, match="expected at least 8 tokens, found 3"):
        list(generate(run / "last", Sampling("123")))
    with pytest.raises(RunError, match="found no manifest"):
        list(generate(tmp_path, Sampling("1")))


def test_command(run):
    folder = str(run / "each")
    result = invoke("run", folder, "--prompt", "56", "--tokens", "6", "--temperature", "0")
    assert (result.exit_code, result.stdout) == (0, "56789012\n")
    result = invoke("run", folder, "--prompt=5", "--tokens=3", "--temperature=0", "--json")
    assert json.loads(result.stdout) == {"prompt": "5", "text": "678"}
    result = invoke("run", folder, "--prompt", "5", "a.csv")
    assert (result.exit_code, "takes no files" in result.stderr) == (2, True)
    result = invoke("run", folder)
    assert (result.exit_code, "expected files, or a text" in result.stderr) == (2, True)
