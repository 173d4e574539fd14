"""Configurations of single layers as Keras 3.15.1 writes them (frozen/layer_configs.json.gz).

Oracle: the output shape that Keras says, and the specs' own way out and in.
"""

from __future__ import annotations

import gzip
import json

import pytest

import specc
from specc.keras_import import from_keras
from specc.spec.reader import loads
from specc.spec.write import dump
from tests.golden import FROZEN

CASES = json.loads(gzip.decompress((FROZEN / "layer_configs.json.gz").read_bytes()))
NAMES = [case["config"]["config"]["layers"][-1]["class_name"] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_layer_is_read_with_all_its_settings(case):
    spec = from_keras(case["config"])
    assert specc.summary(spec).to_dict()["layers"][-1]["output_shape"] == case["output"]
    again = loads(dump(spec))
    assert [e.layer for e in again.model.entries] == [e.layer for e in spec.model.entries]
