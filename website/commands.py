"""The page about the command line, made from the commands themselves."""

from __future__ import annotations

import inspect
from typing import Any

import typer

from specc.app.commands import app
from website.markdown import definition, plain

PATH = "reference/commands.md"
INTRODUCTION = """\
# Commands

`specc COMMAND --help` says the same. Results go to stdout, problems and progress to stderr; exit
codes are 0 fine, 2 something the user can mend, 1 a bug, 130 interrupted. `-h` and `--help` work
everywhere.
"""


def page() -> str:
    """The whole page."""
    group = typer.main.get_command(app)
    context = group.make_context("specc", [], resilient_parsing=True)
    return "\n".join([INTRODUCTION, *_commands(group, context, "##")])


def _commands(group: Any, context: Any, level: str) -> list[str]:  # noqa: ANN401 - typer's own
    """Every command of a group, then those of groups in it."""
    parts: list[str] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = command.make_context(name, [], parent=context, resilient_parsing=True)
        parts.append(_command(command, inner, level))
        if hasattr(command, "list_commands"):
            parts += _commands(command, inner, f"{level}#")
    return parts


def _command(command: Any, context: Any, level: str) -> str:  # noqa: ANN401 - typer's own
    path = context.command_path
    usage = command.get_usage(context).removeprefix("Usage: ")
    parts = [
        f"{level} `{path}` {{ #{path.removeprefix('specc ').replace(' ', '-')} }}\n",
        f"```text\n{usage}\n```\n",
        *_help(command.help or ""),
    ]
    parts += [
        _parameter(each, context)
        for each in command.get_params(context)
        if not getattr(each, "hidden", False) and each.name != "help"
    ]
    return "\n".join(parts)


def _help(text: str) -> list[str]:
    """Paragraphs; one that begins with a backspace keeps its lines."""
    parts: list[str] = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            kept = inspect.cleandoc(paragraph.removeprefix("\b").strip("\n"))
            parts.append(f"```text\n{kept}\n```\n")
        else:
            parts.append(f"{plain(' '.join(paragraph.split()))}\n")
    return parts


def _parameter(each: Any, context: Any) -> str:  # noqa: ANN401 - typer's own
    """An argument or option with what it takes, its default and its help."""
    names, text = each.get_help_record(context)
    return definition(f"`{names}`", plain(text))
