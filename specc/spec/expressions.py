"""`${...}`: restricted arithmetic on a block's arguments. A parser of its own; nothing is executed.

    value      = choice
    choice     = comparison [ "if" comparison "else" choice ]
    comparison = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
    sum        = product { ("+" | "-") product }
    product    = unary { ("*" | "//" | "/" | "%") unary }
    unary      = { "+" | "-" } atom
    atom       = number | name | ("min" | "max") "(" value { "," value } ")" | "(" value ")"

Operators mean what they mean in Python; `7 / 2` is 3.5 and `7 // 2` is 3.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from specc.errors import nearest
from specc.spec.scalars import LARGEST, MOST_DIGITS

Scope: TypeAlias = Mapping[str, object]
Number: TypeAlias = int | float
Rule: TypeAlias = Callable[[Scope], object]
Operation: TypeAlias = Callable[[Number, Number], Number]

LONGEST = 200
MOST_NESTED = 20
FUNCTIONS: dict[str, Callable[[list[Number]], Number]] = {"min": min, "max": max}
WORDS = frozenset({*FUNCTIONS, "if", "else"})
EQUALITIES: dict[str, Callable[[object, object], bool]] = {"==": operator.eq, "!=": operator.ne}
ORDERS: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
SUMS: dict[str, Operation] = {"+": operator.add, "-": operator.sub}
PRODUCTS: dict[str, Operation] = {
    "*": operator.mul, "/": lambda a, b: a / b, "//": lambda a, b: a // b, "%": operator.mod,
}  # fmt: skip
TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>//|==|!=|<=|>=|[-+*/%<>(),]))"
)
EMBEDDED = re.compile(r"\$\{([^{}]*)\}")


class ExpressionError(ValueError):
    """An expression that cannot be read or computed; the message says why."""


def has_expression(text: str) -> bool:
    """Whether `text` holds `${`."""
    return "${" in text


def fill(text: str, scope: Scope) -> object:
    """`text` with every `${...}` computed. One that is the whole text keeps its value's type.

    Raises:
        ExpressionError: unreadable, an unknown name, or a result that is no value.
    """
    whole = EMBEDDED.fullmatch(text)
    if whole:
        return evaluate(whole[1], scope)
    filled = EMBEDDED.sub(lambda match: _text(evaluate(match[1], scope)), text)
    rest = EMBEDDED.sub("", text)
    if has_expression(rest):
        raise ExpressionError(f"{text!r}: ${{ without its }}")
    return filled


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        return str(value)
    raise ExpressionError(f"{value!r} cannot stand inside text")


def evaluate(text: str, scope: Scope) -> object:
    """The value of one expression (the text between the braces).

    Raises:
        ExpressionError: as `fill`.
    """
    rule, names = compiled(text)
    for name in names:
        if name not in scope:
            known = nearest(name, scope) or " only a block's arguments and a repeat's i are"
            raise ExpressionError(f"{name!r} is not known here;{known}")
    return rule(scope)


@lru_cache(maxsize=4096)
def compiled(text: str) -> tuple[Rule, tuple[str, ...]]:
    """An expression as a function of the scope, and the names that it reads.

    Raises:
        ExpressionError: too long, too deep, or not of the grammar.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression has at most {LONGEST} characters, this {len(text)}")
    parser = _Parser(text)
    return parser.whole(), tuple(dict.fromkeys(parser.names))


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(
                f"{text[at:].strip()[0]!r} in {text!r}: only + - * // / % min max, comparisons,"
                " `a if b else c`, names and numbers may stand here"
            )
        found.append(match[0].strip())
        at = match.end()
    return found


