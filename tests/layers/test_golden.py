"""Single layers of the whole Keras reference set, where it is present: forward outputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specc.keras_import import from_keras
from specc.layers import Layer
from tests.golden import cases
from tests.layers.bench import Bench

# Groups whose layers are not in the package: their cases are left out, not passed.
SUPPORTED = {kind.type_name() for kind in Layer.kinds().values()} | {"InferenceIdentity"}


def usable() -> list[Path]:
    """Cases of one supported layer without masks."""
    found = []
    for path in cases("layers"):
        case = json.loads(path.read_text())
        layers = case["config"]["config"]["layers"]
        own = [layer for layer in layers if layer["class_name"] != "InputLayer"]
        supported = all(layer["class_name"] in SUPPORTED for layer in own)
        if case["group"] in SUPPORTED and len(own) == 1 and supported:
            found.append(path)
    return found


@pytest.mark.parametrize("path", usable(), ids=lambda path: path.stem)
def test_outputs_are_keras(path: Path) -> None:
    case = json.loads(path.read_text())
    arrays = np.load(path.with_suffix(".npz"))
    entry = from_keras(case["config"]).model.entries[0]
    if entry.arguments:
        return  # Masks and their like, by name: tests/model runs them.
    given = {item["name"]: arrays[item["name"]] for item in case["inputs"]}
    # A layer may take one input twice, as self-attention does.
    inputs = [given[ref.name] for ref in entry.inputs or ()] or list(given.values())
    weights = [arrays[f"w{i}"] for i in range(len(case["weights"]))]
    bench = Bench(entry.layer, inputs, weights, training=case["training"], flags=entry.flags)
    # Tolerances of the set's README, for float32 results.
    np.testing.assert_allclose(bench.outputs[0], arrays["y0"], rtol=1e-4, atol=1e-5)
    names = [weight.name for weight in bench.layer.weights(bench.shapes)]
    assert [path.partition("/")[2] for path in case["weights"]] == names
    assert [names[i] for i in case["updated_weights"]] == list(bench.assigned)
    for i in case["updated_weights"]:
        np.testing.assert_allclose(bench.assigned[names[i]], arrays[f"mw{i}"], rtol=1e-4, atol=1e-5)


def test_the_set_is_used_when_present() -> None:
    assert not cases("layers") or len(usable()) > 100
