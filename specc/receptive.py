"""Receptive fields: which part of an input one output element of each layer can see.

Along one axis, output element i of a layer sees the input elements low(i)..high(i). Both repeat
with a period P and move on by a constant step: low(i + P) = low(i) + step. A window of a
convolution keeps P = 1 and step is the jump; after a transposed one neighbours differ, and P > 1.
Padding counts as input, so a field may be larger than the input.

Source of the recurrences: Araujo, Norris, Sim (2019), Computing Receptive Fields of Convolutional
Neural Networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

from specc.layer import Layer, Window
from specc.network import Call, Network
from specc.tensors import Shape


@dataclass(frozen=True, slots=True)
class Span:
    """What the elements along one axis see: low and high for one period, and the step of it."""

    lows: tuple[int, ...]
    highs: tuple[int, ...]
    step: int

    @property
    def size(self) -> int:
        """Input elements that one element sees at most."""
        return max(high - low + 1 for low, high in zip(self.lows, self.highs, strict=True))

    @property
    def jump(self) -> Fraction:
        """Distance, in input elements, between what neighbours see."""
        return Fraction(self.step, len(self.lows))

    def at(self, i: int) -> tuple[int, int]:
        """(low, high) of element i, which may lie in the padding."""
        period, r = divmod(i, len(self.lows))
        return self.lows[r] + period * self.step, self.highs[r] + period * self.step

    def read(self, kernel: int, stride: int, dilation: int, pad: int) -> Span:
        """Of a window: output i reads elements i stride - pad + j dilation, j < kernel."""
        period = len(self.lows) // math.gcd(len(self.lows), stride)
        cells = _outer(kernel, len(self.lows))
        seen = [[self.at(i * stride - pad + j * dilation) for j in cells] for i in range(period)]
        return _hull(seen, self.step * stride * period // len(self.lows))

    def written(self, kernel: int, stride: int, dilation: int, pad: int) -> Span:
        """Of a transposed window: output n stride - pad + j dilation comes from element n."""
        seen: list[list[tuple[int, int]]] = []
        cells = _outer(kernel, len(self.lows) * stride)
        for o in range(len(self.lows) * stride):
            sources = [o + pad - j * dilation for j in cells]
            # Where the window leaves gaps, the element below stands in: it has no source at all.
            whole = [n // stride for n in sources if n % stride == 0] or [(o + pad) // stride]
            seen.append([self.at(n) for n in whole])
        return _hull(seen, self.step)

    def union(self, other: Span) -> Span | None:
        """What elements see that see both; None when the two move on at different speeds."""
        if self.jump != other.jump:
            return None
        period = math.lcm(len(self.lows), len(other.lows))
        seen = [[self.at(i), other.at(i)] for i in range(period)]
        return _hull(seen, int(self.jump * period))


def _outer(kernel: int, period: int) -> list[int]:
    """The cells of a window that decide what is seen: as many at each end as a period has.

    What a cell sees only moves on from one period to the next.
    """
    return [*range(min(kernel, period)), *range(max(period, kernel - period), kernel)]


def _hull(seen: Sequence[Sequence[tuple[int, int]]], step: int) -> Span:
    lows = tuple(min(low for low, _ in spans) for spans in seen)
    return Span(lows, tuple(max(high for _, high in spans) for spans in seen), step)


@dataclass(frozen=True, slots=True)
class Field:
    """What one element of a tensor sees of one model input.

    Attributes:
        axes: the spatial axes, batch counted; empty before the first window.
        whole: lengths of the input along them; None where open.
        spans: along each axis; None once elements have lost their place (a flatten).
        sizes: elements along each axis; None for an axis of open length that is seen whole.
    """

    axes: tuple[int, ...] = ()
    whole: tuple[int | None, ...] = ()
    spans: tuple[Span, ...] | None = ()
    sizes: tuple[int | None, ...] = ()

    @property
    def jumps(self) -> tuple[Fraction, ...] | None:
        """Distance between what neighbours see, along each axis."""
        return None if self.spans is None else tuple(span.jump for span in self.spans)

    def everything(self) -> Field:
        """Of an element that sees the whole input."""
        return replace(self, spans=None, sizes=self.whole)

    def placed(self, spans: tuple[Span, ...]) -> Field:
        """The field with other spans."""
        return replace(self, spans=spans, sizes=tuple(span.size for span in spans))


# What one element of a tensor sees, by name of the model's input.
Fields: TypeAlias = Mapping[str, Field]


def receptive_fields(network: Network) -> dict[Call, Fields]:
    """The fields of every call's outputs, inputs' calls included; empty axes: no window yet."""
    starts = [{name: Field()} for name in network.input_names]
    shapes = {ref.call: ref.call.output_shapes for ref in network.inputs}
    shapes |= {call: call.output_shapes for call in network.calls}
    return fields_within(network, starts, shapes)


def fields_within(
    network: Network, inputs: Sequence[Fields], shapes: Mapping[Call, tuple[Shape, ...]]
) -> dict[Call, Fields]:
    """The fields of a network's calls when its inputs have fields and calls have shapes."""
    found = {ref.call: fields for ref, fields in zip(network.inputs, inputs, strict=True)}
    for call in network.calls:
        given = [ref for ref in call.inputs if ref is not None]
        before = [found[ref.call] for ref in given]
        entering = tuple(shapes[ref.call][ref.output] for ref in given)
        layer = call.called
        if isinstance(layer, Network):
            inner = fields_within(layer, before, layer.shapes_for(entering))
            found[call] = _merged([inner[ref.call] for ref in layer.outputs])
        else:
            found[call] = _through(layer, entering, shapes[call][0], before)
    return found


