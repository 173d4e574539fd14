"""The page of operators is what the rules say now."""

from __future__ import annotations

from specc.autodiff import flat_ops, rules
from tests.docs.operators import PAGE, page


def test_the_page_is_current():
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "write it again: python -m tests.docs.operators"
    assert [op for op in [*rules(), *flat_ops()] if f"`{op}`" not in written] == []
