"""Whole configurations: sources, fields, graphs, and what cannot be expressed."""

import json
import math
import random
import zipfile

import pytest

from specc.errors import SpecError
from specc.keras_import import from_keras
from specc.keras_import.nodes import call_of
from specc.layers import Layer
from specc.network import build
from specc.spec.model import Reference
from tests.golden import APPS, app, cases


def layer(name, class_name, *inbound, module="keras.layers", **config):
    """A layer of a functional configuration; inbound histories, one list for each call."""
    tensors = [
        [{"class_name": "__keras_tensor__", "config": {"keras_history": list(h)}} for h in call]
        for call in inbound
    ]
    nodes = [{"args": [t[0] if len(t) == 1 else t], "kwargs": {}} for t in tensors]
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": nodes,
    }


def source(name, *shape):
    return layer(name, "InputLayer", batch_shape=[None, *shape], dtype="float32")


def functional(layers, inputs, outputs, name="m"):
    body = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"module": "keras", "class_name": "Functional", "config": body}


def chain(*layers, name="s", **more):
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers), **more}}


def problems(config, compile_config=None):
    with pytest.raises(SpecError) as error:
        from_keras(config, compile_config)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize("family", ["layers", "training"])
def test_every_reference_case_is_exact_or_refused(family):
    """Oracle: the weights and output shapes that Keras recorded for each case."""
    paths = cases(family)
    if not paths:
        pytest.skip("the whole set of reference cases is not here")
    taken, refused = 0, set()
    for path in paths:
        case = json.loads(path.read_text())
        try:
            network = build(from_keras(case["config"], case.get("compile")))
        except SpecError as error:
            refused |= {problem.message for problem in error.problems}
            continue
        taken += 1
        found = [(list(w.weight.shape), w.trainable) for w in network.weights]
        assert found == [(w["shape"], w["trainable"]) for w in case["weight_info"]], path.stem
        if family == "layers":
            shapes = [list(ref.shape[1:]) for ref in network.outputs]
            assert shapes == [y["shape"][1:] for y in case["outputs"]], path.stem
    assert [message for message in refused if "support" not in message] == []
    assert taken >= {"layers": 150, "training": 70}[family]


@pytest.mark.parametrize("name", APPS)
def test_paths_of_weights_end_as_in_keras(name):
    case = app(name)
    network = build(from_keras(case["config_small.json"]))
    for weight, (path, _) in zip(network.weights, case["weights"], strict=True):
        assert path.endswith("/".join(weight.name.split("/")[-2:]))


