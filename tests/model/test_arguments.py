"""Arguments of another kind: a message says what was expected, and nothing trains."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from tests.model.specs import line_data, model

X, Y = line_data(20)
IDS = """
specc: 1
inputs: {x: [3]}
layers: [{dense: {units: 3, activation: softmax}}]
train: {loss: sparse_categorical_crossentropy}
"""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": "3"}, "epochs: expected a whole number, at least 0, received '3'"),
        ({"epochs": 2.0}, "epochs: .* received 2.0"),
        ({"epochs": True}, "epochs: .* received True"),
        ({"epochs": -1}, "epochs: .* received -1"),
        ({"initial_epoch": "a"}, "initial_epoch: .* received 'a'"),
        ({"batch_size": "32"}, "batch_size: expected a whole number, at least 1, received '32'"),
        ({"batch_size": 0}, "batch_size: .* received 0"),
        ({"steps_per_epoch": 0}, "steps_per_epoch: .* at least 1, received 0"),
        ({"validation_steps": 0.5}, "validation_steps: .* received 0.5"),
        ({"validation_split": "a"}, "validation_split: expected a share .* received 'a'"),
        ({"shuffle": "no"}, "shuffle: expected True, False or 'batch', received 'no'"),
        ({"callbacks": "early_stopping"}, "callbacks: expected members of .* received str"),
        ({"callbacks": 3}, "callbacks: expected members of .* received int"),
    ],
)
def test_numbers_of_fit(options, message):
    made = model()
    before = made.weights
    with pytest.raises(specc.SpeccError, match=message):
        made.fit(X, Y, verbose=0, **options)
    for name, weight in made.weights.items():
        np.testing.assert_array_equal(weight, before[name])


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
def test_batch_sizes(verb):
    given = (X,) if verb == "predict" else (X, Y)
    with pytest.raises(specc.DataError, match=r"batch_size: .* received 2.5"):
        getattr(model(), verb)(*given, batch_size=2.5)


@pytest.mark.parametrize(
    ("given", "shown"),
    [({"a": 1}, "{'a': 1}"), ({0: "x"}, "{0: 'x'}"), ([1, 2], r"\[1, 2\]"), ("even", "'even'")],
)
def test_class_weights(given, shown):
    """`{"a": 1}` would weigh nothing."""
    made = model(IDS)
    with pytest.raises(specc.DataError, match=f"class_weight: expected .* received {shown}"):
        made.fit(X, np.arange(20) % 3, class_weight=given, verbose=0)


def test_callbacks_may_be_one_or_none_as_in_keras():
    """Keras: `tree.flatten(callbacks) if callbacks else []` in callback_list.py (3.15.1)."""
    early = specc.callbacks.EarlyStopping(monitor="loss", mode="max", patience=1)
    assert len(model().fit(X, Y, epochs=9, callbacks=early, verbose=0).epoch) == 2
    assert len(model().fit(X, Y, epochs=3, callbacks=None, verbose=0).epoch) == 3


def test_a_file_is_no_spec():
    for call in (specc.Model, specc.summary, specc.explain, specc.compile):
        with pytest.raises(specc.SpecError, match=r"received str 'a.yaml'; for a file say specc"):
            call("a.yaml")
    with pytest.raises(specc.SpecError, match=r"seed: expected a number .* received 'a'"):
        model(seed="a")
