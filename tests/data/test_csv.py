"""Tables. Oracle: values written by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specc.data.csv_format import read_csv
from specc.data.source import Names, Source
from specc.errors import DataError

FLOWERS = """width, height,kind
1.5,2,rose
 0,-1e3,tulip
3,4,rose

5,6,"a, b"
"""


def load(tmp_path: Path, text: str, names: Names | None = None, **fields: object):
    (tmp_path / "t.csv").write_text(text)
    return Source.parse({"csv": {"path": "t.csv", **fields}}).load(tmp_path, names)


def test_text_targets_become_ids_in_sorted_order(tmp_path: Path) -> None:
    data = load(tmp_path, FLOWERS, target="kind")
    assert data.classes == ["a, b", "rose", "tulip"]
    assert data.train.y[0].tolist() == [1, 2, 1, 0]
    assert data.train.y[0].dtype == np.int64
    assert data.train.x[0].dtype == np.float32
    assert data.train.x[0].tolist() == [[1.5, 2], [0, -1000], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("fields", "x", "y"),
    [
        ({"target": "c"}, [[1, 2], [4, 5]], [3, 6]),
        ({"target": 2}, [[1, 2], [4, 5]], [3, 6]),
        ({"target": 0, "features": ["c"]}, [[3], [6]], [1, 4]),
        ({"target": 0, "features": ["c", 1]}, [[3, 2], [6, 5]], [1, 4]),
        ({"target": ["a", "b"]}, [[3], [6]], [[1, 2], [4, 5]]),
    ],
)
def test_columns(tmp_path: Path, fields: dict[str, object], x: object, y: object) -> None:
    data = load(tmp_path, "a,b,c\n1,2,3\n4,5,6\n", **fields)
    assert data.train.x[0].tolist() == x
    assert data.train.y[0].tolist() == y
    assert data.classes is None


def test_several_inputs_and_outputs_in_the_models_order(tmp_path: Path) -> None:
    names = Names(("left", "right"), ("u", "v"))
    data = load(
        tmp_path, "a,b,c,d\n1,2,3,0.5\n4,5,6,7\n", names,
        features={"right": "b", "left": ["a", "b"]}, target={"v": "d", "u": "c"},
    )  # fmt: skip
    assert [x.tolist() for x in data.train.x] == [[[1, 2], [4, 5]], [[2], [5]]]
    assert [y.tolist() for y in data.train.y] == [[3, 6], [0.5, 7]]
    assert [y.dtype for y in data.train.y] == [np.int64, np.float32]


def test_other_delimiter_without_header(tmp_path: Path) -> None:
    data = load(tmp_path, "\ufeff1;2\n3;4\n", target=1, delimiter=";", header=False)
    assert data.train.x[0].tolist() == [[1], [3]]
    assert data.train.y[0].tolist() == [2, 4]


def test_a_test_file_shares_the_classes(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("x,kind\n9,ant\n8,cat\n")
    data = load(tmp_path, "x,kind\n1,cat\n2,bee\n", target="kind", test="test.csv")
    assert data.classes == ["ant", "bee", "cat"]
    assert data.train.y[0].tolist() == [2, 1]
    assert data.test is not None
    assert data.test.y[0].tolist() == [0, 2]


def test_a_share_of_the_rows_is_set_aside(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}.5\n" for i in range(10))
    data = load(tmp_path, "x,y\n" + rows, target="y", test_split=0.3)
    again = load(tmp_path, "x,y\n" + rows, target="y", test_split=0.3)
    assert data.test is not None
    assert again.test is not None
    assert (len(data.train), len(data.test)) == (7, 3)
    kept, aside = data.train.x[0][:, 0], data.test.x[0][:, 0]
    assert sorted([*kept, *aside]) == list(range(10))
    assert aside.tolist() != [7, 8, 9]  # random rows: tables are often sorted
    np.testing.assert_array_equal(aside, again.test.x[0][:, 0])
    np.testing.assert_array_equal(data.train.y[0], kept + 0.5)


@pytest.mark.parametrize(
    ("text", "fields", "match"),
    [
        ("a,b\n1,2\n3,\n", {"target": "a"}, "t.csv:3: column 'b': expected a value, found none"),
        ("a,b\n\n1,2\n3,x\n", {"target": "a"}, "t.csv:4: column 'b': .* found 'x'"),
        (f"a,b\n1,{'x' * 9999}\n", {"target": "a"}, "found 'x{60}\\.\\.\\.'; fill"),
        ("a,b\n1,2\n3,-1e39\n", {"target": "a"}, "t.csv:3: .* within float32, found -1e\\+39"),
        ("a,b\n1,2\n3\n", {"target": "a"}, "t.csv:3: expected 2 cells, found 1"),
        ("a,b\n1,cat\n3,\n", {"target": "b"}, "t.csv:3: column 'b': expected a value, found none"),
        ("a,b\n", {"target": "a"}, "expected rows"),
        ("", {"target": "a"}, "expected rows"),
        ("a,a\n1,2\n", {"target": "a"}, "found a again"),
        ("width,b\n1,2\n", {"target": "with"}, "expected a column 'with'; did you mean 'width'"),
        ("a,b\n1,2\n", {"target": 2}, "a column from 0 to 1, found 2"),
        ("a\n1\n", {"target": "a"}, "columns beside the target"),
        ("a,b\n1,2\n", {"target": {"u": "a"}}, "csv.target: expected a name .* found 'u'"),
        ("a,b\n1,2\n", {"target": "a", "features": {}}, "csv.features: expected columns for 'x'"),
        ("a,b\n1,2\n", {"target": "a", "test": "t.csv", "test_split": 0.5}, "found more"),
        ('a,b\n1,"2\n', {"target": "a"}, "t.csv:2: .* quotes that close, found unexpected end"),
        (f"a,b\n1,2\n3,{'4' * 2**18}\n", {"target": "a"}, "t.csv:3: .* larger than field limit"),
    ],
)
def test_wrong_tables(tmp_path: Path, text: str, fields: dict[str, object], match: str) -> None:
    with pytest.raises(DataError, match=match):
        load(tmp_path, text, Names(("x",), ("y",)), **fields)


def test_other_encodings_and_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    # Far behind the first part that is read.
    lines = b"a,b\n" + b"1,2\n" * 10_000 + "ü,".encode() + "é\n".encode("latin-1")
    path.write_bytes(b"\xef\xbb\xbf" + lines)
    with pytest.raises(DataError, match=r"t.csv:10002:3: expected UTF-8, found byte 0xe9; save"):
        read_csv(path)
    monkeypatch.setattr("specc.data.encoding.MAX_SEARCHED_BYTES", 4)
    with pytest.raises(DataError, match=r"t.csv: expected UTF-8, found byte 0xe9; save"):
        read_csv(path)
    monkeypatch.setattr("specc.data.csv_format.MAX_FILE_BYTES", 4)
    with pytest.raises(DataError, match=r"at most 4 bytes, found 40,012"):
        read_csv(path)


@pytest.mark.parametrize(("text", "names"), [("1,2\n", ("0", "1")), ("a,2\n1,2\n", ("a", "2"))])
def test_a_header_is_recognised_when_asked(
    tmp_path: Path, text: str, names: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_text(text)
    table = read_csv(tmp_path / "t.csv", header=None)
    assert table.names == names
    assert table.matrix(names).tolist() == [[1, 2]]