def test_sources_of_one_configuration(tmp_path):
    config = app("digits_cnn")["config.json"]
    text = json.dumps(config)
    (tmp_path / "m.json").write_text(text)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", text)
    wanted = from_keras(config)
    assert from_keras(text) == wanted
    assert from_keras(tmp_path / "m.json") == wanted
    assert from_keras(str(tmp_path / "m.keras")) == wanted
    assert from_keras(tmp_path / "m.json").file == str(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.json", None, "no such file"),
        ("m.h5", b"\x89HDF", "HDF5 models are not read"),
        ("m.json", b"\xff\xfe\x00", "neither JSON nor a .keras archive"),
        ("m.json", b'{"a": \n 1 2}', "m.json:2:4: not JSON"),
        ("m.json", b"[1]", "expected a JSON object"),
    ],
)
def test_sources_that_are_none(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert message in problems(tmp_path / name)[0]


def test_an_archive_without_a_configuration(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("other.txt", "")
    assert problems(tmp_path / "m.keras")[0].endswith("the archive has no readable config.json")


def test_layers_of_the_books_network():
    spec = from_keras(app("digits_cnn")["config.json"])
    assert spec.name == "sequential"
    assert spec.model.kind == "sequential"
    assert [entry.layer for entry in spec.model.entries] == [
        Layer.parse(written)
        for written in (
            {"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu"}},
            {"max_pooling2d": {"pool_size": 2, "strides": 2}},
            {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
            {"max_pooling2d": {"pool_size": 2, "strides": 2}},
            {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}},
            "flatten",
            {"dense": {"units": 64, "activation": "relu"}},
            {"dense": {"units": 10, "activation": "softmax"}},
        )
    ]


def test_objects_become_members():
    spec = from_keras(
        chain(
            source("x", 4),
            layer(
                "d",
                "Dense",
                units=3,
                activation={"module": "builtins", "class_name": "function", "config": "gelu"},
                kernel_initializer={
                    "module": "keras.initializers",
                    "class_name": "VarianceScaling",
                    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "uniform"},
                },
                bias_initializer="ones",
                kernel_regularizer={"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}},
                kernel_constraint={"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 0}},
                dtype={"class_name": "DTypePolicy", "config": {"name": "float32"}},
                quantization_config=None,
                trainable=False,
            ),
        )
    )
    assert spec.model.entries[0].layer == Layer.parse(
        {
            "dense": {
                "units": 3,
                "activation": "gelu",
                "kernel_initializer": {
                    "variance_scaling": {"scale": 2, "mode": "fan_out", "distribution": "uniform"}
                },
                "bias_initializer": "ones",
                "kernel_regularizer": {"l1_l2": {"l1": 0.1, "l2": 0.2}},
                "kernel_constraint": {"max_norm": {"max_value": 3, "axis": 0}},
                "trainable": False,
            }
        }
    )


def test_layers_in_any_order_are_sorted_and_calls_keep_their_numbers():
    config = functional(
        [
            layer("sum", "Add", [["b", 1, 0], ["b", 0, 0]]),
            layer("b", "Dense", [["x", 0, 0]], [["a", 0, 0]], units=4),
            layer("a", "Dense", [["b", 0, 0]], units=4),
            source("x", 4),
        ],
        [["x", 0, 0]],
        ["sum", 0, 0],
    )
    spec = from_keras(config)
    assert [entry.name for entry in spec.model.entries] == ["b", "a", "b_1", "sum"]
    assert spec.model.entries[2].call == "b"
    assert spec.model.entries[3].inputs == (Reference("b_1"), Reference("b"))
    build(spec)


def test_the_name_of_a_later_call_avoids_the_names_of_layers():
    config = functional(
        [
            source("x", 4),
            layer("b", "Dense", [["x", 0, 0]], [["b_1", 0, 0]], units=4),
            layer("b_1", "Dense", [["b", 0, 0]], units=4),
        ],
        ["x", 0, 0],
        ["b", 1, 0],
    )
    assert [entry.name for entry in from_keras(config).model.entries] == ["b", "b_1", "b_1_1"]


def test_two_nested_models_of_one_name_get_two_keys():
    def box(inner):
        return functional(
            [source("z", 4), {**inner, "name": "box", "inbound_nodes": node("z")}],
            [["z", 0, 0]],
            ["box", 1, 0],
            name="box",
        )

    def node(name):
        tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}
        return [{"args": [tensor], "kwargs": {"mask": None}}]

    inmost = functional(
        [source("q", 4), layer("d", "Dense", [["q", 0, 0]], units=4)],
        [["q", 0, 0]],
        ["d", 0, 0],
        name="box",
    )
    spec = from_keras(box(box(inmost)))
    assert set(spec.models) == {"box", "box_1"}
    network = build(spec)
    assert [w.name for w in network.weights] == ["box/d/kernel", "box/d/bias"]
    assert network.nodes[1].name == "box"


def test_flags_of_calls_are_kept_and_nulls_and_training_dropped():
    # Keras' functional models replace `training` by their own in every call.
    config = functional(
        [
            source("x", 4),
            layer("d", "ReversibleEmbedding", [["x", 0, 0]], input_dim=3, output_dim=4),
        ],
        ["x", 0, 0],
        ["d", 0, 0],
    )
    kwargs = {"training": False, "mask": None, "reverse": True}
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = kwargs
    assert from_keras(config).model.entries[0].flags == {"reverse": True}


def test_everything_that_cannot_be_expressed_is_told_at_once():
    found = problems(
        functional(
            [
                source("x", 4),
                layer("odd", "MyLayer", [["x", 0, 0]], module="mine", a=1),
                layer("half", "Dense", [["odd", 0, 0]], units=3, dtype="float16"),
                layer("plus", "Erff", [["half", 0, 0]], module="keras.src.ops.numpy"),
                layer("norm", "BatchNormalization", [["plus", 0, 0]], synchronized=True),
                layer("low", "Dense", [["norm", 0, 0]], units=3, tiles=4),
                layer("wrong", "Dense", [["low", 0, 0]], units=-3),
                layer("act", "Dense", [["wrong", 0, 0]], units=3, activation="magic"),
                layer(
                    "custom",
                    "Dense",
                    [["act", 0, 0]],
                    units=3,
                    kernel_initializer={"class_name": "Mine", "config": {}},
                ),
            ],
            ["x", 0, 0],
            ["custom", 0, 0],
        )
    )
    starts = {line.split(":")[0]: line for line in found}
    assert set(starts) == {
        "odd", "half", "plus", "norm", "low", "wrong", "act", "custom.kernel_initializer",
    }  # fmt: skip
    assert "unsupported layer 'MyLayer'" in starts["odd"]
    assert "dtype 'float16' is not supported; only float32 is" in starts["half"]
    assert (
        "the operation Erff of keras.ops.numpy is not supported; did you mean 'Erf'?"
        in starts["plus"]
    )
    assert "synchronisation over replicas is not supported" in starts["norm"]
    assert "tiles: 4 is not supported" in starts["low"]
    assert "units: " in starts["wrong"]
    assert "magic" in starts["act"]
    assert "unsupported object 'Mine'" in starts["custom.kernel_initializer"]


def test_a_constant_among_the_tensors():
    config = functional(
        [source("x", 4), layer("d", "Dense", [["x", 0, 0]], units=2)], ["x", 0, 0], ["d", 0, 0]
    )
    config["config"]["layers"][1]["inbound_nodes"] = [{"args": [2.0], "kwargs": {}}]
    assert problems(config) == ["d: the constant argument 2.0 is not supported"]


@pytest.mark.parametrize("by_keyword", [False, True])
def test_a_constant_in_a_list_of_tensors(by_keyword):
    constant = {"class_name": "__tensor__", "config": {"value": [[1.0] * 4], "dtype": "float32"}}
    add = layer("add", "Add", [("x", 0, 0)])
    tensor = add["inbound_nodes"][0]["args"][0]
    listed = [tensor, constant]
    call = {"args": [], "kwargs": {"inputs": listed}} if by_keyword else {"args": [listed]}
    add["inbound_nodes"] = [{"kwargs": {}, **call}]
    model = functional([source("x", 4), add], [["x", 0, 0]], [["add", 0, 0]])
    (problem,) = problems(model)
    assert "add: the " in problem
    assert "argument" in problem
    assert "is not supported" in problem


def test_mixed_policies_are_read_as_float32_and_told():
    """Oracle: the same model without a policy."""
    policy = {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}

    def model(**more):
        dense = layer("d", "Dense", [["x", 0, 0]], units=2, **more)
        return functional([source("x", 4), dense], ["x", 0, 0], ["d", 0, 0])

    with pytest.warns(UserWarning, match="1 layers of mixed_float16, read as float32"):
        assert from_keras(model(dtype=policy)) == from_keras(model())


def test_masks_that_are_all_null():
    inner = functional([source("a", 4), source("b", 4)], [["a", 0, 0], ["b", 0, 0]], ["b", 0, 0])
    nested = {
        **inner,
        "name": "m",
        "inbound_nodes": layer("m", "M", [("x", 0, 0)])["inbound_nodes"],
    }
    tensor = nested["inbound_nodes"][0]["args"][0]
    for mask in ({"a": None, "b": None}, [None, None]):
        nested["inbound_nodes"] = [{"args": [{"a": tensor, "b": tensor}], "kwargs": {"mask": mask}}]
        spec = from_keras(functional([source("x", 4), nested], [["x", 0, 0]], [["m", 1, 0]], "o"))
        assert spec.model.entries[0].inputs == (Reference("x", 0), Reference("x", 0))


def test_tensors_by_keyword_that_a_layer_does_not_take():
    config = functional(
        [source("x", 4), layer("d", "Dense", [["x", 0, 0]], units=2)], ["x", 0, 0], ["d", 0, 0]
    )
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"mask": tensor}
    assert problems(config) == ["d: tensors as mask are not supported"]
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"mask": [tensor]}
    assert problems(config) == ["d: a list of tensors as 'mask' is not supported"]


