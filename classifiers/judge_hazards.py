"""What judges with a list of hazards of their own can answer, the signal that stands for each, and what comes near it.

The third column is the embedded signal whose score says whether a judge that is asked only when in doubt is needed.
A block of the plug-in file may map otherwise. Hazards without a signal are of no concern to video (medical or legal
advice, abuse of a code interpreter, tricking a chat model) and have to be left out on purpose.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Hazard(NamedTuple):
    """One code of a family."""

    code: str
    signal: str | None
    near: str | None


LLAMA_GUARD: Final = (
    Hazard("S1", "judge.violence", "text.violence"),
    Hazard("S2", "judge.illicit", "text.illicit"),
    Hazard("S3", "judge.sexual", "text.sexual"),
    Hazard("S4", "judge.child_safety", "text.sexual"),
    Hazard("S5", "judge.defamation", "text.deceptive"),
    Hazard("S6", None, None),
    Hazard("S7", "judge.privacy", "text.harassment"),
    Hazard("S8", "judge.ip", "text.ip"),
    Hazard("S9", "judge.illicit", "text.illicit"),
    Hazard("S10", "judge.hate", "text.hate"),
    Hazard("S11", "judge.self_harm", "text.self_harm"),
    Hazard("S12", "judge.sexual", "text.sexual"),
    Hazard("S13", "judge.elections", "text.deceptive"),
    Hazard("S14", None, None),
)
"""MLCommons hazards S1 to S13, and S14 of Llama Guard 3 (its model card)."""

QWEN3_GUARD: Final = (
    Hazard("Violent", "judge.violence", "text.violence"),
    Hazard("Non-violent Illegal Acts", "judge.illicit", "text.illicit"),
    Hazard("Sexual Content or Sexual Acts", "judge.sexual", "text.sexual"),
    Hazard("PII", "judge.privacy", "text.harassment"),
    Hazard("Suicide & Self-Harm", "judge.self_harm", "text.self_harm"),
    Hazard("Unethical Acts", "judge.hate", "text.hate"),
    Hazard("Politically Sensitive Topics", "judge.elections", "text.deceptive"),
    Hazard("Copyright Violation", "judge.ip", "text.ip"),
    Hazard("Jailbreak", None, None),
)
"""Categories of Qwen3Guard-Gen (its README); bias, insults and hate are among its unethical acts."""

HAZARDS: Final = {"llama_guard": LLAMA_GUARD, "qwen3guard": QWEN3_GUARD}
"""Families with a list of their own; the others are given clauses of the policy."""
