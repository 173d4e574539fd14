"""A schedule as a program of its own, for what shows the learning rate between two steps.

Training graphs hold their schedule; that they gave the rate out too would cost every step an
output, for a number that is wanted once an epoch.
"""

from __future__ import annotations

from specc.compiler.builder import Builder
from specc.compiler.program import Program
from specc.compiler.state import ITERATIONS, LEARNING_RATE
from specc.optimizers.schedules import Schedule
from specc.primitives import Trace, cast, graph_input
from specc.targets.layout import plain
from specc.targets.storage import Packed
from specc.targets.target import target


def rate_program(schedule: Schedule) -> Program:
    """The learning rate of the step that follows `iterations` others.

    Shapes: iterations () int64, learning_rate () float32.
    """
    portable = target("portable")
    b, trace = Builder(portable, {}, portable.opset), Trace()
    step = graph_input(trace, ITERATIONS, (), "int64")
    rate = schedule.at(cast(step, trace.floatx))
    b.declare([step])
    (made,) = b.realiser(Packed({}), gradients=False).realise([rate])
    b.output(LEARNING_RATE, plain(made, ()), "output")
    return b.program(LEARNING_RATE, {})