def test_tensors_by_keyword_take_their_arguments(monkeypatch):
    monkeypatch.setattr(Layer.find("dense"), "arguments", ("inputs", "mask"))
    monkeypatch.setattr(Layer.find("dense"), "call_flags", ("flag",))
    config = functional(
        [source("x", 4), layer("d", "Dense", [["x", 0, 0]], units=2)], ["x", 0, 0], ["d", 0, 0]
    )
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = {"mask": tensor, "flag": 3}
    (entry,) = from_keras(config).model.entries
    assert entry.arguments == {"inputs": Reference("x"), "mask": Reference("x")}
    assert entry.inputs is None
    assert entry.flags == {"flag": 3}


def test_a_constant_of_a_call_in_keras_2():
    config = {
        "class_name": "Functional",
        "config": {
            "name": "m",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {"batch_input_shape": [None, 4], "name": "x"},
                    "name": "x",
                    "inbound_nodes": [],
                },
                {
                    "class_name": "Dense",
                    "config": {"name": "d", "units": 2},
                    "name": "d",
                    "inbound_nodes": [[["x", 0, 0, {"mask": ["y", 0, 0]}]]],
                },
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["d", 0, 0]],
        },
    }
    assert problems(config) == ["d: the call argument mask: ['y', 0, 0] is not supported"]


