"""mkdocs calls this: pages that are made from the code, and where the navigation has them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
# `mkdocs` is a program of its own: it does not look for modules in the current folder.
sys.path.insert(0, str(ROOT))

from website import commands, kinds, operators, python  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

OPERATORS = "reference/operators.md"
CHANGES = "changes.md"
# The entry of `nav:` that is replaced by the pages about kinds.
PLACE = "kinds"


def made() -> dict[str, str]:
    """Every page that stands in no file, by its path."""
    return {
        **kinds.pages(),
        commands.PATH: commands.page(),
        python.PATH: python.page(),
        OPERATORS: operators.page(),
        CHANGES: (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
    }


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages about kinds where `nav:` says `kinds`."""
    config.nav = _filled(config.nav)
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    for path, text in made().items():
        files.append(File.generated(config, path, content=text))
    return files


def _filled(nav: Any) -> Any:  # noqa: ANN401 - nested lists and mappings of YAML
    if isinstance(nav, dict):
        return {title: _filled(inner) for title, inner in nav.items()}
    if isinstance(nav, list):
        found: list[Any] = []
        for entry in nav:
            found += kinds.navigation() if entry == PLACE else [_filled(entry)]
        return found
    return nav
