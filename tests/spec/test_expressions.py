"""Arithmetic of `${...}`. The oracle is Python's own evaluation of the same text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.spec.expressions import LONGEST, ExpressionError, evaluate, fill

SCOPE = {"filters": 64, "s": 2, "rate": 0.25, "act": "relu", "shape": [3, 3], "flag": True}

NUMBERS = st.one_of(
    st.integers(0, 50).map(str),
    st.sampled_from(["filters", "s", "rate", "1.5", ".5", "2e1"]),
)


def combined(inner):
    pair = st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "/", "%"]), inner)
    compare = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    choice = st.tuples(inner, inner, compare, inner, inner)
    return st.one_of(
        pair.map(lambda p: f"{p[0]} {p[1]} {p[2]}"),
        inner.map(lambda e: f"({e})"),
        inner.map(lambda e: f"-({e})"),
        st.tuples(inner, inner).map(lambda p: f"min({p[0]}, {p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"max({', '.join(p)})"),
        choice.map(lambda p: f"({p[0]} if ({p[1]}) {p[2]} ({p[3]}) else {p[4]})"),
    )


@given(st.recursive(NUMBERS, combined, max_leaves=6))
def test_values_are_those_of_python(text):
    if len(text) > LONGEST:
        return
    try:
        expected = eval(text, {"__builtins__": {}, "min": min, "max": max}, dict(SCOPE))  # noqa: S307
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="divides by zero"):
            evaluate(text, SCOPE)
        return
    found = evaluate(text, SCOPE)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${filters}", 64), ("${ filters*4 }", 256), ("${filters // 3}", 21), ("${7 / 2}", 3.5),
        ("${s > 1}", True), ("${1 if s != 1 else 2}", 1), ("${s // 0 if s == 1 else 9}", 9),
        ("conv_${s}", "conv_2"), ("${s}x${rate}", "2x0.25"), ("is_${flag}", "is_true"),
        ("${act}", "relu"), ("x_${act}", "x_relu"), ("${act == act}", True),
        ("${shape}", [3, 3]), ("${--s}", 2), ("${-s}", -2), ("plain", "plain"), ("$5", "$5"),
    ],
)  # fmt: skip
def test_whole_values_keep_their_type(text, value):
    assert fill(text, SCOPE) == value
    assert type(fill(text, SCOPE)) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${x}", "'x' is not known here; valid: act, filters"),
        ("${filter}", "did you mean 'filters'?"),
        ("${2 ** 3}", "unexpected '\\*'"),
        ("${__import__('os')}", "only \\+ - \\* // / % min max"),
        ("${s.real}", "'.' in 's.real'"),
        ("${[1]}", "'\\[' in"),
        ("${s s}", "unexpected 's'"),
        ("${1 < s < 3}", "unexpected '<'"),
        ("${s if s else 1}", "is no comparison"),
        ("${act + 1}", "'relu' in 'act \\+ 1' is not a number"),
        ("${flag + 1}", "True in .* is not a number"),
        ("${act < 1}", "is not a number"),
        ("${}", "an empty"),
        ("${", "\\$\\{ without its }"),
        ("a ${s} ${", "without its }"),
        ("${1 +}", "unexpected the end"),
        ("${(1}", "unexpected the end in '\\(1', expected '\\)'"),
        ("${1 % 0}", "divides by zero"),
        ("${9999999999 * 9999999999}", "beyond 64-bit"),
        ("${1e308 * 1e10}", "beyond 64-bit"),
        ("${99999999999999999999999999999999999999999999}", "beyond 64-bit"),
        ("${9000000000000000000 / 1e-320}", "beyond 64-bit"),
        ("${" + "(" * 30 + "1" + ")" * 30 + "}", "nested deeper"),
        ("${" + "1+" * 200 + "1}", "at most 200 characters"),
        ("${min()}", "unexpected '\\)'"),
        ("${else}", "unexpected 'else'"),
        ("${1 if 2 > 1}", "expected 'else'"),
        ("x${shape}", "cannot stand inside text"),
    ],
)  # fmt: skip
def test_nothing_else_is_allowed(text, message):
    with pytest.raises(ExpressionError, match=message):
        fill(text, SCOPE)


def test_without_arguments_the_message_says_where_they_are():
    with pytest.raises(ExpressionError, match="only a block's arguments and a repeat's i are"):
        fill("${f}", {})
