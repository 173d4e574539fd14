"""Recurrences over cells that the spec names, and stacks of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.layer import Cost, Layer, Lowering, Shapes, Weight
from specc.layers.cells import Cell, Course, Noise, Ran, States
from specc.layers.nested import Nested, inner_names, inner_weights, stored_inside
from specc.layers.recurrence import Recurrence
from specc.primitives import Tensor
from specc.tensors import Shape


def _is_cell(layer: Layer) -> Layer:
    if not isinstance(layer, Cell):
        kinds = ", ".join(name for name, kind in Layer.kinds().items() if issubclass(kind, Cell))
        raise PydanticCustomError(
            "cell",
            "expected a cell ({kinds}), found the layer {found}",
            {"kinds": kinds, "found": layer.key},
        )
    return layer


# A layer that computes one step.
CellField = Annotated[Layer, AfterValidator(_is_cell)]


class StackedRNNCells(Cell):
    """Cells one upon the other: each takes the output of the one before.

    Shapes: as the cells; the states are those of all cells in order. Weights of each cell under
    its kind: `lstm_cell/kernel`, of a second one `lstm_cell_1/kernel`.

    Source: keras/src/layers/rnn/stacked_rnn_cells.py (3.15.1).
    """

    cells: Annotated[tuple[CellField, ...], Field(min_length=1)]
    """The cells, the first takes the input."""

    def _cells(self) -> list[tuple[str, Cell]]:
        cells = [cell for cell in self.cells if isinstance(cell, Cell)]
        return list(zip(inner_names(cells), cells, strict=True))

    def _steps(self, step: Shape) -> list[tuple[str, Cell, Shape, Shapes]]:
        """Name, cell, its input's shape and its states' shapes, for each cell."""
        found: list[tuple[str, Cell, Shape, Shapes]] = []
        for name, cell in self._cells():
            states = cell.state_shapes(step)
            found.append((name, cell, step, states))
            step = cell.made(states)
        return found

    @override
    def state_shapes(self, step: Shape) -> Shapes:
        return tuple(state for *_, states in self._steps(step) for state in states)

    @override
    def made(self, states: Shapes) -> Shape:
        *_, (_, last) = self._cells()
        # Of the last cell's states, which stand at the end, the first is its output.
        return last.made(states[-last.state_count :])

    @property
    @override
    def state_count(self) -> int:
        return sum(cell.state_count for _, cell in self._cells())

    @override
    def weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        steps = self._steps(inputs[0])
        return tuple(w for name, cell, x, _ in steps for w in inner_weights(name, cell, (x,)))

    @override
    def stored(self, weights: Sequence[Weight]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, cell in self._cells():
            found |= stored_inside(weights, name, f"cells/{name}", cell)
        return found

    @override
    def enter(self, low: Lowering, x: Tensor, noise: Noise) -> Tensor:
        del low, noise
        return x

    @override
    def advance(
        self, low: Lowering, entered: Tensor, states: States, noise: Noise
    ) -> tuple[Tensor, States]:
        output, after, rest = entered, list[Tensor](), list(states)
        for name, cell in self._cells():
            own, rest = rest[: cell.state_count], rest[cell.state_count :]
            output, *new = cell.lower(Nested(low, name), output, *own)
            after += new
        return output, tuple(after)

    @override
    def run(self, low: Lowering, x: Tensor, course: Course) -> Ran:
        # Cell by cell over all steps gives what step by step over all cells does: what a cell makes
        # at a step that the mask leaves out is used by nobody.
        states, rest, y = list[Tensor](), list(course.start), x
        cells = self._cells()
        for name, cell in cells:
            own, rest = rest[: cell.state_count], rest[cell.state_count :]
            zeros = course.zeros and cell is cells[-1][1]
            ran = cell.run(Nested(low, name), y, replace(course, zeros=zeros, start=tuple(own)))
            y = ran.outputs
            states += ran.states
        return Ran(y, tuple(states))

    @override
    def step_cost(self, step: Shape) -> Cost:
        costs = [cell.step_cost(x) for _, cell, x, _ in self._steps(step)]
        return Cost(sum(c.macs for c in costs), sum(c.ops for c in costs))


class RNN(Recurrence):
    """A cell at every step of a sequence.

    Shapes: sequences (N, T, ...), initial_state the cell's states (N, ...), mask (N, T), true where
    a step counts; result (N, ...), with `return_sequences` (N, T, ...), and with `return_state`
    the last states. Weights of the cell under its kind: `lstm_cell/kernel`.

    Source: keras/src/layers/rnn/rnn.py (3.15.1).
    """

    cell: CellField
    """What computes one step."""
    zero_output_for_mask: bool = False
    """Whether the output of a step that the mask leaves out is 0, not the one before."""

    @classmethod
    @override
    def first_field(cls) -> str | None:
        return "cell"

    @property
    @override
    def inner(self) -> Cell:
        cell = self.cell
        if not isinstance(cell, Cell):
            raise TypeError(cell.key)
        return cell
