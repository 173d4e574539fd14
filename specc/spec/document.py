"""Reads YAML 1.2 into a tree of nodes with places; everything a spec must not contain is refused.

The tree is built from ruamel.yaml's events, not by one of its loaders: its round-trip loader
accepts `!!python/...` tags silently, and no loader keeps the place of every key and value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from specc.errors import Place, Problem, SpecError
from specc.spec.nodes import Fields, Items, Node, Scalar, Value, kind_of, shown
from specc.spec.problems import Problems
from specc.spec.scalars import NumberError, resolve

MOST_BYTES = 4 * 2**20
MOST_DEPTH = 50
MOST_ALIASES = 1000
# Nodes that aliases may add in all: aliases of aliases grow exponentially.
MOST_COPIED = 100_000


class _Mark(Protocol):
    line: int
    column: int
    index: int


class _Event(Protocol):
    """What this module reads of ruamel's events; which of it exists depends on the kind."""

    start_mark: _Mark
    end_mark: _Mark
    flow_style: bool | None
    value: str
    style: str | None
    anchor: str | None
    tag: object
    tags: object
    version: tuple[int, ...] | None


class _Trouble(Protocol):
    """What this module reads of ruamel's errors."""

    problem: str | None
    context: str | None
    problem_mark: _Mark | None
    context_mark: _Mark | None


@dataclass(frozen=True, slots=True)
class Document:
    """A tree (None: empty), and where its scalars stand: (first, last + 1) character of each."""

    root: Node | None
    scalars: Sequence[tuple[int, int]]


def read(text: str, file: str, problems: Problems) -> Node | None:
    """The tree of `read_document` alone."""
    return read_document(text, file, problems).root


def read_document(text: str, file: str, problems: Problems) -> Document:
    """The document. What is wrong in it goes to `problems`.

    Raises:
        SpecError: it is not YAML, or too large; then nothing else can be said about it.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        raise SpecError(Problem(Place(file), "", f"{size} bytes; a spec has at most {MOST_BYTES}"))
    yaml: Any = YAML(typ="safe", pure=True)
    builder = _Builder(file, problems)
    try:
        return Document(builder.build(yaml.parse(text), text), builder.scalars)
    except MarkedYAMLError as error:
        raise SpecError(
            [*problems.found, _syntax_problem(cast("Any", error), text, file)]
        ) from None
    except YAMLError as error:
        raise SpecError([*problems.found, _character_problem(error, text, file)]) from None
    except (ValueError, IndexError, KeyError, AttributeError, TypeError, AssertionError) as error:
        # ruamel 0.19 lets such slip on some malformed input (`%YAML x`, lone escapes).
        message = f"cannot be read as YAML: {error}"
        raise SpecError([*problems.found, Problem(builder.last, "", message)]) from None


def _syntax_problem(error: _Trouble, text: str, file: str) -> Problem:
    """What the parser stumbled over, in our words where the cause is a known one."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(Place(file), "", f"not YAML: {error.problem}")
    place = Place(file, mark.line + 1, mark.column + 1)
    if text[mark.index - 1 : mark.index + 1] == "${":
        what = 'inside {} or [] a value with ${...} needs quotes; write "${...}"'
        return Problem(Place(file, place.line, place.column - 1), "", what)
    if text[mark.index : mark.index + 1] == "\t":
        return Problem(place, "", "a tab cannot indent YAML; use spaces")
    if text[mark.index : mark.index + 1] == "[" and text[mark.index - 1 : mark.index].isalnum():
        return Problem(place, "", 'inside {} or [] a name like a[1] needs quotes; write "a[1]"')
    if error.problem == "mapping values are not allowed here":
        return Problem(place, "", _second_colon(text[: mark.index]))
    parts = [str(part) for part in (error.context, error.problem) if part]
    return Problem(place, "", "not YAML: " + ": ".join(parts).replace("<stream end>", "its end"))


def _second_colon(before: str) -> str:
    """What is wrong with a ':' where none may stand, from the text before it."""
    above, _, line = before.rpartition("\n")
    if line.strip().isidentifier() and not above.rstrip().endswith(":"):
        last = above.rstrip().rpartition("\n")[2].strip()
        return f"a key cannot follow {shown(last)}; end that line with ':'"
    return "a second ':' in one line; quote the text, or put the inner mapping into {}"


def _character_problem(error: YAMLError, text: str, file: str) -> Problem:
    """A character that YAML forbids, with its place."""
    position = getattr(error, "position", None)
    if not isinstance(position, int):
        return Problem(Place(file), "", f"not YAML: {error}")
    before = text[:position]
    place = Place(file, before.count("\n") + 1, position - before.rfind("\n"))
    return Problem(place, "", f"character {text[position : position + 1]!r} is not allowed in YAML")


class _Open:
    """A sequence or mapping whose end has not come yet."""

    __slots__ = ("anchor", "counted", "drop", "key", "node", "seen")

    def __init__(self, node: Items | Fields, anchor: str | None, counted: int) -> None:
        self.node = node
        self.anchor = anchor
        self.counted = counted
        self.key: Scalar | None = None
        self.drop = False
        self.seen: dict[tuple[type, Value], Place] = {}