def test_arrays_in_a_configuration():
    value = {"class_name": "__tensor__", "config": {"value": [1.0, 2.0], "dtype": "float32"}}
    pair = {"class_name": "__tuple__", "items": [3, 3]}
    spec = from_keras(
        chain(
            source("x", 8, 8, 2),
            layer("n", "Normalization", mean=value, variance=[1.0, 1.0], axis=-1),
            layer("c", "Conv2D", filters=1, kernel_size=pair),
        )
    )
    assert list(spec.model.entries[0].layer.mean) == [1.0, 2.0]
    assert spec.model.entries[1].layer.kernel_size == (3, 3)


def test_a_call_of_something_that_is_not_there():
    config = functional(
        [source("x", 4), layer("d", "Dense", [["y", 0, 0]], units=2)], ["x", 0, 0], ["d", 0, 0]
    )
    assert problems(config) == ["d: refers to a call that the configuration does not hold"]


def test_models_that_hold_no_graph():
    assert (
        "neither a sequential nor a functional model"
        in problems({"class_name": "MyModel", "config": {"width": 3}})[0]
    )
    assert problems(chain(layer("d", "Dense", units=2))) == [
        "s: has no input shape: build the model in Keras first"
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("units", 1e400, "units: Input should be a finite number"),
        ("name", {"a": 1}, "expected the name of a layer, found {'a': 1}"),
        ("name", 3, "expected the name of a layer, found 3"),
        ("activity_regularizer", {"class_name": "L2", "config": {"l2": math.nan}},
         "d.activity_regularizer.l2: expected a number, found nan"),
    ],
)  # fmt: skip
def test_values_that_are_none(field, value, message):
    dense = layer("d", "Dense", units=2)
    (dense if field == "name" else dense["config"])[field] = value
    found = problems(chain(source("x", 4), dense))
    assert any(message in each for each in found), found


