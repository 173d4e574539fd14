"""`summary`: the layers of a model with shapes and counts, as Keras prints them, JSON, Markdown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from typing_extensions import override

from specc.network import Network, build
from specc.spec.model import Spec
from specc.summaries import keras2, table
from specc.summaries.rows import Row, Totals, json_shape, rows, shape_text, size_text, totals

# Keras' columns: (heading, end of the column as a share of the line, alignment).
CHAIN = (
    table.Column("Layer (type)", 0.45),
    table.Column("Output Shape", 0.80),
    table.Column("Param #", 1.0, "right"),
)
GRAPH = (
    table.Column("Layer (type)", 0.30),
    table.Column("Output Shape", 0.56),
    table.Column("Param #", 0.74, "right"),
    table.Column("Connected to", 1.0),
)
WIDTH = 80


@dataclass(frozen=True, slots=True)
class Summary:
    """What `summary` returns. `str()` is Keras' text at 80 cells, wherever it is printed."""

    name: str
    rows: tuple[Row, ...]
    totals: Totals
    chain: bool
    """No layer has two inputs or is called twice: Keras leaves out `Connected to`."""

    @override
    def __str__(self) -> str:
        return self.text()

    def text(
        self, line_length: int | None = None, style: Literal["keras", "keras2"] = "keras"
    ) -> str:
        """Keras' text, without a newline at its end.

        Args:
            line_length: cells in a line; 80 by default (65 or 98 in Keras 2's look).
            style: `keras` as Keras 3 prints it, `keras2` as Keras 2.0 did.

        Raises:
            SpeccError: the line is too short for the columns.
        """
        if style == "keras2":
            return keras2.draw(self.rows, self.totals, chain=self.chain, line_length=line_length)
        columns = CHAIN if self.chain else GRAPH
        cells = [self._cells(row)[: len(columns)] for row in self.rows]
        sums = self.totals
        footer = [
            _footer("Total", sums.params, sums.bytes),
            _footer("Trainable", sums.trainable_params, sums.trainable_bytes),
            _footer("Non-trainable", sums.non_trainable_params, sums.non_trainable_bytes),
        ]
        drawn = table.draw(columns, cells, line_length or WIDTH)
        return "\n".join([f'Model: "{self.name}"', drawn, *footer])

    @staticmethod
    def _cells(row: Row) -> list[str]:
        return [
            f"{row.name} ({row.type})",
            shape_text(row.output_shapes),
            f"{row.params:,}",
            ", ".join(row.connections) or "-",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Layers and totals; several outputs of a layer give a list of shapes."""
        return {
            "name": self.name,
            "layers": [
                {
                    "name": row.name,
                    "type": row.type,
                    "output_shape": json_shape(row.output_shapes),
                    "params": row.params,
                    "trainable_params": row.trainable_params,
                    "connected_to": list(row.connected_to),
                }
                for row in self.rows
            ],
            "total_params": self.totals.params,
            "trainable_params": self.totals.trainable_params,
            "non_trainable_params": self.totals.non_trainable_params,
        }

    def json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2)

    def markdown(self) -> str:
        """A Markdown table, and the totals below it."""
        columns = CHAIN if self.chain else GRAPH
        lines = [f"**{self.name}**", ""]
        lines.append("| " + " | ".join(column.heading for column in columns) + " |")
        ends = ["---:" if column.align == "right" else "---" for column in columns]
        lines.append("|" + "|".join(ends) + "|")
        cells = [self._cells(row)[: len(columns)] for row in self.rows]
        lines += ["| " + " | ".join(row) + " |" for row in cells]
        sums = self.totals
        lines += ["", f"Total params: {sums.params:,} ({size_text(sums.bytes)})  "]
        lines.append(f"Trainable params: {sums.trainable_params:,}  ")
        lines.append(f"Non-trainable params: {sums.non_trainable_params:,}")
        return "\n".join(lines)


def summary(model: Spec | Network, batch: int | None = None) -> Summary:
    """The summary of a spec; `batch` fills the open batch axis of its shapes.

    Raises:
        SpecError: the spec has problems.
    """
    network = model if isinstance(model, Network) else build(model)
    return Summary(network.name, tuple(rows(network, batch)), totals(network), network.is_chain)


def _footer(what: str, count: int, size: int) -> str:
    return f" {what} params: {count:,} ({size_text(size)})"