class _Builder:
    """Turns events into nodes with a stack of its own: deep nesting cannot exhaust Python's."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.problems = problems
        self.last = Place(file)
        self.root: Node | None = None
        self.scalars: list[tuple[int, int]] = []
        self._text = ""
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._documents = 0
        self._count = 0
        self._aliases = 0
        self._copied = 0

    def build(self, events: Iterable[_Event], text: str) -> Node | None:
        """The tree of all events of `text`."""
        self._text = text
        for event in events:
            mark = event.start_mark
            self.last = Place(self._file, mark.line + 1, mark.column + 1)
            self._take(event)
        return self.root

    def _take(self, event: _Event) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "SequenceStartEvent":
                self._open(Items(place=self.last, flow=bool(event.flow_style)), event)
            case "MappingStartEvent":
                self._open(Fields(place=self.last, flow=bool(event.flow_style)), event)
            case "SequenceEndEvent" | "MappingEndEvent":
                self._close(event)
            case "AliasEvent":
                self._alias(str(event.anchor))
            case "DocumentStartEvent":
                self._document(event)
            case _:
                pass

    def _refuse(self, message: str) -> None:
        self.problems.add(self.last, "", message)

    def _stop(self, message: str) -> SpecError:
        return SpecError([*self.problems.found, Problem(self.last, "", message)])

    def _document(self, event: _Event) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._stop("a second document starts here; a spec is one document")
        if event.version is not None and tuple(event.version) != (1, 2):
            self._refuse(f"%YAML {'.'.join(map(str, event.version))}: specs are YAML 1.2")
        if event.tags:
            self._refuse("%TAG: a spec has no tags, it is pure data")

    def _scalar(self, event: _Event) -> None:
        self._no_tag(event)
        text, quoted = str(event.value), bool(event.style)
        node = Scalar(self._value(text, quoted), self.last, quoted)
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            node.text = text
        start, end = event.start_mark.index, event.end_mark.index
        self.scalars.append((start, end))
        # A block scalar's end takes in the empty lines below it.
        node.end = self.last.line + self._text[start:end].rstrip().count("\n")
        self._count += 1
        if event.anchor:
            self._anchors[str(event.anchor)] = (node, 1)
        self._attach(node)

    def _value(self, text: str, quoted: bool) -> Value:
        try:
            text.encode()
            return text if quoted else resolve(text)
        except UnicodeEncodeError:
            self._refuse("half of a surrogate pair is not a character")
        except NumberError as error:
            self._refuse(str(error))
        return None

    def _alias(self, name: str) -> None:
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            raise self._stop(f"more than {MOST_ALIASES} aliases")
        if any(name == level.anchor for level in self._stack):
            raise self._stop(f"*{name} stands inside what &{name} names; it would never end")
        if name not in self._anchors:
            self._refuse(f"*{name} has no anchor &{name} before it")
            self._attach(Scalar(None, self.last))
            return
        node, size = self._anchors[name]
        self._copied += size
        if self._copied > MOST_COPIED:
            raise self._stop(f"aliases expand to more than {MOST_COPIED} values")
        self._count += size
        self._attach(node)

    def _no_tag(self, event: _Event) -> None:
        if event.tag is not None:
            short = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._refuse(f"tag {short}: a spec has no tags, it is pure data")

    def _open(self, node: Items | Fields, event: _Event) -> None:
        self._no_tag(event)
        if len(self._stack) >= MOST_DEPTH:
            raise self._stop(f"nested deeper than {MOST_DEPTH} levels")
        self._attach(node)
        anchor = str(event.anchor) if event.anchor else None
        self._stack.append(_Open(node, anchor, self._count))
        self._count += 1

    def _close(self, event: _Event) -> None:
        level = self._stack.pop()
        node = level.node
        parts = node.items if isinstance(node, Items) else [value for _, value in node]
        last = max((part.end for part in parts), default=node.place.line)
        node.end = max(last, event.end_mark.line + 1) if node.flow else max(last, node.place.line)
        if level.anchor is not None:
            self._anchors[level.anchor] = (level.node, self._count - level.counted)

    def _attach(self, node: Node) -> None:
        """Put a finished or opened node where it belongs: root, item, key or value."""
        if not self._stack:
            self.root = node
            return
        level = self._stack[-1]
        if isinstance(level.node, Items):
            level.node.items.append(node)
        elif level.key is None:
            level.key = self._key(node, level)
        else:
            if not level.drop:
                level.node.pairs.append((level.key, node))
            level.key = None

    def _key(self, node: Node, level: _Open) -> Scalar:
        """The node as a key. A duplicate or compound one is a problem, and its value is dropped."""
        level.drop = True
        if not isinstance(node, Scalar):
            self._refuse(f"a key is a name, found {kind_of(node)}")
            return Scalar(None, self.last)
        key = Scalar(node.value, self.last, node.quoted)
        first = level.seen.setdefault((type(key.value), key.value), self.last)
        if first is not self.last:
            self._refuse(
                f"duplicate key {shown(key.value)}; it stands already in line {first.line}"
            )
        elif key.value == "<<" and not key.quoted:
            self._refuse("<< (merge) is not in YAML 1.2; use blocks: to share fields")
        else:
            level.drop = False
        return key
