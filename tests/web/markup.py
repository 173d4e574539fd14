"""What a page consists of, read with Python's own parser: unclosed tags are errors."""

from __future__ import annotations

from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "img", "br", "input", "path", "rect", "circle", "image", "line"}


class Markup(HTMLParser):
    """Tags with their attributes, in order; text; links and what they lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self._open, tag
        assert self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if self._open and self._open[-1] not in {"style", "script"}:
            self.text += data

    def all(self, tag):
        """Attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def accessible(text: str) -> Markup:
    """The page's markup, after the basics that screen readers and keyboards need are checked."""
    found = Markup(text)
    assert found.all("html")[0]["lang"] == "en"
    assert len(found.all("h1")) == len(found.all("main")) == len(found.all("title")[:1]) == 1
    levels = [int(tag[1]) for tag, _ in found.tags if tag in {"h1", "h2", "h3"}]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), levels
    ids = [attributes["id"] for _, attributes in found.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for attributes in found.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(attributes.get("alt") is not None for attributes in found.all("img"))
    assert all("scope" in attributes for attributes in found.all("th"))
    # Boxes that scroll can be reached with the keyboard, and say what they are.
    for _, attributes in found.tags:
        if attributes.get("class") == "wide":
            assert attributes["tabindex"] == "0"
            assert attributes["aria-label"]
    return found


def outside(found: Markup) -> list[str]:
    """Everything that a browser would fetch."""
    named = [
        value
        for tag, attributes in found.tags
        for key in ("src", "href", "srcset", "data")
        if (value := attributes.get(key)) and tag != "a"
    ]
    return [value for value in named if not value.startswith(("data:", "#"))]
