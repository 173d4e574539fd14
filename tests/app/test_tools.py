"""What other tools see of the program: JSON, completion, hooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import typer
from ruamel.yaml import YAML

from specc.app.commands import app
from tests.app.console import ROOT, SPECS, invoke

# Commands that print no table: they write a file, or print a text that is one.
WITHOUT = {"init", "plot", "report", "import", "export", "fmt", "schema"}


def test_every_command_that_prints_a_table_prints_json_too():
    commands = typer.main.get_command(app).commands
    options = {name: {o for p in c.params for o in p.opts} for name, c in commands.items()}
    assert {name for name, found in options.items() if "--json" not in found} <= WITHOUT


@pytest.mark.parametrize(
    "line",
    [
        "describe", "describe dense", "describe losses", "check tiny.yaml", "summary tiny.yaml",
        "explain tiny.yaml", "costs tiny.yaml", "compile tiny.yaml -o OUT/compiled",
        "bench tiny.yaml --rounds 1", "data tiny.yaml", "train tiny.yaml -o OUT/run",
        "evaluate run", "run run x.npy", "rate tiny.yaml --steps 4", "runs run",
        "reproduce run -o OUT/again", "diff tiny.yaml run/spec.yaml", "doctor",
    ],
)  # fmt: skip
def test_json_is_all_that_stdout_gets(trained, tmp_path, monkeypatch, line):
    monkeypatch.chdir(trained)
    result = invoke(*line.replace("OUT", str(tmp_path)).split(), "--json")
    assert result.exit_code == 0, result.stderr
    assert isinstance(json.loads(result.stdout), dict | list)


def test_explanations_as_data_are_those_of_the_text():
    found = json.loads(invoke("explain", SPECS / "lenet5.yaml", "--json").stdout)
    text = invoke("explain", SPECS / "lenet5.yaml").stdout
    assert len(found) == text.count("\n\n")
    for layer in found:
        assert f"{layer['name']} ({layer['type']})" in text
        assert all(line["text"] in text and line["label"] in text for line in layer["lines"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("specc su", ["summary"]),
        ("specc summary --form", ["--format"]),
        ("specc summary --format ", ["keras", "keras2", "json", "markdown"]),
        ("specc train --device ", ["cpu", "cuda"]),
        ("specc describe conv2d", ["conv2d", "conv2d_transpose"]),
        ("specc describe learning_rate_po", ["learning_rate_power"]),
    ],
)
def test_the_shell_completes(words, expected):
    environment = {
        **os.environ, "_SPECC_COMPLETE": "complete_bash", "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli.py")], env=environment, capture_output=True, check=False,
        encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == expected


def test_hooks_are_commands_that_accept_the_specs():
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-hooks.yaml")
    assert [hook["id"] for hook in hooks] == ["specc-check", "specc-fmt"]
    specs = sorted(SPECS.glob("*.yaml"))
    for hook in hooks:
        name, command = hook["entry"].split()
        assert name == "specc"
        extra = ["--check"] if command == "fmt" else []
        assert invoke(command, *extra, *specs).exit_code == 0


def test_help_names_what_is_taken_in_no_language():
    """Every command: no type of Python, and an example of each rule."""
    commands = sorted(typer.main.get_command(app).commands)
    pages = {name: invoke(name, "--help").stdout for name in commands}
    pages["export keras"] = invoke("export", "keras", "--help").stdout
    for page in pages.values():
        assert not re.search(r"<[^<>]+>", page), page
    assert "  --threads INTEGER " in pages["train"]
    assert "  --max-minutes NUMBER " in pages["train"]
    assert "  --device cpu|cuda " in pages["train"]
    assert "  SPEC  A spec, for example" in pages["train"]
    assert re.search(r"  --steps INTEGER +How many rates are tried", pages["rate"])
    assert "  -o, --output FILE " in pages["export keras"]
