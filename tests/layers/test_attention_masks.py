"""Masks of attention that do not go with queries, values and keys.

Oracle: the shapes in the docstrings of Keras' attention layers (3.15.1); such masks fail there too.
"""

from __future__ import annotations

import pytest

from specc.layers import Layer
from specc.shapes import ShapeError

QUERY, VALUE, MASK = (None, 2, 4), (None, 5, 4), (None, 7)
LAYERS = [
    "attention",
    "additive_attention",
    {"multi_head_attention": {"num_heads": 2, "key_dim": 3}},
    {"grouped_query_attention": {"head_dim": 3, "num_query_heads": 2, "num_key_value_heads": 1}},
]
IDS = [each if isinstance(each, str) else next(iter(each)) for each in LAYERS]


@pytest.mark.parametrize("written", LAYERS, ids=IDS)
def test_masks_of_other_lengths_are_refused(written):
    layer = Layer.parse(written)
    with pytest.raises(ShapeError, match=r"query_mask expects \(None, 2\), found \(None, 7\)"):
        layer.output_shape((QUERY, VALUE, VALUE, MASK))
    with pytest.raises(ShapeError, match=r"value_mask expects \(None, 5\), found \(None, 7\)"):
        layer.output_shape((QUERY, VALUE, VALUE, (), MASK))
    fitting = (QUERY, VALUE, (), (None, 2), (None, 5))
    assert layer.output_shape(fitting) == layer.output_shape((QUERY, VALUE))


@pytest.mark.parametrize("written", LAYERS[2:], ids=IDS[2:])
def test_masks_of_pairs(written):
    layer = Layer.parse(written)
    with pytest.raises(ShapeError, match=r"key_mask expects \(None, 5\), found \(None, 7\)"):
        layer.output_shape((QUERY, VALUE, VALUE, (), (), MASK))
    none = (QUERY, VALUE, VALUE, (), (), ())
    for pairs in ((None, 5, 2), (None, 7, 5), (5,)):
        with pytest.raises(ShapeError, match="attention_mask expects"):
            layer.output_shape((*none, pairs))
    for pairs in ((None, 2, 5), (None, 1, 5), (None, 3, 2, 5)):
        assert layer.output_shape((*none, pairs)) == layer.output_shape(none[:2])