@pytest.mark.parametrize("history", [[3, 0, 0], ["x", -1, 0], ["x", 0, "1"], ["x", True, 0]])
def test_histories_that_are_none(history):
    x = source("x", 4)
    as_output = functional([x, layer("d", "Dense", [["x", 0, 0]], units=2)], ["x", 0, 0], [history])
    as_input = functional([x, layer("d", "Dense", [history], units=2)], ["x", 0, 0], ["d", 0, 0])
    assert "[layer, call, output]" in problems(as_input)[0]
    assert problems(as_output)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batch_shape": [None, 0]}, "x: expected lengths of at least 1 or null, found 0"),
        ({"batch_shape": [None, 2.5]}, "x: expected lengths of at least 1 or null, found 2.5"),
        ({"sparse": True}, "x: sparse: True is not supported"),
        ({"dtype": "complex64"}, "x: an input of type 'complex64' is not supported"),
    ],
)
def test_inputs_that_cannot_be_expressed(config, message):
    made = source("x", 4)
    made["config"] |= config
    assert problems(chain(made, layer("d", "Dense", units=2))) == [message]


def test_a_sequential_model_that_was_built_without_an_input():
    spec = from_keras(chain(layer("d", "Dense", units=2), build_input_shape=[None, 7]))
    assert spec.model.inputs[0].layer.full_shape == (None, 7)


def test_keras_2_configurations():
    """Oracle: the form that Keras 2.x wrote; nested models count a call of their own first."""

    def old(name, class_name, inbound, **config):
        return {
            "class_name": class_name,
            "config": {"name": name, "dtype": "float32", **config},
            "name": name,
            "inbound_nodes": inbound,
        }

    inner = {
        "class_name": "Sequential",
        "config": {
            "name": "inner",
            "layers": [
                {
                    "class_name": "Dense",
                    "config": {"name": "d", "units": 4, "batch_input_shape": [None, 4]},
                }
            ],
        },
        "name": "inner",
        "inbound_nodes": [[["x", 0, 0, {}]], [["inner", 1, 0, {"training": None}]]],
    }
    config = {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": [
                old("x", "InputLayer", [], batch_input_shape=[None, 4], sparse=False, ragged=False),
                inner,
                old("sum", "Add", [[["inner", 2, 0, {}], ["x", 0, 0, {}]]]),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["sum", 0, 0]],
        },
        "keras_version": "2.15.0",
        "backend": "tensorflow",
    }
    spec = from_keras(config)
    assert [(e.name, e.call, e.inputs) for e in spec.model.entries] == [
        ("inner", "inner", (Reference("x"),)),
        ("inner_1", "inner", (Reference("inner"),)),
        ("sum", None, (Reference("inner_1"), Reference("x"))),
    ]
    assert build(spec).outputs[0].shape == (None, 4)
    bare = {"class_name": "Sequential", "config": inner["config"]["layers"]}
    assert build(from_keras(bare)).outputs[0].shape == (None, 4)


def broken(value, rng):
    """A copy with one thing somewhere inside left out or replaced."""
    value = json.loads(json.dumps(value))
    at, path = value, []
    while isinstance(at, dict | list) and at and (not path or rng.random() < 0.9):
        key = rng.choice(sorted(at)) if isinstance(at, dict) else rng.randrange(len(at))
        path.append((at, key))
        at = at[key]
    holder, key = path[-1]
    if rng.random() < 0.5:
        del holder[key]
    else:
        holder[key] = rng.choice([None, -1, "x", [], {}, [[]], {"class_name": "Dense"}, 1e99])
    return value


@pytest.mark.parametrize("name", ["digits_cnn", "nested_model", "siamese_multi_io"])
def test_broken_configurations_never_end_in_another_error(name):
    rng = random.Random(name)
    refused = 0
    for _ in range(400):
        try:
            build(from_keras(broken(app(name)["config.json"], rng), {}))
        except SpecError:
            refused += 1
    assert refused > 20


def test_states_of_stacked_cells_are_lists_in_a_list():
    def tensor(name):
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}

    nested = [[tensor("h"), tensor("c")], [tensor("g")]]
    call = call_of({"args": [tensor("x")], "kwargs": {"initial_state": nested}})
    assert [item[0] for item in call.lists["initial_state"] if item] == ["h", "c", "g"]
