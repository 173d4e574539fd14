"""Several update rules, each for some of the weights."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from typing_extensions import override

from specc.optimizers.base import AnyOptimizer, Optimizer, only_rule

# Patterns are matched by backtracking: what could take for ever on a long name is refused.
LONGEST, MOST_REPEATS = 200, 4
REPEATED_GROUP = re.compile(r"\)[*+{?]")
REPEAT = re.compile(r"[*+{]")


def _pattern(value: str) -> str:
    wrong = None
    try:
        re.compile(value)
    except re.error as error:
        wrong = str(error)
    if len(value) > LONGEST:
        wrong = f"more than {LONGEST} characters"
    elif REPEATED_GROUP.search(value) or len(REPEAT.findall(value)) > MOST_REPEATS:
        wrong = f"a repeated group, or more than {MOST_REPEATS} repetitions"
    if wrong is not None:
        raise PydanticCustomError(
            "pattern", "expected a weight's name or a regular expression, found {value}: {wrong}",
            {"value": repr(value), "wrong": wrong},
        )  # fmt: skip
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
Rule = Annotated[AnyOptimizer, AfterValidator(only_rule)]


class MultiOptimizer(AnyOptimizer):
    """An update rule for each weight, chosen by its name (`encoder/dense/kernel`).

    The learning rates are no state: nothing but a schedule changes them.

    Source: keras/src/optimizers/multi_optimizer.py (3.15.1).
    """

    default_optimizer: Rule
    """The rule of weights that no pattern matches."""

    optimizer_map: dict[Pattern, Rule] = Field(default_factory=dict[Pattern, Rule])
    """Rules by name, or by a regular expression that matches whole names: `encoder/.*`. A weight
    that is not named may match one of them."""

    loss_scale_factor: Annotated[float, Field(gt=0)] | None = None
    """Factor of the loss that gradients are taken of; those of the rules are without effect."""

    @property
    @override
    def rules(self) -> tuple[Optimizer, ...]:
        every = [self.default_optimizer, *self.optimizer_map.values()]
        return tuple(rule for each in every for rule in each.rules)

    @override
    def rule_of(self, weight: str) -> Optimizer:
        """As of every optimizer.

        Raises:
            ValueError: several patterns match.
        """
        if weight in self.optimizer_map:
            return self.optimizer_map[weight].rule_of(weight)
        found = [p for p in self.optimizer_map if re.fullmatch(p, weight)]
        if len(found) > 1:
            raise ValueError(f"{weight!r} is matched by {' and '.join(map(repr, found))}")
        return (self.optimizer_map[found[0]] if found else self.default_optimizer).rule_of(weight)
