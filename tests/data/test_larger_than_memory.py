"""Sources larger than memory. Oracle: what the same files give when they are read at once.

The limits are lowered, so that files of a megabyte are large; `tracemalloc` counts what Python
and NumPy hold.
"""

from __future__ import annotations

import errno
import gc
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from specc.data.batches import Batches
from specc.data.pieces import Pieces
from specc.data.rows import Rows, whole
from specc.data.source import Names, Source
from specc.data.spool import Spool
from specc.data.tokens import Bpe, Characters, Words, coder
from specc.errors import DataError

ROWS, NUMBERS = 8000, 12
KINDS = {
    "n0": "numeric",
    "n1": {"numeric": {"scale": "minmax", "missing": "mean"}},
    "job": {"category": {"missing": "value"}},
}
NAMES = {"features": [f"n{i}" for i in range(NUMBERS)] + ["job"], "target": "kind"}


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("csv_large", "arrow_table"):
        monkeypatch.setattr(f"specc.data.{module}.LARGE", 2**16)
        monkeypatch.setattr(f"specc.data.{module}.PART", 2**14)
    monkeypatch.setattr("specc.data.spool.HELD", 2**14)
    monkeypatch.setattr("specc.data.pieces.PIECE", 2**12)


def cells() -> dict[str, list[object]]:
    rng = np.random.default_rng(0)
    found: dict[str, list[object]] = {
        f"n{i}": rng.normal(i, 3, ROWS).round(4).tolist() for i in range(NUMBERS)
    }
    found["n1"][7] = found["n1"][-3] = None
    found["job"] = [["nurse", "boss", None, 'a "clerk"\nof 2 lines'][i % 4] for i in range(ROWS)]
    found["kind"] = [["rose", "tulip", "aster"][i] for i in rng.integers(0, 3, ROWS)]
    found["when"] = rng.permutation(ROWS).tolist()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One table in every format, and a text."""
    import csv

    root = tmp_path_factory.mktemp("large")
    table = cells()
    for name, delimiter in (("t.csv", ","), ("t.tsv", "\t")):
        with (root / name).open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(table)
            writer.writerows(zip(*table.values(), strict=True))
    rng = np.random.default_rng(1)
    words = ["to", "be", "or", "not", "Σοφός", "question", "\u2028", "ß"]
    lines = (" ".join(words[i] for i in rng.integers(0, len(words), 12)) for _ in range(8000))
    (root / "t.txt").write_text("\n".join(lines), encoding="utf-8")
    return root


def arrow_files(folder: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.ipc
    import pyarrow.parquet

    table = pa.table(cells())
    pyarrow.parquet.write_table(table, folder / "t.parquet", row_group_size=1000)
    pyarrow.feather.write_feather(table, folder / "t.feather", chunksize=500)
    (folder / "saved").mkdir(exist_ok=True)
    for part, rows in enumerate((table[:3000], table[3000:])):
        with pyarrow.ipc.new_stream(folder / "saved" / f"data-{part}.arrow", table.schema) as file:
            file.write_table(rows, max_chunksize=1000)


FILES = [
    ("csv", "t.csv"), ("tsv", "t.tsv"), ("parquet", "t.parquet"), ("arrow", "t.feather"),
    ("arrow", "saved"),
]  # fmt: skip


def source(folder: Path, kind: str, name: str, **fields: object) -> Source:
    if kind in ("parquet", "arrow"):
        arrow_files(folder)
    return Source.parse({kind: {"path": name, **NAMES, **fields}})


@pytest.mark.parametrize(("kind", "name"), FILES)
@pytest.mark.parametrize(
    "fields",
    [
        {"columns": KINDS, "test_split": 0.25},
        {"features": ["n0", "n2"], "missing": "drop"},
        {"target": ["n0", "n3"], "features": ["n2"]},
        {"target": "n4", "features": ["n2"]},
    ],
)
def test_a_large_table_gives_what_a_small_one_does(folder, request, kind, name, fields):
    made = source(folder, kind, name, **fields)
    expected = made.load(folder, Names())
    request.getfixturevalue("lowered")
    found = made.load(folder, Names())
    assert isinstance(found.train.x[0], Rows)
    assert found.classes == expected.classes
    assert (found.learned or {}).keys() == (expected.learned or {}).keys()
    for one, other in ((found.train, expected.train), (found.test, expected.test)):
        if other is None:
            assert one is None
            continue
        for a, b in zip((*one.x, *one.y), (*other.x, *other.y), strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            # Means of parts are joined: the last bits may differ.
            np.testing.assert_allclose(whole(a), whole(b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "name"), FILES)
@pytest.mark.parametrize("features", ["job", {"x": ["job", "kind", "n3"]}])
def test_texts_of_a_large_table_lie_in_a_file(folder, request, kind, name, features):
    """An input of strings; cells are empty, of two lines, or have quotes."""
    made = source(folder, kind, name, features=features, target="n0", test_split=0.25)
    names = Names(("x",), ("y",), {"x": (None, 3)}, {"x": "string"})
    expected = made.load(folder, names)
    request.getfixturevalue("lowered")
    found = made.load(folder, names)
    for one, other in ((found.train, expected.train), (found.test, expected.test)):
        assert isinstance(one.x[0], Rows)
        assert (one.x[0].shape, one.x[0].dtype) == (other.x[0].shape, np.dtype(object))
        np.testing.assert_array_equal(whole(one.x[0]), other.x[0])
        some = np.random.default_rng(0).integers(0, len(one), 70)
        np.testing.assert_array_equal(one.x[0][some], other.x[0][some])


def test_texts_in_a_file_are_what_was_added(monkeypatch):
    """Any character, nothing, several axes; places that need a file of their own."""
    monkeypatch.setattr("specc.data.spool.HELD", 2**9)
    rng = np.random.default_rng(0)
    kinds = np.array(["", "a", "ß€😀", "two\nlines\0", " ", "x" * 300, "\ud800"], object)
    added = kinds[rng.integers(0, len(kinds), (100, 2, 3))]
    spool = Spool()
    for first in range(0, 100, 7):
        spool.add(added[first : first + 7])
    column = spool.column()
    assert isinstance(column, Rows)
    assert isinstance(column._places, Rows)
    np.testing.assert_array_equal(whole(column), added)
    for rows in (rng.integers(0, 100, 40), np.zeros(0, np.int64), np.array([99])):
        np.testing.assert_array_equal(column[rows], added[rows])
    small = Spool()
    small.add(added[:1, :, :1])
    assert isinstance(small.column(), np.ndarray)


PLAIN = "a;b;c\n" + "".join(f"{i};{i}.5;t{i % 3}\n" for i in range(9000))


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        "\ufeff" + PLAIN.removesuffix("\n"),
        PLAIN.replace("a;b", '"a";b', 1),
        PLAIN.replace("5000;", "\n5000;").replace("6000.5", '"6000.5"'),
        PLAIN.replace("t1\n5000", '"t\n1"\n5000').replace("t1", "tä"),
        PLAIN.replace(";", ","),
    ],
)
def test_lines_without_quotes_are_split_as_csv_reads_them(tmp_path, lowered, text):
    """Oracle: `read_csv` of the same file, which is read by Python's module `csv`."""
    from specc.data.csv_format import read_csv
    from specc.data.csv_large import LargeCsv

    path = tmp_path / "t.csv"
    delimiter = "," if "a,b" in text else ";"
    path.write_bytes(text.encode())
    whole_one = read_csv(path, delimiter)
    large = LargeCsv(path, delimiter, header=True, missing=("",))
    parts = list(large.parts())
    assert len(parts) > 3
    assert large.names == whole_one.names
    lines = [line for part in parts for line in part.lines]
    assert lines == list(whole_one.lines)
    for name in large.names:
        assert list(large.texts(name)) == list(whole_one.texts(name))
        if name != "c":
            np.testing.assert_array_equal(large.values(name), whole_one.values(name))


