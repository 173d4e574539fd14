"""The pages about what a spec can name: layers, losses, optimizers, ..., made from the classes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from specc.layer import REFUSED, Layer
from specc.layers.operations import Operation
from specc.reference import Field, Kind, described, families, sections
from website.markdown import definition, plain

FOLDER = "reference"
LAYERS = f"{FOLDER}/layers"
# Where Keras has a layer: its docstring names the source.
GROUP = re.compile(r"keras/src/layers/([\w/]+)/\w+\.py")
GROUPS = {
    "core": "Core layers",
    "convolutional": "Convolutions",
    "pooling": "Pools",
    "rnn": "Recurrent layers",
    "attention": "Attention",
    "normalization": "Normalisation",
    "regularization": "Regularisation and noise",
    "activations": "Activations as layers",
    "reshaping": "Reshaping, padding, enlarging",
    "merging": "Merging",
    "preprocessing": "Preparing numbers and sounds",
    "preprocessing/image_preprocessing": "Preparing and varying images",
    "beyond": "Beyond Keras",
    "operations": "Operations",
}
ABOUT = {
    "beyond": "Layers of other systems, and classes that Keras keeps to `keras.applications`; each"
    " names its source.",
    "operations": "What functional models of Keras hold between layers, functions of `keras.ops`:"
    " one name each. Operands are inputs, constants stand in the fields. Axes count the batch as"
    " axis 0.",
}
SHORT_FORM = (
    "A scalar or a list behind a layer's name sets its first field ([the spec"
    " language](../../spec-language.md)). `specc describe NAME` says what stands here."
)
IN_USE = (
    "[The spec language](../spec-language.md) shows both in use. `data:` also takes `dataset:`, or"
    " a [source](data.md) by its own key."
)
OF_KERAS = "Fields, defaults and numbers are those of Keras 3."
# (file, title, families) of the other pages.
OTHERS = (
    ("sections", "The sections `train` and `data`", ()),
    ("losses", "Losses", ("loss",)),
    ("metrics", "Metrics", ("metric",)),
    ("optimizers", "Optimizers and schedules", ("optimizer", "schedule")),
    ("callbacks", "Callbacks", ("callback",)),
    ("weights", "Initializers, regularizers, constraints",
     ("initializer", "regularizer", "constraint")),
    ("activations", "Activation functions", ("activation",)),
    ("data", "Data: sources, columns, tokens, splits", ("dataset", "column", "tokens", "split")),
)  # fmt: skip
TITLES = {
    "loss": "Losses", "metric": "Metrics", "optimizer": "Optimizers", "schedule": "Schedules",
    "callback": "Callbacks", "initializer": "Initializers", "regularizer": "Regularizers",
    "constraint": "Constraints", "activation": "Activation functions", "dataset": "Sources",
    "column": "Columns of tables", "tokens": "Tokens of texts", "split": "Splits",
}  # fmt: skip


def pages() -> dict[str, str]:
    """Every page by its path, layers first."""
    grouped: dict[str, list[Kind]] = {group: [] for group in GROUPS}
    for kind in Layer.kinds().values():
        grouped.setdefault(group_of(kind), []).append(described(kind))
    made = {path_of(group): _layers(group, kinds) for group, kinds in grouped.items()}
    made[f"{LAYERS}/index.md"] = _overview(grouped)
    every = families()
    for file, title, names in OTHERS:
        found = {name: every[name] for name in names}
        made[f"{FOLDER}/{file}.md"] = _page(title, found) if found else _sections(title)
    return made


def navigation() -> list[dict[str, object]]:
    """What the reference lists of them."""
    layers = [{"All layers": f"{LAYERS}/index.md"}]
    layers += [{title: path_of(group)} for group, title in GROUPS.items()]
    others = [{title.replace("`", ""): f"{FOLDER}/{file}.md"} for file, title, _ in OTHERS]
    return [{"Layers": layers}, *others]


def group_of(kind: type[Layer]) -> str:
    """The page that a layer is on: the folder in which Keras has it."""
    if issubclass(kind, Operation):
        return "operations"
    texts = (base.__doc__ or "" for base in kind.__mro__ if base is not Layer)
    found = next(filter(None, map(GROUP.search, texts)), None)
    return found[1] if found is not None else "beyond"


def path_of(group: str) -> str:
    """The page of a group of layers."""
    return f"{LAYERS}/{group.rpartition('/')[2]}.md"


def _overview(grouped: dict[str, list[Kind]]) -> str:
    count = sum(map(len, grouped.values()))
    parts = [
        "# Layers\n",
        f"A spec can name {count} kinds of layers. {SHORT_FORM}\n",
    ]
    for group, kinds in grouped.items():
        page = path_of(group).rpartition("/")[2]
        links = ", ".join(f"[`{kind.name}`]({page}#{anchor(kind.name)})" for kind in kinds)
        parts.append(f"## {GROUPS.get(group, group)}\n\n{links}\n")
    shared = next(iter(grouped["core"])).shared
    parts.append("## Fields of every layer\n")
    parts += [_field(field) for field in shared]
    parts.append("## Not supported\n")
    parts += [f"- `{name}` {plain(reason)}." for name, reason in REFUSED.items()]
    return "\n".join(parts) + "\n"


def _layers(group: str, kinds: Iterable[Kind]) -> str:
    parts = [f"# {GROUPS.get(group, group)}\n", f"{ABOUT.get(group, OF_KERAS)}\n"]
    parts += [_kind(kind) for kind in kinds]
    return "\n".join(parts)


def _page(title: str, found: dict[str, tuple[Kind, ...]]) -> str:
    """A page of one or more families."""
    parts = [f"# {title}\n"]
    for family, kinds in found.items():
        level = "##" if len(found) == 1 else "###"
        if len(found) > 1:
            parts.append(f"## {TITLES[family]}\n")
        shared = kinds[0].shared
        if shared:
            parts.append(f"{level} Fields of all {TITLES[family].lower()}\n")
            parts += [_field(field) for field in shared]
        parts += [_kind(kind, level) for kind in kinds]
    return "\n".join(parts)


def _sections(title: str) -> str:
    parts = [
        f"# {title}\n",
        f"{IN_USE}\n",
    ]
    parts += [_kind(kind) for kind in sections()]
    return "\n".join(parts)


def _kind(kind: Kind, level: str = "##") -> str:
    """One kind: what it computes, and its fields."""
    parts = [f"{level} `{kind.name}` {{ #{anchor(kind.name)} }}\n"]
    if kind.aliases:
        parts.append(f"Also {', '.join(f'`{name}`' for name in kind.aliases)}.\n")
    parts += [f"{plain(text)}\n" for text in kind.text]
    parts += [_field(field) for field in kind.fields]
    return "\n".join(parts)


def _field(field: Field) -> str:
    default = "must be given" if field.default is None else f"by default `{field.default}`"
    return definition(f"`{field.name}`: {plain(field.values)}; {default}", plain(field.text))


def anchor(name: str) -> str:
    """The id of a heading; `ops.add` is `ops-add`."""
    return name.replace(".", "-")
