"""`loss_scale_factor`: gradients of the scaled loss, divided again before everything else."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.spec.reader import loads


def trained(options: str) -> tuple[float, list[np.ndarray]]:
    text = f"""
specc: 1
inputs: {{x: [3]}}
layers: [{{dense: {{units: 4, activation: tanh}}}}, {{dense: 1}}]
train: {{loss: mse, optimizer: {{adam: {{clipnorm: 0.01{options}}}}}}}
"""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)).astype(np.float32), rng.normal(size=(8, 1)).astype(np.float32)
    model = specc.Model(loads(text))
    loss = [model.train_on_batch(x, y)["loss"] for _ in range(3)][-1]
    return loss, list(model.weights.values())


@pytest.mark.parametrize(("factor", "tolerance"), [(1024.0, 0.0), (300.0, 1e-5)])
def test_the_factor_changes_nothing_but_rounding(factor, tolerance) -> None:
    # Oracle: the same steps without it; a power of 2 does not even round.
    loss, weights = trained("")
    scaled_loss, scaled = trained(f", loss_scale_factor: {factor}")
    np.testing.assert_allclose(scaled_loss, loss, rtol=tolerance)
    for found, expected in zip(scaled, weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
