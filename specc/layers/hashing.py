"""Integers sorted into bins by a hash of their decimal digits.

The hash is FarmHash's Fingerprint64 of the digits as text, which TensorFlow's
`to_hash_bucket_fast` takes; here it is computed on int64, whose additions and products wrap like
those of unsigned numbers.

Source: Pike (2014), FarmHash: farmhashna, HashLen0to16 and HashLen17to32; FingerprintCat64 of
TensorFlow (tsl/platform/fingerprint.h).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import PositiveInt
from typing_extensions import override

from specc import primitives as ops
from specc.fields import unsupported
from specc.layer import Cost, Layer, Lowering, Shapes
from specc.layers.encoding import Dense, encode, encoded_shape, whole
from specc.primitives import Tensor
from specc.shapes import ShapeError
from specc.tensors import DType, Shape, elements, show

# Bytes of the longest number, sign included.
LONGEST = 20
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_KJOIN = 0xC6A4A7935BD1E995
_MINUS, _ZERO = ord("-"), ord("0")


def _signed(value: int) -> int:
    """The number of 64 bits with a sign."""
    value %= 2**64
    return value - 2**64 if value >= 2**63 else value


def _const(x: Tensor, value: int) -> Tensor:
    return x.trace.constant(np.asarray(_signed(value), np.int64))


def _right(x: Tensor, bits: int) -> Tensor:
    """The bits moved down, zeros from above."""
    negative = ops.less(x, 0)
    # A negative number without its sign bit, then that bit where it comes to lie.
    positive = ops.where(negative, x - _const(x, 2**63), x)
    return positive / 2**bits + ops.cast(negative, "int64") * 2 ** (63 - bits)


def _rotated(x: Tensor, bits: int) -> Tensor:
    """The bits moved down by `bits`, those that fall off come in from above."""
    return _right(x, bits) + x * _const(x, 2 ** (64 - bits))


def _mixed(x: Tensor) -> Tensor:
    return ops.bitwise_xor(x, _right(x, 47))


def _joined(u: Tensor, v: Tensor, factor: Tensor) -> Tensor:
    """HashLen16 of farmhash."""
    a = _mixed(ops.bitwise_xor(u, v) * factor)
    return _mixed(ops.bitwise_xor(v, a) * factor) * factor


def joined(u: Tensor, v: Tensor) -> Tensor:
    """One hash of two 64-bit numbers, as TensorFlow's FingerprintCat64 has it."""
    k = _const(u, _KJOIN)
    y = ops.bitwise_xor(ops.bitwise_xor(u, k), _mixed(v * k) * k) * k
    return _mixed(_mixed(y) * k)


def remainder(x: Tensor, n: int) -> Tensor:
    """The unsigned number of these 64 bits modulo n."""
    half = _right(x, 1)
    bit = x - half * 2
    twice = (half - half / n * n) * 2 + bit
    return twice - twice / n * n


def fingerprint(x: Tensor) -> Tensor:
    """Fingerprint64 of each integer's decimal digits. Shapes: x int64, result the same, int64."""
    characters, length = _text(x)
    first = _from_left(characters, length)

    def left(start: int, count: int) -> Tensor:
        return _number([first[start + i] for i in range(count)])

    def right(start: int, count: int) -> Tensor:
        """`count` bytes, the first of them `start` bytes before the end."""
        return _number([characters[start - 1 - i] for i in range(count)])

    k0, k1, k2 = (_const(x, k) for k in (_K0, _K1, _K2))
    factor = length * 2 + k2
    middle = _chosen(first, length / 2)
    short = (first[0] + middle * 256) * k2
    short = _mixed(ops.bitwise_xor(short, (length + characters[0] * 4) * k0)) * k2
    some = _joined(length + left(0, 4) * 8, right(4, 4), factor)
    a, b = left(0, 8) + k2, right(8, 8)
    c, d = _rotated(b, 37) * factor + a, (_rotated(a, 25) + b) * factor
    many = _joined(c, d, factor)
    a, b = left(0, 8) * k1, left(8, 8)
    c, d = right(8, 8) * factor, right(16, 8) * k2
    most = _joined(_rotated(a + b, 43) + _rotated(c, 30) + d, a + _rotated(b + k2, 18) + c, factor)
    result = ops.where(ops.less(length, 4), short, some)
    result = ops.where(ops.less(length, 8), result, many)
    return ops.where(ops.less(length, 17), result, most)


