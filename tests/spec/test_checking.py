"""pydantic's errors in the words of specs, for field types that no section uses yet."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from specc.spec import checking
from specc.spec.document import read
from specc.spec.nodes import Scalar
from specc.spec.problems import Problems


class Section(BaseModel, extra="forbid"):
    word: Literal["valid", "same"] = "valid"
    pair: Annotated[list[int], Field(min_length=2, max_length=3)] = [1, 2]
    either: int | list[int] | None = None
    deep: dict[str, list[float | bool]] = {}
    even: int = 2
    text: str | None = None

    @field_validator("even")
    @classmethod
    def check_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"{value} is odd; use an even number")
        return value


class Nothing(BaseModel, extra="forbid"):
    """A section without fields."""


def messages(text, model=Section):
    problems = Problems()
    node = read(text, "f", problems)
    assert node is not None
    assert checking.section(model, node, Scalar("s"), "s", problems) is None
    return [str(problem).removeprefix("f:") for problem in problems.found]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{word: vaild}", "1:8: s.word: expected 'valid' or 'same', found 'vaild'; did you"),
        ("{word: xyz}", "1:8: s.word: expected 'valid' or 'same', found 'xyz'"),
        ("{word: 3}", "1:8: s.word: expected 'valid' or 'same', found 3"),
        ("{pair: [1]}", "1:8: s.pair: expected at least 2 values, found 1"),
        ("{pair: [1, 2, 3, 4]}", "1:8: s.pair: expected at most 3 values, found 4"),
        ("{pair: [1, x]}", "1:12: s.pair[1]: expected an integer, found 'x'"),
        ("{pair: [1, '2']}", "1:12: s.pair[1]: expected a number, found '2'; remove the quotes"),
        ("{either: x}", "1:10: s.either: expected an integer or a list, found 'x'"),
        ("{either: [1, x]}", "1:14: s.either[1]: expected an integer, found 'x'"),
        ("{either: '3'}", "1:10: s.either: expected a number, found '3'; remove the quotes"),
        ("{deep: {a: [1, x]}}", "1:16: s.deep.a[1]: expected a number or true or false, found 'x'"),
        ("{deep: {a: [yes]}}", "1:13: s.deep.a[0]: expected true or false, found 'yes'; yes"),
        ("{even: 3}", "1:8: s.even: 3 is odd; use an even number"),
        ("{text: 3}", "1:8: s.text: expected text, found 3"),
        ("{text: [a]}", "1:8: s.text: expected text, found a list"),
        ("{text: {a: 1}}", "1:8: s.text: expected text, found a mapping"),
    ],
)  # fmt: skip
def test_messages(text, message):
    (found,) = messages(text)
    assert found.startswith(message)


def test_a_section_without_fields():
    assert messages("{a: 1}", Nothing) == ["1:2: s.a: unknown field 'a'; there are none here"]


def test_what_is_right_comes_back():
    problems = Problems()
    node = read("{word: same, pair: [3, 4], either: [1], deep: {a: [1.5, true]}}", "f", problems)
    assert node is not None
    made = checking.section(Section, node, Scalar("s"), "s", problems)
    assert made == Section(word="same", pair=[3, 4], either=[1], deep={"a": [1.5, True]})
    assert not problems.found