def test_a_line_without_cells_in_a_large_table(tmp_path, lowered):
    (tmp_path / "t.csv").write_text(PLAIN.replace("7000;7000.5;t1\n", "7000;7000.5\n"))
    with pytest.raises(DataError, match=r"t\.csv:7002: expected 3 cells, found 2"):
        Source.parse({"csv": {"path": "t.csv", "target": "c", "delimiter": ";"}}).load(tmp_path)


def test_rows_are_split_by_a_column_of_a_large_table(folder, lowered):
    from specc.data.splits import Split

    split = Split.parse({"time": {"name": "when", "test": 0.25}})
    made = source(folder, "csv", "t.csv", features=["n2", "when"])
    data = made.load(folder, Names(split=split))
    assert whole(data.train.x[0])[:, 1].max() == len(data.train) - 1
    assert sorted(whole(data.test.x[0])[:, 1]) == list(range(len(data.train), ROWS))


def test_places_in_large_tables(folder, tmp_path, lowered):
    text = (folder / "t.csv").read_text()
    (tmp_path / "bad.csv").write_text(text + f"{'1,' * NUMBERS}nurse,rose,1\nx,2\n")
    rows = text.count("\n") + 1
    with pytest.raises(DataError, match=rf"bad\.csv:{rows + 1}: expected 15 cells, found 2"):
        source(tmp_path, "csv", "bad.csv").load(tmp_path)
    (tmp_path / "bad.csv").write_text(text.replace("tulip\n", "tulip\n", 1) + "\n")
    with pytest.raises(DataError, match=r"bad\.csv:\d+: column 'n1': expected a value, found none"):
        source(tmp_path, "csv", "bad.csv", features=["n1"]).load(tmp_path)


