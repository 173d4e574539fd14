"""Text as numbers and back: characters, words, pairs of bytes."""

from __future__ import annotations

import importlib
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, cast

import numpy as np
from pydantic import Field
from typing_extensions import override

from specc.data.learned import mapping, texts
from specc.data.rows import Array
from specc.errors import DataError, RunError, cut
from specc.family import Member

# What stands for words that the vocabulary left out.
UNKNOWN = "<unknown>"
# A word or a run of punctuation with the space before it, else one character of white space, so
# that the tokens of a text joined are the text.
WORD = re.compile(r" ?\w+| ?[^\w\s]+|\s")


class Coder(ABC):
    """A vocabulary at work."""

    size: int
    """Number of tokens."""

    @abstractmethod
    def encode(self, text: str) -> Array:
        """Ids of a text, int32 (tokens,).

        Raises:
            DataError: the text holds something that has no id.
        """

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""


class Tokens(Member):
    """What a text is cut into."""

    family_name: ClassVar[str] = "tokens"

    @abstractmethod
    def learn(self, pieces: Iterable[str]) -> dict[str, Any]:
        """The vocabulary of a text, as JSON holds it; pieces as `specc.data.pieces` cuts them."""

    @abstractmethod
    def coder(self, learned: Mapping[str, Any]) -> Coder:
        """What `learn` learned, at work."""


def coder(learned: object) -> Coder:
    """The coder of a vocabulary that was stored with a model: `{"words": {...}}`.

    Raises:
        RunError: it is of no kind that is known.
    """
    if isinstance(learned, Mapping) and len(cast("Mapping[str, Any]", learned)) == 1:
        kind, content = next(iter(cast("Mapping[str, Any]", learned).items()))
        if kind in Tokens.members:
            return Tokens.find(kind).model_construct().coder(mapping(content, "vocabulary"))
    raise RunError("vocabulary: expected one that a text source stored, found another")


class _Listed(Coder):
    """Tokens in a list; a pattern cuts a text into them."""

    def __init__(self, tokens: Sequence[str], pattern: re.Pattern[str]) -> None:
        self._tokens, self._pattern = tokens, pattern
        self._ids = {token: i for i, token in enumerate(tokens)}
        self.size = len(tokens)

    @override
    def encode(self, text: str) -> Array:
        other = self._ids.get(UNKNOWN)
        found = self._pattern.findall(text)
        try:
            if other is None:
                return np.array([self._ids[token] for token in found], np.int32)
            return np.array([self._ids.get(token, other) for token in found], np.int32)
        except KeyError as error:
            raise DataError(
                f"text: expected tokens of the vocabulary that the model was trained with, "
                f"found {cut(error.args[0])!r}; the vocabulary has {self.size} tokens"
            ) from None

    @override
    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self._tokens[i] for i in ids)


class _Points(_Listed):
    """Characters, found by their code points: some four times as fast as one after another."""

    def __init__(self, tokens: Sequence[str]) -> None:
        super().__init__(tokens, re.compile(r"(?s)."))
        points = np.array([ord(token) for token in tokens], np.uint32)
        self._order = np.argsort(points).astype(np.int32)
        self._points = points[self._order]

    @override
    def encode(self, text: str) -> Array:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        places = np.searchsorted(self._points, codes).clip(max=len(self._points) - 1)
        if (self._points[places] != codes).any():
            return super().encode(text)  # says which character is none of the vocabulary
        return self._order[places]


class Characters(Tokens):
    """Every character is a token; ids are in the order of code points."""

    @override
    def learn(self, pieces: Iterable[str]) -> dict[str, Any]:
        found = set[str]()
        for piece in pieces:
            found.update(piece)
        return {"tokens": sorted(found)}

    @override
    def coder(self, learned: Mapping[str, Any]) -> Coder:
        return _Points(texts(learned.get("tokens"), "vocabulary"))


class Words(Tokens):
    """Words, each with the space before it, and runs of punctuation; the frequent ones first."""

    vocabulary: Annotated[int, Field(ge=2)] | None = None
    """Most tokens; what is rarer becomes the token `<unknown>`, number 0. All words by default."""

    @override
    def learn(self, pieces: Iterable[str]) -> dict[str, Any]:
        counts = Counter[str]()
        for piece in pieces:
            counts.update(WORD.findall(piece))
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        if self.vocabulary is None:
            return {"tokens": ranked}
        return {"tokens": [UNKNOWN, *ranked[: self.vocabulary - 1]]}

    @override
    def coder(self, learned: Mapping[str, Any]) -> Coder:
        return _Listed(texts(learned.get("tokens"), "vocabulary"), WORD)


class Bpe(Tokens):
    """Pairs of bytes, merged while they are frequent (Sennrich et al., 2016), from bytes up.

    Any text has ids. By the library `tokenizers`.
    """

    vocabulary: Annotated[int, Field(ge=256)] = 1024
    """Number of tokens; the first 256 are the bytes."""

    @override
    def learn(self, pieces: Iterable[str]) -> dict[str, Any]:
        library = _library()
        made: Any = library.Tokenizer(library.models.BPE())
        made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = library.decoders.ByteLevel()
        trainer: Any = library.trainers.BpeTrainer(
            vocab_size=self.vocabulary,
            show_progress=False,
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()),
        )
        lines = (line for piece in pieces for line in piece.splitlines(keepends=True))
        made.train_from_iterator(lines, trainer)
        return {"tokenizer": json.loads(made.to_str())}

    @override
    def coder(self, learned: Mapping[str, Any]) -> Coder:
        return _BytePairs(mapping(learned.get("tokenizer"), "vocabulary"))


class _BytePairs(Coder):
    def __init__(self, stored: Mapping[str, Any]) -> None:
        try:
            self._made: Any = _library().Tokenizer.from_str(json.dumps(stored))
        except Exception as error:  # the library has no exceptions of its own
            raise RunError(f"vocabulary: not as training stored it ({error})") from error
        self.size = int(self._made.get_vocab_size())

    @override
    def encode(self, text: str) -> Array:
        parts: list[Any] = self._made.encode_batch(text.splitlines(keepends=True))
        return np.array([i for found in parts for i in found.ids], np.int32)

    @override
    def decode(self, ids: Sequence[int]) -> str:
        return str(self._made.decode(list(ids)))


def _library() -> Any:  # noqa: ANN401 - the package is optional
    try:
        return importlib.import_module("tokenizers")
    except ImportError as error:
        raise DataError(
            "tokens bpe: expected the package tokenizers, found it not installed; "
            "install it with the extra: pip install 'specc[text]'"
        ) from error
