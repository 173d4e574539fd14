"""Fitting arrays. Oracle: values written by hand, `numpy.eye` for one-hot rows."""

from __future__ import annotations

import numpy as np
import pytest

from specc.data.targets import fit_inputs, fit_targets
from specc.errors import DataError
from specc.tensors import DType, Shape

IMAGES: Shape = (None, 28, 28, 1)


def test_uint8_pixels_stay_values_and_get_a_channel_axis() -> None:
    pixels = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    got = fit_inputs(pixels, IMAGES, "float32")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, pixels[..., None].astype(float))


def test_fitting_arrays_are_not_copied() -> None:
    x = np.zeros((3, 28, 28, 1), np.float32)
    assert fit_inputs(x, IMAGES, "float32") is x


@pytest.mark.parametrize(
    ("x", "shape", "dtype", "expected"),
    [
        ([[1.5], [2.5]], (None, 1), "float64", [[1.5], [2.5]]),
        ([1.5, 2.5], (None, 1), "float32", [[1.5], [2.5]]),
        ([[1.5], [2.5]], (None,), "float32", [1.5, 2.5]),
        ([[1.0, 2.0]], (None, None), "int32", [[1, 2]]),
        ([[True, False]], (None, 2), "float32", [[1.0, 0.0]]),
        ([[0, 300]], (None, 2), "int64", [[0, 300]]),
        (np.float64([[0.1]]), (None, 1), "float32", np.float32([[0.1]])),
    ],
)
def test_inputs_fit(x: object, shape: Shape, dtype: DType, expected: object) -> None:
    got = fit_inputs(x, shape, dtype)  # type: ignore[arg-type]
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.asarray(expected, dtype))


@pytest.mark.parametrize(
    ("x", "shape", "dtype", "match"),
    [
        (np.zeros((28, 28, 1)), IMAGES, "float32", r"batch axis is missing: .*\(1, 28, 28, 1\)"),
        (np.zeros((5, 1, 28, 28)), IMAGES, "float32", "another order: transpose"),
        (np.zeros((5, 784)), IMAGES, "float32", "reshape the data"),
        (np.zeros((5, 32, 32, 1)), IMAGES, "float32", r"\(None, 28, 28, 1\), received \(5, 32"),
        (np.zeros((5, 4)), (None, None, 3), "float32", "change the data"),
        ([["a", "b"]], (None, 2), "float32", "received texts .the first is .a.*leave them out"),
        (3.0, (None, 1), "float32", "one row for each sample"),
        ([[1, 2], [3, np.nan]], (None, 2), "float32", "NaN in sample 1"),
        ([[1, 2], [3, np.nan]], (None, 2), "int32", "NaN in sample 1"),
        ([[1, 2], [3, 1e300]], (None, 2), "float32", r"within float32, found 1e\+300 in sample 1"),
        ([[1, 2], [3, 2.5]], (None, 2), "int32", "whole numbers .* found 2.5 in sample 1"),
        ([[1, 2], [3, np.inf]], (None, 2), "int64", "found inf in sample 1"),
        ([[1, 2], [3, 2**40]], (None, 2), "int32", "found 1099511627776 in sample 1"),
        ([[1], [-1]], (None, 1), "uint8", "from 0 to 255 .* found -1 in sample 1"),
    ],
)
def test_inputs_that_do_not_fit(x: object, shape: Shape, dtype: DType, match: str) -> None:
    with pytest.raises(DataError, match=f"^image: .*{match}"):
        fit_inputs(x, shape, dtype, "image")  # type: ignore[arg-type]


def test_infinite_inputs_pass() -> None:
    got = fit_inputs([[np.inf, 1.0]], (None, 2), "float32")
    assert got[0, 0] == np.inf


@pytest.mark.parametrize("ids", [[3, 0, 9], [[3], [0], [9]]])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_ids_become_one_hot_rows(ids: object, dtype: type) -> None:
    got = fit_targets(np.array(ids, dtype), (None, 10), "float32")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.eye(10)[[3, 0, 9]])


def test_ids_of_every_position_become_rows() -> None:
    ids = np.array([[0, 2], [1, 1]])
    np.testing.assert_array_equal(fit_targets(ids, (None, 2, 3), "float32"), np.eye(3)[ids])


@pytest.mark.parametrize("shape", [(None,), (None, 1)])
@pytest.mark.parametrize("y", [[1, 2], [[1], [2]]])
def test_sparse_targets_take_both_shapes(y: object, shape: Shape) -> None:
    got = fit_targets(y, shape, "int32", classes=3)  # type: ignore[arg-type]
    assert got.dtype == np.int32
    assert got.tolist() == np.reshape([1, 2], [2 if d is None else d for d in shape]).tolist()


def test_rows_pass_as_they_are() -> None:
    y = np.eye(4, dtype=np.float32)
    assert fit_targets(y, (None, 4), "float32") is y
    np.testing.assert_array_equal(fit_targets(np.eye(4, dtype=int), (None, 4), "float32"), y)


@pytest.mark.parametrize(
    ("y", "shape", "classes", "match"),
    [
        ([1, 10, 2], (None, 10), None, "ids from 0 to 9, found 10 in sample 1"),
        ([1, 2, -1], (None, 10), None, "found -1 in sample 2"),
        ([1, 10, 2], (None, 1), 10, "ids from 0 to 9, found 10 in sample 1"),
        ([1.0, 2.0], (None, 10), None, "store class ids as integers"),
        (np.eye(10), (None, 1), 10, "one-hot rows the loss is categorical_crossentropy"),
        (np.eye(10), (None,), 10, "one-hot rows the loss is categorical_crossentropy"),
        (np.zeros((4, 9)), (None, 10), None, r"shape \(None, 10\), received \(4, 9\)"),
        ([[1, 2]], (None, 10), None, r"received \(1, 2\)"),
        ([0.5, np.nan], (None, 1), None, "NaN in sample 1"),
        (["cat"], (None, 10), None, "expected numbers"),
    ],
)
def test_targets_that_do_not_fit(y: object, shape: Shape, classes: int | None, match: str) -> None:
    with pytest.raises(DataError, match=f"^label: .*{match}"):
        fit_targets(y, shape, "float32", "label", classes)  # type: ignore[arg-type]


def test_one_hot_rows_are_refused_when_ids_say_it_in_less() -> None:
    ids = np.zeros((1000, 1000), np.int32)
    with pytest.raises(DataError, match="sparse_categorical_crossentropy"):
        fit_targets(ids, (None, 1000, 50_000), "float32")


def test_no_samples_fit() -> None:
    assert fit_targets(np.zeros(0, np.int64), (None, 3), "float32").shape == (0, 3)
    assert fit_inputs(np.zeros((0, 2)), (None, 2), "float32").shape == (0, 2)
    assert fit_targets(np.zeros(0, np.int64), (None,), "int32", classes=3).shape == (0,)
