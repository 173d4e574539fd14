"""Sums of products.

Source: keras/src/ops/numpy.py (3.15.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc import primitives as ops
from specc.layer import Cost, Lowering, Shapes
from specc.layers.operations.base import Combination, Constant, broadcast
from specc.layers.types import floating, promoted
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import Dim, Shape, elements, product


class Product(Combination):
    """A sum of products of two operands."""

    abstract: ClassVar[bool] = True
    operands: ClassVar[tuple[str, ...]] = ("x1", "x2")
    x2: Constant = None
    """The second operand, when it is no input."""
    x1: Constant = None
    """The first operand, when it is no input."""


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    """NumPy's rule: a single axis is a row on the left and a column on the right."""
    if not a or not b:
        raise ShapeError("a number is no operand of a matrix product; multiply instead")
    left, right = ((1, *a) if len(a) == 1 else a), ((*b, 1) if len(b) == 1 else b)
    inner = left[-1], right[-2]
    if inner[0] != inner[1]:
        raise ShapeError(f"a matrix product of {a} and {b}: {inner[0]} columns, {inner[1]} rows")
    lead = broadcast([left[:-2], right[:-2]])
    return (*lead, *left[-2:-1][: len(a) > 1], *right[-1:][: len(b) > 1])


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """NumPy's matmul for operands of any rank from 1."""
    left = ops.expand_dims(a, 0) if a.rank == 1 else a
    right = ops.expand_dims(b, 1) if b.rank == 1 else b
    if right.rank == 2 and right.op == "constant":  # noqa: PLR2004
        y = ops.dense(left, right)
    else:
        y = ops.matmul(left, right)
    y = ops.squeeze(y, -1) if b.rank == 1 else y
    return ops.squeeze(y, -1 - (b.rank > 1)) if a.rank == 1 else y


class Matmul(Product):
    """Matrix product over the last two axes, leading axes broadcast."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return _matmul_shape(*self.operand_shapes(inputs))

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        return matmul(*promoted(self.operand_tensors(inputs)))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        a, _ = self.operand_shapes(inputs)
        return Cost(macs=elements(output[1:]) * (a[-1] or 1))


class Dot(Product):
    """Sums over the last axis of the first operand and the one before the last of the second."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        a, b = self.operand_shapes(inputs)
        if not a or not b:
            return broadcast([a, b])
        if len(b) > 2 or (len(b) == 2 and b[0] is None):  # noqa: PLR2004
            raise ShapeError(f"dot of {a} and {b} is not supported; write a matmul or einsum")
        return _matmul_shape(a, b)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b = promoted(self.operand_tensors(inputs))
        return matmul(a, b) if a.rank and b.rank else a * b


class Tensordot(Product):
    """Sums over axes of the first operand paired with axes of the second."""

    axes: int | tuple[int | tuple[int, ...], ...] = 2
    """How many last axes meet as many first ones, or the axes of each operand."""

    def _equation(self, a: int, b: int) -> tuple[str, str, str]:
        if isinstance(self.axes, int):
            left, right = list(range(a - self.axes, a)), list(range(self.axes))
        else:
            pair = [[axis] if isinstance(axis, int) else list(axis) for axis in self.axes]
            left, right = [i % a for i in pair[0]], [i % b for i in pair[1]]
        first = [chr(ord("a") + i) for i in range(a)]
        second = [chr(ord("A") + i) for i in range(b)]
        for i, j in zip(left, right, strict=True):
            second[j] = first[i]
        rest = [c for c in first + second if (c in first) != (c in second)]
        return "".join(first), "".join(second), "".join(rest)

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        a, b = self.operand_shapes(inputs)
        return einsum_shape(self._equation(len(a), len(b)), [a, b])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b = promoted(self.operand_tensors(inputs))
        x, y, z = self._equation(a.rank, b.rank)
        return contract(a, x, b, y, z)


class Inner(Product):
    """Sums of products along the last axes, each line of the first operand with each of the second.

    The second operand is a constant: lines of two batches would meet across samples.
    """

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        a, b = self.operand_shapes(inputs)
        if self.x2 is None:
            raise ShapeError("x2 as a tensor mixes the samples of a batch; write an einsum")
        if not b:
            return a
        if len(b) > 2 or a[-1:] != b[-1:]:  # noqa: PLR2004
            raise ShapeError(f"the inner product of {a} and {b} is not supported; write an einsum")
        return (*a[:-1], *b[:-1])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b = promoted(self.operand_tensors(inputs))
        if not b.rank:
            return a * b
        if b.rank == 1:
            return ops.reduce_sum(a * b, -1)
        return matmul(a, ops.transpose(b, (1, 0)))


class CDist(Product):
    """The distance of each line of the first operand from each line of the second.

    Shapes: x (..., m, d), y (..., n, d), leading axes broadcast; result (..., m, n).
    """

    keras_module: ClassVar[str] = "keras.src.ops.math"
    operands: ClassVar[tuple[str, ...]] = ("x", "y")
    renamed: ClassVar[Mapping[str, str]] = {"x": "x1", "y": "x2"}

    @override
    def _given(self) -> Mapping[str, object]:
        return {name: v for name, v in (("x", self.x1), ("y", self.x2)) if v is not None}

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        a, b = self.operand_shapes(inputs)
        if min(len(a), len(b)) < 2 or a[-1] != b[-1]:  # noqa: PLR2004
            raise ShapeError(f"expected lines of one length, found {a} and {b}")
        return (*broadcast([a[:-2], b[:-2]]), a[-2], b[-2])

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        a, b = (floating(x) for x in promoted(self.operand_tensors(inputs)))
        apart = ops.expand_dims(a, -2) - ops.expand_dims(b, -3)
        return ops.sqrt(ops.reduce_sum(apart * apart, -1))

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        a, _ = self.operand_shapes(inputs)
        return Cost(macs=elements(output[1:]) * (a[-1] or 1), ops=2 * elements(output[1:]))


