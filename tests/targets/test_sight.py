"""Runs of queries: that nothing which a mask shows is left out, and what is not made at all.

Oracle: the masks themselves. Numbers and gradients are those of the nets of attention.
"""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from specc.targets.sight import runs
from tests.targets.nets import NETS
from tests.targets.realised import Realised


def banded(queries: int, keys: int, seed: int) -> np.ndarray:
    """A mask that shows every query some keys around its place."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((queries, keys), np.bool_)
    for row, place in enumerate(np.linspace(0, keys - 1, queries).astype(int)):
        first, last = place - rng.integers(0, 50), place + rng.integers(1, 50)
        mask[row, max(0, first) : last] = rng.random(min(keys, last) - max(0, first)) < 0.7
        mask[row, place] = True
    return mask


@pytest.mark.parametrize(("queries", "keys"), [(128, 400), (300, 300), (700, 513), (1030, 900)])
def test_runs_show_what_the_mask_shows(queries: int, keys: int) -> None:
    mask = banded(queries, keys, queries)
    found = runs(mask, 64)
    assert len(found) == min(8, queries // 64)
    shown = np.zeros_like(mask)
    for run in found:
        seen = shown[run.start : run.stop, run.first : run.last]
        seen |= True if run.mask is None else run.mask
    np.testing.assert_array_equal(shown, mask)
    assert [run.start for run in found] == [0, *(run.stop for run in found[:-1])]
    assert found[-1].stop == queries


@pytest.mark.parametrize(
    "mask",
    [
        np.tri(127, dtype=np.bool_),
        np.ones((256, 256), np.bool_),
        banded(128, 40, 1),
        np.tri(256, k=-1, dtype=np.bool_),
    ],
    ids=["short", "all", "little to leave out", "a query that sees nothing"],
)
def test_one_run_where_cutting_does_not_pay(mask: np.ndarray) -> None:
    (run,) = runs(mask, 64)
    assert (run.start, run.stop, run.first, run.last) == (0, mask.shape[0], 0, mask.shape[1])
    np.testing.assert_array_equal(np.ones_like(mask) if run.mask is None else run.mask, mask)


def test_scores_that_a_mask_hides_are_not_made() -> None:
    made = Realised(NETS["attention_to_what_came_before"], "cpu", 3, floatx="float32", grads=True)
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(made.model)).graph
    softmaxes = {node.output[0] for node in graph.node if node.op_type == "Softmax"}
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    assert sorted(shapes[name][1:] for name in softmaxes) == [[64, 64], [64, 128]]
