"""The site's pages that are made from the code say all that there is, and lead to each other."""

from __future__ import annotations

import re

import pytest
import typer
from ruamel.yaml import YAML

import specc
from specc.app.commands import app
from specc.autodiff import flat_ops, rules
from specc.layers import Layer
from specc.reference import Kind, described, families, members
from tests.docs.pages import ROOT
from website import commands, kinds, operators, python
from website.markdown import definition, plain

CONFIG = YAML(typ="safe").load(ROOT / "mkdocs.yml")
KINDS = kinds.pages()
MADE = {
    *KINDS, commands.PATH, python.PATH, "reference/operators.md", "changes.md",
}  # fmt: skip


def test_every_kind_has_a_heading_and_its_fields():
    text = {path: "\n".join(page.splitlines()) for path, page in KINDS.items()}
    for key, kind in Layer.kinds().items():
        page = text[kinds.path_of(kinds.group_of(kind))]
        assert f"## `{key}` {{ #{kinds.anchor(key)} }}" in page
        start = page.index(f"## `{key}` {{")
        own = page[start : page.find("\n## ", start + 1)]
        assert all(f"`{field.name}`: " in own for field in described(kind).fields), key
    others = "\n".join(page for path, page in text.items() if "/layers/" not in path)
    found = [kind for family, each in families().items() if family != "layer" for kind in each]
    assert [kind.name for kind in found if f"# `{kind.name}` {{" not in others] == []


def test_layers_of_keras_are_grouped_as_in_keras():
    groups = {key: kinds.group_of(kind) for key, kind in Layer.kinds().items()}
    assert set(groups.values()) == set(kinds.GROUPS)
    assert groups["conv2d"] == "convolutional"
    assert groups["lstm"] == "rnn"
    assert groups["random_flip"] == "preprocessing/image_preprocessing"
    assert groups["ops.add"] == "operations"
    assert groups["maxout"] == "beyond"


def test_the_overview_leads_to_every_layer():
    overview = KINDS["reference/layers/index.md"]
    links = re.findall(r"\[`([\w.]+)`\]\((\w+\.md)#([\w-]+)\)", overview)
    assert {name for name, _, _ in links} == set(Layer.kinds())
    for _, page, anchor in links:
        assert f"{{ #{anchor} }}" in KINDS[f"reference/layers/{page}"]


def test_every_command_with_its_options():
    page = commands.page()
    group = typer.main.get_command(app)
    for name, command in group.commands.items():
        assert f"## `specc {name}`" in page
        start = page.index(f"## `specc {name}`")
        own = page[start : page.find("\n## ", start + 1)]
        for each in command.params:
            assert each.opts[0] in own or f"`{each.metavar}" in own, f"{name}: {each.name}"
    assert "### `specc export keras` { #export-keras }" in page
    assert 'git config diff.specc.textconv "specc diff --textconv"\n' in page


def test_every_public_name_with_its_arguments():
    page = python.page()
    for name in specc.__all__:
        assert name.startswith("_") or f"`specc.{name}`" in page
    assert "### `fit`" in page
    assert (
        "costs: KernelCosts | None = None,\n    internal: InternalOps | None = None,\n) -> Bundle"
        in page
    )
    assert "**Arguments**\n\n`spec`\n:   from `specc.load`" in page


def test_every_operator():
    page = operators.page()
    assert [op for op in [*rules(), *flat_ops()] if f"`{op}`" not in page] == []


def listed(nav):
    """Every page in a navigation."""
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from listed(value) if isinstance(value, list) else [value]


def test_the_navigation_has_every_page():
    own = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    found = [path for path in listed(CONFIG["nav"]) if path != "kinds"]
    found += listed(kinds.navigation())
    assert sorted(found) == sorted(own | MADE)


def test_nothing_is_fetched_from_elsewhere():
    assert CONFIG["theme"]["font"] is False
    assert all(
        "://" not in each for key in ("extra_css", "extra_javascript") for each in CONFIG[key]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x * W + b", r"x \* W + b"),
        ("`x * W` and [0, 1]", r"`x * W` and \[0, 1\]"),
        ("p < 1_000", r"p \< 1\_000"),
    ],
)
def test_formulas_stand_for_themselves(text, expected):
    assert plain(text) == expected
    assert definition("`a`", "one", "", "two") == "`a`\n:   one\n\n    two\n"


def test_kinds_are_told_once():
    assert isinstance(families()["loss"][0], Kind)
    assert {name for name in families() if name != "activation"} == set(members())
