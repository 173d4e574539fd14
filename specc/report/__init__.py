"""`report.html`: what a run came to, in one file that any browser shows, without a network."""

from __future__ import annotations

from html import escape
from pathlib import Path

from specc.files import replace
from specc.report import insight, quality, structure, training
from specc.report.opened import Opened, open_run
from specc.report.scores import labelled
from specc.web.page import Section, page

REPORT = "report.html"


def write_report(run: Path, data: Path | None = None, output: Path | None = None) -> Path:
    """Write a run's report, by default into its folder; the file's path.

    Raises:
        RunError: no run, or nothing was saved yet.
    """
    text = report(open_run(run, data))
    path = output or run / REPORT
    replace(path, text.encode())
    return path


def report(run: Opened) -> str:
    """The page of a run."""
    sections: list[Section | None] = [training.curves(run)]
    if run.seen is None:
        sections.append(Section("No predictions", f"<p>{escape(run.absent)}</p>"))
    else:
        found = labelled(run.seen.output, run.seen.y)
        if found is not None:
            sections += quality.classes(run, run.seen, found)
        else:
            sections += quality.numbers(run.seen)
        each = found is not None and len(found.truth) == len(run.seen.output)
        sections += insight.insight(run, run.seen, found if each else None)
    sections += [structure.drawing(run), structure.layers(run)]
    names = dict.fromkeys((run.spec.name, run.folder.path.name))
    return page(
        ": ".join(names),
        training.facts(run),
        [section for section in sections if section is not None],
        quality.STYLE + insight.STYLE,
    )
