"""Names, order, copies and replacement of weights. Oracle: Keras' order, and the contract."""

from __future__ import annotations

import numpy as np
import pytest

import specc
from tests.model.specs import LINE, RICH, line_data, model, rich_data


def state(made: specc.Model) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in made._engine.state().items()}


def test_names_order_and_shapes_are_keras() -> None:
    # keras.Model.weights of the same layers: own trainable ones first, then moving statistics.
    assert {name: w.shape for name, w in model(RICH).weights.items()} == {
        "conv/kernel": (3, 3, 2, 3), "conv/bias": (3,), "bn/gamma": (3,), "bn/beta": (3,),
        "bn/moving_mean": (3,), "bn/moving_variance": (3,), "out/kernel": (48, 3), "out/bias": (3,),
    }  # fmt: skip
    assert list(model(RICH).weights)[2:6] == [
        "bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance",
    ]  # fmt: skip


def test_what_is_returned_is_a_copy() -> None:
    made = model()
    before = made.weights
    made.weights["out/kernel"][:] = 7.0
    np.testing.assert_array_equal(made.weights["out/kernel"], before["out/kernel"])


def test_what_is_given_is_copied() -> None:
    made = model()
    given = [np.ones((3, 2), np.float32), np.zeros(2, np.float32)]
    made.set_weights(given)
    given[0][:] = 5.0
    np.testing.assert_array_equal(made.predict(np.eye(3)), np.ones((3, 2)))


@pytest.mark.parametrize("target", ["cpu", "portable"])
def test_a_list_and_a_mapping_say_the_same(target: str) -> None:
    made, other = model(RICH, target=target), model(RICH, target=target, seed=5)
    other.set_weights(list(made.weights.values()))
    x, y = rich_data()
    np.testing.assert_array_equal(other.predict(x), made.predict(x))
    other.set_weights(dict(reversed(made.weights.items())))
    np.testing.assert_array_equal(other.predict(x), made.predict(x))
    assert other.evaluate(x, y, verbose=0) == made.evaluate(x, y, verbose=0)


def test_set_weights_counts_for_predictions_evaluation_and_training() -> None:
    made = model()
    x, y = line_data()
    made.predict(x)
    made.train_on_batch(x, y)
    kernel, bias = np.full((3, 2), 0.5, "f4"), np.array([1.0, -1.0], "f4")
    made.set_weights({"out/kernel": kernel, "out/bias": bias})
    expected = x @ kernel + bias
    np.testing.assert_allclose(made.predict(x), expected, rtol=1e-5, atol=1e-6)
    loss = float(np.mean((expected - y) ** 2))
    assert made.evaluate(x, y, verbose=0)["loss"] == pytest.approx(loss, rel=1e-5)
    assert made.train_on_batch(x, y)["loss"] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([np.ones((3, 2))], r"weights: expected 2 arrays, received 1"),
        ({"out/kernel": np.ones((3, 2))}, r"weights: missing \['out/bias'\], unknown \[\]"),
        ({"out/kernel": np.ones((3, 2)), "out/bias": np.ones(2), "bias": 1}, r"unknown \['bias'\]"),
        ([np.ones((2, 3)), np.ones(2)], r"out/kernel: expected shape \(3, 2\), got \(2, 3\)"),
        ([np.full((3, 2), "a"), np.ones(2)], r"out/kernel: expected numbers, received <U1"),
        ([np.ones((3, 2)) + 1j, np.ones(2)], r"out/kernel: expected numbers, received complex"),
    ],
)
def test_mistakes(given: object, match: str) -> None:
    made = model()
    before = made.weights
    with pytest.raises(specc.RunError, match=match):
        made.set_weights(given)  # pyright: ignore[reportArgumentType]
    for name, array in made.weights.items():
        np.testing.assert_array_equal(array, before[name])


COPYING = LINE.replace("{sgd: {learning_rate: 0.1}}", "schedule_free_adam_w")


def test_slots_that_copy_weights_start_from_the_last_ones_set() -> None:
    """Keras' ScheduleFreeAdamW keeps z, which starts where the weights are."""
    made = model(COPYING)
    assert not np.array_equal(made.weights["out/kernel"], np.ones((3, 2)))
    made.set_weights([np.ones((3, 2)), np.zeros(2)])
    np.testing.assert_array_equal(state(made)["out/kernel/momentum"], np.ones((3, 2)))
    x, y = line_data()
    made.train_on_batch(x, y)
    moved = state(made)["out/kernel/momentum"]
    made.set_weights([np.full((3, 2), 2.0), np.zeros(2)])
    after = state(made)
    np.testing.assert_array_equal(after["out/kernel/momentum"], moved)
    np.testing.assert_array_equal(after["out/kernel"], np.full((3, 2), 2.0))
    assert after["iterations"] == 1


def test_the_seed_decides_first_weights() -> None:
    one, same, other = model(RICH, seed=1), model(RICH, seed=1), model(RICH, seed=2)
    for name, array in one.weights.items():
        np.testing.assert_array_equal(array, same.weights[name])
    assert not np.array_equal(one.weights["conv/kernel"], other.weights["conv/kernel"])
    assert not np.array_equal(one.weights["out/kernel"], other.weights["out/kernel"])


def test_the_seed_is_the_specs_when_none_is_given() -> None:
    seeded = LINE.replace("{loss: mse,", "{seed: 3, loss: mse,")
    np.testing.assert_array_equal(
        model(seeded).weights["out/kernel"], model(seed=3).weights["out/kernel"]
    )
    assert model(seeded, seed=0).seed == 0


@pytest.mark.parametrize("seed", [-1, 2**63, 2**70])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(specc.SpecError, match=rf"seed: .* received {seed}"):
        model(seed=seed)


def test_the_largest_seed_shuffles() -> None:
    made = model(seed=2**63 - 1)
    x, y = line_data()
    made.fit(x, y, verbose=0)
    assert made.fit(x, y, verbose=0).epoch == [0]
