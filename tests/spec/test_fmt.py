"""Formatting: one layout, every comment kept, the same spec before and after, and idempotent."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.errors import SpecError
from specc.spec.emit import emit, scalar
from specc.spec.fmt import format_text
from specc.spec.nodes import Fields, Items, Scalar, node_of, plain
from specc.spec.reader import loads
from tests.spec.test_document import values
from tests.spec.texts import spec_text

MESSY = """
# head

# of the spec
train:  # how
    epochs: 1e1
    # before the loss
    loss: mse   # behind
    # the end of train

name: "x y"
specc: 1
layers:    # the stack
- flatten: {}
# above
- dense: {units: 3}   # three
- {dense: 3, name: q}
-
  name: z # of z
  # inside
  dense:
      units: 3  # units
      # fields
      activation: relu
- call:
    z:
      {}
- dense: {
     units: 4, # in braces
     activation: relu } # at their end


- dense: {units: 3, kernel_initializer: {variance_scaling: {scale: 2.0, mode: fan_in,
    distribution: uniform}}}
  # tail of it
# outer
outputs:
  - 'z'
  - "a[1]"
inputs: {x: [2, 3]}
blocks:
  a: {layers: [flatten, {dense: {units: "${f}"}}], args: {f: }}
# the end
"""

NEAT = """\
# head

# of the spec
specc: 1

name: x y
inputs: {x: [2, 3]}
blocks:
  a:
    args: {f: null}
    layers:
      - flatten
      - dense: "${f}"
# the end
layers:    # the stack
  - flatten
  # above
  - dense: 3          # three
  - dense: 3
    name: q
  # inside
  - dense:
      units: 3  # units
      # fields
      activation: relu
    name: z  # of z
  - call: {z: {}}
  - dense:
      units: 4  # in braces
      activation: relu  # at their end

  - dense:
      units: 3
      kernel_initializer: {variance_scaling: {scale: 2.0, mode: fan_in, distribution: uniform}}
    # tail of it
# outer
outputs: [z, "a[1]"]
train:  # how
  epochs: 1e1
  # before the loss
  loss: mse     # behind
  # the end of train
"""


def test_the_layout():
    assert format_text(MESSY) == NEAT
    assert format_text(NEAT) == NEAT


def comments(text):
    """Every comment; the # in a quoted name is none."""
    text = re.sub(r"([\"'])a\s+# b\1", "", text)
    return sorted(re.findall(r"(?:(?<=\s)|^)#.*$", text, re.MULTILINE))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_every_comment_is_kept_and_the_spec_is_the_same(seed):
    text = spec_text(seed)
    done = format_text(text)
    assert comments(done) == comments(text)
    assert loads(done) == loads(text)
    assert format_text(done) == done


@pytest.mark.parametrize("text", ["a: \U0001f600", "'no'", "yes: 1", "é: ü", "1: 2", "a: ''"])
def test_odd_values_survive(text):
    assert values(format_text(text if ":" in text else f"a: {text}")) is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**62), 2**62)
        | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc:# -é", min_size=1), inner, max_size=4),
        max_leaves=12,
    )
)  # fmt: skip
def test_any_data_reads_back_the_same(data):
    tree = node_of({"a": data})
    assert isinstance(tree, Fields)
    assert values(emit(tree)) == {"a": data}
    assert values(emit(Fields([(Scalar("layers"), Items([tree]))]))) == {"layers": [{"a": data}]}
    assert plain(tree) == {"a": data}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("relu", "relu"), ("a b", "a b"), ("dense@1", "dense@1"), ("a/b", "a/b"), ("1", '"1"'),
        ("yes", '"yes"'), ("null", '"null"'), ("", '""'), ("a: b", '"a: b"'), ("a #b", '"a #b"'),
        ("${f}", '"${f}"'), ("a[1]", '"a[1]"'), ("x\n", '"x\\n"'), ("\x85", '"\\u0085"'),
        ("\U000e0001", '"\\U000e0001"'), (1e-7, "1e-07"), (float("inf"), ".inf"),
        (-float("inf"), "-.inf"), (None, "null"), (True, "true"), (3, "3"),
    ],
)  # fmt: skip
def test_scalars_have_quotes_only_where_needed(value, text):
    assert scalar(value) == text


def test_aliases_are_written_out():
    text = "specc: 1\ninputs: {x: &s [2]}\nlayers: [reshape: *s]  # c\n"
    assert (
        format_text(text)
        == "specc: 1\ninputs: {x: [2]}\nlayers:                # c\n  - reshape: [2]\n"
    )


def test_line_ends_and_byte_order_marks_go():
    assert format_text("\ufeffspecc: 1 # a\r\nname: b\r\n") == "specc: 1 # a\nname: b\n".replace(
        "1 # a", "1  # a"
    )


@pytest.mark.parametrize("text", ["", "- a", "a: [", "a: 1\na: 2", "a: !!str 1"])
def test_what_cannot_be_formatted(text):
    with pytest.raises(SpecError):
        format_text(text, "f.yaml")


@pytest.mark.parametrize(
    ("text", "done"),
    [
        # A comment behind a block scalar's sign, and one after its text.
        ("a: |  # sign\n  # text\n  more\n# after\nb: 1\n",
         'a: "# text\\nmore\\n"  # sign\n# after\nb: 1\n'),
        # Quoted text over several lines, and a # in it.
        ("a: 'x # y\n\n  z'  # c\n", 'a: "x # y\\nz"  # c\n'),
        # Two comments where one line is left.
        ("a: [1,  # one\n    2]  # two\n", "a:\n  - 1   # one\n  - 2   # two\n"),
        ("a: {\n}  # c\n", "a: {}  # c\n"),
        ("a:\n  [1,\n   2\n   # last\n  ]\nb: 1\n", "a:\n  - 1\n  - 2\n  # last\nb: 1\n"),
        ("- # dash\n  a: 1\n", None),
        ("layers:\n  - # dash\n    a: 1\n", "layers:  # dash\n  - a: 1\n"),
        ("layers:\n  - flatten: {}  # f\n  # g\n", "layers:\n  - flatten      # f\n  # g\n"),
    ],
)  # fmt: skip
def test_comments_in_odd_places(text, done):
    if done is None:
        with pytest.raises(SpecError):
            format_text(text)
        return
    assert format_text(text) == done
    assert format_text(done) == done
