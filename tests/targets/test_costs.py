"""Constants of the cost model: their canonical form, their hash, what they refuse."""

from __future__ import annotations

import hashlib
import math

import pytest

from specc.errors import CompileError
from specc.targets.costs import DEFAULT, KernelCosts
from specc.targets.target import target


def test_the_defaults_are_fixed():
    # Whoever changes one changes the bytes of everything that is compiled for `cpu`.
    assert DEFAULT.json == '{"gathered":37.0,"transformed":27.0,"worth":0.9}'


def test_equal_constants_have_equal_hashes():
    whole, exact = KernelCosts(gathered=40), KernelCosts(gathered=40.0)
    assert whole == exact
    assert whole.sha256 == exact.sha256 == hashlib.sha256(exact.json.encode()).hexdigest()
    assert whole.sha256 != DEFAULT.sha256


def test_constants_come_back_from_their_dictionary():
    costs = KernelCosts(1 / 3, 1e-7, 1e9)
    assert KernelCosts.of(costs.to_dict()) == costs


@pytest.mark.parametrize("value", [0, -1.5, math.inf, math.nan, "37", None, True])
def test_constants_are_positive_numbers(value):
    with pytest.raises(CompileError, match="costs: gathered: expected a positive number"):
        KernelCosts.of({**DEFAULT.to_dict(), "gathered": value})


@pytest.mark.parametrize("values", [None, [], {}, {"gathered": 1.0}, {**DEFAULT.to_dict(), "b": 1}])
def test_all_constants_must_be_there_and_no_others(values):
    with pytest.raises(CompileError, match="costs: expected gathered, transformed, worth"):
        KernelCosts.of(values)


def test_targets_that_choose_nothing_take_no_costs():
    assert target("cpu").costs is None
    assert target("cpu", DEFAULT).costs is DEFAULT
    for name in ("portable", "cuda"):
        with pytest.raises(CompileError, match=f"target {name}: expected cpu"):
            target(name, DEFAULT)
