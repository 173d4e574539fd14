"""What the model consists of: the drawing, and where parameters, work and time go."""

from __future__ import annotations

from html import escape

import numpy as np

from specc.compiler.bundle import baked
from specc.costs import CallCost, costs
from specc.drawing import draw
from specc.report.opened import Opened
from specc.session import node_seconds
from specc.summaries.rows import shape_text, size_text
from specc.web.page import Section
from specc.web.tables import table, with_bar

TIMED_BATCH = 32
# Above this the drawing is folded away.
LONG = 40


def drawing(run: Opened) -> Section:
    """The architecture."""
    svg = draw(run.network)
    figure = f'<div class="wide" tabindex="0" role="region" aria-label="Drawing">{svg}</div>'
    if len(run.network.calls) > LONG:
        figure = f"<details><summary>Show all layers</summary>{figure}</details>"
    return Section("Architecture", figure)


def layers(run: Opened) -> Section:
    """A row for each call: shape, and its shares of parameters, work and time."""
    train = run.spec.train
    batch = 1 if train is None else train.batch_size
    found = costs(run.network, batch, None if train is None else train.optimizer)
    timed = run.network.batch or TIMED_BATCH
    seconds = _seconds(run, [call.name for call in found.calls], timed)
    time = sum(seconds.values())
    params, macs = max(1, found.params), max(1, found.macs)
    rows = [_row(call, params, macs, seconds.get(call.name, 0.0), time) for call in found.calls]
    header = ["layer", "kind", "output", "parameters", "MACs", *(["time"] if time else [])]
    totals = (
        f"<p>{found.params:,} parameters ({size_text(found.weight_bytes)}), of which"
        f" {found.trainable_params:,} are trained. One sample takes {found.macs:,}"
        " multiplications with their additions (MACs)"
    )
    if time:
        totals += (
            f", and {duration(time / timed)} on this machine's processor in a batch of {timed}"
        )
    totals += "."
    if train is not None:
        totals += (
            f" Training in batches of {batch} keeps at least {size_text(found.training_bytes)}:"
            f" weights, gradients, {size_text(found.optimizer_bytes)} of the optimizer's, and"
            f" {size_text(found.activation_bytes)} of activations."
        )
    return Section("Layers", f"{totals}</p>{table('Layers', header, rows, 3)}")


def duration(seconds: float) -> str:
    """Two digits in a unit that fits: `4.6 ms`, `300 µs`."""
    units = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
    unit, size = next((each for each in units if seconds >= each[1]), units[-1])
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"


def _row(call: CallCost, params: int, macs: int, seconds: float, time: float) -> list[str]:
    cells = [
        escape(call.name),
        escape(call.type),
        escape(shape_text(call.output_shapes)),
        with_bar(f"{call.params:,}", call.params / params),
        with_bar(f"{call.macs:,}", call.macs / macs),
    ]
    return [*cells, with_bar(f"{seconds / time:.1%}", seconds / time)] if time else cells


def _seconds(run: Opened, names: list[str], count: int) -> dict[str, float]:
    """Seconds of each call's nodes for `count` samples; nothing without samples."""
    if run.seen is None:
        return {}
    inputs = [entry.name for entry in run.spec.model.inputs]
    feeds = {
        name: np.ascontiguousarray(x[:count]) for name, x in zip(inputs, run.seen.x, strict=True)
    }
    found: dict[str, float] = {}
    by_length = sorted(names, key=len, reverse=True)
    for node, spent in node_seconds(baked(run.spec, run.weights), feeds).items():
        owner = next((n for n in by_length if node.startswith((f"{n}/", f"{n}@"))), None)
        if owner is not None:
            found[owner] = found.get(owner, 0.0) + spent
    return found
