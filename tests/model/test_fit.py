"""`fit` and `evaluate`: epochs, validation, weights of samples and classes, histories.

Oracle: Keras 3.15.1 where nothing is random (no shuffling, no dropout); else NumPy or the contract.
"""

from __future__ import annotations

import numpy as np
import pytest

import specc
from specc.data.order import order
from specc.denormals import flushing
from tests.model.frozen import Run, by_class, runs
from tests.model.golden_cases import TARGETS, close
from tests.model.specs import LINE, RICH, TOWERS, line_data, model, rich_data, towers_data

FITS = runs("fits")


def arguments(run: Run) -> dict[str, object]:
    """What Keras' fit was given besides x and y."""
    given = dict(run.stored["arguments"])
    if given.pop("rows", False):
        given["sample_weight"] = run.rows
    given["class_weight"] = by_class(given.get("class_weight"))
    validation = given.pop("validation", None)
    if validation is not None:
        x = np.reshape(np.float32(run.stored["vx"]), (-1, *run.x.shape[1:]))
        y = np.reshape(run.stored["vy"], (len(x), *run.y.shape[1:])).astype(run.y.dtype)
        rows = [run.weighing("vrows")] if validation == "weighted" else []
        given["validation_data"] = (x, y, *rows)
    return given


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("run", FITS, ids=[run.name for run in FITS])
def test_histories_are_keras(run: Run, target: str) -> None:
    model = run.model(target)
    history = model.fit(run.x, run.y, shuffle=False, verbose=0, **arguments(run))
    assert history.epoch == run.stored["epoch"]
    assert sorted(history.history) == sorted(run.stored["history"])
    for name, keras in run.stored["history"].items():
        np.testing.assert_allclose(history.history[name], keras, rtol=1e-4, err_msg=name)
    for found, keras in zip(model.weights.values(), run.weights("after"), strict=True):
        close(found, keras, 1e-3, 1e-5, "weights")
    logs = model.evaluate(run.x, run.y, batch_size=4, sample_weight=run.rows, verbose=0)
    assert sorted(logs) == sorted(run.stored["evaluate"])
    for name, value in logs.items():
        assert value == pytest.approx(run.stored["evaluate"][name], rel=1e-4), name


STILL = LINE.replace("0.1", "0.0")


