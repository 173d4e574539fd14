"""The `text` source. Oracle: slices of the text itself, by loops."""

from __future__ import annotations

import numpy as np
import pytest

from specc.data.rows import whole
from specc.data.source import Names
from specc.data.text import KEY, Text
from specc.data.tokens import UNKNOWN, Bpe, Characters, Words, coder
from specc.errors import DataError, RunError

VERSE = "To be, or not to be:\nthat is the question.\n" * 3


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "verse.txt").write_text(VERSE, encoding="utf-8")
    return tmp_path


def ids_of(dataset, text):
    return coder(dataset.learned[KEY]["tokens"]).encode(text)


def test_windows_and_what_follows_each_token(folder):
    dataset = Text(path="verse.txt", length=7).load(folder)
    x, y = whole(dataset.train.x[0]), whole(dataset.train.y[0])
    starts = range(0, len(VERSE) - 7, 7)
    assert x.dtype == y.dtype == np.int32
    np.testing.assert_array_equal(x, [ids_of(dataset, VERSE[s : s + 7]) for s in starts])
    np.testing.assert_array_equal(y, [ids_of(dataset, VERSE[s + 1 : s + 8]) for s in starts])
    some = np.array([3, 0, 3])
    np.testing.assert_array_equal(dataset.train.x[0][some], x[some])
    np.testing.assert_array_equal(dataset.train.take(slice(2, 4)).x[0], x[2:4])


def test_overlapping_windows_and_the_token_behind(folder):
    dataset = Text(path="verse.txt", length=5, stride=2, next="last").load(folder)
    starts = range(0, len(VERSE) - 5, 2)
    x, y = whole(dataset.train.x[0]), whole(dataset.train.y[0])
    np.testing.assert_array_equal(x, [ids_of(dataset, VERSE[s : s + 5]) for s in starts])
    np.testing.assert_array_equal(y, [ids_of(dataset, VERSE[s + 5])[0] for s in starts])


def test_the_ends_of_the_text_are_set_aside(folder):
    source = Text(path="verse.txt", length=4, stride=1, test_split=0.25, validation_split=0.125)
    dataset = source.load(folder)
    n = len(VERSE)
    parts = (
        VERSE[: round(n * 0.625)],
        VERSE[round(n * 0.625) : round(n * 0.75)],
        VERSE[round(n * 0.75) :],
    )
    for split, text in zip((dataset.train, dataset.validation, dataset.test), parts, strict=True):
        assert len(split) == len(text) - 4
        np.testing.assert_array_equal(split.x[0][np.array([0])][0], ids_of(dataset, text[:4]))
        last = split.y[0][np.array([len(split) - 1])][0]
        np.testing.assert_array_equal(last, ids_of(dataset, text[-4:]))


def test_the_models_input_tells_the_length(folder):
    names = Names(("t",), ("o",), {"t": (None, 6)}, {"t": "int32"})
    assert Text(path="verse.txt").load(folder, names).train.x[0].shape[1] == 6
    with pytest.raises(DataError, match=r"data\.text\.length: expected a length"):
        Text(path="verse.txt").load(folder)


def test_a_stored_vocabulary_is_used(folder):
    first = Text(path="verse.txt", length=4).load(folder)
    names = Names(learned=first.learned)
    (folder / "other.txt").write_text("Quiz!" * 9, encoding="utf-8")
    with pytest.raises(DataError, match=r"expected tokens of the vocabulary .* found 'Q'"):
        Text(path="other.txt", length=4).load(folder, names)
    (folder / "other.txt").write_text("to be or not" * 3, encoding="utf-8")
    again = Text(path="other.txt", length=4).load(folder, names)
    np.testing.assert_array_equal(again.train.x[0][:1][0], ids_of(first, "to b"))


@pytest.mark.parametrize("tokens", [Characters(), Words()], ids=["characters", "words"])
def test_what_is_encoded_decodes_to_the_text(tokens):
    text = "Ein  Satz, mit\tUmlauten: äöü!\n\n... und 3 Zahlen."
    made = coder({tokens.key: tokens.learn([text])})
    assert made.decode(made.encode(text).tolist()) == text
    assert set(made.encode(text)) == set(range(made.size))


def test_rare_words_are_unknown():
    learned = Words(vocabulary=3).learn(["a b a b a c d"])
    assert learned["tokens"] == [UNKNOWN, " a", " b"]
    made = coder({"words": learned})
    np.testing.assert_array_equal(made.encode("x a b c a"), [0, 1, 2, 0, 1])


def test_byte_pairs():
    pytest.importorskip("tokenizers")
    text = VERSE * 20
    learned = Bpe(vocabulary=280).learn([text])
    assert learned == Bpe(vocabulary=280).learn([text])
    made = coder({"bpe": learned})
    assert made.size == 280
    for sample in (text, "日本語 and ümlauts\n", ""):
        ids = made.encode(sample)
        assert made.decode(ids.tolist()) == sample
    assert len(made.encode(text)) < len(text) / 2


def test_what_cannot_be(folder):
    (folder / "latin.txt").write_bytes("Größe".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin.txt:1:3: expected UTF-8, found byte 0xf6"):
        Text(path="latin.txt", length=2).load(folder)
    with pytest.raises(DataError, match="expected more than 500 tokens to train on, found 129"):
        Text(
            path="verse.txt",
            length=500,
        ).load(folder)
    with pytest.raises(DataError, match="leave nothing to train on"):
        Text(path="verse.txt", length=5, test_split=0.5, validation_split=0.5).load(folder)
    with pytest.raises(DataError, match="expected splits of more than 40 tokens, found 13"):
        Text(path="verse.txt", length=40, test_split=0.1).load(folder)
    with pytest.raises(RunError, match="expected one that a text source stored"):
        coder({"runes": {}})
    for damaged in (3, [], {}, {"tokens": 3}, {"tokens": ["a", 3]}):
        with pytest.raises(RunError, match=r"vocabulary: expected .*training stored"):
            coder({"words": damaged})
    for damaged in (3, {"lowercase": 1, "next": "each"}, {"lowercase": True, "next": "x"}):
        with pytest.raises(RunError, match="text: expected what training stored"):
            Text(path="verse.txt", length=4).load(folder, Names(learned={"text": damaged}))
