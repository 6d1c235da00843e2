"""What a policy may ask for: every signal that somebody here reports, by checkpoint. Loads no weights file."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers import catalog
from classifiers.known_persons import SIGNALS as KNOWN_PERSON_SIGNALS
from classifiers.registered_names import SIGNALS as REGISTERED_SIGNALS
from media.clip import Clip
from safety.banks import known_signals
from safety.consent import LIKENESS_SIGNALS
from safety.domain import Checkpoint
from safety.known_people import PERSON_SIGNALS
from safety.measure import ORIGIN_SIGNALS
from safety.policy import Policy
from safety.reference import INPUT_SIGNALS
from safety.session import SESSION_SIGNALS


def offered_signals(policy: Policy, configured: Sequence[catalog.Row] = ()) -> dict[Checkpoint, frozenset[str]]:
    """Every signal that this policy may ask for, by checkpoint, without loading a weights file.

    `configured`: what the settings add to the embedded classifiers.
    """
    text, clip = (
        catalog.known_signals(accepts=str, configured=configured),
        catalog.known_signals(accepts=Clip, configured=configured),
    )
    clip |= known_signals(policy.categories)
    people = KNOWN_PERSON_SIGNALS | PERSON_SIGNALS
    registered = REGISTERED_SIGNALS | LIKENESS_SIGNALS
    return {
        Checkpoint.PROMPT: text | SESSION_SIGNALS | registered,
        Checkpoint.INPUT: text | clip | SESSION_SIGNALS | INPUT_SIGNALS | registered | people,
        Checkpoint.OUTPUT: clip | people,
        Checkpoint.UPLOAD: clip | ORIGIN_SIGNALS | people,
    }