_EQUATION = re.compile(r"[a-zA-Z.]+(,[a-zA-Z.]+)*(->[a-zA-Z.]*)?")


def _equation(text: str) -> str:
    text = text.replace(" ", "")
    if not _EQUATION.fullmatch(text) or any(
        len(set(part)) != len(part) for part in re.split(",|->", text.replace("...", "."))
    ):
        raise PydanticCustomError(
            "einsum",
            "expected a contraction like 'bij,bjk->bik', each axis once, found {text}",
            {"text": repr(text)},
        )
    return text


class Einsum(Combination):
    """Sums of products as an equation says: axes with one letter meet, axes left out are summed."""

    subscripts: Annotated[str, AfterValidator(_equation)]
    """The equation: `bij,bkj->bik`."""
    operands: ClassVar[tuple[str, ...]] = ()

    def _labels(self, ranks: list[int]) -> list[str]:
        """Labels of every operand and of the result, `...` spelled out."""
        text, _, result = self.subscripts.partition("->")
        terms = text.split(",")
        if len(terms) != len(ranks):
            raise ShapeError(f"{self.subscripts} has {len(terms)} operands, received {len(ranks)}")
        named = [len(term.replace("...", "")) for term in terms]
        dots = max(
            (r - n for r, n, t in zip(ranks, named, terms, strict=True) if "." in t), default=0
        )
        more = "".join(chr(0x100 + i) for i in range(dots))
        if "->" not in self.subscripts:
            letters = sorted(c for c in {*text} - {",", "."} if text.count(c) == 1)
            result = ("..." if "." in text else "") + "".join(letters)
        spelled: list[str] = []
        for term, rank, count in zip(terms, ranks, named, strict=True):
            label = term.replace("...", more[len(more) - (rank - count) :] if rank > count else "")
            if len(label) != rank:
                raise ShapeError(f"{term!r} of {self.subscripts} does not fit {rank} axes")
            spelled.append(label)
        return [*spelled, result.replace("...", more)]

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        return einsum_shape(self._labels([len(x) for x in inputs]), inputs)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        *terms, result = self._labels([x.rank for x in inputs])
        parts = promoted(inputs)
        x, label = parts[0], terms[0]
        for i, (part, term) in enumerate(zip(parts[1:], terms[1:], strict=True)):
            later = {*result, *"".join(terms[i + 2 :])}
            kept = "".join(dict.fromkeys(c for c in label + term if c in later))
            x, label = contract(x, label, part, term, kept), kept
        gone = [i for i, c in enumerate(label) if c not in result]
        x = ops.reduce_sum(x, gone) if gone else x
        label = "".join(c for c in label if c in result)
        return ops.transpose(x, [label.index(c) for c in result])

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        labels = self._labels([len(x) for x in inputs])
        sizes = {
            c: dim
            for t, x in zip(labels, inputs, strict=False)
            for c, dim in zip(t, x, strict=True)
        }
        return Cost(macs=elements(tuple(sizes.values())))


def einsum_shape(labels: list[str] | tuple[str, ...], shapes: list[Shape] | Shapes) -> Shape:
    """Shape of the result, whose labels come last.

    Raises:
        ShapeError: one letter stands for two lengths.
    """
    sizes: dict[str, int | None] = {}
    for label, shape in zip(labels, shapes, strict=False):
        for c, dim in zip(label, shape, strict=True):
            if sizes.setdefault(c, dim) != dim:
                raise ShapeError(
                    f"axes of {' and '.join(map(str, shapes))} do not meet: {dim} and {sizes[c]}"
                )
    missing = [c for c in labels[-1] if c not in sizes]
    if missing:
        raise ShapeError(f"the result has an axis {missing[0]!r} that no operand has")
    return tuple(sizes[c] for c in labels[-1])


def contract(a: Tensor, x: str, b: Tensor, y: str, z: str) -> Tensor:
    """The sum of products of a (axes x) and b (axes y) with axes z: one batched matrix product."""
    for operand, other in ((0, y), (1, x)):
        tensor, label = (a, x) if operand == 0 else (b, y)
        alone = [i for i, c in enumerate(label) if c not in other and c not in z]
        if alone:
            tensor = ops.reduce_sum(tensor, alone)
            label = "".join(c for c in label if c in other or c in z)
        if operand == 0:
            a, x = tensor, label
        else:
            b, y = tensor, label
    size: dict[str, Dim] = dict(zip(x, a.shape, strict=True)) | dict(zip(y, b.shape, strict=True))
    shared = [c for c in x if c in y and c in z]
    summed = [c for c in x if c in y and c not in z]
    rows, columns = [c for c in x if c not in y], [c for c in y if c not in x]
    many, deep, high, wide = (
        product([size[c] for c in group]) for group in (shared, summed, rows, columns)
    )
    left = ops.transpose(a, [x.index(c) for c in (*shared, *rows, *summed)])
    right = ops.transpose(b, [y.index(c) for c in (*shared, *summed, *columns)])
    if shared:
        made = ops.matmul(
            ops.reshape(left, (many, high, deep)), ops.reshape(right, (many, deep, wide))
        )
    else:
        made = matmul(ops.reshape(left, (high, deep)), ops.reshape(right, (deep, wide)))
    order = (*shared, *rows, *columns)
    made = ops.reshape(made, [size[c] for c in order])
    return ops.transpose(made, [order.index(c) for c in z])
