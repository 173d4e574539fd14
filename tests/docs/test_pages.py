"""Every command, snippet and spec that the pages show is run."""

from __future__ import annotations

import re
import shlex
from itertools import zip_longest
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specc.app.commands import app
from specc.network import build
from specc.spec.reader import loads
from tests.docs.interpreter import Interpreter
from tests.docs.pages import FENCE, PAGES, ROOT, Block, agrees, blocks, commands

# Some blocks are for other programs than ours, so each says why it is not run.
KINDS = {"python", "console", "sh", "yaml", "text", "json", "js", "html"}
OTHERS = {"sh", "js", "html"}
# What makes a spec of a part of one.
COMPLETION = {
    "specc": "specc: 1",
    "inputs": "inputs: {image: [8, 8, 3]}",
    "layers": "layers: [flatten, {dense: {units: 10, activation: softmax}}]",
}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of its own with the specs of the repository in it."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pages
def test_blocks_are_of_known_kinds(page):
    found = blocks(page)
    assert [(block.name, block.kind) for block in found if block.kind not in KINDS] == []
    others = [block for block in found if block.kind in OTHERS]
    assert [block.name for block in others if not block.excused] == []


@pages
def test_what_a_page_shows_is_so(page: Path, place: Path):
    """Snippets and commands of a page in their order, in one folder and one interpreter."""
    interpreter = Interpreter(page.name, place)
    found = blocks(page)
    try:
        for block, after in zip_longest(found, found[1:]):
            if block.file:
                (place / block.file).write_text(block.text, encoding="utf-8")
            if block.excused:
                continue
            if block.kind == "python":
                output = interpreter.run(block.line, block.text)
                if after is not None and after.kind == "text" and after.below:
                    assert agrees(after.text, output), f"{block.name} prints\n{output}"
            elif block.kind == "console":
                check_commands(block)
    finally:
        interpreter.close()


def check_commands(block: Block) -> None:
    runner = CliRunner()
    for command, documented in commands(block):
        name, *arguments = shlex.split(command.removeprefix("uv run "), comments=True)
        assert name == "specc", f"{block.name}: say why {command!r} is not run"
        result = runner.invoke(app, arguments, prog_name="specc")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        # As on a terminal; or with problems and progress before or after the result.
        both = [result.stdout, result.stderr]
        orders = [result.output, "".join(both), "".join(reversed(both))]
        message = f"{block.name}: {command} prints\n{orders[0]}"
        assert any(agrees(documented, order) for order in orders), message


@pages
def test_specs(page):
    """Specs load; what a page shows of one is completed to a whole."""
    for block in blocks(page):
        if block.kind == "yaml" and not block.excused:
            keys = set(re.findall(r"^(\w+):", block.text, re.MULTILINE))
            missing = [line for key, line in COMPLETION.items() if key not in keys]
            text = "\n" * (block.line - 1) + "\n".join([block.text.rstrip(), *missing])
            build(loads(text, block.page.name))


@pages
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#\s]+)", text)
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []
