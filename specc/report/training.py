"""How training went: facts of the run and curves of its logs."""

from __future__ import annotations

from specc.progress_text import number
from specc.report.opened import Opened
from specc.web import charts
from specc.web.page import Section
from specc.web.tables import cards, table

HELD_OUT = "val_"


def facts(run: Opened) -> str:
    """The most important numbers as cards."""
    items: list[tuple[str, str]] = []
    test: dict[str, float] = run.record.get("test") or {}
    for name, value in sorted(test.items(), key=lambda item: item[0] != "loss"):
        items.append((f"test {name}", number(value)))
    if not test and run.epochs:
        last = {name: value for row in run.epochs for name, value in row.items()}
        items += [(name, number(value)) for name, value in last.items()]
    items.append(("epochs", str(len(run.epochs))))
    items.append(("parameters", f"{sum(w.count for w in run.network.weights):,}"))
    environment: dict[str, str] = run.record.get("environment") or {}
    told = [f"seed {run.record.get('seed')}", f"on {run.record.get('device')}"]
    told += [f"{name} {environment[name]}" for name in ("specc", "onnxruntime", "python")
             if name in environment]  # fmt: skip
    state = "" if run.record.get("finished") else " The run has not finished."
    return f'{cards(items)}<p class="dim">{", ".join(told)}.{state}</p>'


def curves(run: Opened) -> Section | None:
    """One chart for each log, with its value on the held-out samples; the numbers as a table."""
    if not run.epochs:
        return None
    known = list(dict.fromkeys(name for row in run.epochs for name in row))
    names = [name for name in known if not name.startswith(HELD_OUT)]
    xs = [float(k) for k in range(1, len(run.epochs) + 1)]
    figures: list[str] = []
    for name in names:
        series = {name: [row.get(name) for row in run.epochs]}
        held = f"{HELD_OUT}{name}"
        if held in known:
            series[held] = [row.get(held) for row in run.epochs]
        legend = "solid: training" + ("; dashed: validation" if len(series) > 1 else "")
        chart = charts.curves("epoch", name, xs, series)
        figures.append(f"<figure>{chart}<figcaption>{legend}</figcaption></figure>")
    header = ["epoch", *known]
    rows = [
        [str(k), *(f"{row[name]:.4g}" if name in row else "" for name in header[1:])]
        for k, row in enumerate(run.epochs, 1)
    ]
    numbers = f"<details><summary>As numbers</summary>{table('Logs', header, rows)}</details>"
    return Section("Learning curves", f'<div class="pair">{"".join(figures)}</div>{numbers}')
