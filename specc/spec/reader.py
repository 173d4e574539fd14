"""Reads a spec: YAML text becomes a `Spec`, or one error with everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import specc.layers  # noqa: F401  # pyright: ignore[reportUnusedImport] - registers the layers
from specc.data.source import Source
from specc.errors import Place, Problem, SpecError, not_utf8
from specc.spec import checking, forms
from specc.spec.blocks import read_blocks
from specc.spec.data import DataOptions, DataSpec
from specc.spec.document import MOST_BYTES, read
from specc.spec.entries import written
from specc.spec.listed import listed
from specc.spec.model import LANGUAGE, ModelSpec, Spec
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of
from specc.spec.overrides import override
from specc.spec.problems import Problems
from specc.spec.sections import KEYS as MODEL_KEYS
from specc.spec.sections import read_model, read_models
from specc.spec.train import TrainSpec

KEYS = ("specc", "name", *MODEL_KEYS, "blocks", "models", "train", "data")
# A sub-model is called by its key; `name` is what its row in the summary is called instead.
SUB_KEYS = ("name", *MODEL_KEYS)
SECTIONS = ("train", "data")
# What a run calls its spec.
RUN_SPEC = "spec.yaml"


def load(path: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """The spec in a file, or that of a run's folder. `overrides` are like `train.epochs=2`.

    Raises:
        SpecError: the file cannot be read, or is wrong; every problem with its place.
    """
    inner = Path(path, RUN_SPEC)
    path = inner if inner.is_file() else path
    return loads(decoded(read_bytes(path), str(path)), str(path), overrides)


def read_bytes(path: str | Path) -> bytes:
    """The content of a spec's file.

    Raises:
        SpecError: it cannot be read, or is larger than a spec may be.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)  # a device or pipe may have no end
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SpecError(Problem(Place(str(path)), "", f"cannot be read: {why}")) from None
    if len(content) > MOST_BYTES:
        raise SpecError(Problem(Place(str(path)), "", f"a spec has at most {MOST_BYTES} bytes"))
    return content


