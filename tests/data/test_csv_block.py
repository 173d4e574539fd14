"""Lines of a table taken apart at once. Oracle: Python's module `csv`."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from specc.data.csv_block import cells
from specc.data.csv_format import START, read_csv
from specc.data.csv_large import LargeCsv
from specc.errors import DataError

PARTS = ["a", "1.5", '"', ",", ";", "\n", " ", "", "ß€", "two words", '""', "\n\n", "'"]


def rows_of(rng, count, width):
    """Cells of random pieces, no row of empty ones only."""
    return [
        ["x" if column == 0 else "".join(rng.choice(PARTS, rng.integers(0, 4)))
         for column in range(width)]
        for _ in range(count)
    ]  # fmt: skip


def text_of(rows, delimiter, quoting, line="\n"):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_cells_are_those_of_csv(delimiter, quoting, width):
    rows = rows_of(np.random.default_rng(width), 200, width)
    text = text_of(rows, delimiter, quoting)
    for block in (text, text.removesuffix("\n")):
        found = cells(block.encode(), delimiter, width)
        assert found is not None
        assert [list(row) for row in zip(*found.columns, strict=True)] == rows
        reader = csv.reader(io.StringIO(block, newline=""), delimiter=delimiter, strict=True)
        assert found.lines.tolist() == [reader.line_num for _ in reader]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_lines_may_end_in_two_characters(quoting):
    rows = [["x", 'say "no"', "a,b"], ["y", "", "c"]] * 50
    found = cells(text_of(rows, ",", quoting, "\r\n").encode(), ",", 3)
    assert [list(row) for row in zip(*found.columns, strict=True)] == rows
    # In a cell both characters are its own, so that `csv` has to read it.
    assert cells(b'x,"two\r\nlines"\r\n', ",", 2) is None


@pytest.mark.parametrize(
    "block",
    [
        b'a,"b"c\n', b'a,b"c"\n', b'a, "b"\n', b'a,"b\n', b'a,b"\n', b'a,"b" \n', b"a\n",
        b"a,b,c\n", b"a,b\n\nc,d\n", b'"a",b\n\n"c",d\n', b"a,\xff\n", b"a\rb,c\n", b'"\x1f",b\n',
        b'"a"b",c\n',
    ],
)  # fmt: skip
def test_what_only_csv_can_tell(block):
    assert cells(block, ",", 2) is None


@pytest.fixture
def small(monkeypatch):
    """Parts of some hundred bytes."""
    monkeypatch.setattr("specc.data.csv_large.PART", 2**9)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_large_table_with_quotes_is_read_in_blocks(tmp_path, monkeypatch, small, quoting):
    rows = rows_of(np.random.default_rng(8), 400, 4)
    (tmp_path / "t.csv").write_text("a,b,c,d\n" + text_of(rows, ",", quoting), newline="")
    whole = read_csv(tmp_path / "t.csv")
    monkeypatch.setattr("specc.data.csv_large.rest", None)  # which reads by `csv`
    large = LargeCsv(tmp_path / "t.csv", ",", header=True, missing=("",))
    parts = list(large.parts())
    assert len(parts) > 10
    assert [line for part in parts for line in part.lines] == list(whole.lines)
    for name in "abcd":
        assert list(large.texts(name)) == list(whole.texts(name))


@pytest.mark.parametrize("bad", ['x,"open,c,d\n', 'x,"a"b,c,d\n', "x,y\n"])
def test_mistakes_are_told_as_csv_tells_them(tmp_path, small, bad):
    rows = text_of(rows_of(np.random.default_rng(8), 100, 4), ",", csv.QUOTE_ALL)
    (tmp_path / "t.csv").write_text("a,b,c,d\n" + rows + bad + rows, newline="")
    with pytest.raises(DataError) as expected:
        read_csv(tmp_path / "t.csv")
    with pytest.raises(DataError) as found:
        list(LargeCsv(tmp_path / "t.csv", ",", header=True, missing=("",)).parts())
    assert str(found.value) == str(expected.value)


def test_a_mark_of_inches_is_looked_for_once(monkeypatch):
    """Oracle: the bytes of the file, each looked at once for quotes."""

    class Seen(bytes):
        def count(self, *args):
            seen.append(len(self))
            return super().count(*args)

        def __add__(self, other):
            return Seen(super().__add__(other))

    class File(io.BytesIO):
        def read(self, size=-1):
            return Seen(super().read(size))

        def readline(self, size=-1):
            return Seen(super().readline(size))

    monkeypatch.setattr("specc.data.csv_large.PART", 2**12)
    seen = []
    content = b'5" pipe,1\n' + b"pipe,2\n" * 2000
    table = object.__new__(LargeCsv)
    found = table._read(File(content), START)
    # Of what comes behind the part, as much as the part is read for the quote that would close.
    assert 2**13 <= len(found) < 2**13 + 20
    assert content.startswith(found)
    assert sum(seen) == len(found)


def test_quotes_in_the_midst_of_cells_are_of_the_text(tmp_path, small):
    rows = "".join(f'{i}" pipe,{i}\n' if i % 7 == 0 else f'"p,{i}",{i}\n' for i in range(400))
    (tmp_path / "t.csv").write_text("a,b\n" + rows, newline="")
    whole = read_csv(tmp_path / "t.csv")
    large = LargeCsv(tmp_path / "t.csv", ",", header=True, missing=("",))
    assert list(large.texts("a")) == list(whole.texts("a"))
    assert [line for part in large.parts() for line in part.lines] == list(whole.lines)
