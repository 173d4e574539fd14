"""The GitHub Action of the page about tools does what the page says, as far as a shell can tell."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from tests.docs.pages import ROOT, blocks

SPEC = "specc: 1\ninputs: {x: [4]}\nlayers:\n  - dense: 3\n"


@pytest.fixture
def steps():
    """The steps of the documented workflow that run commands."""
    (text,) = [
        block.text
        for block in blocks(ROOT / "docs" / "tools.md")
        if block.kind == "yaml" and block.text.startswith("name: specs")
    ]
    workflow = YAML(typ="safe").load(text)
    assert workflow["on"] == "pull_request"
    (job,) = workflow["jobs"].values()
    assert [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step] == [
        "actions/checkout", "astral-sh/setup-uv",
    ]  # fmt: skip
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A clone with a spec that differs from origin/main, and `specc` on the path."""
    folder = tmp_path / "repository"
    (folder / "specs").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "specc"
    words = shlex.join([sys.executable, str(ROOT / "cli.py")])
    command.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a person")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "person@example.org")
    monkeypatch.chdir(folder)
    spec = folder / "specs" / "small.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    for line in ("init -q", "add .", "commit -qm one", "update-ref refs/remotes/origin/main HEAD"):
        subprocess.run(["git", *line.split()], check=True)
    spec.write_text(SPEC.replace("3", "5"), encoding="utf-8")
    subprocess.run(["git", "commit", "-qam", "two"], check=True)
    return folder


def run(script):
    # As GitHub runs a step: https://docs.github.com/actions, defaults.run.shell of bash.
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)


def test_the_action_tells_what_changes(steps, repository):
    install, *checks = steps
    assert install == "uv tool install specc"
    for script in checks:
        done = run(script)
        assert done.returncode == 0, f"{script}\n{done.stderr}"
    summary = (repository.parent / "summary.md").read_text(encoding="utf-8")
    assert "15" in summary
    assert "25" in summary
    assert "|" in summary


def test_the_action_fails_for_a_wrong_spec(steps, repository):
    (repository / "specs" / "small.yaml").write_text(SPEC + "  - dens: 2\n", encoding="utf-8")
    (check,) = [script for script in steps if script.startswith("specc check")]
    done = run(check)
    assert done.returncode == 2
    assert "did you mean 'dense'" in done.stderr
