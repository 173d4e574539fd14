"""Predictions as tables, JSON and files, against NumPy on the same arrays."""

import csv
import json

import numpy as np
import pytest

from specc.errors import DataError
from specc.runs.predictions import as_dict, is_scores, table, write
from specc.runs.using import Predictions

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.25, 0.25]], np.float32)
VALUES = np.array([[1.5], [-2.25]], np.float32)


def scores(classes=None):
    return Predictions(["a.png", "b.png"], {"label": SCORES}, classes)


def both():
    return Predictions(["0", "1"], {"label": SCORES, "amount": VALUES}, ["x", "y", "z"])


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (SCORES, True),
        (SCORES.astype(np.float64), True),
        (SCORES * 2, False),
        (SCORES - 0.2, False),
        (VALUES, False),
        (SCORES[..., None], False),
        (np.array([[0, 1], [1, 0]]), False),
    ],
    ids=["float32", "float64", "sum", "negative", "one column", "three axes", "integers"],
)
def test_what_counts_as_a_distribution(array, expected):
    assert is_scores(array) is expected


def test_table_of_classes():
    assert table(scores(), 2) == (
        ["input", "1", "2"],
        [["a.png", "1 0.7000", "2 0.2000"], ["b.png", "0 0.5000", "1 0.2500"]],
    )
    header, rows = table(scores(["cat", "dog", "eel"]), 9)
    assert header == ["input", "1", "2", "3"]
    assert rows[0] == ["a.png", "dog 0.7000", "eel 0.2000", "cat 0.1000"]
    assert table(scores(["too", "few"]), 1)[1][0] == ["a.png", "1 0.7000"]


def test_table_of_several_outputs():
    assert table(both(), 1) == (
        ["input", "label 1", "amount"],
        [["0", "y 0.7000", "1.5"], ["1", "x 0.5000", "-2.25"]],
    )


def test_table_of_values_and_of_images():
    found = Predictions(["0"], {"place": np.array([[3, 4]]), "image": np.zeros((1, 5, 5), "f4")})
    assert table(found, 1) == (
        ["input", "place[0]", "place[1]", "image"],
        [["0", "3", "4", "(5, 5) float32"]],
    )


def test_as_dict():
    found = as_dict(both(), 1)
    assert found["classes"] == ["x", "y", "z"]
    assert found["predictions"][1] == {
        "input": "1",
        "top": {"label": [{"class": "x", "score": 0.5}]},
        "outputs": {"label": [0.5, 0.25, 0.25], "amount": [-2.25]},
    }


def test_json_file(tmp_path):
    write(tmp_path / "a.json", both(), 2)
    assert json.loads((tmp_path / "a.json").read_text()) == as_dict(both(), 2)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_csv_file_reads_back_to_the_same_numbers(tmp_path):
    path = tmp_path / "a.csv"
    write(path, both(), 1)
    header, *rows = rows_of(path)
    assert header == ["input", "label[0]", "label[1]", "label[2]", "amount"]
    numbers = np.array([row[1:] for row in rows], np.float32)
    np.testing.assert_array_equal(numbers, np.hstack([SCORES, VALUES]))
    write(path, scores(["cat", "dog", "eel"]), 1)
    assert rows_of(path)[0] == ["input", "cat", "dog", "eel"]


def test_array_files(tmp_path):
    write(tmp_path / "a.npy", scores(), 1)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), SCORES)
    found = Predictions(["0", "1"], {"file": SCORES, "a/b": VALUES})
    write(tmp_path / "a.npz", found, 1)
    with np.load(tmp_path / "a.npz") as archive:
        np.testing.assert_array_equal(archive["file"], SCORES)
        np.testing.assert_array_equal(archive["a/b"], VALUES)


def test_files_that_cannot_be(tmp_path):
    with pytest.raises(DataError, match=r"expected \.csv, \.json, \.npy, \.npz, found no suffix"):
        write(tmp_path / "a", scores(), 1)
    with pytest.raises(DataError, match=r"expected \.npz, for there are 2 outputs"):
        write(tmp_path / "a.npy", both(), 1)
    assert list(tmp_path.iterdir()) == []
