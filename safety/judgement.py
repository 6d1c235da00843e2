"""The words of judging: from an Action to a Verdict. Values only; `safety.domain` tells the story they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from classifiers.base import Score, Span
from media.clip import Coverage


class Action(IntEnum):
    """What must happen to the content. Ordered: the strictest finding wins."""

    ALLOW = 0
    REVIEW = 1
    BLOCK = 2

    @property
    def word(self) -> str:
        """The lower-case word used in policies, JSON and the ledger."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Action:
        """Read `allow`, `review` or `block`.

        Raises:
            ValueError: any other word.
        """
        try:
            return cls[word.upper()]
        except KeyError:
            raise ValueError(f"{word!r} is not an action: allow, review, block") from None


class Remedy(StrEnum):
    """What a rule asks for instead of stopping the content. Two let it pass under a condition, one alters it first."""

    LABEL = "label"
    """It passes, and whoever shows it says what it holds."""

    AGE_GATE = "age_gate"
    """It passes, and whoever shows it lets adults alone see it."""

    REDACT = "redact"
    """It is held as it is; where it is released, what was found is made unrecognisable and the rest judged again."""

    @property
    def action(self) -> Action:
        """The Action that content is under until the remedy is applied."""
        return Action.REVIEW if self is Remedy.REDACT else Action.ALLOW


class Tier(StrEnum):
    """A severity in a word. `unknown`: nobody could say, because something was unmeasured."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Unmeasured:
    """A signal the policy asks for that nobody could measure, and why."""

    signal: str
    reason: str


@dataclass(frozen=True)
class Still:
    """A blurred picture of the frame in which a Finding is strongest, for reviewers."""

    time_s: float
    sha256: str
    """Name of the JPEG in the blob store."""


@dataclass(frozen=True)
class Measurement:
    """Everything the classifiers said about one piece of content."""

    scores: tuple[Score, ...] = ()
    unmeasured: tuple[Unmeasured, ...] = ()
    coverage: Coverage | None = None
    """For video: how much of it was looked at."""

    classifiers: tuple[tuple[str, str], ...] = ()
    """(name, version) of each classifier that ran."""

    took_ms: tuple[tuple[str, float], ...] = ()
    """(classifier name, milliseconds), in the order they ran."""

    stills: tuple[Still, ...] = ()
    """Blurred pictures of the strongest frames, in order of time."""


@dataclass(frozen=True)
class Evidence:
    """One Score that reached its threshold, or the absence that counted instead."""

    signal: str
    threshold: float
    """The threshold in force."""

    score: float | None
    """None: the signal was unmeasured."""

    span: Span | None = None
    detail: str = ""
    written: float | None = None
    """The threshold as the policy writes it, where a Modifier moved it; None where none did."""


@dataclass(frozen=True)
class Finding:
    """A Rule that fired, with Evidence."""

    rule: str
    category: str
    action: Action
    clause: str
    """The policy's own words for the person who is refused."""

    evidence: tuple[Evidence, ...]
    severity: int | None = None
    """1 to 7 (`safety.severity`); None: it rests on something unmeasured, or is older than this field."""

    moved_by: tuple[str, ...] = ()
    """Ids of the Modifiers that moved its thresholds, in the policy's order."""

    advice: str = ""
    """The policy's words for what would pass instead."""

    rewrite: bool = False
    """The policy lets a version without the evidence be offered."""

    remedy: Remedy | None = None
    """What the rule asks for instead of stopping it; None where it holds or blocks, and where nothing was measured."""

    base: int | None = None
    """The policy's severity of the category, 1 to 7, where the finding itself has none (`severity`) because something
    was not measured; None elsewhere, and where it is older than this field."""


@dataclass(frozen=True)
class ModifierInForce:
    """A Modifier that held for this content, and why."""

    id: str
    shift: float
    categories: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    """A score of None: unmeasured, and a stricter Modifier counts as present then."""


@dataclass(frozen=True)
class Verdict:
    """What the policy says about a Measurement: pure, recomputable from recorded scores."""

    action: Action
    findings: tuple[Finding, ...]
    unmeasured: tuple[Unmeasured, ...]
    policy: str
    """`sha256:…` of the policy file."""

    modifiers: tuple[ModifierInForce, ...] = ()
    severity: int | None = None
    """0 to 7, the gravest finding's; None where nobody can say: see `Finding.severity`."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Under which conditions the content may be shown if it passes: `label:violence`, `age_gate:sexual`; sorted."""
        passing = (each for each in self.findings if each.remedy is not None and each.remedy is not Remedy.REDACT)
        return tuple(sorted({f"{each.remedy}:{each.category}" for each in passing}))


@dataclass(frozen=True)
class Trial:
    """What a policy that is tried said about the same content, beside the policy in force (`safety.trials`)."""

    policy: str
    """Digest of the policy that is tried."""

    part: str
    """`watched`: it did not act. `acted`: the Decision is its own. `overruled`: it was chosen, and would have been
    weaker than the policy in force where nothing may be weaker."""

    action: Action
    rules: tuple[str, ...]
    """Ids of its rules that fired."""

    against: str
    """Digest of the policy in force."""

    in_force: Action
    """What that one said."""
