"""Texts of docstrings as Markdown."""

from __future__ import annotations

import re

# What Markdown reads in plain text of formulas and types.
SPECIAL = re.compile(r"([*_<>\[\]|~^$])")
CODE = re.compile(r"(`[^`]*`)")


def plain(text: str) -> str:
    """Text with `code` in it; everything else stands for itself."""
    parts = CODE.split(text)
    return "".join(p if i % 2 else SPECIAL.sub(r"\\\1", p) for i, p in enumerate(parts))


def definition(term: str, *texts: str) -> str:
    """An entry of a definition list; `term` is Markdown, so are the paragraphs."""
    first, *rest = [text for text in texts if text] or [""]
    lines = [term, f":   {first}", *(f"\n    {text}" for text in rest)]
    return "\n".join(lines) + "\n"
