"""What differs between specs, against expectations written by hand."""

import json

import pytest

from specc.difference import canonical, diff
from specc.keras_import import from_keras
from specc.spec.train import TrainSpec
from tests.golden import APPS, app
from tests.network.specs import entry, model, spec


def conv(filters, **more):
    return {"conv2d": {"filters": filters, "kernel_size": 3, **more}}


def chain(*layers, **more):
    """Layers with Keras' automatic names."""
    count, entries = {}, []
    for layer in layers:
        key = layer if isinstance(layer, str) else next(iter(layer))
        n = count[key] = count.get(key, -1) + 1
        entries.append(entry(f"{key}_{n}" if n else key, layer))
    return spec({"x": (12, 12, 1)}, *entries, **more)


OLD = chain(conv(8), {"max_pooling2d": 2}, conv(16), "flatten", {"dense": 10})


def told(new, old=OLD):
    changes = diff(old, new).layers
    return [(c.what, c.name, [(f.name, f.old, f.new) for f in c.fields]) for c in changes]


def test_a_spec_does_not_differ_from_itself():
    found = diff(OLD, OLD)
    assert not found
    assert str(found) == "no differences"
    assert found.markdown() == "No differences."
    assert found.to_dict()["layers"] == []
    assert found.totals["params"] == (2698, 2698)


def test_a_changed_field_and_what_follows_from_it():
    new = chain(conv(8), {"max_pooling2d": 2}, conv(4), "flatten", {"dense": 10})
    assert told(new) == [
        ("changed", "conv2d_1", [("filters", 16, 4)]),
        ("changed", "flatten", []),
        ("changed", "dense", []),
    ]
    assert diff(OLD, new).text() == "\n".join(
        [
            "~ conv2d_1 (Conv2D)",
            "    filters: 16 -> 4",
            "    output: (None, 3, 3, 16) -> (None, 3, 3, 4)",
            "    params: 1,168 -> 292 (-876)",
            "    MACs: 10,368 -> 2,592 (-7,776)",
            "~ flatten (Flatten)",
            "    output: (None, 144) -> (None, 36)",
            "~ dense (Dense)",
            "    params: 1,450 -> 370 (-1,080)",
            "    MACs: 1,440 -> 360 (-1,080)",
            (
                "total: params 2,698 -> 742 (-1,956), trainable params 2,698 -> 742 (-1,956), "
                "MACs 19,008 -> 10,152 (-8,856)"
            ),
        ]
    )


def test_a_layer_put_in_shifts_automatic_names_and_nothing_else():
    new = chain(conv(8), conv(8, padding="same"), {"max_pooling2d": 2}, conv(16), "flatten",
                {"dense": 10})  # fmt: skip
    assert told(new) == [("added", "conv2d_1", [])]
    assert diff(OLD, new).layers[0].params == (None, 584)
    assert told(OLD, new) == [("removed", "conv2d_1", [])]
    assert "- conv2d_1 (Conv2D)\n    output: (None, 10, 10, 8)\n    params: 584" in str(
        diff(new, OLD)
    )


def test_another_kind_in_its_place_is_a_removal_and_an_addition():
    new = chain(conv(8), {"average_pooling2d": 2}, conv(16), "flatten", {"dense": 10})
    assert told(new) == [("removed", "max_pooling2d", []), ("added", "average_pooling2d", [])]


def test_written_names():
    a = spec({"x": (4,)}, entry("first", {"dense": 3}), entry("second", {"dense": 3}))
    b = spec({"x": (4,)}, entry("new", {"dense": 3}), entry("first", {"dense": 5}),
             entry("second", {"dense": 3}))  # fmt: skip
    assert told(b, a) == [
        ("added", "new", []),
        ("changed", "first", [("units", 3, 5)]),
        ("changed", "second", []),
    ]
    c = spec({"x": (4,)}, entry("dense", {"dense": 3}), entry("second", {"dense": 3}))
    assert told(c, a) == [("changed", "dense", [("name", "first", "dense")])]


def test_a_layer_that_moved():
    a = spec({"x": (4,)}, entry("drop", {"dropout": 0.5}), entry("d", {"dense": 4}))
    b = spec({"x": (4,)}, entry("d", {"dense": 4}), entry("drop", {"dropout": 0.5}))
    assert [(name, [f[0] for f in fields]) for _, name, fields in told(b, a)] == [
        ("d", ["inputs"]),
        ("drop", ["inputs"]),
    ]


