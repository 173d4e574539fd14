"""The example specs: each loads, is in the normal layout, and has the parameters that it states."""

import re
from pathlib import Path

import pytest

from specc.network import build
from specc.spec.fmt import format_text
from specc.spec.reader import load, loads
from specc.spec.starter import starter

PATHS = sorted(Path("specs").glob("*.yaml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_example(path):
    text = path.read_text("utf-8")
    spec = load(path)
    assert spec.name == path.stem
    opening = " ".join(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
    stated = re.search(r"([0-9,]+) parameters", opening)
    assert stated, "the opening comment states the number of parameters"
    assert sum(weight.count for weight in build(spec).weights) == int(stated[1].replace(",", ""))
    assert format_text(text) == text


def test_all_of_them_are_there():
    names = {path.stem for path in PATHS}
    wanted = "digits_cnn mnist_cnn mnist_mlp lenet5 residual_cnn two_towers conv_demo"
    applications = "resnet50 mobilenet_v2 efficientnet_b0 vgg16 densenet121 unet autoencoder"
    more = "recommender tabular fraud gpt char_lstm translator captioner"
    assert names >= {*wanted.split(), *applications.split(), *more.split()}


def test_the_starter():
    spec = loads(starter("first_model"))
    assert spec.name == "first_model"
    assert spec.train is not None
    assert spec.data is not None
    assert build(spec).output_names == ("dense",)
    assert format_text(starter()) == starter()
