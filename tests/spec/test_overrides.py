"""Assignments from the command line."""

import pytest

from specc.layers import Layer
from specc.optimizers import Optimizer
from tests.spec.reading import problems, read

TEXT = """
layers:
  - flatten
  - dense: {units: 3}
train: {optimizer: rmsprop, epochs: 5}
"""


def test_values_are_set_before_the_spec_is_checked():
    spec = read(
        TEXT,
        overrides=[
            "train.epochs=2",
            "train.optimizer.rmsprop.learning_rate=1e-2",
            "train.class_weight={0: 2.0}",
            "layers[1].dense.units=7",
            "layers[1].dense.activation=relu",
            "layers[0]=identity",
            "name=other",
            "data.dataset=digits",
            "train.epochs=9",
        ],
    )
    assert spec.name == "other"
    assert spec.train is not None
    assert spec.train.epochs == 9
    assert spec.train.class_weight == {0: 2.0}
    assert spec.train.optimizer == Optimizer.parse({"rmsprop": {"learning_rate": 0.01}})
    assert spec.data is not None
    assert spec.data.dataset.key == "digits"
    assert [entry.layer for entry in spec.model.entries] == [
        Layer.parse("identity"),
        Layer.parse({"dense": {"units": 7, "activation": "relu"}}),
    ]


def test_sections_are_made_when_they_are_missing():
    spec = read(
        "layers: [flatten]\ntrain:\n", overrides=["train.loss.flatten=mse", "kind=functional"]
    )
    assert spec.train is not None
    assert list(spec.train.loss) == ["flatten"]
    assert spec.model.kind == "functional"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.epoch=3", "train.epoch: unknown field 'epoch'; did you mean 'epochs'?"),
        ("train.epochs=many", "train.epochs: expected an integer, found 'many'"),
        ("train.epochs", "expected PATH=VALUE, like train.epochs=2"),
        ("=3", "expected PATH=VALUE"),
        ("a..b=3", "expected PATH=VALUE"),
        ("[=3", "expected PATH=VALUE"),
        ("layers[2]=flatten", "layers[2]: [2]: the list has 2 items, counted from 0"),
        ("layers[x]=flatten", "expected PATH=VALUE"),
        ("train[0]=3", "train[0]: [0]: expected a list, found a mapping"),
        ("layers[1].dense.units.x=3", "'x': expected a mapping to set it in, found 3"),
        ("layers.dense=3", "layers.dense: 'dense': expected a mapping to set it in, found a list"),
        ("train.epochs=[", "not YAML"),
        ("train.epochs=!!int 3", "tag !!int: a spec has no tags"),
        ("trian.epochs=3", "trian: unknown key 'trian'; did you mean 'train'?"),
    ],
)
def test_messages_name_the_option(assignment, message):
    (found,) = problems(TEXT, overrides=[assignment])
    assert found.startswith(f"--set {assignment}: ")
    assert message in found


def test_an_empty_file_has_nothing_to_set():
    found = problems("", head="", overrides=["train.epochs=3"])
    assert "expected a mapping to set it in, found nothing" in found[0]


def test_a_short_form_becomes_a_mapping():
    text = """
layers: [{max_pooling2d: 2}, {dropout: 0.25}]
train: {optimizer: {sgd: 0.1}}
"""
    changes = [
        "layers[0].max_pooling2d.strides=1",
        "layers[1].dropout.rate=0.5",
        "train.optimizer.sgd.momentum=0.9",
    ]
    spec = read(text, overrides=changes)
    assert [entry.layer for entry in spec.model.entries] == [
        Layer.parse({"max_pooling2d": {"pool_size": 2, "strides": 1}}),
        Layer.parse({"dropout": 0.5}),
    ]
    assert spec.train is not None
    assert spec.train.optimizer == Optimizer.parse({"sgd": {"learning_rate": 0.1, "momentum": 0.9}})
