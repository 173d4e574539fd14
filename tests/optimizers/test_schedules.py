"""Schedules against rates that Keras computed (tests/frozen/make_optimizers.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from specc import primitives as ops
from specc.compiler.rates import rate_program
from specc.family import snake_case
from specc.optimizers import Optimizer, Schedule
from specc.primitives import Trace
from specc.session import Runner
from tests.numpy_primitives import evaluate

CASES = json.loads((Path(__file__).parents[1] / "frozen" / "schedules.json").read_text())
IDS = [f"{i}-{snake_case(case['class'])}" for i, case in enumerate(CASES)]


def schedule_of(case):
    return Schedule.parse({snake_case(case["class"]): case["fields"]})


def rates(schedule, steps):
    trace = Trace()
    step = ops.graph_input(trace, "step", (), "float32")
    rate = schedule.at(step)
    assert rate.shape == ()
    return [float(evaluate([rate], {step: np.float32(t)})[0]) for t in steps]


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_rates_are_those_of_keras(case):
    found = rates(schedule_of(case), case["steps"])
    np.testing.assert_allclose(found, case["rates"], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_programs_that_show_a_rate_say_what_keras_does(case):
    shown = Runner(rate_program(schedule_of(case)), threads=1)
    found = [float(shown.run({"iterations": np.array(t)})["learning_rate"]) for t in case["steps"]]
    np.testing.assert_allclose(found, case["rates"], rtol=1e-5, atol=1e-7)


def test_every_schedule_has_a_case():
    assert {type(schedule_of(case)) for case in CASES} == set(Schedule.kinds().values())


def test_restarts_begin_exactly_where_a_period_ends():
    """Oracle: starts 0, 10, 30, 70, ... of doubling periods, where the rate is whole again."""
    schedule = Schedule.parse(
        {"cosine_decay_restarts": {"initial_learning_rate": 1.0, "first_decay_steps": 10}}
    )
    starts = [10 * (2**i - 1) for i in range(16)]
    np.testing.assert_allclose(rates(schedule, starts), 1.0, atol=1e-4)


@pytest.mark.parametrize(
    ("written", "match"),
    [
        ({"piecewise_constant_decay": {"boundaries": [1], "values": [0.1]}}, "one value more"),
        (
            {"piecewise_constant_decay": {"boundaries": [3, 1], "values": [0.1, 0.2, 0.3]}},
            "ascending",
        ),
        ({"cosine_decay": {"initial_learning_rate": 0.1, "decay_steps": 0}}, "greater than 0"),
    ],
)
def test_wrong_fields_are_refused(written, match):
    with pytest.raises(ValueError, match=match):
        Schedule.parse(written)


def test_an_optimizer_takes_a_schedule_as_its_rate():
    written = {
        "exponential_decay": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5}
    }
    optimizer = Optimizer.parse({"sgd": {"learning_rate": written}})
    assert isinstance(optimizer.learning_rate, Schedule)
    assert Optimizer.parse(optimizer.written()) == optimizer
