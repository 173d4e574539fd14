"""Fields that name a file of lines in the spec's folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specc
from specc.errors import SpecError
from specc.spec.reader import load, loads
from specc.spec.write import dump

SPEC = """
specc: 1
inputs: {x: {shape: [2], dtype: string}}
layers:
  - string_lookup: {vocabulary: FILE}
"""


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / "words" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def spec_file(folder: Path, vocabulary: str) -> Path:
    path = folder / "spec.yaml"
    path.write_text(SPEC.replace("FILE", vocabulary))
    return path


@pytest.mark.parametrize("content", ["été\nthe cat\n1\n", "\ufeffété\r\nthe cat\r\n1\r\n\r\n"])
def test_lines_are_the_list(tmp_path: Path, content: str) -> None:
    written(tmp_path, "a.txt", content)
    made = load(spec_file(tmp_path, "words/a.txt"))
    assert made == loads(SPEC.replace("FILE", '["été", "the cat", "1"]'), str(made.file))
    # What is written of the spec needs the file no more.
    assert loads(dump(made, resolved=True)).model.entries == made.model.entries
    found = np.asarray(specc.Model(made).predict([["the cat", "?"]]))
    assert found.tolist() == [[2, 0]]


def test_lines_of_whole_numbers(tmp_path: Path) -> None:
    written(tmp_path, "a.txt", "7\n-3\n")
    path = spec_file(tmp_path, "words/a.txt")
    path.write_text(path.read_text().replace("string_", "integer_").replace("string", "int64"))
    found = np.asarray(specc.Model(load(path)).predict(np.array([[-3, 7]])))
    assert found.tolist() == [[2, 1]]
    written(tmp_path, "a.txt", "7\nx\n")
    with pytest.raises(SpecError, match=r"5:34: layers\[0\]\..*words/a.txt:2: expected a whole nu"):
        load(path)


def test_in_a_block_and_in_a_layer_of_a_layer(tmp_path: Path) -> None:
    written(tmp_path, "a.txt", "u\nv\n")
    path = tmp_path / "spec.yaml"
    path.write_text(
        "specc: 1\ninputs: {x: {shape: [1], dtype: string}}\n"
        "blocks:\n  look:\n    args: {words: }\n"
        "    layers: [{string_lookup: {vocabulary: '${words}'}}]\n"
        "layers:\n  - look: {words: [v, u]}\n"
        "  - string_lookup: {vocabulary: words/a.txt, invert: true}\n"
    )
    assert np.asarray(specc.Model(load(path)).predict([["u"]])).tolist() == [["v"]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("words/none.txt", "expected a list or a file of lines; No such file"),
        ("../words/a.txt", "expected a file in the spec's folder"),
        ("/etc/passwd", "expected a file in the spec's folder"),
        ("words", "expected a list or a file of lines; Is a directory"),
        ("words/link.txt", "expected a file in the spec's folder"),
        ("words/bad.txt", "bad.txt:1:2: expected UTF-8, found byte 0x"),
        ("words/large.txt", "expected at most 2,097,152 bytes"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    written(tmp_path, "a.txt", "u\n")
    written(folder, "bad.txt", b"a\xff")
    written(folder, "large.txt", b"x" * (2 * 2**20 + 1))
    (folder / "words" / "link.txt").symlink_to(tmp_path / "words" / "a.txt")
    with pytest.raises(SpecError, match=r"5:33: layers\[0\]\.string_lookup\.vocabulary: ") as error:
        load(spec_file(folder, name))
    assert message in str(error.value)


def test_a_text_has_no_folder() -> None:
    with pytest.raises(SpecError, match="a spec that is no file has no folder"):
        loads(SPEC.replace("FILE", "a.txt"))


def test_many_words(tmp_path: Path) -> None:
    words = [f"word{i}" for i in range(3_000)]
    written(tmp_path, "a.txt", "\n".join(words))
    made = load(spec_file(tmp_path, "words/a.txt"))
    assert loads(dump(made, resolved=True)).model.entries == made.model.entries
