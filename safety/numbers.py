"""Numbers of a record as its canonical bytes hold them: finite, and marked where encoders would write other digits.

Which bytes those are is `safety.records`. Knows nothing of what the numbers mean.
"""

from __future__ import annotations

from safety.errors import LedgerError

SMALLEST_PLAIN = 1e-4
"""Below it Python's `repr` writes an exponent and other encoders may not."""

LARGEST_PLAIN = 1e16
"""From here on Python's `repr` writes an exponent, with a sign that other encoders leave out."""


class Odd(float):
    """A float that is written with an exponent."""

    __slots__ = ()


def number(value: float) -> float:
    """Return the value as a float; one that is written with an exponent as `Odd`, which is the same number.

    Raises:
        LedgerError: it is not finite.
    """
    plain = float(value)
    if SMALLEST_PLAIN <= plain < LARGEST_PLAIN or plain == 0 or -LARGEST_PLAIN < plain <= -SMALLEST_PLAIN:
        return plain
    if plain - plain != 0:  # infinite, or not a number
        raise LedgerError("a record has no canonical form: one of its numbers is not finite")
    return Odd(plain)
