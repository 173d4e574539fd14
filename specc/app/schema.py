"""`specc schema`."""

from __future__ import annotations

from specc.app.output import show_json


def schema() -> None:
    """Print the JSON Schema of specs.

    Editors complete and validate YAML with it.
    """
    from specc.spec.schema import json_schema

    show_json(json_schema())