def test_other_inputs():
    def made(second):
        return spec(
            {"x": (4,), "y": (4,)},
            entry("a", {"dense": 4}, "x"),
            entry("b", {"dense": 4}, "y"),
            entry("sum", "add", "a", second),
            outputs=["sum", "b"],
        )

    assert told(made("y"), made("b")) == [
        ("changed", "sum", [("inputs", ["a", "b"], ["a", "y"])]),
    ]


def test_sub_models_are_compared_layer_by_layer():
    def made(units):
        inner = model({"z": (4,)}, entry("d", {"dense": units}), name="inner")
        return spec({"x": (4,)}, entry("inner", None, call="inner"), models={"inner": inner})

    assert told(made(5), made(4)) == [
        ("changed", "inner", []),
        ("changed", "inner/d", [("units", 4, 5)]),
    ]


def test_settings_beside_the_layers():
    def made(shape, train=None):
        section = None if train is None else TrainSpec.model_validate(train)
        return spec({"x": shape}, entry("d", {"dense": 2}), train=section)

    found = diff(
        made((4,), {"loss": "mse"}), made((5,), {"loss": "mae", "optimizer": {"adam": 0.01}})
    )
    assert {v.name: (v.old, v.new) for v in found.settings} == {
        "inputs.x": (
            {"shape": [4], "dtype": "float32"},
            {"shape": [5], "dtype": "float32"},
        ),
        "train.loss": ("mean_squared_error", "mean_absolute_error"),
        "train.optimizer": ("rmsprop", {"adam": {"learning_rate": 0.01}}),
    }
    assert "~ train.loss: mean_squared_error -> mean_absolute_error" in str(found)
    (only,) = diff(made((4,)), made((4,), {"loss": "mse", "epochs": 3})).settings
    assert (only.name, only.old) == ("train", None)
    assert only.new == {"loss": "mean_squared_error", "epochs": 3}


def test_json_and_markdown():
    new = chain(conv(8), {"max_pooling2d": 2}, conv(4), "flatten", {"dense": 10})
    found = json.loads(diff(OLD, new).json())
    assert found["layers"][0] == {
        "change": "changed",
        "name": "conv2d_1",
        "type": "Conv2D",
        "fields": [{"field": "filters", "old": 16, "new": 4}],
        "output": [[None, 3, 3, 16], [None, 3, 3, 4]],
        "params": [1168, 292],
        "macs": [10368, 2592],
    }
    assert found["totals"]["params"] == [2698, 742]
    lines = diff(OLD, new).markdown().splitlines()
    assert lines[3] == ("| changed | `flatten` (Flatten) | output: (None, 144) -> (None, 36) |")
    assert lines[-1] == "| total | MACs | 19,008 -> 10,152 (-8,856) |"


@pytest.mark.parametrize("name", APPS)
def test_whole_applications_against_a_smaller_input(name):
    """Oracle: Keras' parameter counts; only shapes follow from the input, no layer is new."""
    case = app(name)
    spec_ = from_keras(case["config.json"])
    assert not diff(spec_, spec_)
    text = canonical(spec_)
    total = case["totals.json"]["total_params"]
    assert text.splitlines()[-1].startswith(f"total: {total:,} params, ")


def test_canonical_lines():
    inner = model({"z": (4,)}, entry("d", {"dense": 4}), name="inner")
    made = spec(
        {"x": (4,)},
        entry("dense", {"dense": 4}, "x"),
        entry("inner", None, "dense", call="inner"),
        entry("again", None, "inner", call="dense"),
        entry("sum", "add", "inner", "again"),
        models={"inner": inner},
        train=TrainSpec.model_validate({"loss": "mse", "epochs": 2}),
    )
    assert canonical(made).splitlines() == [
        "name: m",
        "kind: functional",
        "inputs.x: {shape: [4], dtype: float32}",
        "outputs: [[4]]",
        "dense {units: 4} -> (None, 4) 20 params",
        "inner: model inner -> (None, 4) 20 params",
        "inner/d: dense {units: 4} -> (None, 4) 20 params",
        "call dense -> (None, 4)",
        "sum: add <- inner, again -> (None, 4)",
        "train.loss: mean_squared_error",
        "train.epochs: 2",
        "total: 40 params, 48 MACs",
    ]


def test_canonical_lines_do_not_shift_when_a_layer_is_put_in():
    new = chain(conv(8), conv(8, padding="same"), {"max_pooling2d": 2}, conv(16), "flatten",
                {"dense": 10})  # fmt: skip
    old_lines, new_lines = canonical(OLD).splitlines(), canonical(new).splitlines()
    added = [line for line in new_lines if line not in old_lines]
    assert len(added) == 2
    assert added[0].startswith("conv2d {filters: 8, kernel_size: 3, padding: same}")
    assert added[1].startswith("total: ")
