"""Every written form of a spec. Automatic names are those of Keras in one fresh session."""

import math

import pytest

from specc.layer import InputLayer
from specc.layers import Layer
from specc.losses import Loss
from specc.optimizers import Optimizer
from specc.spec.model import Reference
from specc.spec.reader import load, loads
from tests.spec.reading import read, rows


def test_the_book_s_model():
    spec = load("specs/mnist_cnn.yaml")
    assert rows(spec) == [
        ("conv2d", None, {"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu"}}),
        ("max_pooling2d", None, "max_pooling2d"),
        ("conv2d_1", None, {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}}),
        ("max_pooling2d_1", None, "max_pooling2d"),
        ("conv2d_2", None, {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}}),
        ("flatten", None, "flatten"),
        ("dense", None, {"dense": {"units": 64, "activation": "relu"}}),
        ("dense_1", None, {"dense": {"units": 10, "activation": "softmax"}}),
    ]
    assert spec.name == "mnist_cnn"
    assert spec.model.inputs[0].layer == InputLayer((28, 28, 1))
    assert spec.train is not None
    assert spec.train.loss == Loss.parse("categorical_crossentropy")
    assert spec.train.optimizer == Optimizer.parse("rmsprop")
    assert (spec.train.epochs, spec.train.batch_size) == (5, 64)
    assert spec.data is not None
    assert spec.data.dataset.key == "mnist"


@pytest.mark.parametrize(
    ("entry", "layer"),
    [
        ("- flatten", "flatten"),
        ("- flatten:", "flatten"),
        ("- flatten: {}", "flatten"),
        ("- max_pooling2d: 3", {"max_pooling2d": {"pool_size": 3}}),
        ("- max_pooling2d: [3, 2]", {"max_pooling2d": {"pool_size": [3, 2]}}),
        ("- dense: {units: 5}", {"dense": {"units": 5}}),
        ("- activation: relu", {"activation": "relu"}),
        ("- ReLU", None),
        ("- re_lu: {max_value: .inf}", {"re_lu": {"max_value": math.inf}}),
        ("- dense: {units: 5, kernel_regularizer: {l2: 1e-3}}",
         {"dense": {"units": 5, "kernel_regularizer": {"l2": 1e-3}}}),
    ],
)  # fmt: skip
def test_forms_of_a_layer(entry, layer):
    if layer is None:
        with pytest.raises(Exception, match="did you mean"):
            read(f"layers:\n  {entry}\n")
        return
    (found,) = read(f"layers:\n  {entry}\n").model.entries
    assert found.layer == Layer.parse(layer)


def test_json_is_a_spec():
    spec = loads('{"specc": 1, "inputs": {"x": [4]}, "layers": ["flatten", {"dense": 3}]}')
    assert [entry.name for entry in spec.model.entries] == ["flatten", "dense"]


def test_a_graph():
    spec = read("""
layers:
  - dense: 4
    name: a
  - dense: 4
    inputs: x
    name: b
  - add:
    inputs: [a, b]
  - dense: 2
    inputs: [add]
  - concatenate:
    inputs: [dense, "a[1]"]
    name: last
  - dense: 3
outputs: [last, dense_1]
""")
    assert [row[:2] for row in rows(spec)] == [
        ("a", None), ("b", ["x"]), ("add", ["a", "b"]), ("dense", ["add"]),
        ("last", ["dense", "a[1]"]), ("dense_1", None),
    ]  # fmt: skip
    assert spec.model.outputs == (Reference("last"), Reference("dense_1"))


def test_arguments_and_flags_of_a_call():
    spec = read("""
layers:
  - dense: 4
    name: a
  - add:
    inputs: {left: a, right: "a[1]"}
    call: {training: false}
    name: s
  - call: {a: {training: true}}
""")
    entry, again = spec.model.entries[1:]
    assert entry.arguments == {"left": Reference("a"), "right": Reference("a", 1)}
    assert entry.inputs is None
    assert entry.flags == {"training": False}
    assert (again.call, again.flags, again.name) == ("a", {"training": True}, "a@1")