def _text(x: Tensor) -> tuple[list[Tensor], Tensor]:
    """The characters of each number from the last to the first, 0 before it, and how many."""
    negative = ops.less(x, 0)
    sign = ops.cast(negative, "int64")
    rest = x
    characters: list[Tensor] = []
    # Digits of negative numbers are taken as they are, since the least one has no opposite.
    length = x * 0 + 1 + sign
    for place in range(LONGEST):
        digit = rest - rest / 10 * 10
        digit = digit * (1 - sign * 2)
        if place == 0:
            characters.append(digit + _ZERO)
        else:
            there = ops.cast(ops.logical_not(ops.equal(rest, 0)), "int64")
            length = length + there
            minus = sign * ops.cast(ops.equal(length, place + 1), "int64") * (1 - there)
            characters.append((digit + _ZERO) * there + minus * _MINUS)
        rest = rest / 10
    return characters, length


def _chosen(characters: list[Tensor], place: Tensor) -> Tensor:
    """The character at a place of the run."""
    total = characters[0] * 0
    for i, character in enumerate(characters):
        total = total + character * ops.cast(ops.equal(place, i), "int64")
    return total


def _from_left(characters: list[Tensor], length: Tensor) -> list[Tensor]:
    """The first sixteen characters."""
    return [_chosen(characters, length - 1 - i) for i in range(16)]


def _number(characters: list[Tensor]) -> Tensor:
    """Bytes as a number, the lowest first."""
    total = characters[0]
    for i, character in enumerate(characters[1:], start=1):
        total = total + character * _const(character, 256**i)
    return total


def buckets(x: Tensor, count: int) -> Tensor:
    """A bin 0 .. count - 1 for each integer."""
    return remainder(fingerprint(ops.cast(x, "int64")), count)


class Hashing(Layer):
    """Each integer's bin by a hash of its decimal digits; the masked value has bin 0 for itself.

    Text cannot be hashed in a graph of standard operators: its characters cannot be read there.

    Shapes: x (N, k, ...), result the same, int64; with `one_hot` (N, k, ..., num_bins), with
    `multi_hot` and `count` (N, ..., num_bins).

    Source: keras/src/layers/preprocessing/hashing.py (3.15.1).
    """

    keras_dtype: ClassVar[DType] = "int64"

    num_bins: PositiveInt
    """Number of bins."""
    mask_value: int | None = None
    """The value that stands for nothing."""
    salt: Annotated[None, unsupported("a salted hash")] = None
    """Key of another hash: not supported."""
    output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int"
    """The bin's number, or what `category_encoding` makes of it."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        if self.output_mode == "int":
            return inputs[0]
        return encoded_shape(inputs[0], self.output_mode, self.num_bins)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        x = ops.cast(whole(inputs[0]), "int64")
        bins = self.num_bins
        if self.mask_value is None or bins == 1:
            ids = buckets(x, bins)
        else:
            masked = ops.equal(x, self.mask_value)
            ids = ops.where(masked, 0, buckets(x, bins - 1) + 1)
        return ids if self.output_mode == "int" else encode(ids, self.output_mode, bins)

    @override
    def cost(self, inputs: Shapes, output: Shape) -> Cost:
        return Cost(ops=1000 * elements(inputs[0][1:]))


class HashedCrossing(Layer):
    """One bin for the values of several inputs together, by a hash of them.

    Shapes: inputs (N,) or (N, 1), result the same, int64; with `one_hot` (N, num_bins).

    Source: keras/src/layers/preprocessing/hashed_crossing.py (3.15.1).
    """

    min_inputs: ClassVar[int] = 2
    max_inputs: ClassVar[int | None] = None
    keras_dtype: ClassVar[DType] = "int64"

    num_bins: PositiveInt
    """Number of bins."""
    output_mode: Literal["int", "one_hot"] = "int"
    """The bin's number, or a vector with 1 at it."""
    sparse: Dense = False
    """Whether the result is sparse: not supported."""

    @override
    def output_shape(self, inputs: Shapes) -> Shape:
        for x in inputs:
            if len(x) > 2 or x[1:] not in ((), (1,)) or len(x) != len(inputs[0]):  # noqa: PLR2004
                shapes = ", ".join(map(show, inputs))
                raise ShapeError(f"expected all inputs (batch,) or (batch, 1), found {shapes}")
        return inputs[0] if self.output_mode == "int" else (inputs[0][0], self.num_bins)

    @override
    def lower(self, low: Lowering, *inputs: Tensor) -> Tensor:
        total = ops.cast(inputs[0], "int64") * 0 + 0xDECAFCAFFE
        for x in inputs:
            total = joined(total, ops.cast(whole(x), "int64"))
        ids = remainder(total, self.num_bins)
        return ids if self.output_mode == "int" else encode(ids, "one_hot", self.num_bins)
