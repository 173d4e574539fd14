"""Short ways to read specs in tests."""

import pytest

from specc.errors import SpecError
from specc.spec.reader import loads

HEAD = "specc: 1\ninputs: {x: [8, 8, 3]}\n"


def read(text, head=HEAD, **options):
    """The spec of a text below a usual head."""
    return loads(head + text, "f.yaml", **options)


def rows(spec, model=None):
    """(name, inputs, layer or call) of every entry, references as they are written."""
    return [
        (
            entry.name,
            None if entry.inputs is None else [written(ref) for ref in entry.inputs],
            entry.layer.written() if entry.layer else f"call {entry.call}",
        )
        for entry in (model or spec.model).entries
    ]


def written(ref):
    return f"{ref.name}[{ref.output}]" if ref.output else ref.name


def problems(text, head=HEAD, **options):
    """The problems of a text as strings without the file."""
    with pytest.raises(SpecError) as caught:
        loads(head + text, "f.yaml", **options)
    return [str(problem).removeprefix("f.yaml:") for problem in caught.value.problems]
