"""The whole training graph in float64: what it does to weights is the gradient of its loss.

Oracle: differences of the loss along random directions, on ONNX's reference evaluator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specc.compiler.compiler import Compiler
from specc.tensors import Sym
from tests.compiler.spec_texts import TEXTS, spec
from tests.gradcheck import STEP, TOLERANCE, evaluator

BATCH = 5


def compiled(text: str, folder: Path, target: str) -> Compiler:
    compiler = Compiler.of(spec(text, folder), target)
    compiler.floatx = "float64"
    return compiler


@pytest.mark.parametrize("target", ["portable", "cpu"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_sgd_steps_along_the_gradient_of_the_loss(text: str, target: str, tmp_path: Path) -> None:
    program = compiled(text, tmp_path, target).train()
    rng = np.random.default_rng(0)
    feeds: dict[str, np.ndarray] = {}
    for port in program.inputs:
        shape = [d.factor * BATCH if isinstance(d, Sym) else d for d in port.shape]
        if port.dtype == "float64":
            feeds[port.name] = rng.normal(size=shape) * 0.5
        else:
            feeds[port.name] = rng.integers(0, 3, shape).astype(port.dtype)
    feeds["learning_rate"] = np.array(1.0)
    if "statistics" in feeds:
        feeds["statistics"] = np.abs(feeds["statistics"])
    for name, value in feeds.items():
        if name.startswith("sample_weight/"):
            feeds[name] = np.abs(value)
    model = evaluator(program.model)

    def run(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = model.run(None, {**feeds, "weights": weights})
        return dict(zip(model.output_names, found, strict=True))

    at = feeds["weights"]
    here = run(at)
    step = at - here["next/weights"]
    for seed in range(3):
        v = np.random.default_rng(seed).normal(size=at.shape)
        above, below = run(at + STEP * v)["loss"], run(at - STEP * v)["loss"]
        by_difference = (above - below) / (2 * STEP)
        by_graph = (step * v).sum()
        # |step| is what the product with a random direction is expected to measure.
        bound = TOLERANCE * max(float(np.linalg.norm(step)), abs(by_graph)) + 1e-8
        assert abs(by_difference - by_graph) <= bound, (by_difference, by_graph)
    assert here["next/iterations"] == feeds["iterations"] + 1
    # Every weight moves but those behind a dead activation.
    assert np.mean(step != 0) > 0.5
