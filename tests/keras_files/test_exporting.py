"""Models written for Keras: what Keras reads is what was there.

Oracles: the same model read back from what Keras itself wrote; and Keras, where it is installed.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import specc
from specc.errors import SpecError
from specc.keras_files import export, keras_weights, read_weights
from specc.keras_files.configuration import configuration
from specc.keras_import import from_keras
from specc.network import build
from specc.spec.model import Spec
from specc.spec.reader import load, loads
from specc.spec.write import dump, simplified
from tests.golden import APPS, FROZEN, app, graphs
from tests.keras_import.frozen_operations import Case, cases

pytest.importorskip("h5py")

CASES = cases()


def round_trip(spec: Spec, path: Path) -> Spec:
    network = build(spec)
    rng = np.random.default_rng(0)
    weights = {w.name: rng.random(w.weight.shape, np.float32) for w in network.weights}
    export(path, network, weights)
    found = keras_weights(path)
    for theirs, array in zip(found.values(), weights.values(), strict=True):
        np.testing.assert_array_equal(theirs, array.astype(theirs.dtype))
    return from_keras(path)


def test_layers_of_every_way_of_storing(tmp_path: Path) -> None:
    spec = from_keras(FROZEN / "weights.keras")
    assert simplified(round_trip(spec, tmp_path / "m.keras")) == simplified(spec)


@pytest.mark.parametrize("case", CASES[::4], ids=[str(case.number) for case in CASES[::4]])
def test_operations(case: Case, tmp_path: Path) -> None:
    spec = from_keras(case.config)
    assert simplified(round_trip(spec, tmp_path / "m.keras")) == simplified(spec)


def test_functions_with_values_are_layers(tmp_path: Path) -> None:
    text = "inputs: {x: [4]}\nlayers:\n  - dense: {units: 3, activation: {relu: {max_value: 6}}}\n"
    spec = loads(f"specc: 1\n{text}  - activation: {{activation: {{softmax: {{axis: 1}}}}}}\n")
    found = round_trip(spec, tmp_path / "m.keras")
    assert [e.layer for e in found.model.entries] == [e.layer for e in spec.model.entries]
    gelu = loads(
        "specc: 1\ninputs: {x: [4]}\nlayers: [{dense: {units: 3, activation: {gelu: true}}}]\n"
    )
    with pytest.raises(SpecError, match=r"Keras has no layer for the activation gelu\(approx"):
        export(tmp_path / "n.keras", build(gelu), {})


@pytest.mark.parametrize("name", ["digits_cnn", "nested_model", "siamese_multi_io"])
def test_applications(name: str, tmp_path: Path) -> None:
    assert name in APPS
    spec = from_keras(app(name)["config.json"], {})
    assert simplified(round_trip(spec, tmp_path / "m.keras")) == simplified(spec)


@pytest.mark.parametrize("name", graphs())
def test_awkward_graphs(name: str, tmp_path: Path) -> None:
    spec = from_keras(graphs()[name]["config"], {})
    again = round_trip(spec, tmp_path / "m.keras")
    assert specc.summary(again).text(100) == specc.summary(spec).text(100)


@pytest.mark.parametrize("name", ["masks_of_models", "graphs_at_steps", "wrapped_twice"])
def test_masks_and_models_in_layers(name: str, tmp_path: Path) -> None:
    stored = json.loads(gzip.decompress((FROZEN / "imported.json.gz").read_bytes()))
    spec = from_keras(stored[name]["config"])
    assert simplified(round_trip(spec, tmp_path / "m.keras")) == simplified(spec)
    assert simplified(loads(dump(spec))) == simplified(spec)


def test_one_input_and_one_output_are_no_lists() -> None:
    # Keras' own form: a model called on a tensor gives a tensor, also at the steps of a sequence.
    spec = loads("specc: 1\nkind: functional\ninputs: {x: [4]}\nlayers: [{dense: 4}]\n")
    config = configuration(build(spec))["config"]
    assert config["input_layers"] == ["x", 0, 0]
    assert config["output_layers"] == ["dense", 0, 0]


def test_a_model_at_two_places_is_refused(tmp_path: Path) -> None:
    # Keras 3.15.1 writes such a model, and cannot read it back: only one of the two has weights.
    spec = loads(
        "specc: 1\ninputs: {x: [3, 4], y: [4]}\n"
        "models: {m: {inputs: {z: [4]}, layers: [{dense: 2}]}}\n"
        "layers:\n  - time_distributed: {layer: {call: m}}\n    inputs: x\n    name: t\n"
        "  - call: m\n    inputs: y\noutputs: [t, m]\n"
    )
    with pytest.raises(SpecError, match=r"hold a model at one place, 'm' stands at several"):
        export(tmp_path / "m.keras", build(spec), {})


def test_names_of_blocks_become_names_that_keras_takes(tmp_path: Path) -> None:
    spec = loads(
        "specc: 1\ninputs: {x: [4]}\n"
        "blocks: {b: {layers: [{dense: 4}, {activation: relu}]}}\n"
        "layers: [{b: , name: one}, {dense: 4, name: one_dense}, {b: , name: two}, {dense: 1}]\n"
    )
    again = round_trip(spec, tmp_path / "m.keras")
    names = [entry.name for entry in again.model.entries]
    wanted = "one_dense_1 one_activation one_dense two_dense two_activation dense"
    assert names == wanted.split()


def test_equal_models_make_equal_files(tmp_path: Path) -> None:
    spec = load("specs/gpt.yaml")
    for name in ("a.keras", "b.keras"):
        round_trip(spec, tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()


def test_what_keras_does_not_have_is_all_told(tmp_path: Path) -> None:
    spec = loads(
        "specc: 1\ninputs: {x: [4]}\nlayers: [{maxout: 2}, {dense: 4}, {maxout: 2}, {dense: 1}]\n"
    )
    with pytest.raises(SpecError) as error:
        export(tmp_path / "m.keras", build(spec), {})
    found = [str(problem) for problem in error.value.problems]
    assert len(found) == 2
    assert "layers[0] (maxout): Keras has no layer 'maxout'" in found[0]
    assert "layers[2] (maxout_1): Keras has no layer 'maxout'" in found[1]


def test_keras_loads_it(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    spec = from_keras(FROZEN / "weights.keras")
    network = build(spec)
    weights = read_weights(FROZEN / "weights.keras", network)
    export(tmp_path / "m.keras", network, weights)
    model = keras.models.load_model(tmp_path / "m.keras")
    for mine, theirs in zip(weights.values(), model.weights, strict=True):
        np.testing.assert_array_equal(mine, np.asarray(theirs))


LORA = """
specc: 1
inputs: {x: {shape: [3], dtype: int32}}
layers:
  - embedding: {input_dim: 5, output_dim: 4, lora_rank: 1, lora_alpha: 3.0}
  - einsum_dense:
      {equation: "abc,cd->abd", output_shape: [3, 4], bias_axes: d, lora_rank: 2}
  - dense: {units: 4, lora_rank: 2, lora_alpha: 0.5}
  - dense: {units: 4, use_bias: false, lora_rank: 3}
"""


def test_adapters_are_a_part_of_what_they_adapt(tmp_path: Path) -> None:
    """Oracle: the model itself; Keras saves what it computes with and reads adapters as 0."""
    model = specc.Model(loads(LORA))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights.values()])
    x = np.array([[0, 3, 4]], np.int32)
    path = tmp_path / "m.keras"
    export(path, build(model.spec), model.weights)
    read = specc.Model(from_keras(path))
    read.set_weights(read_weights(path, build(read.spec)))
    np.testing.assert_allclose(read.predict(x), model.predict(x), rtol=2e-5, atol=1e-5)
    adapters = {name: array for name, array in read.weights.items() if "lora" in name}
    assert len(adapters) == 8
    assert not any(array.any() for array in adapters.values())


def test_adapters_inside_another_layer_are_refused(tmp_path: Path) -> None:
    spec = loads(
        "specc: 1\ninputs: {x: [3, 2]}\nlayers:\n"
        "  - time_distributed: {layer: {dense: {units: 2, lora_rank: 1}}}\n"
    )
    with pytest.raises(SpecError, match="adapters of a layer inside another one"):
        export(tmp_path / "m.keras", build(spec), specc.Model(spec).weights)
