"""Specs to start from, written for data that is there: `specc init --images`, `--table`, `--text`.

The data is read as training will read it, so that shapes, classes and vocabularies fit.
"""

from __future__ import annotations

from specc.starters.frame import Starter as Starter
from specc.starters.images import images as images
from specc.starters.tables import table as table
from specc.starters.texts import text as text
