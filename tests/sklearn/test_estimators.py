"""Estimators against scikit-learn's own checks, and inside its tools."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import specc
from specc.data.balance import balanced
from specc.data.splits import Facts, Split
from specc.errors import DataError, RunError
from specc.sklearn import SpecClassifier, SpecRegressor
from specc.spec.reader import loads
from specc.spec.write import dump
from tests.app.console import invoke

CNN = """
specc: 1
inputs: {image: [8, 8, 1]}
layers:
  - conv2d: {filters: 8, kernel_size: 3, activation: relu}
  - max_pooling2d: 2
  - flatten
  - dense: {units: 10, activation: softmax}
train: {loss: categorical_crossentropy, optimizer: {adam: {learning_rate: 0.02}}, epochs: 4}
"""
ONE_UNIT = """
specc: 1
inputs: {x: [2]}
layers: [{dense: {units: 1, activation: sigmoid}}]
train: {loss: binary_crossentropy, optimizer: {sgd: 1.0}, epochs: 30}
"""


@pytest.fixture(scope="module")
def digits():
    """The first of scikit-learn's digits, as rows of 64 numbers."""
    found = load_digits()
    return (found.data[:500] / 16).astype(np.float32), found.target[:500]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "kind",
    [SpecClassifier(), SpecRegressor(), SpecClassifier.mlp(max_iter=50)],
    ids=lambda kind: type(kind).__name__,
)
def test_scikit_learns_own_checks_pass(kind):
    results = check_estimator(kind, on_fail=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert failed == {}
    # Only checks for packages that are not installed are left out.
    skipped = [str(r["exception"]) for r in results if r["status"] == "skipped"]
    assert [text for text in skipped if "not installed" not in text and "not set" not in text] == []


def test_a_spec_takes_rows_in_the_shape_of_its_input(digits, tmp_path):
    """Oracle: `specc.Model` on images, with the same spec and seed."""
    x, y = digits
    path = tmp_path / "cnn.yaml"
    path.write_text(CNN, encoding="utf-8")
    found = SpecClassifier(path).fit(x, y)
    model = specc.Model(loads(CNN))
    history = model.fit(x.reshape(-1, 8, 8, 1), y, epochs=4, verbose=0)
    assert found.history_.history == history.history
    assert found.n_iter_ == 4
    np.testing.assert_allclose(
        found.predict_proba(x), model.predict(x.reshape(-1, 8, 8, 1)), rtol=1e-5, atol=1e-6
    )
    assert found.score(x, y) > 0.9


def test_labels_may_be_anything(digits):
    x, y = digits
    names = np.array(["zero", "one", "two"])[y[y < 3]]
    found = SpecClassifier(epochs=20).fit(x[y < 3], names)
    assert list(found.classes_) == ["one", "two", "zero"]
    assert found.score(x[y < 3], names) > 0.95


def test_one_unit_is_the_second_class():
    x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    y = np.where(x[:, 0] > x[:, 1], "above", "below")
    found = SpecClassifier(loads(ONE_UNIT)).fit(x, y)
    chances = found.predict_proba(x)
    assert chances.shape == (200, 2)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    assert found.score(x, y) > 0.95


def test_a_search_finds_the_better_rate(digits):
    """In a pipeline and a grid, each candidate trained and scored in turn."""
    x, y = digits
    pipeline = make_pipeline(StandardScaler(), SpecClassifier(epochs=2))
    search = GridSearchCV(pipeline, {"specclassifier__epochs": [0, 3]}, cv=2).fit(x, y)
    assert search.best_params_ == {"specclassifier__epochs": 3}
    assert search.best_score_ > 0.4


def test_regression_with_several_outputs():
    data = load_diabetes()
    x, y = data.data.astype(np.float32), data.target / 100
    both = np.stack([y, -y], axis=1)
    found = SpecRegressor(epochs=60, batch_size=16).fit(x, both)
    predicted = found.predict(x)
    assert predicted.shape == both.shape
    assert found.score(x, both) > 0.3
    assert cross_val_score(SpecRegressor(epochs=60), x, y, cv=2).mean() > 0.2


def test_fits_are_equal_and_the_random_state_changes_them(digits):
    x, y = digits[0][:100], digits[1][:100]
    one, same = (SpecClassifier(epochs=2).fit(x, y).predict_proba(x) for _ in range(2))
    other = SpecClassifier(epochs=2, random_state=7).fit(x, y).predict_proba(x)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


def test_a_fitted_estimator_survives_pickling_and_cloning_forgets(digits):
    x, y = digits[0][:100], digits[1][:100]
    found = SpecClassifier(loads(CNN), epochs=1, validation_fraction=0.2).fit(x, y)
    assert "val_loss" in found.history_.history
    again = pickle.loads(pickle.dumps(found))  # noqa: S301 - of our own making
    np.testing.assert_array_equal(again.predict_proba(x), found.predict_proba(x))
    assert again.model_.spec.name == found.model_.spec.name
    with pytest.raises(NotFittedError):
        clone(found).predict(x)


def test_the_whole_train_section_counts(digits):
    """A callback of the spec stops training, and epochs have as many steps as it says."""
    x, y = digits
    stopping = CNN.replace("epochs: 4}", "epochs: 9, CHANGE}").replace("0.02", "0.0")
    text = "callbacks: [{early_stopping: {monitor: loss, patience: 1, min_delta: 9.0}}]"
    assert SpecClassifier(loads(stopping.replace("CHANGE", text))).fit(x, y).n_iter_ == 2
    whole = SpecClassifier(loads(CNN), epochs=1).fit(x, y).history_.history["loss"]
    steps = SpecClassifier(loads(CNN.replace("epochs: 4}", "steps_per_epoch: 2}"))).fit(x, y)
    assert steps.history_.history["loss"][0] > whole[0]


def test_what_does_not_fit_is_told(digits):
    x, y = digits
    with pytest.raises(DataError, match="expected an output of 5 units, one for each class, found"):
        SpecClassifier(loads(CNN)).fit(x[y < 5], y[y < 5])
    with pytest.raises(DataError, match=r"expected samples of 64 elements .* received 60"):
        SpecClassifier(loads(CNN)).fit(x[:, :60], y)
    bare = CNN.split("train:", maxsplit=1)[0]
    with pytest.raises(DataError, match="expected a `train:` section with a loss"):
        SpecClassifier(loads(bare)).fit(x, y)
    two = "specc: 1\ninputs: {a: [2], b: [2]}\nlayers: [{add: {}, inputs: [a, b]}]"
    with pytest.raises(DataError, match="expected one input, found 2"):
        SpecClassifier(loads(two)).fit(x, y)


def starter(data: str, extra: str = "") -> specc.Spec:
    """A spec like those of `specc init --csv`: early stopping, and a split in `data:`."""
    return loads(f"""
specc: 1
inputs: {{x: [2]}}
layers: [{{dense: {{units: 2, activation: softmax}}}}]
train:
  loss: sparse_categorical_crossentropy
  optimizer: {{sgd: 0.1}}
  callbacks: [early_stopping]
  epochs: 3
  {extra}
data:
  csv: {{path: table.csv, target: y}}
  split: {data}
""")


@pytest.mark.parametrize("kind", ["random", "stratified"])
def test_the_split_of_the_data_section_validates(kind):
    """Oracle: a model given the rows that the split itself names; all others are trained on."""
    x = np.random.default_rng(2).normal(size=(60, 2)).astype(np.float32)
    y = np.sort(np.arange(60) % 3 == 0).astype(int)  # sorted: the last 15% are of one class
    spec = starter(f"{{{kind}: {{test: 0.25, validation: 0.2}}}}")
    found = SpecClassifier(spec, batch_size=48).fit(x, y)
    wanted = Split.parse({kind: {"validation": 0.2}}).parts(Facts(60, y))
    held = wanted.validation
    assert (len(held), len(np.unique(y[held]))) == (12, 2)
    alone = specc.Model(spec)
    losses = alone.fit(
        x[wanted.train], y[wanted.train], batch_size=48, epochs=found.n_iter_,
        validation_data=(x[held], y[held]), verbose=0,
    ).history  # fmt: skip
    assert found.history_.history == losses
    logs = found.model_.evaluate(x[held], y[held])
    assert found.history_.history["val_loss"][-1] == pytest.approx(logs["loss"], rel=1e-6)


def test_what_is_asked_for_comes_before_the_split_of_the_data_section():
    x = np.random.default_rng(2).normal(size=(60, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    split = "{random: {validation: 0.2}}"
    end = SpecClassifier(starter(split), validation_fraction=0.1).fit(x, y)
    own = SpecClassifier(starter(split, "validation_split: 0.1")).fit(x, y)
    none = SpecClassifier(starter("{time: {name: day, validation: 0.2}}"), validation_fraction=0.1)
    none.fit(x, y)
    assert end.history_.history == own.history_.history == none.history_.history
    some = SpecClassifier(starter(split, "validation_freq: 3"), epochs=4).fit(x, y)
    assert len(some.history_.history["val_loss"]) == 1
    with pytest.raises(RunError, match="`validation_fraction` in Python"):
        SpecClassifier(starter("{time: {name: day, test: 0.2}}")).fit(x, y)


def test_groups_stay_together():
    """Oracle: a model given the rows that the split itself names for these groups."""
    x = np.random.default_rng(2).normal(size=(60, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    groups = [f"patient {i % 7}" for i in range(60)]
    spec = starter("{group: {name: patient, test: 0.25, validation: 0.2}}")
    found = SpecClassifier(spec, batch_size=48).fit(x, y, groups=groups)
    wanted = Split.parse({"group": {"name": "patient", "validation": 0.2}}).parts(
        Facts(60, None, lambda name: np.array(groups))
    )
    held, rows = wanted.validation, wanted.train
    assert 12 <= len(held) < 21
    assert len(rows) + len(held) == 60
    alone = specc.Model(spec)
    losses = alone.fit(
        x[rows], y[rows], batch_size=48, epochs=found.n_iter_, validation_data=(x[held], y[held]),
        verbose=0,
    ).history  # fmt: skip
    assert found.history_.history == losses
    numbers = spec_of_numbers("{group: {name: patient, validation: 0.2}}")
    assert "val_loss" in SpecRegressor(numbers).fit(x, x[:, 0], groups=groups).history_.history


@pytest.mark.parametrize(
    ("split", "groups", "message"),
    [
        ("{group: {name: g, validation: 0.2}}", None, "split.group: expected the group of each"),
        (
            "{group: {name: g, validation: 0.2}}",
            [1, 2],
            r"groups of shape \(60,\), received \(2,\)",
        ),
        ("{time: {name: day, validation: 0.2}}", None, "'day'; sort .* validation_fraction=0.2:"),
        ("{column: part}", None, "split.column: .* found the column 'part'; pass validation"),
        ("{random: {validation: 0.2}}", range(60), "expected no groups, which nothing asks for"),
    ],
)
def test_splits_that_rows_do_not_tell_are_refused(split, groups, message):
    x = np.random.default_rng(2).normal(size=(60, 2)).astype(np.float32)
    with pytest.raises(specc.DataError, match=message):
        SpecClassifier(starter(split)).fit(x, (x[:, 0] > 0).astype(int), groups=groups)


def spec_of_numbers(split, extra=""):
    return loads(f"""
specc: 1
inputs: {{x: [2]}}
layers: [{{dense: 1}}]
train: {{loss: mse}}
data:
  csv: {{path: table.csv, target: y}}
  split: {split}
{extra}
""")


def test_the_balance_of_the_data_section_holds():
    """Oracle: a model given the rows that `balanced` names."""
    x = np.random.default_rng(2).normal(size=(60, 2)).astype(np.float32)
    y = (np.arange(60) % 5 == 0).astype(int)
    made = loads(dump(starter("{random: {validation: 0.2}}")) + "  balance: oversample\n")
    found = SpecClassifier(made, batch_size=48).fit(x, y)
    wanted = Split.parse({"random": {"validation": 0.2}}).parts(Facts(60, y))
    rows, held = wanted.train[balanced(y[wanted.train], over=True)], wanted.validation
    assert len(rows) > 48
    losses = specc.Model(made).fit(
        x[rows], y[rows], batch_size=48, epochs=found.n_iter_, validation_data=(x[held], y[held]),
        verbose=0,
    ).history  # fmt: skip
    assert found.history_.history == losses
    with pytest.raises(specc.DataError, match=r"data\.balance: expected one class .* numbers to"):
        SpecRegressor(spec_of_numbers("null", "  balance: undersample")).fit(x, x[:, 0])


def test_a_spec_of_init(tmp_path):
    """As `specc init --csv` writes it, with the columns as an array."""
    rng = np.random.default_rng(0)
    x = rng.random((200, 3)).astype(np.float32)
    y = x[:, 0] + x[:, 1] > 1
    lines = [f"{a},{b},{c},{'yes' if d else 'no'}" for (a, b, c), d in zip(x, y, strict=True)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    path = tmp_path / "table.yaml"
    assert invoke("init", path, "--csv", tmp_path / "table.csv", "--target", "y").exit_code == 0
    found = SpecClassifier(path, epochs=60).fit(x, y)
    assert "val_loss" in found.history_.history
    assert found.score(x, y) > 0.9
