"""Candidates take turns, and what their first calls of a turn do does not count.

Oracle: a clock that only the candidates move.
"""

from __future__ import annotations

import pytest

from specc.bench import timing


class Clock:
    """Time that passes when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns: list[str] = []

    def worker(self, name: str, seconds: list[float]):
        """Takes these times in turn, over and over."""
        calls = 0

        def work() -> None:
            nonlocal calls
            self.now += seconds[calls % len(seconds)]
            calls += 1
            if self.turns[-1:] != [name]:
                self.turns.append(name)

        return work


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(timing.time, "perf_counter", lambda: made.now)
    return made


def test_times_of_candidates_that_take_turns(clock):
    slow, fast = clock.worker("slow", [3.0]), clock.worker("fast", [0.5, 0.75, 0.5])
    first, second = timing.alternate([slow, fast], rounds=4, seconds=3.0)
    assert clock.turns == ["slow", "fast"] * 5  # once to warm up
    assert first.medians == [3.0] * 4
    assert [sum(calls) >= 3.0 for calls in second.rounds] == [True] * 4
    assert (second.median, second.least) == (0.5, 0.5)
    assert first.to_dict() == {"median": 3e3, "least": 3e3, "low": 3e3, "high": 3e3}


def test_the_start_of_a_turn_does_not_count(clock):
    # Every turn begins with a call of 9 s, and settles in a hundredth of it.
    clock.now = 0.0
    (found,) = timing.alternate([clock.worker("one", [0.0, 9.0, 1.0, 1.0])], rounds=1, seconds=2.0)
    assert found.rounds == [[1.0, 1.0]]
    assert (found.median, found.least) == (1.0, 1.0)


def test_a_call_is_made_even_in_no_time(clock):
    (found,) = timing.alternate([clock.worker("one", [2.0])], rounds=1, seconds=0.0)
    assert found.rounds == [[2.0]]
