"""Cases of the whole set of Keras' reference numbers, and what of them may be skipped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specc
from tests.golden import cases

TARGETS = ["portable", "cpu"]
# Reasons for which a case is skipped. A layer that specc has is not among them, so that a case
# which stops being read fails instead of passing as a skip.
LATER_LAYERS: frozenset[str] = frozenset()
LATER = [
    r"the operation \w+ \(keras\.src\.ops\.\w+\) is not supported",  # operators between layers
]
# The first set of layers; none of them may ever be missing.
FIRST_SET = frozenset(
    [
        "Activation", "Add", "Average", "AveragePooling2D", "BatchNormalization", "Concatenate",
        "Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "Dropout", "ELU", "Flatten",
        "GaussianNoise", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Identity", "InputLayer",
        "LayerNormalization", "LeakyReLU", "MaxPooling2D", "Maximum", "Minimum", "Multiply",
        "Normalization", "PReLU", "Permute", "ReLU", "Rescaling", "Reshape", "Softmax",
        "SpatialDropout2D", "Subtract", "UpSampling2D", "ZeroPadding2D",
    ]
)  # fmt: skip


def is_later(problem: str) -> bool:
    """Whether a problem is about something that specc does not have yet."""
    layer = re.search(r"unsupported layer '(\w+)'", problem)
    if layer:
        return layer[1] in LATER_LAYERS
    return any(re.search(pattern, problem) for pattern in LATER)


@dataclass(frozen=True)
class Golden:
    """One stored case: its JSON and its arrays."""

    path: Path
    stored: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def spec(self) -> specc.Spec:
        """The case's model; skips the test when it uses what specc does not have yet."""
        try:
            return specc.from_keras(self.stored["config"], self.stored.get("compile"))
        except specc.SpecError as error:
            problems = [problem.message for problem in error.problems]
            if not all(is_later(problem) for problem in problems):
                raise
            pytest.skip(f"not in specc yet: {problems[0].partition(';')[0]}")

    def weights(self, suffix: str = "") -> list[np.ndarray]:
        """The weights as they were before the call."""
        return [self.arrays[f"w{i}{suffix}"] for i in range(len(self.stored["weights"]))]


def golden(path: Path) -> Golden:
    """Read one case."""
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as arrays:
        return Golden(path, json.loads(path.read_text()), dict(arrays))


def each(family: str) -> pytest.MarkDecorator:
    """A test for every case of a family and every target."""
    found = [
        pytest.param(path, target, id=f"{path.stem}-{target}")
        for path in cases(family)
        for target in TARGETS
    ]
    if not found:
        skip = pytest.mark.skip(reason="the whole set of Keras' numbers is not here")
        found = [pytest.param(None, "", id="absent", marks=skip)]
    return pytest.mark.parametrize(("path", "target"), found)


def close(
    found: np.ndarray | None, keras: np.ndarray, relative: float, absolute: float, what: str
) -> None:
    """|found - keras| <= max(relative * largest element, absolute); None stands for zeros."""
    found = np.zeros_like(keras) if found is None else found
    assert found.shape == keras.shape, what
    if keras.size:
        limit = max(relative * float(np.abs(keras).max()), absolute)
        error = float(np.abs(found.astype(np.float64) - keras).max())
        assert error <= limit, f"{what}: error {error:.3g}, allowed {limit:.3g}"