@pytest.mark.parametrize("tokens", [Characters(), Words(vocabulary=7), Bpe(vocabulary=260)])
@pytest.mark.parametrize("next_one", ["each", "last"])
def test_a_large_text_gives_what_a_small_one_does(folder, request, tokens, next_one):
    if isinstance(tokens, Bpe):
        pytest.importorskip("tokenizers")
    made = Source.parse({
        "text": {"path": "t.txt", "tokens": tokens.written(), "length": 9, "stride": 5,
                 "next": next_one, "lowercase": True, "test_split": 0.1},
    })  # fmt: skip
    expected = made.load(folder)
    request.getfixturevalue("lowered")
    found = made.load(folder)
    assert found.learned == expected.learned
    rows = np.random.default_rng(0).permutation(len(expected.train))[:500]
    for one, other in ((found.train, expected.train), (found.test, expected.test)):
        assert len(one) == len(other)
        some = rows[rows < len(other)]
        for a, b in zip((*one.x, *one.y), (*other.x, *other.y), strict=True):
            assert (a.dtype, a.shape) == (b.dtype, b.shape)
            np.testing.assert_array_equal(a[some], b[some])


@pytest.mark.parametrize("text", ["word " * 5000, "x" * 9000, "one two\r\n\r\nthree " * 900])
def test_pieces_have_the_tokens_of_the_text(tmp_path, lowered, text):
    (tmp_path / "t.txt").write_bytes(text.encode())
    pieces = list(Pieces(tmp_path / "t.txt", lowercase=False))
    plain = text.replace("\r\n", "\n")
    assert "".join(pieces) == plain
    assert max(map(len, pieces)) <= 2**13
    if " " in text:
        made = coder({"words": Words().learn([plain])})
        joined = np.concatenate([made.encode(piece) for piece in pieces])
        np.testing.assert_array_equal(joined, made.encode(plain))


def test_a_full_disk_is_a_message(monkeypatch, tmp_path, lowered):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="set TMPDIR to a folder on a larger disk"):
        Spool().add(np.zeros(2**14))


