"""Contractions written as `ab,bc->ac`: read, checked, and turned into one matrix product."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from specc import primitives as ops
from specc.primitives import Tensor
from specc.primitives.tensor import ints

_FORMS = re.compile(
    r"(?P<left>\.\.\.)?(?P<x>[a-zA-Z]+)(?P<right>\.\.\.)?,(?P<w>[a-zA-Z]+)"
    r"->(?P<left2>\.\.\.)?(?P<y>[a-zA-Z]+)(?P<right2>\.\.\.)?"
)


@dataclass(frozen=True, slots=True)
class Equation:
    """Labels of the input's, the kernel's and the result's axes; where `...` stands, if it does."""

    x: str
    w: str
    y: str
    dots: str = ""

    @classmethod
    def read(cls, text: str) -> Equation:
        """The equation that `text` writes.

        Raises:
            PydanticCustomError: it is none, or not one of a layer's input with its kernel.
        """
        match = _FORMS.fullmatch(text.replace(" ", ""))
        if match is None or any(
            bool(match[side]) != bool(match[side + "2"]) for side in ("left", "right")
        ):
            raise _wrong(text, "expected the form ab,bc->ac, ...b,bc->...c or ab...,bc->ac...")
        x, w, y = match["x"], match["w"], match["y"]
        if any(len(set(labels)) < len(labels) for labels in (x, w, y)):
            raise _wrong(text, "an axis is named twice")
        if not set(y) <= set(x + w):
            raise _wrong(text, "the result has an axis that neither input nor kernel has")
        if not set(w) <= set(x + y):
            raise _wrong(text, "the kernel has an axis that neither input nor result has")
        dots = "left" if match["left"] else "right" if match["right"] else ""
        # The first axis is the batch, which no kernel has.
        if not dots == "left" and (x[0] != y[0] or x[0] in w):
            raise _wrong(text, "the first axis is the batch; begin input and result with it")
        return cls(x, w, y, dots)

    def spread(self, rank: int) -> Equation:
        """The same with a digit for each axis under `...`, for an input of `rank` axes."""
        more = "".join(map(chr, range(0x100, 0x100 + rank - len(self.x))))
        if self.dots == "left":
            return Equation(more + self.x, self.w, more + self.y)
        return Equation(self.x + more, self.w, self.y + more)

    def contract(self, x: Tensor, kernel: Tensor) -> Tensor:
        """The sum of products, for equations without `...`."""
        gone = [i for i, label in enumerate(self.x) if label not in self.w + self.y]
        labels = "".join(label for label in self.x if label in self.w + self.y)
        if gone:
            x = ops.reduce_sum(x, gone)
        shared = [label for label in labels if label in self.w and label in self.y]
        free = [label for label in labels if label not in self.w]
        summed = [label for label in labels if label in self.w and label not in self.y]
        new = [label for label in self.w if label in self.y and label not in labels]
        size = dict(zip(labels, x.shape, strict=True)) | dict(
            zip(self.w, kernel.shape, strict=True)
        )
        deep = math.prod(ints(tuple(size[label] for label in summed)))
        wide = math.prod(ints(tuple(size[label] for label in new)))
        k = ops.transpose(kernel, [self.w.index(label) for label in (*shared, *summed, *new)])
        if not shared:
            x = ops.transpose(x, [labels.index(label) for label in (*free, *summed)])
            x = ops.reshape(x, (*(size[label] for label in free), deep))
            y = ops.dense(x, ops.reshape(k, (deep, wide)))
        else:
            batch, rows = free[0], free[1:]
            many = math.prod(ints(tuple(size[label] for label in shared)))
            high = math.prod(ints(tuple(size[label] for label in rows)))
            x = ops.transpose(x, [labels.index(c) for c in (batch, *shared, *rows, *summed)])
            x = ops.reshape(x, (size[batch], many, high, deep))
            y = ops.matmul(x, ops.reshape(k, (many, deep, wide)))
        made = (*free, *new) if not shared else (free[0], *shared, *free[1:], *new)
        y = ops.reshape(y, tuple(size[label] for label in made))
        return ops.transpose(y, [made.index(label) for label in self.y])


def _wrong(text: str, why: str) -> PydanticCustomError:
    return PydanticCustomError("equation", "{why}, found {text}", {"why": why, "text": repr(text)})
