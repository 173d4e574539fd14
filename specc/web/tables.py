"""Tables and cards."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table whose first column names its rows; cells are HTML, the header text.

    `left` columns are aligned to the left.
    """
    heads = "".join(
        f'<th scope="col"{_side(i, left)}>{escape(name)}</th>' for i, name in enumerate(header)
    )
    lines = [f"<tr>{_row(row, left)}</tr>" for row in rows]
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Table: {escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _row(row: Sequence[str], left: int) -> str:
    first = f'<th scope="row">{row[0]}</th>'
    return first + "".join(f"<td{_side(i, left)}>{cell}</td>" for i, cell in enumerate(row[1:], 1))


def _side(column: int, left: int) -> str:
    return ' class="name"' if column < left else ""


def with_bar(text: str, share: float) -> str:
    """A number with its share, from 0 to 1, as a bar below it."""
    if share <= 0:
        return escape(text)
    bar = f'<span class="bar" aria-hidden="true" style="width:{share * 5:.2f}rem"></span>'
    return f"{escape(text)}{bar}"


def cards(items: Sequence[tuple[str, str]]) -> str:
    """Short facts: (what, value), both text."""
    lines = [
        f'<li class="card"><b>{escape(value)}</b><span class="dim">{escape(what)}</span></li>'
        for what, value in items
    ]
    return f'<ul class="cards">{"".join(lines)}</ul>'
