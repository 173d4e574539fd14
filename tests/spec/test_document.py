"""YAML 1.2 with places; the values are those of the YAML 1.2.2 core schema."""

import math

import pytest

from specc.errors import SpecError
from specc.spec.document import MOST_ALIASES, MOST_BYTES, MOST_DEPTH, read
from specc.spec.nodes import Fields, Items, node_of, plain, shown
from specc.spec.problems import MOST, Problems
from specc.spec.scalars import is_text


def values(text):
    problems = Problems()
    node = read(text, "f.yaml", problems)
    problems.check()
    return None if node is None else plain(node)


def messages(text):
    problems = Problems()
    try:
        read(text, "f.yaml", problems)
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in problems.found]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # The examples of yaml.org/spec/1.2.2, 10.3.2, and where YAML 1.1 differs.
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
        ("true", True), ("True", True), ("FALSE", False),
        ("0", 0), ("-19", -19), ("+12", 12), ("0o7", 7), ("0x3A", 58), ("010", 10),
        ("0.", 0.0), ("-0.0", 0.0), (".5", 0.5), ("+12e03", 12000.0), ("-2E+05", -200000.0),
        ("1e-3", 0.001), (".inf", math.inf), ("-.Inf", -math.inf),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("1_000", "1_000"), ("0b11", "0b11"), ("12:30", "12:30"), ("2001-01-01", "2001-01-01"),
        ("nan", "nan"), ("1e", "1e"), ("'1'", "1"), ('"true"', "true"), ("a b", "a b"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(text, value):
    found = values(f"a: {text}\n")["a"]
    assert found == value
    assert type(found) is type(value)


def test_json_is_a_subset():
    assert values('{"a": [1, 2.5, null, true, "x\\u00e9\\n"], "b": {}}') == {
        "a": [1, 2.5, None, True, "xé\n"],
        "b": {},
    }


def test_an_empty_file_has_no_tree():
    assert values("# only a comment\n") is None


def test_every_key_and_value_has_its_place():
    node = read("a: 1\nb:\n  - x\n  - {c: 2}\n", "f.yaml", Problems())
    assert isinstance(node, Fields)
    assert [str(key.place) for key, _ in node] == ["f.yaml:1:1", "f.yaml:2:1"]
    (_, one), (_, items) = node.pairs
    assert str(one.place) == "f.yaml:1:4"
    assert isinstance(items, Items)
    assert [str(item.place) for item in items.items] == ["f.yaml:3:5", "f.yaml:4:5"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/object:os.system x", "f.yaml:1:4: tag !!python/object:os.system: a spec"),
        ("a: !!str 3", "tag !!str"),
        ("!!map {a: 1}", "tag !!map"),
        ("a: !own 3", "tag !own"),
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1: duplicate key 'a'; it stands already in line 1"),
        ("a: {b: 1, b: 2}", "f.yaml:1:11: duplicate key 'b'"),
        ("a: *x", "*x has no anchor &x before it"),
        ("a: &x [*x]", "f.yaml:1:8: *x stands inside what &x names; it would never end"),
        ("a: .nan", ".nan is not a number"),
        ("a: 1e999", "1e999 is beyond the largest float"),
        ("a: 99999999999999999999", "beyond 64-bit integers"),
        ("a: " + "9" * 5000, "beyond 64-bit integers"),
        ("? [a]\n: 1", "a key is a name, found a list"),
        ("? {a: 1}\n: 1", "a key is a name, found a mapping"),
        ("a: &x {b: 1}\nc: {<<: *x}", "f.yaml:2:5: << (merge) is not in YAML 1.2"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1: a second document starts here"),
        ("%YAML 1.1\n---\na: 1", "%YAML 1.1: specs are YAML 1.2"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "%TAG: a spec has no tags"),
        ('a: "\\ud800"', "half of a surrogate pair"),
        ("a:\n\t- b", "f.yaml:2:1: a tab cannot indent YAML"),
        ("a: b: c", "f.yaml:1:5: a second ':' in one line"),
        ("- add\n  inputs: x", "f.yaml:2:9: a key cannot follow '- add'; end that line with ':'"),
        ("a: {f: ${f}}", 'f.yaml:1:8: inside {} or [] a value with ${...} needs quotes'),
        ("a: [${f}, 3]", 'f.yaml:1:5: inside {} or [] a value with ${...} needs quotes'),
        ("a: [b[1]]", 'inside {} or [] a name like a[1] needs quotes; write "a[1]"'),
        ("a: [1, 2", "f.yaml:1:9: not YAML: while parsing a flow sequence"),
        ("a: \x07", "f.yaml:1:4: character '\\x07' is not allowed in YAML"),
        ("[" * 200, f"nested deeper than {MOST_DEPTH} levels"),
        ("a: &x 1\nb: [" + "*x, " * (MOST_ALIASES + 1) + "]", f"more than {MOST_ALIASES} aliases"),
        ("#" * (MOST_BYTES + 1), f"a spec has at most {MOST_BYTES}"),
    ],
)  # fmt: skip
def test_what_a_spec_must_not_contain(text, message):
    assert any(message in found for found in messages(text)), messages(text)


def test_aliases_of_aliases_are_bounded():
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "aliases expand to more than" in messages("\n".join(lines))[0]


def test_an_alias_is_what_its_anchor_names():
    assert values("a: &x {b: 1}\nc: *x\nd: &y 3\ne: *y\n*y : 4") == {
        "a": {"b": 1}, "c": {"b": 1}, "d": 3, "e": 3, 3: 4,
    }  # fmt: skip


def test_problems_before_a_syntax_error_are_reported_too():
    found = messages("a: 1\na: 2\nb: [1")
    assert len(found) == 2
    assert "duplicate" in found[0]
    assert "not YAML" in found[1]


def test_too_many_problems_end_the_reading():
    text = "\n".join(["a: 1"] * (2 * MOST))
    assert len(messages(text)) == MOST


def test_python_data_becomes_a_tree_and_comes_back():
    data = {"a": [1, {"b": None}], "c": "x", 3: (1.5, True)}
    assert plain(node_of(data)) == {"a": [1, {"b": None}], "c": "x", 3: [1.5, True]}


def test_long_text_is_cut_in_messages():
    assert shown("x" * 100) == "'" + "x" * 55 + "...'"
    assert shown(None) == "an empty value"


@pytest.mark.parametrize(("text", "so"), [("a", True), ("1", False), (".nan", False), ("", False)])
def test_text_that_stays_text_without_quotes(text, so):
    assert is_text(text) is so
