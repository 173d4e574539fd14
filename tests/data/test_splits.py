"""Splits and balance. Oracles: what the words say, counted."""

from __future__ import annotations

import numpy as np
import pytest

from specc.data.balance import balanced, class_weights
from specc.data.splits import Facts, Split
from specc.errors import DataError
from specc.spec.reader import loads
from specc.spec.write import dump

LABELS = np.repeat([0, 1, 2], [50, 30, 20])
GROUPS = np.array([f"g{i % 13}" for i in range(100)])
TIMES = np.random.default_rng(0).permutation(100).astype(float)
SHARES = {"test": 0.2, "validation": 0.1}


def parts(written, labels=LABELS):
    columns = {"group": GROUPS, "time": TIMES, "part": np.resize(["train", "test", "train"], 100)}
    return Split.parse(written).parts(Facts(100, labels, columns.__getitem__))


@pytest.mark.parametrize(
    "written",
    [{"random": SHARES}, {"stratified": SHARES}, {"group": {"name": "group", **SHARES}},
     {"time": {"name": "time", **SHARES}}, {"column": "part"}],
    ids=lambda written: next(iter(written)),
)  # fmt: skip
def test_every_row_is_in_one_split_and_the_same_in_every_run(written):
    found, again = parts(written), parts(written)
    rows = [found.train, found.validation, found.test]
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(100))
    assert all((np.diff(each) > 0).all() for each in rows)
    np.testing.assert_array_equal(found.test, again.test)


def test_random_and_stratified():
    found = parts({"random": SHARES})
    assert (len(found.train), len(found.validation), len(found.test)) == (70, 10, 20)
    other = parts({"random": {**SHARES, "seed": 1}})
    assert set(found.test) != set(other.test)
    found = parts({"stratified": SHARES})
    for rows, counts in ((found.test, [10, 6, 4]), (found.validation, [5, 3, 2])):
        assert np.bincount(LABELS[rows]).tolist() == counts


def test_groups_stay_together():
    found = parts({"group": {"name": "group", **SHARES}})
    sets = [set(GROUPS[rows]) for rows in (found.train, found.validation, found.test)]
    assert sum(map(len, sets)) == len(set.union(*sets)) == 13
    assert 20 <= len(found.test) < 29
    assert 10 <= len(found.validation) < 19


def test_the_latest_are_tested_on():
    found = parts({"time": {"name": "time", **SHARES}})
    assert sorted(TIMES[found.test]) == list(range(80, 100))
    assert sorted(TIMES[found.validation]) == list(range(70, 80))


def test_a_column_says_where_rows_belong():
    found = parts({"column": "part"})
    assert found.test.tolist() == list(range(1, 100, 3))
    assert not len(found.validation)


def test_what_cannot_be_divided():
    with pytest.raises(DataError, match="expected shares that leave samples"):
        parts({"random": {"test": 0.6, "validation": 0.4}})
    with pytest.raises(DataError, match="expected one class for each sample"):
        parts({"stratified": SHARES}, labels=None)
    with pytest.raises(DataError, match=r"expected train, validation or test .* found 'g0'"):
        parts({"column": "group"})
    with pytest.raises(DataError, match="expected a source of named columns"):
        Split.parse({"column": "a"}).parts(Facts(3))


@pytest.mark.parametrize("over", [True, False])
def test_balance(over):
    rows = balanced(LABELS, over=over)
    assert np.bincount(LABELS[rows]).tolist() == [50 if over else 20] * 3
    assert set(rows) == set(range(100)) if over else len(set(rows)) == 60
    np.testing.assert_array_equal(rows, balanced(LABELS, over=over))


@pytest.mark.parametrize("over", [True, False])
def test_balance_repeats_rows_alike(over):
    """A class that is repeated in part has rows that differ by one, and others by none."""
    labels = np.repeat([5, 6, 7, 8], [7, 1, 3, 4])
    counts = np.bincount(balanced(labels, over=over), minlength=15)
    for label, size in zip([5, 6, 7, 8], [7, 1, 3, 4], strict=True):
        of_class = counts[labels == label]
        assert of_class.sum() == (7 if over else 1)
        assert of_class.max() - of_class.min() == (0 if size in {7 if over else 1, 1} else 1)


def test_balance_makes_no_more_rows_than_memory_holds():
    labels = np.concatenate([np.arange(2**15), np.zeros(2**14, int)])
    with pytest.raises(DataError, match=r"32,768 classes of 16,385 are more; use undersample"):
        balanced(labels, over=True)
    assert len(balanced(labels, over=False)) == 2**15


def test_class_weights():
    from sklearn.utils.class_weight import compute_class_weight

    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    assert list(class_weights(LABELS).values()) == pytest.approx(expected.tolist(), rel=1e-12)


SPEC = """
specc: 1
inputs: {x: [8, 8, 1]}
layers: [flatten, {dense: 10}]
data:
"""


def test_in_a_spec():
    pytest.importorskip("sklearn")
    own = loads(SPEC + "  npz: {path: a}\n  split: {random: {test: 0.5}}\n  balance: oversample\n")
    word = loads(SPEC + "  dataset: {npz: {path: a}}\n  balance: oversample\n"
                 "  split: {random: {test: 0.5}}\n")  # fmt: skip
    assert own.data == word.data
    assert loads(dump(own)).data == loads(dump(own, resolved=True)).data == own.data
    made = loads(SPEC + "  dataset: digits\n  split: {stratified: {validation: 0.1}}\n").data.load()
    assert (len(made.train), len(made.validation), len(made.test)) == (1295, 143, 359)
    with pytest.raises(DataError, match="the source has a test split of its own"):
        loads(SPEC + "  dataset: digits\n  split: {random: {test: 0.1}}\n").data.load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  npz: {path: a}\n  splits: {}\n", "data.splits: unknown field 'splits'; did you mean"),
        ("  npz: {path: a}\n  split: {tims: {}}\n", "unknown split 'tims'; did you mean 'time'"),
        ("  npz: {pat: a}\n  split: {random: {}}\n", "data.npz.pat: unknown field 'pat'"),
        ("  split: {random: {}}\n", "missing field 'dataset'"),
        ("  npzz: {}\n", "data.npzz: unknown key 'npzz'; did you mean 'npz'"),
    ],
)
def test_problems(text, message):
    import specc

    with pytest.raises(specc.SpecError, match=message):
        loads(SPEC + text)