def numpy_logs(made: specc.Model, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    error = x @ made.weights["out/kernel"] + made.weights["out/bias"] - y
    return {"loss": float(np.mean(error**2)), "mae": float(np.mean(np.abs(error)))}


@pytest.mark.parametrize("size", [1, 3, 4, 11, 64])
def test_evaluation_does_not_depend_on_batches(size: int) -> None:
    """The last, smaller batch counts as much as it has samples."""
    made = model()
    x, y = line_data()
    assert made.evaluate(x, y, batch_size=size) == pytest.approx(numpy_logs(made, x, y), rel=1e-5)
    rows = np.linspace(0, 2, 11).astype("f4")
    error = made.predict(x) - y
    weighted = float(np.mean(rows * np.mean(error**2, axis=1)))
    logs = made.evaluate(x, y, batch_size=size, sample_weight=rows)
    assert logs["loss"] == pytest.approx(weighted, rel=1e-5)
    assert logs["mae"] == pytest.approx(float(np.mean(np.abs(error))), rel=1e-5)


@pytest.mark.parametrize("size", [2, 3, 64])
def test_logs_of_an_epoch_are_running_means(size: int) -> None:
    """With a learning rate of 0 an epoch's logs are those of all samples."""
    made = model(STILL)
    x, y = line_data()
    history = made.fit(x, y, batch_size=size, epochs=2, verbose=0).history
    for name, value in numpy_logs(made, x, y).items():
        assert history[name] == pytest.approx([value, value], rel=1e-5)


@pytest.mark.parametrize(("n", "share", "held"), [(11, 0.3, 4), (10, 0.2, 2), (3, 0.5, 2)])
def test_the_last_samples_validate_whatever_is_shuffled(n: int, share: float, held: int) -> None:
    """floor(n (1 - share)) samples train, and the others validate."""
    made = model(STILL)
    x, y = line_data(n)
    history = made.fit(x, y, batch_size=2, validation_split=share, shuffle=True, verbose=0).history
    told, left = numpy_logs(made, x[:-held], y[:-held]), numpy_logs(made, x[-held:], y[-held:])
    assert history["loss"] == pytest.approx([told["loss"]], rel=1e-5)
    assert history["val_loss"] == pytest.approx([left["loss"]], rel=1e-5)
    assert history["val_mae"] == pytest.approx([left["mae"]], rel=1e-5)


def test_every_epoch_has_its_own_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a second call, and of another seed; the same calls see the same orders."""
    found: list[tuple[int, ...]] = []

    def spy(*args: object) -> np.ndarray:
        found.append(tuple(index := order(*args)))  # pyright: ignore[reportArgumentType]
        return index

    monkeypatch.setattr("specc.data.order.order", spy)
    x, y = line_data(30)
    for seed in (0, 0, 1):
        made = model(seed=seed)
        made.fit(x, y, epochs=3, verbose=0)
        made.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
    once, again, other = found[:5], found[5:10], found[10:]
    assert once == again
    assert len(set(once + other)) == 10
    assert all(sorted(each) == list(range(30)) for each in found)


def test_without_shuffling_batches_come_in_order() -> None:
    made, other = model(), model()
    x, y = line_data()
    made.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for start in range(0, 11, 4):
        other.train_on_batch(x[start : start + 4], y[start : start + 4])
    for name, array in made.weights.items():
        np.testing.assert_array_equal(array, other.weights[name])


def test_a_second_call_continues() -> None:
    made, other = model(RICH), model(RICH)
    x, y = rich_data()
    whole = made.fit(x, y, epochs=2, shuffle=False, verbose=0)
    parts = [other.fit(x, y, shuffle=False, verbose=0) for _ in range(2)]
    # Averages become the weights at the end of each call, so the second epochs differ in loss.
    assert parts[0].history["loss"] == whole.history["loss"][:1]
    assert int(other._engine.state()["iterations"]) == 2
    assert parts[1].epoch == [0]


def test_no_epochs_change_nothing() -> None:
    """Averages of weights that never moved are zeros; they are not put in their place."""
    made = model(RICH)
    before = made.weights
    x, y = rich_data()
    history = made.fit(x, y, epochs=0, verbose=0)
    assert history.history == {}
    made.fit(x, y, epochs=2, initial_epoch=2, verbose=0)
    for name, array in made.weights.items():
        np.testing.assert_array_equal(array, before[name])


def test_logs_of_a_batch_are_of_it_alone_and_before_the_update() -> None:
    made = model()
    x, y = line_data(12)
    made.fit(x, y, verbose=0)
    for start in (0, 5, 0):
        part = slice(start, start + 5)
        expected = numpy_logs(made, x[part], y[part])
        assert made.train_on_batch(x[part], y[part]) == pytest.approx(expected, rel=1e-5)
    assert made.evaluate(x, y) == pytest.approx(numpy_logs(made, x, y), rel=1e-5)


@pytest.mark.parametrize("one_hot", [False, True])
def test_class_weights_are_sample_weights(one_hot: bool) -> None:
    text = RICH.replace("sparse_", "") if one_hot else RICH
    made, other = model(text), model(text)
    x, ids = rich_data()
    y = np.eye(3)[ids] if one_hot else ids
    rows = np.where(ids == 0, 3.0, np.where(ids == 2, 0.25, 1.0))
    logs = made.train_on_batch(x, y, class_weight={0: 3.0, 2: 0.25})
    assert logs == other.train_on_batch(x, y, sample_weight=rows)
    assert logs["loss"] != model(text).train_on_batch(x, y)["loss"]


def test_class_weights_of_two_classes_in_one_column() -> None:
    text = LINE.replace("dense: 2", "dense: 1").replace("mse", "binary_crossentropy")
    made, other = model(text), model(text)
    x, _ = line_data()
    y = (x[:, :1] > 0).astype("f4")
    rows = np.where(y[:, 0] == 1, 4.0, 1.0)
    assert made.train_on_batch(x, y, class_weight={1: 4.0}) == other.train_on_batch(x, y, rows)


def test_sample_weights_of_several_outputs() -> None:
    x, y = towers_data()
    rows, ones = np.arange(6.0), np.ones(6)
    found = [
        model(TOWERS).train_on_batch(x, y, sample_weight=given)
        for given in (rows, [rows, rows], {"price": rows, "kind": rows}, [rows, ones])
    ]
    assert found[0] == found[1] == found[2]
    assert found[3]["kind_loss"] == found[0]["kind_loss"]
    assert found[3]["price_loss"] != found[0]["price_loss"]
    logs = found[0]
    assert logs["loss"] == pytest.approx(logs["kind_loss"] + 0.5 * logs["price_loss"], rel=1e-6)


def test_sample_weights_of_an_output_without_a_loss_are_taken() -> None:
    """Oracle: nothing reads them, so the logs of a batch without them."""
    text = TOWERS.replace(", price: mse}", "}").replace(", price: 0.5}", "}")
    text = text.replace("{kind: [accuracy]}", "{kind: [accuracy], price: [mae]}")
    x, y = towers_data()
    rows = {"kind": np.ones(6), "price": np.arange(6.0)}
    assert model(text).train_on_batch(x, y, rows) == model(text).train_on_batch(x, y)
    weighed = model(text).evaluate(x, y, sample_weight=rows)
    assert weighed == model(text).evaluate(x, y)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"sample_weight": np.ones(10)}, r"sample_weight of out: expected 11, .* received 10"),
        ({"sample_weight": 2.0}, r"sample_weight of out: expected one row for each sample"),
        ({"sample_weight": np.ones((11, 2))}, r"out'.* no place for sample weights \(None, 2\)"),
        ({"sample_weight": np.full(11, np.nan)}, r"sample_weight of out: .* NaN"),
        ({"sample_weight": ["a"] * 11}, r"sample_weight of out: expected numbers"),
        ({"sample_weight": {"y": np.ones(11)}}, r"missing \['out'\], unknown \['y'\]"),
        ({"sample_weight": np.ones(11), "class_weight": {0: 1.0}}, r"received both"),
        ({"validation_split": 0.95}, r"leaves 0 of 11 samples to train on and 11 to validate"),
        ({"validation_split": 1e-18}, r"leaves 11 of 11 samples"),
        ({"validation_split": 1.0}, r"from 0 to below 1, received 1.0"),
        ({"validation_split": -0.5}, r"from 0 to below 1, received -0.5"),
        ({"validation_data": [np.ones((2, 3))]}, r"expected \(x, y\) or .*, received 1"),
        ({"validation_data": (np.ones((0, 3)), np.ones((0, 2)))}, r"validation_data: .* at least"),
    ],
)
def test_mistakes(given: dict[str, object], match: str) -> None:
    x, y = line_data()
    with pytest.raises(specc.DataError, match=match):
        model().fit(x, y, verbose=0, **given)


def test_class_weights_need_one_class_a_sample() -> None:
    x, y = towers_data()
    with pytest.raises(specc.DataError, match="expected a model with one output"):
        model(TOWERS).train_on_batch(x, y, class_weight={0: 1.0})
    text = LINE.replace("[3]", "[4, 3]").replace("{dense: 2", "{dense: {units: 2}")
    with pytest.raises(specc.DataError, match=r"targets \(5, 4, 2\)"):
        model(text).train_on_batch(np.ones((5, 4, 3)), np.ones((5, 4, 2)), class_weight={0: 1.0})


@pytest.mark.parametrize("verb", ["train_on_batch", "fit", "evaluate"])
def test_no_samples(verb: str) -> None:
    with pytest.raises(specc.DataError, match=f"{verb}: expected at least one sample"):
        getattr(model(), verb)(np.ones((0, 3)), np.ones((0, 2)))


def test_targets_that_do_not_fit() -> None:
    x, y = line_data()
    with pytest.raises(specc.DataError, match=r"out: expected 11 samples like x, received 10"):
        model().train_on_batch(x, y[:10])
    with pytest.raises(specc.DataError, match=r"targets: expected out; missing"):
        model().evaluate(x, {"y": y})
    with pytest.raises(specc.DataError, match=r"out: expected shape"):
        model().fit(x, y[:, :1])


def test_progress_is_shown_unless_silent(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = line_data()
    model().fit(x, y, verbose=0)
    model().evaluate(x, y, verbose=0)
    assert capsys.readouterr() == ("", "")
    model().fit(x, y)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "loss" in shown.err


@pytest.mark.skipif(not flushing.able, reason="this system's environment is not known")
def test_moments_of_weights_without_gradient_become_zero() -> None:
    """0.9 times the least denormal number rounds to itself; such numbers are slow for good."""
    net = model(LINE.replace("{sgd: {learning_rate: 0.1}}", "rmsprop"))
    x, y = line_data(8)
    net.fit(x, y, epochs=1, verbose=0)
    net.fit(x, y, sample_weight=np.zeros(len(x)), batch_size=1, epochs=130, verbose=0)
    moments = [a for name, a in net._engine.state().items() if "velocity" in name]
    assert moments
    assert all((a == 0).all() for a in moments)