class _Parser:
    """Recursive descent over the grammar; every method returns a function of the scope."""

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0

    def whole(self) -> Rule:
        if not self._tokens:
            raise ExpressionError("an empty ${}; write a value between the braces")
        rule = self._choice()
        if self._at < len(self._tokens):
            raise self._unexpected()
        return rule

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if token and token in wanted:
            self._at += 1
            return token
        return ""

    def _need(self, wanted: str) -> None:
        if not self._take(wanted):
            raise self._unexpected(f", expected {wanted!r}")

    def _unexpected(self, more: str = "") -> ExpressionError:
        found = repr(self._next()) if self._next() else "the end"
        return ExpressionError(f"unexpected {found} in {self._text!r}{more}")

    def _choice(self) -> Rule:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise ExpressionError(f"{self._text!r} is nested deeper than {MOST_NESTED} levels")
        value = self._comparison()
        if self._take("if"):
            value = self._either(value)
        self._depth -= 1
        return value

    def _either(self, yes: Rule) -> Rule:
        """`yes if condition else no`; only the chosen side is computed."""
        condition = self._comparison()
        self._need("else")
        no = self._choice()

        def rule(scope: Scope) -> object:
            chosen = condition(scope)
            if not isinstance(chosen, bool):
                raise ExpressionError(f"the condition in {self._text!r} is no comparison")
            return yes(scope) if chosen else no(scope)

        return rule

    def _comparison(self) -> Rule:
        left = self._chain(SUMS, self._product)
        sign = self._take(*EQUALITIES, *ORDERS)
        if not sign:
            return left
        right = self._chain(SUMS, self._product)
        if sign in EQUALITIES:
            return lambda scope: EQUALITIES[sign](left(scope), right(scope))
        return lambda scope: ORDERS[sign](self._number(left(scope)), self._number(right(scope)))

    def _product(self) -> Rule:
        return self._chain(PRODUCTS, self._unary)

    def _chain(self, signs: Mapping[str, Operation], part: Callable[[], Rule]) -> Rule:
        """Left-associative: part sign part sign part."""
        left = part()
        while sign := self._take(*signs):
            left = self._pair(signs[sign], left, part())
        return left

    def _pair(self, operation: Operation, left: Rule, right: Rule) -> Rule:
        def rule(scope: Scope) -> Number:
            a, b = self._number(left(scope)), self._number(right(scope))
            try:
                return self._checked(operation(a, b))
            except ZeroDivisionError:
                raise ExpressionError(f"{self._text!r} divides by zero") from None
            except OverflowError:
                raise ExpressionError(f"{self._text!r} is beyond 64-bit numbers") from None

        return rule

    def _unary(self) -> Rule:
        signs: list[str] = []
        while sign := self._take("+", "-"):
            signs.append(sign)
        value = self._atom()
        if not signs:
            return value
        factor = -1 if signs.count("-") % 2 else 1
        return lambda scope: factor * self._number(value(scope))

    def _atom(self) -> Rule:
        token = self._next()
        if token == "(":
            self._at += 1
            value = self._choice()
            self._need(")")
            return value
        if token in FUNCTIONS:
            return self._call(token)
        if token[:1].isdigit() or token[:1] == ".":
            self._at += 1
            number = self._literal(token)
            return lambda _scope: number
        if token in WORDS or not token.isidentifier():
            raise self._unexpected()
        self._at += 1
        self.names.append(token)
        return lambda scope: scope[token]

    def _literal(self, token: str) -> Number:
        if token.isdigit():
            return self._checked(int(token) if len(token) <= MOST_DIGITS else LARGEST + 1)
        return self._checked(float(token))

    def _call(self, name: str) -> Rule:
        self._at += 1
        self._need("(")
        values = [self._choice()]
        while self._take(","):
            values.append(self._choice())
        self._need(")")
        return lambda scope: FUNCTIONS[name]([self._number(value(scope)) for value in values])

    def _number(self, value: object) -> Number:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ExpressionError(f"{value!r} in {self._text!r} is not a number")
        return value

    def _checked(self, value: Number) -> Number:
        fits = abs(value) <= LARGEST if isinstance(value, int) else math.isfinite(value)
        if not fits:
            raise ExpressionError(f"{self._text!r} is beyond 64-bit numbers")
        return value
