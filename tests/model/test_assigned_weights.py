"""A layer that replaces a weight which training changes: the update starts from what it put there.

Oracle: Keras' rule in NumPy (one power iteration, gradient of the divided kernel, then the step).
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.spec.reader import loads

SPEC = """
specc: 1
inputs: {x: [3]}
layers:
  - dense: {units: 2, kernel_initializer: glorot_normal}
  - spectral_normalization: {layer: {dense: {units: 2, kernel_regularizer: {l2: 0.1}}}}
train: {loss: mse, optimizer: {sgd: 0.5}}
"""


@pytest.mark.parametrize("target", ["portable", "cpu"])
def test_a_step_moves_the_divided_kernel(target) -> None:
    model = specc.Model(loads(SPEC), target=target)
    first, b0, w, u, b1 = model.weights.values()
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    logs = model.train_on_batch(x.astype(np.float32), y.astype(np.float32))
    v = u @ w.T
    v /= np.linalg.norm(v)
    u = v @ w
    u /= np.linalg.norm(u)
    divided = w / (v @ w @ u.T)
    h = x @ first + b0
    error = h @ divided + b1 - y
    grad = h.T @ error * 2 / error.size + 2 * 0.1 * divided
    after = model.weights
    names = list(after)
    np.testing.assert_allclose(
        logs["loss"], (error**2).mean() + 0.1 * (divided**2).sum(), rtol=1e-5
    )
    np.testing.assert_allclose(after[names[2]], divided - 0.5 * grad, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after[names[3]], u, rtol=1e-5)
    grad = x.T @ (error @ divided.T) * 2 / error.size
    np.testing.assert_allclose(after[names[0]], first - 0.5 * grad, rtol=1e-4, atol=1e-5)
    assert names[2].endswith("/dense/kernel")
