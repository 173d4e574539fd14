"""Damaged specs: a `SpecError` with places, or a spec; no other exception, and never a hang."""

import random
import re
import time
from pathlib import Path

import pytest

from specc.errors import SpecError
from specc.spec.fmt import format_text
from specc.spec.reader import loads
from specc.spec.write import dump, simplified

TEXTS = [path.read_text("utf-8") for path in sorted(Path("specs").glob("*.yaml"))]
PIECES = [
    "${i}", "${", "}", "{", "[", "]", ":", "- ", "\n", "\n  ", "  ", "#", "*a", "&a ", "!!str ",
    "null", "true", "1e999", "-1", "0", ".nan", "dense", "call: a", "name: a", "repeat: 3",
    "repeat: 100000", '"', "'", "|\n", "\t", "a[1]", "\u2028", "\x00", "\x85", "?", "%YAML 1.1\n",
    "---\n", "...", "input", "i", "[]", "{}", "<<: *a", '"\\ud800"', "@", "\r", "\ufeff", "blocks",
    "models", "layers", "outputs: [a]", "residual", "filters", "99999999999999999999", "add",
]  # fmt: skip


def damaged(rng):
    """One of the example specs after one to six random changes."""
    text = rng.choice(TEXTS)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        text = rng.choice([insert, delete, swap, repeat, shift, exchange])(rng, text)
    return text


def insert(rng, text):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(PIECES) + text[at:]


def delete(rng, text):
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.choice([1, 2, 5, 20, 80]) :]


def swap(rng, text):
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


def repeat(rng, text):
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return "\n".join(lines)


def shift(rng, text):
    lines = text.split("\n")
    i = rng.randrange(len(lines))
    lines[i] = " " * rng.randrange(9) + lines[i].strip()
    return "\n".join(lines)


def exchange(rng, text):
    words = list(re.finditer(r"[\w.]+", text))
    if not words:
        return text
    word = rng.choice(words)
    new = rng.choice([*PIECES, rng.choice(words)[0]])
    return text[: word.start()] + new + text[word.end() :]


@pytest.mark.parametrize("seed", range(8))
def test_damaged_specs(seed):
    rng = random.Random(seed)
    for _ in range(40):
        text = damaged(rng)
        start = time.perf_counter()
        check(text)
        assert time.perf_counter() - start < 20, text


def check(text):
    """The reader, the formatter and the writer on one text."""
    try:
        spec = loads(text, "f.yaml")
    except SpecError as error:
        placed = [problem.place.file == "f.yaml" for problem in error.problems]
        assert placed and all(placed), text  # noqa: PT018 - a spec may also be fine
        try:
            done = format_text(text)
        except SpecError:
            return
        assert format_text(done) == done
        return
    done = format_text(text)
    assert format_text(done) == done
    assert loads(done) == spec
    assert loads(dump(spec)) == simplified(spec)
