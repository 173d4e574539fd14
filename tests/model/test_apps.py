"""Whole applications in inference: nets of hundreds of layers, nested and siamese models.

Oracle: outputs of Keras 3.15.1, 1e-3 of the largest element (deep models add up float32 rounding).
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.compiler.bundle import bundle
from specc.compiler.compiler import Compiler
from specc.session import Runner
from tests.golden import APPS
from tests.model.apps import check
from tests.model.golden_cases import TARGETS, close

# The others take seconds to run once.
SMALL = ["MobileNetV2", "digits_cnn", "nested_model", "siamese_multi_io"]


def compared(found: list[np.ndarray], keras: list[np.ndarray]) -> None:
    for i, (output, expected) in enumerate(zip(found, keras, strict=True)):
        close(output, expected, 1e-3, 0.0, f"y{i}")


@pytest.mark.parametrize("name", APPS)
def test_predict(name: str) -> None:
    case = check(name)
    model = specc.Model(case.spec)
    model.set_weights(case.weights)
    found = model.predict(case.inputs)
    compared(found if isinstance(found, list) else [found], case.outputs)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SMALL)
def test_inference_graph_with_weights_as_state(name: str, target: str) -> None:
    case = check(name)
    made = bundle(Compiler.of(case.spec, target))
    runner = Runner(made.programs["infer"])
    named = made.check_weights(dict(zip([w.name for w in made.weights], case.weights, strict=True)))
    names = {port.name for port in runner.program.ports("state")}
    packed = {key: array for key, array in made.state.pack(named).items() if key in names}
    given = dict(zip([port.name for port in made.inputs], case.inputs, strict=True))
    compared(list(runner.run(packed | given).values()), case.outputs)