def peak(folder: Path, made: Source, names: Names) -> int:
    """Most bytes held while an epoch is made."""
    gc.collect()
    tracemalloc.start()
    try:
        data = made.load(folder, names)
        seen = sum(len(batch.index) for batch in Batches(data.train, 32).produce(0))
        assert seen == len(data.train)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("csv", {"path": "t.csv", **NAMES, "columns": KINDS}),
        ("csv", {"path": "t.csv", "features": "job", "target": "n2"}),
        ("text", {"path": "t.txt", "length": 64}),
        ("npy", {"x": "x.npy", "y": "y.npy"}),
        ("npz", {"path": "t.npz"}),
    ],
)
def test_memory_does_not_grow_with_the_file(folder, tmp_path, lowered, monkeypatch, kind, fields):
    monkeypatch.setattr("specc.data.numpy_format.LARGE", 2**12)
    monkeypatch.setattr("specc.data.order.SORTED", 2**8)
    for module in ("order", "batches"):
        monkeypatch.setattr(f"specc.data.{module}.AT_ONCE", 2**6)
    lines = {name: (folder / name).read_text().splitlines(True) for name in ("t.csv", "t.txt")}
    made = Source.parse({kind: fields})
    texts = Names(("x",), ("y",), {"x": (None, 1)}, {"x": "string"})
    names = texts if fields.get("features") == "job" else Names()
    found: list[int] = []
    for rows in (1600, 1600, 6400):  # the first fills caches
        x, y = np.zeros((rows, 20)), np.zeros(rows)
        np.save(tmp_path / "x.npy", x)
        np.save(tmp_path / "y.npy", y)
        np.savez(tmp_path / "t.npz", x=x, y=y)
        del x, y
        # Its cells have line ends, so that some rows of the table are two lines.
        (tmp_path / "t.csv").write_text("".join(lines["t.csv"][: rows * 5 // 4 + 1]))
        (tmp_path / "t.txt").write_text("".join(lines["t.txt"][:rows]))
        found.append(peak(tmp_path, made, names))
    assert found[2] < 1.6 * found[1]


def test_a_disk_that_is_full_at_the_end_of_a_write_is_a_message(monkeypatch, lowered):
    """What is left in the file's buffer does not fit when the file is closed, either."""

    class Full(io.BytesIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            super().close()
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("specc.data.spool.tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match="set TMPDIR to a folder on a larger disk"):
        Spool().add(np.zeros(2**14))


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("start", "line"), [(b"a,b\n1,2\n", 3), (b'a,b\n"1\n",2\n', 4), (b"", 1)], ids=repr
)
def test_a_line_without_an_end_is_not_read(tmp_path, monkeypatch, large, start, line):
    """16 MB in one line: what is read of it is some times the limit."""
    path = tmp_path / "t.csv"
    path.write_bytes(start + b"1," * 2**23)
    for module in ("csv_format", "csv_large"):
        monkeypatch.setattr(f"specc.data.{module}.MAX_LINE", 2**16)
    if large:
        monkeypatch.setattr("specc.data.csv_large.LARGE", 2**16)
        monkeypatch.setattr("specc.data.csv_large.PART", 2**14)
    source = Source.parse({"csv": {"path": "t.csv", "target": 0, "header": bool(start)}})
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as error:
            source.load(tmp_path, Names(("x",), ("y",)))
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith(
        f"{path}:{line}: expected a line of at most 65,536 bytes, found a longer one"
    )


def test_lines_up_to_the_limit_are_read(tmp_path, lowered, monkeypatch):
    """Oracle: the same table without a limit."""
    path = tmp_path / "t.csv"
    rows = [f"{i},{'0' * (i % 300)}{i}" for i in range(2000)]
    path.write_text("\n".join(["a,b", *rows]))
    source = Source.parse({"csv": {"path": "t.csv", "target": "b"}})
    expected = source.load(tmp_path, Names(("x",), ("y",))).train
    for module in ("csv_format", "csv_large"):
        monkeypatch.setattr(f"specc.data.{module}.MAX_LINE", max(map(len, rows)) + 1)
    found = source.load(tmp_path, Names(("x",), ("y",))).train
    np.testing.assert_array_equal(whole(found.y[0]), whole(expected.y[0]))
    assert whole(found.y[0])[[0, -1]].tolist() == [0, 1999]
