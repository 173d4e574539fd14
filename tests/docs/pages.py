"""Fenced blocks of Markdown pages, and how documented output is compared with what comes out.

A block is run unless an HTML comment `<!-- not run: reason -->` stands above it; one below
`<!-- file: NAME -->` is written to that file first (`<!-- file: NAME; not run: reason -->` for
both). `...` in documented output stands for anything, also for whole lines. A `text` block right
below a `python` block is what that block prints.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
DECIMAL = re.compile(r"\b[0-9]+\.[0-9]+\b")
COMMENT = re.compile(r"<!-- (?P<text>[^>]*) -->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        line: of its first line of text, 1-based.
        excused: whether a comment says why it is not run.
        file: what it is written to before commands are run.
        below: whether nothing but blank lines stands between it and the block before.
    """

    page: Path
    kind: str
    text: str
    line: int
    excused: bool
    file: str
    below: bool

    @property
    def name(self) -> str:
        """For test ids and messages."""
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    end = 0
    for match in FENCE.finditer(text):
        before = text[end : match.start()]
        line = text.count("\n", 0, match.start("text")) + 1
        comment = COMMENT.search(before)
        notes = dict(note.split(": ", 1) for note in comment["text"].split("; ")) if comment else {}
        found.append(
            Block(
                page, match["kind"], match["text"], line, bool(notes.get("not run")),
                notes.get("file", ""), not before.strip(),
            )
        )  # fmt: skip
        end = match.end()
    return found


def agrees(documented: str, actual: str) -> bool:
    """Whether `actual` is what a page shows.

    Spaces at line ends do not count; numbers with a decimal point may differ a little, as results
    of training do from one processor to another.
    """
    shown = _trimmed(documented)
    pattern = r".*?".join(
        DECIMAL.sub(lambda _: f"({DECIMAL.pattern})", re.escape(part).replace(r"\.", "."))
        for part in shown.split("...")
    )
    match = re.fullmatch(pattern, _trimmed(actual), re.DOTALL)
    if match is None:
        return False
    wanted = DECIMAL.findall(shown.replace("...", " "))
    pairs = zip(match.groups(), wanted, strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=0.05, abs_tol=0.05) for a, b in pairs)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def commands(block: Block) -> list[tuple[str, str]]:
    """(command, documented output) of a `console` block; a line that ends in `\\` goes on."""
    found: list[tuple[str, list[str]]] = []
    continued = False
    for line in block.text.splitlines():
        if continued:
            command, output = found[-1]
            found[-1] = (command.removesuffix("\\") + line.strip(), output)
        elif line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
        continued = bool(found) and found[-1][0].endswith("\\") and not found[-1][1]
    return [(command, "\n".join(output)) for command, output in found]
