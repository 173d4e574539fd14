"""The page of layers; `python -m tests.docs.layers` writes it.

What it says stands in the classes: the first line of each docstring, the fields, their defaults.
"""

from __future__ import annotations

import json
import textwrap

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from specc.layer import REFUSED
from specc.layers import Layer
from specc.layers.operations import Operation
from tests.docs.pages import ROOT
from tests.layers.test_registry import BEYOND, PRIVATE

PAGE = ROOT / "docs" / "layers.md"
INTRODUCTION = """\
# Layers

<!-- Made by `python -m tests.docs.layers` from the classes; a test compares. -->

Every kind of layer that a spec can name: what it computes, and its fields with their defaults, in
the order in which `specc schema` has them; a field without a default must be given. A scalar or a
list behind a layer's name sets the first field ([spec-language.md](spec-language.md)). What every
field means stands in the JSON Schema, which editors show, and in the class.

Every layer also has `trainable: true` and `activity_regularizer: null`.
"""
SECTIONS = {
    "Layers of Keras": "Fields, defaults and numbers are those of Keras 3.",
    "Beyond Keras": "Layers of other systems; each class names its source.",
    "Layers inside keras.applications": (
        "Keras registers these classes with the models of keras.applications only."
    ),
    "Operations": (
        "What functional Keras models hold between layers, keras.ops: one name each, `ops.add`."
        " Constants stand in the fields."
    ),
}


def section_of(kind: type[Layer]) -> str:
    """Where a kind stands on the page."""
    if issubclass(kind, Operation):
        return "Operations"
    if kind.__name__ in PRIVATE:
        return "Layers inside keras.applications"
    return "Beyond Keras" if kind.__name__ in BEYOND else "Layers of Keras"


def page() -> str:
    """The whole page."""
    kinds = Layer.kinds()
    parts = [INTRODUCTION]
    for section, text in SECTIONS.items():
        own = [kind for kind in kinds.values() if section_of(kind) == section]
        parts += [f"## {section}\n", _filled(f"{len(own)} kinds. {text}") + "\n"]
        parts += [_entry(kind) for kind in own]
    parts.append("## Not supported\n")
    parts += [_filled(f"- `{name}` {reason}.") + "\n" for name, reason in REFUSED.items()]
    return "\n".join(parts)


def _entry(kind: type[Layer]) -> str:
    names = ", ".join(f"`{name}`" for name in (kind.key, *kind.aliases))
    parts = (kind.__doc__ or "").splitlines()[0].split("`")
    text = "`".join(p if i % 2 else p.replace("*", "\\*") for i, p in enumerate(parts))
    fields = [
        f"`{_field(name, field)}`"
        for name, field in kind.model_fields.items()
        if name not in Layer.model_fields
    ]
    lines = [f"- {names}: {text}"] + ([" · ".join(fields)] if fields else [])
    filled = "\n".join(_filled(line, indent="  ") for line in lines)
    return filled.removeprefix("  ") + "\n"


def _field(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return name
    adapter = TypeAdapter(field.rebuild_annotation())
    default = adapter.dump_python(field.default, mode="json")
    return f"{name}: {json.dumps(default) if not isinstance(default, str) else default}"


def _filled(text: str, width: int = 100, indent: str = "") -> str:
    # A field and its default stay on one line.
    glued = "".join(
        part.replace(" ", "\N{NO-BREAK SPACE}") if i % 2 else part
        for i, part in enumerate(text.split("`"))
        for part in ([f"`{part}`"] if i % 2 else [part])
    )
    filled = textwrap.fill(
        glued, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip
    return filled.replace("\N{NO-BREAK SPACE}", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
