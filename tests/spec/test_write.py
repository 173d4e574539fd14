"""Written specs read back as the same spec; layers keep the short forms a person would write."""

from dataclasses import replace

import pytest

from specc.data.source import Source
from specc.errors import SpecError
from specc.family import Member
from specc.keras_import import from_keras
from specc.layer import InputLayer
from specc.layers import Layer
from specc.losses import Loss
from specc.spec.data import DataSpec
from specc.spec.fmt import format_text
from specc.spec.model import Entry, InputSpec, ModelSpec, Reference, Spec
from specc.spec.reader import load, loads
from specc.spec.train import TrainSpec
from specc.spec.write import dump, simplified
from tests.golden import graphs
from tests.spec.reading import read
from tests.spec.texts import spec_text

SPECS = [
    "mnist_cnn",
    "digits_cnn",
    "mnist_mlp",
    "lenet5",
    "residual_cnn",
    "two_towers",
    "conv_demo",
]


def survives(spec):
    for resolved in (False, True):
        text = dump(spec, resolved=resolved)
        assert loads(text) == simplified(spec)
        assert format_text(text) == text


def test_a_spec_as_a_person_writes_it():
    text = """\
specc: 1
name: mixed
kind: functional
inputs: {image: [8, 8, 1], table: {shape: [null, 4], dtype: int32, batch: 2}}
models:
  tower:
    name: shown
    trainable: false
    inputs: {y: [8, 8, 1]}
    layers:
      - flatten
      - dense: 3
layers:
  - call: tower
    inputs: image
  - dense: {units: 3, activation: relu}
    name: read
    inputs: table
  - call: {read: {training: true}}
    name: again
  - dropout: 0.5
    name: dropout
    inputs: again
    call: {training: true}
  - add:
    name: sum
    inputs: [tower, dropout, "read[1]"]
  - dense: {units: 2, kernel_regularizer: {l2: {l2: 0.001}}}
    name: dense
    inputs: {x: sum}
outputs: [sum, dense]
train:
  loss: [mean_squared_error, {huber: {delta: 2.0}}]
  loss_weights: [1.0, 0.5]
  optimizer: {adam: {learning_rate: 0.01}}
  metrics: [[mae], []]
  class_weight: {0: 1.0, 1: 2.0}
data:
  dataset: {npz: {path: a.npz}}
"""
    spec = loads(text)
    assert dump(spec) == text
    survives(spec)


def test_names_stand_only_where_they_are_needed():
    layer = Layer.parse({"dense": 1})
    entries = [
        Entry("dense", layer, named=True),
        Entry("dense_1", layer, inputs=(Reference("dense"),)),
        Entry("dense_5", layer, named=False),
        Entry("dense_2", layer),
        Entry("d", layer),
    ]
    model = ModelSpec("m", (InputSpec("x", InputLayer((2,))),), tuple(entries))
    text = dump(Spec(model))
    assert text.count("name:") == 3
    assert "name: dense_5" in text
    survives(Spec(model))
    assert dump(Spec(model), resolved=True).count("\n    name: ") == len(entries)


def test_names_of_keras_that_no_spec_can_hold_are_told():
    layer = Layer.parse({"dense": 2})
    inputs = (InputSpec("x", InputLayer((3,))),)
    entries = (Entry("a\nb", layer, (Reference("x"),)), Entry("ok", layer, (Reference("a\nb"),)))
    with pytest.raises(SpecError, match="call it something else to write a spec") as error:
        dump(Spec(ModelSpec("m", inputs, entries, (Reference("ok"),))))
    assert [problem.path for problem in error.value.problems] == ["a\nb"]


def test_inputs_stay_where_the_entry_above_may_have_several_outputs():
    spec = read("layers:\n  - dense: 3\n    call: {return_scores: true}\n  - dense: 3\n"
                "    inputs: dense\n  - dense: 3\n    inputs: dense_1\n")  # fmt: skip
    assert [entry.inputs for entry in simplified(spec).model.entries] == [
        None, (Reference("dense"),), None,
    ]  # fmt: skip
    survives(spec)


@pytest.mark.parametrize("name", SPECS)
def test_the_example_specs_survive(name):
    survives(load(f"specs/{name}.yaml"))


@pytest.mark.parametrize("name", graphs())
def test_models_from_keras_survive(name):
    survives(from_keras(graphs()[name]["config"]))


@pytest.mark.parametrize("seed", range(20))
def test_random_specs_survive(seed):
    survives(loads(spec_text(seed)))


@pytest.mark.parametrize("kind", Layer.kinds().values(), ids=Layer.kinds())
def test_every_layer_has_a_full_form_that_reads_back(kind: type[Member]):
    given = {
        "units": 3, "filters": 4, "kernel_size": 2, "rate": 0.5, "stddev": 0.1, "target_shape": [2],
        "dims": [1], "n": 2, "height": 2, "width": 2, "output_size": 1, "activation": "relu",
        "axes": 1, "input_dim": 5, "output_dim": 3, "pool_size": 2, "scale": 2.0,
    }  # fmt: skip
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    if not given.keys() >= set(required):
        pytest.skip("a field whose values this test does not know")
    layer = kind.from_fields({name: given[name] for name in required})
    assert Layer.parse(layer.full()) == layer
    assert Layer.parse(layer.written()) == layer


def test_train_and_data_are_written_whole():
    spec = replace(
        read("layers: [flatten]\n"),
        train=TrainSpec(loss={"flatten": Loss.parse({"huber": 0.5})}, metrics=[]),
        data=DataSpec(dataset=Source.parse("digits")),
    )
    assert dump(spec).endswith(
        "train:\n  loss: {flatten: {huber: {delta: 0.5}}}\n  optimizer: rmsprop\n"
        "data:\n  dataset: digits\n"
    )
    survives(spec)
