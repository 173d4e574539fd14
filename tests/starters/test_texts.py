"""Specs for texts to continue."""

from __future__ import annotations

import pytest

from specc.errors import DataError
from specc.network import build
from specc.spec.fmt import format_text
from specc.spec.reader import loads
from specc.starters import text

LINE = "the quick brown fox jumps over the lazy dog\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("lines", [20, 400])
def test_the_vocabulary_is_that_of_the_file(tmp_path, lines):
    """The line has every letter of the alphabet, spaces and its end."""
    (tmp_path / "fox.txt").write_text(LINE * lines)
    made = text(tmp_path / "fox.txt", "fox")
    assert format_text(made.text) == made.text
    spec = loads(made.text)
    network = build(spec)
    assert network.outputs[0].shape == (None, 64, 28)
    long = lines == 400
    assert ("early_stopping" in made.text) == long
    assert spec.data.dataset.validation_split == (0.1 if long else 0)
    kept = len(LINE) * lines * (0.9 if long else 1)
    assert made.told.startswith(f"{int((kept - 1) // 64)} windows of 64 characters, 28 diff")


def test_a_text_shorter_than_a_window(tmp_path):
    (tmp_path / "short.txt").write_text("short")
    with pytest.raises(DataError, match="expected more than 64 tokens"):
        text(tmp_path / "short.txt", "short")
