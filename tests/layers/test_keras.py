"""Every layer against Keras 3.15.1: shapes, weights, counts, outputs (tests/frozen/layers.json)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from specc.layer import Layer
from specc.layers.operations import Operation
from tests.layers.bench import Bench
from tests.layers.beyond import BEYOND
from tests.layers.frozen import Case, augmentations, cases, lookups

CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@every_case
def test_output_shape_is_keras(case: Case) -> None:
    assert list(Layer.parse(case.layer).output_shape(case.shapes)) == case.stored["output"]


@every_case
def test_weights_are_keras_in_name_shape_order_and_trainability(case: Case) -> None:
    weights = Layer.parse(case.layer).weights(case.shapes)
    frozen = case.layer[next(iter(case.layer))].get("trainable") is False
    found = [[w.name, list(w.shape), w.dtype, w.trainable and not frozen] for w in weights]
    assert found == case.stored["weights"]
    assert sum(math.prod(w.shape) for w in weights) == case.stored["params"]


@every_case
def test_lowering_computes_what_keras_does(case: Case) -> None:
    # The oracle of the primitives works in float64, Keras in float32: 1e-4 is float32's error
    # after sums of up to a hundred terms.
    bench = Bench(case.layer, case.inputs, case.weights, training=case.training)
    np.testing.assert_allclose(bench.outputs[0], case.output, rtol=1e-4, atol=1e-5)
    assert bench.tensors[0].shape[1:] == case.output.shape[1:]
    assert bench.assigned.keys() == case.stored["after"].keys()
    for name, value in bench.assigned.items():
        np.testing.assert_allclose(value.ravel(), case.stored["after"][name], rtol=1e-4, atol=1e-5)


@every_case
def test_written_form_reads_back_to_the_same_layer(case: Case) -> None:
    layer = Layer.parse(case.layer)
    assert Layer.parse(layer.written()) == layer


def test_every_layer_has_a_case() -> None:
    tested = {Layer.parse(case.layer).key for case in CASES}
    # Those with noise, without values to compare, or with integer inputs have tests of their own.
    others = {
        "spatial_dropout1d",
        "spatial_dropout2d",
        "spatial_dropout3d",
        "gaussian_noise",
        "gaussian_dropout",
        "activity_regularization",
        "embedding",
        "reversible_embedding",
        "masking",
        # tests/model/test_recurrent.py
        "bidirectional",
        "conv_lstm1d",
        "conv_lstm2d",
        "conv_lstm3d",
        "gru",
        "gru_cell",
        "lstm",
        "lstm_cell",
        "rnn",
        "simple_rnn",
        "simple_rnn_cell",
        "stacked_rnn_cells",
        "time_distributed",
        "custom_scale_layer",
        "layer_scale",
        "stochastic_depth",
        # tests/model/test_texts.py
        "string_lookup",
        "text_vectorization",
    }
    # tests/layers/test_augmentations.py
    others |= {next(iter(case["layer"])) for case in augmentations()} | {"aug_mix", "pipeline"}
    others |= {Layer.parse(written).key for written, *_ in BEYOND}
    # tests/layers/test_lookups.py
    others |= {next(iter(case["layer"])) for case in lookups()}
    # Operations have tests/keras_import/test_operations.py.
    kinds = {key for key, kind in Layer.kinds().items() if not issubclass(kind, Operation)}
    assert kinds - tested == others
