"""Metrics as ONNX on onnxruntime: Keras' numbers of the first batch."""

from __future__ import annotations

import numpy as np
import pytest

from specc import primitives as ops
from specc.metrics import Metric
from specc.primitives import Trace
from specc.tensors import BATCH
from tests.compiled import run
from tests.metrics.test_metrics import CASES, CLOSE, IDS, array, key_of


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_first_result(case):
    batch = case["batches"][0]
    y, p, w = (array(batch[name]) for name in ("y", "p", "weight"))
    metric = Metric.parse({key_of(case): case["fields"]})
    metric = metric.resolve((None, *p.shape[1:]), (None, *y.shape[1:]))
    trace = Trace()
    feeds = {
        ops.graph_input(trace, name, (BATCH, *x.shape[1:]), str(x.dtype)): x
        for name, x in {"y": y, "p": p, "w": w}.items()
    }
    y_source, p_source, w_source = feeds
    plain = metric.result(metric.contributions(y_source, p_source, None))
    weighted = metric.result(metric.contributions(y_source, p_source, w_source))
    found = run([plain, weighted], feeds)
    np.testing.assert_allclose(found[0], batch["result"], **CLOSE)
    if "weighted" in batch:
        np.testing.assert_allclose(found[1], batch["weighted"], **CLOSE)