def _through(
    layer: Layer, inputs: tuple[Shape, ...], output: Shape, before: Sequence[Fields]
) -> Fields:
    window = layer.window(inputs)
    mixes = layer.cost(inputs, output).macs > 0
    after: list[Fields] = []
    for shape, fields in zip(inputs, before, strict=True):
        if window is not None:
            after.append({name: _slid(field, window, shape) for name, field in fields.items()})
        else:
            after.append(
                {name: _kept(field, shape, output, mixes) for name, field in fields.items()}
            )
    return _merged(after)


def _kept(field: Field, shape: Shape, output: Shape, mixes: bool) -> Field:
    """Through a layer without a window: elements keep their place, or lose it for good."""
    if field.spans is None:
        return field.everything() if mixes else field
    same = len(shape) == len(output) and all(shape[axis] == output[axis] for axis in field.axes)
    return field if same else replace(field, spans=None)


def _slid(field: Field, window: Window, shape: Shape) -> Field:
    """Through a window."""
    if not field.axes:
        field = _point(window.axes, tuple(shape[axis] for axis in window.axes))
    if window.kernel is None or field.spans is None or field.axes != window.axes:
        return field.everything()
    spans = [
        (span.written if window.transposed else span.read)(kernel, stride, dilation, pads[0])
        for span, kernel, stride, dilation, pads in zip(
            field.spans, window.kernel, window.strides, window.dilations, window.pads, strict=True
        )
    ]
    return field.placed(tuple(spans))


def _point(axes: tuple[int, ...], whole: tuple[int | None, ...]) -> Field:
    """Of an element that sees one element: itself."""
    return Field(axes, whole).placed((Span((0,), (0,), 1),) * len(axes))


def _merged(several: Sequence[Fields]) -> Fields:
    """What an element sees that sees all of several others: the union of their extents."""
    merged: dict[str, Field] = {}
    for fields in several:
        for name, field in fields.items():
            merged[name] = _union(merged[name], field) if name in merged else field
    return merged


def _union(a: Field, b: Field) -> Field:
    if a.axes and not b.axes:
        b = _point(a.axes, a.whole)
    elif b.axes and not a.axes:
        a = _point(b.axes, b.whole)
    if not a.axes:
        return a
    if a.axes == b.axes and a.spans is not None and b.spans is not None:
        spans = [x.union(y) for x, y in zip(a.spans, b.spans, strict=True)]
        known = tuple(span for span in spans if span is not None)
        if len(known) == len(spans):
            return a.placed(known)
    if a.axes != b.axes:
        return a.everything()
    sizes = tuple(
        None if x is None or y is None else max(x, y) for x, y in zip(a.sizes, b.sizes, strict=True)
    )
    return replace(a, spans=None, sizes=sizes)
