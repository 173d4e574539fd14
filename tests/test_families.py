"""What holds for every family of things that a spec names."""

from __future__ import annotations

import pytest

from specc.callbacks import Callback
from specc.constraints import Constraint
from specc.data.columns import Column
from specc.data.source import Source
from specc.data.splits import Split
from specc.data.tokens import Tokens
from specc.docs import field_docs
from specc.family import Member
from specc.initializers import Initializer
from specc.losses import Loss
from specc.metrics import Metric
from specc.optimizers import AnyOptimizer, Schedule
from specc.regularizers import Regularizer

FAMILIES = [Loss, Metric, AnyOptimizer, Schedule, Initializer, Regularizer, Constraint]
FAMILIES += [Callback, Column, Source, Split, Tokens]
KINDS = [kind for family in FAMILIES for kind in family.kinds().values()]
IDS = [f"{kind.family_name}-{kind.key}" for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_every_kind_and_field_is_described(kind: type[Member]):
    """The schema, the reference pages and an editor's hints show these texts."""
    assert kind.__doc__
    assert set(field_docs(kind)) == set(kind.model_fields)


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_the_bare_name_is_written_for_a_member_of_defaults(kind: type[Member]):
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    if needed:
        with pytest.raises(ValueError, match=needed[0]):
            kind.parse(kind.key)
    else:
        assert kind.parse(kind.key).written() == kind.key
