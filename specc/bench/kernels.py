"""Single convolutions with both gradients, lowered in each way that the CPU target knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from specc import primitives as ops
from specc.autodiff import gradients
from specc.compiler.builder import Builder
from specc.compiler.program import Program
from specc.graph import Graph, Value
from specc.primitives import Tensor, Trace
from specc.session import Stepper
from specc.shapes import same_pads
from specc.targets.cpu.conv import convolve_by, cut, usable
from specc.targets.cpu.pixels import from_rows
from specc.targets.storage import Storage
from specc.targets.target import target

DIRECT = 1


@dataclass(frozen=True, slots=True)
class Convolution:
    """A padded convolution at stride 1 of square images: x (N, S, S, C), kernel (r, r, C, F)."""

    batch: int
    size: int
    channels: int
    filters: int
    taps: int = 3

    @property
    def kernel(self) -> tuple[int, int, int, int]:
        """The shape (r, r, C, F)."""
        return self.taps, self.taps, self.channels, self.filters

    def tensor(self) -> Tensor:
        """It as a primitive."""
        trace = Trace("float32")
        shape = (self.batch, self.size, self.size, self.channels)
        x = ops.graph_input(trace, "x", shape, "float32")
        w = ops.state(trace, "w", self.kernel, "float32", trainable=True)
        pads = [same_pads(self.size, self.taps, 1, 1)] * 2
        return ops.conv(x, w, None, strides=(1, 1), pads=pads, dilations=(1, 1), groups=1)

    @property
    def ways(self) -> tuple[int, ...]:
        """How many results along a side its tiles can have; the first way is the direct sum."""
        return (DIRECT, *usable(self.tensor()))

    def program(self, way: int) -> Program:
        """The result and both gradients; images lie batch last, as between layers."""
        t, cpu = self.tensor(), target("cpu")
        b = Builder(cpu, {}, cpu.opset)
        source = _Kernel(b)
        realiser = b.realiser(source)
        image, shape = t.inputs[0], (self.channels, self.size**2, self.batch)
        x = b.input("x", "float32", shape, "input")
        realiser.bind(image, from_rows(x, image))
        y = convolve_by(realiser, t, None if way == DIRECT else cut(t, way), biased=False).value
        dy = b.input("dy", "float32", y.shape, "input")
        dx, dw = gradients(b.graph, [(y, dy)], [x, source.values["w"]])
        for name, value in (("y", y), ("dx", dx), ("dw", dw)):
            if value is not None:
                b.output(name, value, "output")
        return b.program("convolution", {})


@dataclass(slots=True)
class _Kernel:
    """Gives the kernel as a graph input, in the order in which it is wanted."""

    builder: Builder
    values: dict[str, Value] = field(default_factory=dict[str, Value])

    def flat(self, graph: Graph, name: str, storage: Mapping[str, Storage]) -> Value:
        """The weight `name`."""
        del graph
        size = math.prod(storage[name].shape)
        self.values[name] = self.builder.input(name, "float32", (size,), "input")
        return self.values[name]


def call(program: Program, threads: int | None) -> Callable[[], None]:
    """What runs a program of fixed shapes on noise, once."""
    stepper = Stepper(program, "cpu", threads)
    stepper.load({})
    rng = np.random.default_rng(0)
    sizes = {p.name: [d for d in p.shape if isinstance(d, int)] for p in program.inputs}
    feeds = {name: rng.random(shape, np.float32) for name, shape in sizes.items()}
    return lambda: stepper.step(feeds)
