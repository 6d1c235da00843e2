"""What is refused as no text at all: exactly the control characters and halves of pairs, and nothing people write."""

from __future__ import annotations

import pytest

from safety.errors import InvalidContent
from safety.readable import refuse_unreadable

WHITE_SPACE = "\t\n\v\f\r"


@pytest.mark.parametrize("code", [*range(0x20), 0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_control_characters_and_halves_of_pairs_are_no_text_wherever_they_stand(code):
    for text in (f"{chr(code)}a dog", f"a {chr(code)} dog", f"a dog{chr(code)}"):
        if chr(code) in WHITE_SPACE:
            refuse_unreadable(text, 100)
        else:
            with pytest.raises(InvalidContent, match=r"control characters|surrogate"):
                refuse_unreadable(text, 100)


def test_every_other_character_may_stand_in_a_text():
    others = "".join(chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code <= 0xDFFF)

    refuse_unreadable(others, len(others))
