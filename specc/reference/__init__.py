"""What a spec can name, in words: families, kinds, fields, from the classes that they are.

`specc describe` shows it, and the pages of the reference are made of it.
"""

from __future__ import annotations

from specc.reference.kinds import Field as Field
from specc.reference.kinds import Kind as Kind
from specc.reference.kinds import described as described
from specc.reference.kinds import families as families
from specc.reference.kinds import find as find
from specc.reference.kinds import holders as holders
from specc.reference.kinds import members as members
from specc.reference.kinds import sections as sections
