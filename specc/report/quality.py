"""How good the predictions are: of classes, or of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.report.opened import Looked, Opened
from specc.report.samples import cells, shown
from specc.report.scores import (
    Labelled,
    calibration,
    calibration_error,
    class_scores,
    errors,
)
from specc.web.charts import reliability, scatter
from specc.web.page import Section
from specc.web.tables import table

Array = npt.NDArray[Any]
# A table of more classes cannot be read; the pairs most often confused can.
MOST_CLASSES, MOST_PAIRS, MOST_MISTAKES, MOST_POINTS = 20, 20, 12, 1000
STYLE = """
.confusion td { text-align: center; min-width: 2.2rem; border: 1px solid var(--paper) }
.confusion td { background: rgb(var(--heat) / calc(var(--most) * var(--share, 0))) }
.confusion th { text-align: center } .confusion .hit { outline: 1px solid var(--dim) }
"""


def classes(run: Opened, seen: Looked, found: Labelled) -> list[Section]:
    """Confusion, scores of each class, calibration, mistakes."""
    names = run.class_names(found.chances.shape[1])
    about = _about(seen, len(found.truth))
    confusion = found.confusion()
    scores = class_scores(confusion)
    rows = [
        [escape(name), f"{s.precision:.3f}", f"{s.recall:.3f}", f"{s.f1:.3f}", f"{s.support:,}"]
        for name, s in zip(names, scores, strict=True)
    ]
    header = ["class", "precision", "recall", "F1", "samples"]
    note = (
        "<p>Precision: of what is called so, the share that is. Recall: of what is so, the share"
        " that is found. F1: their harmonic mean.</p>"
    )
    scored = table("Scores by class", header, rows)
    if len(names) > MOST_CLASSES:
        scored = f"<details><summary>All {len(names)} classes</summary>{scored}</details>"
    bins = calibration(found)
    error = calibration_error(bins)
    chart = reliability(bins, f"Reliability: {len(bins)} bins, calibration error {error:.4f}")
    told = (
        f"<p>Of the predictions made with confidence p, a share p should be right (the dashed"
        f" line). Points below it are too sure of themselves. Expected calibration error:"
        f" {error:.4f}.</p><figure>{chart}<figcaption>Larger points stand for more samples."
        "</figcaption></figure>"
    )
    made = [
        Section("Confusion", about + _confusion(names, confusion)),
        Section("Scores by class", note + scored),
        Section("Calibration", told),
    ]
    if len(found.truth) == len(seen.x[0]):
        made.append(Section("Worst mistakes", _mistakes(seen, found, names)))
    return made


def _about(seen: Looked, predictions: int) -> str:
    count = len(seen.output)
    of = "" if count == seen.total else f" of {seen.total:,}"
    each = "" if predictions == count else f", {predictions:,} predictions"
    return f'<p class="dim">{count:,}{of} samples of the {seen.split} split{each}.</p>'


def _confusion(names: Sequence[str], counts: Array) -> str:
    pairs = [
        (int(counts[i, j]), i, j)
        for i in range(len(names))
        for j in range(len(names))
        if i != j and counts[i, j]
    ]
    if len(names) > MOST_CLASSES:
        most = sorted(pairs, reverse=True)[:MOST_PAIRS]
        rows = [[escape(names[i]), escape(names[j]), f"{n:,}"] for n, i, j in most]
        return table("Classes most often confused", ["is", "called", "times"], rows, 2)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    lines: list[str] = []
    for i, name in enumerate(names):
        cells = "".join(_cell(counts[i, j], shares[i, j], hit=i == j) for j in range(len(names)))
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Table: Confusion">'
        '<table class="confusion"><caption>Rows: what samples are. Columns: what they are called.'
        f"</caption><thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
        "</table></div>"
    )


def _cell(count: int, share: float, *, hit: bool) -> str:
    mark = ' class="hit"' if hit else ""
    return f'<td{mark} style="--share:{share:.3f}">{count:,}</td>'


def _mistakes(seen: Looked, found: Labelled, names: Sequence[str]) -> str:
    worst = found.worst(MOST_MISTAKES)
    wrong = int((~found.right).sum())
    lead = f"<p>{wrong:,} of {len(found.truth):,} are wrong ({wrong / len(found.truth):.2%})"
    if wrong:
        lead += "; these are the ones that the model is most sure of.</p>"
    else:
        lead += "; these are the right ones that it is least sure of.</p>"
        worst = np.argsort(found.confidence, kind="stable")[:MOST_MISTAKES]
    items: list[str] = []
    for k in map(int, worst):
        truth, called = names[int(found.truth[k])], names[int(found.predicted[k])]
        alt = f"sample {k}, a {truth}, called {called}"
        items.append(
            f'<li class="card">{_input(seen, k, alt)}'
            f"<strong>{escape(called)}</strong> {found.confidence[k]:.1%}<br>"
            f'<span class="dim">is {escape(truth)}, sample {k}</span></li>'
        )
    return f'{lead}<ul class="cards even">{"".join(items)}</ul>'


def _input(seen: Looked, k: int, alt: str) -> str:
    if seen.columns is not None:
        return cells(seen.columns, seen.x[0][k])
    return shown(seen.x[0], k, alt)


def numbers(seen: Looked) -> list[Section]:
    """Predicted against true numbers, and the samples that are off the most."""
    output = seen.output.reshape(len(seen.output), -1).astype(np.float64)
    truth = seen.y.reshape(len(seen.y), -1).astype(np.float64)
    if output.shape != truth.shape:
        return []
    off = errors(output, truth)
    xs, ys = truth[:MOST_POINTS, 0].tolist(), output[:MOST_POINTS, 0].tolist()
    alt = f"Predicted against true numbers; R squared {off.r2:.3f}"
    body = (
        f"{_about(seen, len(output))}<p>Mean absolute error {off.mae:.4g}, root mean square"
        f" {off.rmse:.4g}, R² {off.r2:.4f}.</p><figure>{scatter('true', 'predicted', xs, ys, alt)}"
        "<figcaption>On the dashed line predictions are right.</figcaption></figure>"
    )
    worst = np.argsort(-np.abs(output - truth).max(axis=1), kind="stable")[:MOST_MISTAKES]
    rows = [
        [
            str(k),
            _input(seen, k, f"sample {k}"),
            shown(seen.y, k, f"what sample {k} should give"),
            shown(seen.output, k, f"what sample {k} gives"),
        ]
        for k in map(int, worst)
    ]
    mistakes = table(
        "Samples that are off the most", ["sample", "input", "true", "predicted"], rows, 2
    )
    return [Section("Predictions", body), Section("Worst mistakes", mistakes)]
