"""Fields that may name a file: `vocabulary: words.txt` is the list of the file's lines.

The file lies in the spec's folder, or below it. Its lines take the place of its name before the
spec is checked, so that everything behind knows lists alone, and what is written of a spec needs no
other file.
"""

from __future__ import annotations

from pathlib import Path

from specc.errors import not_utf8
from specc.layer import Layer
from specc.spec.document import MOST_BYTES
from specc.spec.nodes import Fields, Items, Node, Scalar
from specc.spec.problems import Problems

# The spec that is written with the lines in it is no larger than a spec may be.
MOST_LISTED = MOST_BYTES // 2


def listed(tree: Node | None, file: str, problems: Problems) -> None:
    """Put lists in the place of the names of files, in every layer of the tree."""
    open_ = [("", tree)]
    while open_:
        path, node = open_.pop()
        if isinstance(node, Items):
            open_ += [(f"{path}[{i}]", item) for i, item in enumerate(node.items)]
        elif isinstance(node, Fields):
            for key, value in node.pairs:
                inner = f"{path}.{key.value}" if path else str(key.value)
                kind = Layer.members.get(str(key.value))
                if isinstance(value, Fields) and kind is not None and issubclass(kind, Layer):
                    _in_layer(kind, value, inner, file, problems)
                open_.append((inner, value))


def _in_layer(kind: type[Layer], fields: Fields, path: str, file: str, problems: Problems) -> None:
    for i, (key, value) in enumerate(fields.pairs):
        element = kind.lines.get(str(key.value))
        # A variable of a block is a list when it comes to it.
        if element is None or not isinstance(value, Scalar) or not isinstance(value.value, str):
            continue
        if value.value.startswith("${"):
            continue
        items: list[Node] = []
        try:
            for number, line in enumerate(_lines(value.value, file), 1):
                entry = _entry(line, element, f"{value.value}:{number}")
                items.append(Scalar(entry, value.place, element is str))
        except _Unreadable as error:
            problems.add(value.place, f"{path}.{key.value}", str(error))
        fields.pairs[i] = (key, Items(items, value.place, end=value.end))


def _entry(line: str, element: type[int] | type[str], place: str) -> int | str:
    try:
        return element(line)
    except ValueError:
        raise _Unreadable(f"{place}: expected a whole number, found {line!r}") from None


class _Unreadable(Exception):  # noqa: N818 - becomes a Problem
    """Why there are no lines."""


def _lines(name: str, file: str) -> list[str]:
    """The lines of a file beside the spec, without empty ones at its end."""
    if not file:
        raise _Unreadable(f"{name}: a spec that is no file has no folder; write the list itself")
    folder = Path(file).parent.resolve()
    path = (folder / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(folder):
        raise _Unreadable(f"{name}: expected a file in the spec's folder, {folder}")
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_LISTED + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise _Unreadable(f"{name}: expected a list or a file of lines; {why}") from None
    if len(content) > MOST_LISTED:
        raise _Unreadable(f"{name}: expected at most {MOST_LISTED:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(str(not_utf8(error, name))) from None
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    return lines
