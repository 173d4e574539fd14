"""The page of layers is what the classes say now."""

from __future__ import annotations

from specc.layers import Layer
from tests.docs.layers import PAGE, page


def test_the_page_is_current():
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "write it again: python -m tests.docs.layers"
    assert [key for key in Layer.kinds() if f"`{key}`" not in written] == []
