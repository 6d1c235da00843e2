"""What requests about registered policies may say."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas import Body
from safety.policy_book import MAX_WORDS

Why = Annotated[str, Field(min_length=1, max_length=MAX_WORDS)]


class WhyBody(Body):
    """`POST /v1/policies/rollback` and `/v1/policies/{policy}/retirement`."""

    reason: Why


class PolicyBody(WhyBody):
    """`POST /v1/policies`."""

    policy: str = Field(min_length=1)
    """The text of the policy file, byte for byte: its digest is its name."""


class PromotionBody(WhyBody):
    """`POST /v1/policies/{policy}/promotion`."""

    to: Literal["shadow", "canary", "live"]
    share: float | None = Field(None, gt=0, lt=1)
    """Of a canary: share of what is judged on which it acts."""

    decisions: int = Field(0, ge=0)
    """Decisions that it must have judged beside the policy in force, where the settings demand fewer."""

    agreement: float = Field(0.0, ge=0, le=1)
    """What the lower end of the 95 % interval of their agreement must reach, where the settings demand less."""

    unproven: bool = False
    """Skip states and figures; that is recorded."""
