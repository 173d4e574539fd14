"""Every model of keras.applications, from its configuration to the summary's bytes.

Oracle: parameter counts, shapes of weights and summaries of Keras 3.15.1, the latter two as
digests (tests/frozen/applications.json.xz). tests/model/test_apps.py compares numbers of some.
"""

from __future__ import annotations

import functools
import hashlib
import json
import lzma
from typing import Any

import numpy as np
import pytest

import specc
from specc.keras_import import from_keras
from specc.network import build
from specc.spec.reader import loads
from specc.spec.write import dump, simplified
from specc.summaries import summary
from tests.golden import FROZEN


@functools.cache
def applications() -> dict[str, Any]:
    return json.loads(lzma.decompress((FROZEN / "applications.json.xz").read_bytes()))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", sorted(applications()["models"]))
def test_counts_shapes_and_summaries_are_keras(name: str) -> None:
    case = applications()["models"][name]
    network = build(from_keras(case["config"]))
    info = summary(network)
    found = info.to_dict()
    assert found["total_params"] == case["params"]
    assert found["trainable_params"] == case["trainable"]
    assert digest(json.dumps([list(w.weight.shape) for w in network.weights])) == case["weights"]
    for width, expected in case["summary"].items():
        assert digest(info.text(int(width)).rstrip()) == expected


# One of each family: what is written reads back to the same model.
@pytest.mark.parametrize(
    "name",
    [
        "ConvNeXtTiny",
        "EfficientNetV2B0",
        "InceptionResNetV2",
        "InceptionV3",
        "MobileNet",
        "MobileNetV3Small",
        "NASNetMobile",
        "ResNet50V2",
        "Xception",
    ],
)
def test_the_written_spec_reads_back(name: str) -> None:
    spec = from_keras(applications()["models"][name]["config"])
    assert loads(dump(spec)) == simplified(spec)


def drawn(rng: np.random.Generator, kind: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    """As `draw` in make_applications.py."""
    if kind == "0":
        return np.zeros(shape, np.int32)
    if kind == "u":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    fan = np.prod(shape[:-2] if shape[-1] == 1 else shape[:-1])
    scale = np.sqrt(gain / fan) if kind == "k" else 0.1
    return (rng.standard_normal(shape) * scale).astype(np.float32)


@pytest.mark.parametrize("name", sorted(applications()["forward"]))
def test_forward_numbers_are_keras(name: str) -> None:
    case = applications()["forward"][name]
    model = specc.Model(from_keras(case["config"]), target="portable")
    rng = np.random.default_rng(11)
    shapes = [w.shape for w in model.weights.values()]
    recipe = zip(case["kinds"], shapes, strict=True)
    model.set_weights([drawn(rng, kind, shape, case["gain"]) for kind, shape in recipe])
    x = rng.uniform(-2, 2, (2, 64, 64, 3)).astype(np.float32)
    y = model.predict(x)
    expected = np.reshape(case["output"], y.shape)
    # Float32 rounding adds up; inputs that differ by 1e-6 differ by up to 3e-5 here in Keras.
    np.testing.assert_allclose(y, expected, rtol=0, atol=2e-4 * np.abs(expected).max())
