"""Writes constraints.json: what Keras' constraints and regularizers make of one matrix.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_constraints.py
"""

import json
from pathlib import Path

import keras
import numpy as np

CONSTRAINTS = [
    ("MaxNorm", {"max_value": 0.9}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("MaxNorm", {}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.2, "rate": 0.3, "axis": 1}),
]
REGULARIZERS = [
    ("L1", {}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {"l1": 0.1, "l2": 0.02}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {"factor": 0.5}),
    ("OrthogonalRegularizer", {"mode": "columns"}),
]


def plain(x):
    values = np.asarray(x, np.float32)
    return [plain(v) for v in values] if values.ndim else float(str(values[()]))


weight = np.round(np.random.default_rng(4).normal(size=(4, 3)), 3).astype(np.float32)
weight[1] = 0.0
cases = {"weight": plain(weight), "constraints": [], "regularizers": []}
for family, table in (("constraints", CONSTRAINTS), ("regularizers", REGULARIZERS)):
    for name, fields in table:
        rule = getattr(getattr(keras, family), name)(**fields)
        cases[family].append(
            {
                "class": name,
                "fields": fields,
                "result": plain(rule(keras.ops.convert_to_tensor(weight))),
            }
        )
(Path(__file__).parent / "constraints.json").write_text(json.dumps(cases) + "\n")
