"""Offers a rewrite to the requester who asked for one: proposed, judged by the same gate, recorded, shown, never used.

    refused Decision ─▶ safety.rewrite ─▶ the gate ─▶ a Decision of its own (parent: the refused one) ─▶ ALLOW: an Offer

What does not pass is not offered; its Decision stays in the ledger. Nothing is generated from an offer: the requester
has to send it as a prompt of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

from safety.domain import Action, Decision
from safety.gate import Gate
from safety.rewrite import Rewrite, propose


@dataclass(frozen=True)
class Offer:
    """A rewrite that the gate allows."""

    rewrite: Rewrite
    decision: Decision
    """The gate's word on the rewrite; its parent is the decision about the original."""


def offer_rewrite(gate: Gate, text: str, decision: Decision, *, requester: str = "") -> Offer | None:
    """Return a version of `text`, about which `decision` was made, that passes; None where there is none to offer.

    Raises:
        LedgerError: the Decision about the rewrite could not be recorded; nothing is offered.
    """
    rewrite = propose(text, decision.verdict)
    if rewrite is None or len(rewrite.text) > gate.prompt_max_characters:
        return None
    judged = gate.check_prompt(rewrite.text, requester=requester, parent=decision.id)
    return Offer(rewrite, judged) if judged.verdict.action is Action.ALLOW else None