def test_a_layer_called_again_shares_its_name_only():
    spec = read("""
layers:
  - dense: 8
    name: a
  - call: a
  - call: a
    name: third
  - call: third
  - dense: 2
""")
    assert [(entry.name, entry.call) for entry in spec.model.entries] == [
        ("a", None), ("a@1", "a"), ("third", "a"), ("third@1", "a"), ("dense", None),
    ]  # fmt: skip


def test_sub_models():
    spec = read("""
models:
  tower:
    kind: functional
    trainable: false
    name: shown_as
    inputs: {y: [8, 8, 3]}
    layers: [flatten, {dense: 2}]
layers:
  - call: tower
  - call: tower
    inputs: x
    name: again
  - add:
    inputs: [tower, again]
""")
    assert [(entry.name, entry.call) for entry in spec.model.entries] == [
        ("tower", "tower"), ("again", "tower"), ("add", None),
    ]  # fmt: skip
    tower = spec.models["tower"]
    assert (tower.name, tower.kind, tower.trainable) == ("shown_as", "functional", False)
    assert rows(spec, tower) == [
        ("flatten", None, "flatten"),
        ("dense", None, {"dense": {"units": 2}}),
    ]


def test_automatic_names_leave_written_ones_out():
    spec = read("""
layers:
  - dense: 1
  - dense: 1
    name: dense_1
  - dense: 1
  - re_lu
  - p_re_lu
""")
    names = [entry.name for entry in spec.model.entries]
    assert names == ["dense", "dense_1", "dense_2", "re_lu", "p_re_lu"]
    assert [entry.named for entry in spec.model.entries] == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("written", "layer"),
    [
        ("[28, 28, 1]", InputLayer((28, 28, 1))),
        ("[]", InputLayer(())),
        ("7", InputLayer((7,))),
        ("{shape: [null, 4], dtype: int32}", InputLayer((None, 4), "int32")),
        ("{shape: [4], batch: 16}", InputLayer((4,), "float32", 16)),
    ],
)
def test_forms_of_an_input(written, layer):
    spec = loads(f"specc: 1\ninputs: {{x: {written}}}\nlayers: [identity]\n")
    assert spec.model.inputs[0].layer == layer


@pytest.mark.parametrize(
    "written",
    ["{dataset: {npz: {path: a.npz}}}", "{npz: {path: a.npz}}", "{npz: a.npz}",
     "{dataset: {npz: a.npz}}"],
)  # fmt: skip
def test_forms_of_data(written):
    spec = read(f"layers: [flatten]\ndata: {written}\n")
    assert spec.data is not None
    assert spec.data.dataset.written() == {"npz": {"path": "a.npz"}}


def test_train_and_data_are_optional():
    spec = read("layers: [flatten]\n")
    assert spec.train is None
    assert spec.data is None
    assert read("layers: [flatten]\ntrain:\n").train is not None


def test_entries_know_their_place_and_path():
    spec = read("layers:\n  - flatten\n  - name: a\n    dense: 3\n")
    assert [(str(e.place), e.path) for e in spec.model.entries] == [
        ("f.yaml:4:5", "layers[0]"),
        ("f.yaml:6:5", "layers[1]"),
    ]


def test_places_of_sections():
    spec = read("layers: [flatten]\ntrain:\n  loss: mse\n  metrics: [mae]\n")
    assert str(spec.place("train.loss")) == "f.yaml:5:3"
    assert str(spec.place("train.metrics[0]")) == "f.yaml:6:13"
    assert str(spec.place("train.epochs")) == "f.yaml:4:1"
    assert str(spec.place("data")) == "f.yaml"


def test_the_name_is_the_file_s_when_none_is_written(tmp_path):
    path = tmp_path / "little.yaml"
    path.write_text("specc: 1\ninputs: {x: [2]}\nlayers: [flatten]\n", "utf-8-sig")
    assert load(path).name == "little"
    assert loads(path.read_text("utf-8-sig")).name == "model"
