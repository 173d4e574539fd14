"""`diff`: what two specs differ in, and `canonical`: one line for each layer, for `git diff`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from specc.costs import Costs, costs
from specc.difference.canonical import SECTIONS, line, model_settings, section
from specc.difference.canonical import canonical as canonical
from specc.difference.changes import LayerChange, Value, layer_changes, values
from specc.difference.items import items
from specc.network import Network, build
from specc.spec.model import Spec
from specc.summaries.rows import shape_text

SIGNS = {"added": "+", "removed": "-", "changed": "~"}
# Totals that are compared, and what they are called.
TOTALS = {"params": "params", "trainable_params": "trainable params", "macs": "MACs"}


@dataclass(frozen=True, slots=True)
class Diff:
    """What `diff` returns. False when the two are the same.

    Attributes:
        layers: those that were added, removed, changed.
        settings: what differs elsewhere, by path (`train.optimizer`, `inputs.image`).
        totals: parameters and MACs before and after, also when they are equal.
    """

    layers: tuple[LayerChange, ...]
    settings: tuple[Value, ...]
    totals: Mapping[str, tuple[int, int]]

    def __bool__(self) -> bool:
        return bool(self.layers or self.settings)

    @override
    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """Plain text: `+`, `-` or `~` before each layer, what changed below it, totals last."""
        if not self:
            return "no differences"
        lines: list[str] = []
        for change in self.layers:
            lines.append(f"{SIGNS[change.what]} {change.name} ({change.type})")
            lines += [f"    {label}: {text}" for label, text in _details(change)]
        lines += [f"~ {value.name}: {_turn(value.old, value.new)}" for value in self.settings]
        totals = [f"{what} {_count(*self.totals[key])}" for key, what in TOTALS.items()]
        return "\n".join([*lines, "total: " + ", ".join(totals)])

    def markdown(self) -> str:
        """A Markdown table of the layers, settings and totals."""
        if not self:
            return "No differences."
        lines = ["| | Layer | Change |", "|---|---|---|"]
        for change in self.layers:
            text = "<br>".join(f"{label}: {text}" for label, text in _details(change))
            lines.append(f"| {change.what} | `{change.name}` ({change.type}) | {text} |")
        lines += [
            f"| changed | `{value.name}` | {_turn(value.old, value.new)} |"
            for value in self.settings
        ]
        lines += [
            f"| total | {what} | {_count(*self.totals[key])} |" for key, what in TOTALS.items()
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "layers": [change.to_dict() for change in self.layers],
            "settings": [value.to_dict() for value in self.settings],
            "totals": {key: list(pair) for key, pair in self.totals.items()},
        }

    def json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2)


def diff(old: Spec, new: Spec) -> Diff:
    """What changes from one spec to another.

    Raises:
        SpecError: one of them has problems.
    """
    before, after = build(old), build(new)
    counts = costs(before), costs(after)
    return Diff(
        tuple(layer_changes(items(before), items(after))),
        tuple(_settings((old, new), (before, after))),
        {key: _pair(counts, key) for key in TOTALS},
    )


def _settings(specs: tuple[Spec, Spec], networks: tuple[Network, Network]) -> list[Value]:
    """What differs beside the layers."""
    found = values(model_settings(networks[0]), model_settings(networks[1]))
    for name in SECTIONS:
        if all(getattr(spec, name) is not None for spec in specs):
            old, new = (section(spec, name, whole=True) for spec in specs)
            found += [Value(f"{name}.{v.name}", v.old, v.new) for v in values(old, new)]
        elif any(getattr(spec, name) is not None for spec in specs):
            found.append(Value(name, *(section(spec, name) or None for spec in specs)))
    return found


def _pair(counts: Sequence[Costs], key: str) -> tuple[int, int]:
    return getattr(counts[0], key), getattr(counts[1], key)


def _details(change: LayerChange) -> Iterator[tuple[str, str]]:
    """(label, text) of what differs; of a new or removed layer all of it."""
    for field in change.fields:
        yield field.name, _turn(field.old, field.new)
    shapes = [None if output is None else shape_text(output) for output in change.output]
    if shapes[0] != shapes[1]:
        yield "output", " -> ".join(shape for shape in shapes if shape is not None)
    for label, (old, new) in (("params", change.params), ("MACs", change.macs)):
        if old != new and (old or new):
            yield label, _count(old, new)


def _count(old: int | None, new: int | None) -> str:
    """`320 -> 640 (+320)`, or the only one."""
    if old is None or new is None or old == new:
        return f"{new if old is None else old:,}"
    return f"{old:,} -> {new:,} ({new - old:+,})"


def _turn(old: object, new: object) -> str:
    return f"{line(old)} -> {line(new)}"