def decoded(content: bytes, file: str) -> str:
    """The text in a spec's file, without a byte order mark, with plain line ends.

    Raises:
        SpecError: it is not UTF-8.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(not_utf8(error, file)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def loads(text: str, file: str = "", overrides: Sequence[str] = ()) -> Spec:
    """The spec in a text. `file` is what messages call it.

    Raises:
        SpecError: it is wrong; every problem with its place.
    """
    problems = Problems()
    tree = override(read(text, file, problems), overrides, problems)
    listed(tree, file, problems)
    spec, sound = _Reader(file, problems).spec(tree)
    if problems.found:
        raise SpecError(problems.found, partial=spec if sound else None)
    return spec


class _Reader:
    """Reads one tree."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems

    def spec(self, tree: Node | None) -> tuple[Spec, bool]:
        """(the spec without the sections that are wrong, whether its layers are right)."""
        start = Place(self._file, 1, 1)
        if not isinstance(tree, Fields):
            found = "an empty file" if tree is None else kind_of(tree)
            message = f"expected a mapping that begins with `specc: {LANGUAGE}`, found {found}"
            raise SpecError([*self._problems.found, Problem(start, "", message)])
        keys = forms.fields(tree, KEYS, "", self._problems, "a spec")
        self._version(keys.get("specc"), start)
        model, models = self._models(tree, keys)
        sound = not self._problems.found
        spec = Spec(
            model=model,
            models=models,
            train=self._train(tree, keys.get("train")),
            data=self._data(tree, keys.get("data")),
            file=self._file,
            places=dict(_places(tree)),
        )
        return spec, sound

    def _version(self, node: Node | None, start: Place) -> None:
        """Only version 1 exists; anything else is from another specc."""
        if node is None:
            message = f"missing `specc: {LANGUAGE}`, the version of the language"
            self._problems.add(start, "", message)
            return
        if not isinstance(node, Scalar) or node.value is not LANGUAGE:
            newer = isinstance(node, Scalar) and isinstance(node.value, int | float)
            hint = "; another version of specc wrote it" if newer else ""
            message = f"expected version {LANGUAGE} of the language, found {kind_of(node)}{hint}"
            self._problems.add(node.place, "specc", message)

    def _models(
        self, tree: Fields, keys: dict[str, Node]
    ) -> tuple[ModelSpec, dict[str, ModelSpec]]:
        """The whole model and the named sub-models."""
        blocks = read_blocks(keys.get("blocks"), self._problems)
        for block in blocks.values():  # one that is never used is read nowhere else
            for i, node in enumerate(block.layers):
                written(node, f"blocks.{block.name}.layers[{i}]", blocks, self._problems)
        bodies = read_models(keys.get("models"), self._problems)
        models: dict[str, ModelSpec] = {}
        for name, (key, body) in bodies.items():
            path = f"models.{name}"
            what = "a mapping with inputs, layers, outputs"
            parts = forms.fields(body, SUB_KEYS, path, self._problems, what)
            if isinstance(body, Fields):
                own = parts.get("name")
                own_name = None if own is None else forms.name(own, f"{path}.name", self._problems)
                models[name] = read_model(
                    own_name or name, parts, key.place, path, blocks, bodies, self._problems
                )
        name = self._name(keys.get("name"))
        model = read_model(name, keys, tree.place, "", blocks, bodies, self._problems)
        return model, models

    def _name(self, node: Node | None) -> str:
        if node is not None:
            return forms.name(node, "name", self._problems) or "model"
        stem = Path(self._file).stem
        return stem if stem and forms.name_problem(stem) is None else "model"

    def _train(self, tree: Fields, node: Node | None) -> TrainSpec | None:
        key = tree.key("train")
        if node is None or key is None:
            return None
        if isinstance(node, Scalar) and node.value is None:
            node = Fields(place=key.place)
        return checking.section(TrainSpec, node, key, "train", self._problems)

    def _data(self, tree: Fields, node: Node | None) -> DataSpec | None:
        """`dataset: NAME`, `dataset: {NAME: {...}}`, or a source's own key: `npz: {...}`.

        Beside it stands what holds for every source.
        """
        key = tree.key("data")
        if node is None or key is None:
            return None
        if isinstance(node, Fields):
            named = [pair for pair in node.pairs if str(pair[0].value) in Source.members]
            others = [str(kind.value) for kind, _ in node.pairs]
            if named and "dataset" not in others:
                return self._named_source(node, key, *named[0])
            if len(node) == 1 and others[0] not in DataSpec.model_fields:
                known = ["dataset", *Source.kinds()]
                kind = node.pairs[0][0]
                forms.unknown(kind, known, f"data.{others[0]}", self._problems)
                return None
        return checking.section(DataSpec, node, key, "data", self._problems)

    def _named_source(self, tree: Fields, key: Scalar, kind: Scalar, body: Node) -> DataSpec | None:
        """A source by its own key, with the options beside it."""
        word = str(kind.value)
        path = f"data.{word}"
        made = checking.member(Source.find(word), body, kind, path, self._problems)
        rest = Fields([pair for pair in tree.pairs if pair[0] is not kind], tree.place)
        options = checking.section(DataOptions, rest, key, "data", self._problems)
        if made is None or options is None:
            return None
        return DataSpec(dataset=made, split=options.split, balance=options.balance)


def _places(tree: Fields) -> list[tuple[str, Place]]:
    """Where every key of the sections and every top key stands, by path."""
    found: list[tuple[str, Place]] = []
    open_: list[tuple[str, Node]] = []
    for key, value in tree:
        found.append((str(key.value), key.place))
        if key.value in SECTIONS:
            open_.append((str(key.value), value))
    while open_:
        path, node = open_.pop()
        if isinstance(node, Fields):
            parts = [(f"{path}.{key.value}", key.place, value) for key, value in node]
        elif isinstance(node, Items):
            parts = [(f"{path}[{i}]", item.place, item) for i, item in enumerate(node.items)]
        else:
            continue
        found += [(name, place) for name, place, _ in parts]
        open_ += [(name, value) for name, _, value in parts]
    return found
