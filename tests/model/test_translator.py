"""The translator of `specs/` learns dates: the only spec whose data are made here."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

import specc
from specc.spec.reader import load

# Position is id; 0 pads. The answer's ids begin at 1, 12 is the start sign.
LETTERS = "\0abcdefghijklmnopqrstuvwxyz0123456789 ,."
DIGITS = "\0" + "0123456789-"
START = 12
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


def dates(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Dates as people write them with the answer so far, and the answer."""
    rng = np.random.default_rng(seed)
    source = np.zeros((count, 28), np.int32)
    answer = np.zeros((count, 11), np.int32)
    for i in range(count):
        day = datetime.date(1970, 1, 1) + datetime.timedelta(int(rng.integers(0, 30000)))
        month = MONTHS[day.month - 1]
        forms = [
            f"{day.day} {month} {day.year}",
            f"{month} {day.day}, {day.year}",
            f"{day.day}.{day.month}.{day.year}",
        ]
        text = forms[rng.integers(len(forms))]
        source[i, : len(text)] = [LETTERS.index(c) for c in text]
        answer[i, :10] = [DIGITS.index(c) for c in day.isoformat()]
    begun = np.concatenate([np.full((count, 1), START, np.int32), answer[:, :-1]], axis=1)
    return [source, begun], answer


@pytest.mark.slow
def test_the_translator_learns_dates() -> None:
    model = specc.Model(load("specs/translator.yaml"))
    x, y = dates(2048, 0)
    model.fit(x, y, batch_size=32, epochs=4, verbose=0)
    # Characters of dates it has never seen; 0.96 where it was written.
    assert model.evaluate(*dates(512, 1), verbose=0)["accuracy"] > 0.85
