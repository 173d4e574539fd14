"""Every command, snippet and spec that the pages show is run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from specc.app.commands import app
from specc.network import build
from specc.spec.reader import loads
from tests.docs.pages import PAGES, ROOT, agrees, blocks, commands

KINDS = {"python", "console", "yaml", "text", "text floors", "json"}
# Runs [line, code] pairs from stdin in one namespace; line numbers of tracebacks are the page's.
DRIVER = """
import json, sys
names = {"__name__": "__main__"}
for line, code in json.load(sys.stdin):
    exec(compile("\\n" * (line - 1) + code, sys.argv[1], "exec"), names)
    print("\\x1f")
"""
# What makes a spec of a part of one.
COMPLETION = {
    "specc": "specc: 1",
    "inputs": "inputs: {image: [8, 8, 3]}",
    "layers": "layers: [flatten, {dense: {units: 10, activation: softmax}}]",
}


def page_id(page: Path) -> str:
    return page.name


pages = pytest.mark.parametrize("page", PAGES, ids=page_id)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of its own with the specs of the repository in it."""
    (tmp_path / "specs").symlink_to(ROOT / "specs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pages
def test_blocks_are_of_known_kinds(page):
    assert [(block.name, block.kind) for block in blocks(page) if block.kind not in KINDS] == []


@pages
def test_python(page, place):
    """All Python of a page, in order, in an interpreter of its own: pages define layers."""
    found = blocks(page)
    chosen = [i for i, block in enumerate(found) if block.kind == "python" and not block.excused]
    if not chosen:
        pytest.skip("no Python on this page")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRIVER, page.name],
        input=json.dumps([(found[i].line, found[i].text) for i in chosen]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for i, output in zip(chosen, done.stdout.split("\x1f\n"), strict=False):
        after = found[i + 1] if i + 1 < len(found) else None
        if after is not None and after.kind == "text" and after.below:
            assert agrees(after.text, output), f"{found[i].name} prints\n{output}"


@pages
def test_commands(page, place):
    """All commands of a page, in order, in one folder."""
    chosen = [block for block in blocks(page) if block.kind == "console" and not block.excused]
    if not chosen:
        pytest.skip("no commands on this page")
    for block in blocks(page):
        if block.file:
            (place / block.file).write_text(block.text, encoding="utf-8")
    runner = CliRunner()
    for block in chosen:
        for command, documented in commands(block):
            name, *arguments = shlex.split(command.removeprefix("uv run "), comments=True)
            assert name == "specc", f"{block.name}: say why {command!r} is not run"
            result = runner.invoke(app, arguments, prog_name="specc")
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                raise result.exception
            # A terminal shows both; a page shows problems or progress before or after the result.
            orders = [result.stdout + result.stderr, result.stderr + result.stdout]
            message = f"{block.name}: {command} prints\n{orders[0]}"
            assert any(agrees(documented, order) for order in orders), message


@pages
def test_specs(page):
    """Specs load; what a page shows of one is completed to a whole."""
    chosen = [block for block in blocks(page) if block.kind == "yaml" and not block.excused]
    if not chosen:
        pytest.skip("no YAML on this page")
    for block in chosen:
        keys = set(re.findall(r"^(\w+):", block.text, re.MULTILINE))
        missing = [line for key, line in COMPLETION.items() if key not in keys]
        text = "\n" * (block.line - 1) + "\n".join([block.text.rstrip(), *missing])
        build(loads(text, block.page.name))
