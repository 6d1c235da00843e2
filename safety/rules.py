"""What a policy consists of: categories, rules, modifiers that move their thresholds, and gaps. Values only.

Reading them from a file is `safety.policy_reader`; judging by them is `safety.judge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from safety.domain import Action, Checkpoint, Remedy
from safety.errors import PolicyError

ESTIMATES = frozenset({"video.synthetic", "origin.likely_synthetic"})
"""Signals that are statistical estimates of origin: they may ask for review, never block on their own."""

ABSOLUTE = frozenset({"sexual_minors", "ncii", "extremism"})
"""Categories that no modifier may soften and no rewrite may serve, whatever a policy file says."""

DEFAULT_SEVERITY = 4
"""Severity of a category whose policy states none: the middle of 1 to 7."""


@dataclass(frozen=True)
class Condition:
    """A signal that has to reach a threshold."""

    signal: str
    threshold: float


@dataclass(frozen=True)
class Rule:
    """At this checkpoint, if every condition is reached, do this."""

    id: str
    checkpoint: Checkpoint
    category: str
    conditions: tuple[Condition, ...]
    action: Action
    if_unmeasured: Action
    """REVIEW or BLOCK: absence is never innocence."""

    remedy: Remedy | None = None
    """What it asks for instead of stopping the content; `action` is then `remedy.action`."""

    @property
    def word(self) -> str:
        """The action as the policy writes it."""
        return self.action.word if self.remedy is None else self.remedy.value


@dataclass(frozen=True)
class Modifier:
    """If every condition is reached, the thresholds of some rules of these categories move. It accuses nobody."""

    id: str
    checkpoint: Checkpoint
    conditions: tuple[Condition, ...]
    categories: tuple[str, ...]
    shift: float
    """Added to thresholds: above 0 is more lenient, below 0 stricter; never more than half the way to 1 or to 0."""

    moves: tuple[Action, ...] = (Action.REVIEW,)
    """Rules with these actions are moved, others stay as they are written."""

    @property
    def strict(self) -> bool:
        """Whether it makes rules fire sooner."""
        return self.shift < 0

    def concerns(self, rule: Rule) -> bool:
        """Whether it may move this rule's thresholds."""
        return rule.checkpoint is self.checkpoint and rule.category in self.categories and rule.action in self.moves


@dataclass(frozen=True)
class Category:
    """One kind of harm, with the sentence that a refused person reads."""

    id: str
    clause: str
    severity: int = DEFAULT_SEVERITY
    """1 to 7: how grave it is (`safety.severity`)."""

    advice: str = ""
    """What would pass instead, for the person who is refused; empty: nothing of this kind."""

    rewrite: bool = False
    """A requester who asks for it may be shown a version without what was found."""


@dataclass(frozen=True)
class Gap:
    """A signal that no classifier of the embedded default measures; said in every verdict of its checkpoint."""

    checkpoint: Checkpoint
    signal: str
    reason: str


@dataclass(frozen=True)
class Demand:
    """How much of a video must be looked at where it is judged, and when less is enough."""

    longest_gap_s: float | None = None
    """Longest stretch of a video, in seconds, that may stay unseen."""

    frames_share: float | None = None
    """Share of the frames, above 0 and up to 1, that must be seen; 1 makes the gate look at every frame."""

    if_unmet: Action = Action.REVIEW
    """REVIEW or BLOCK: what was not looked at is unmeasured."""

    stop_at_block: bool = False
    """Looking ends with the first finding that blocks and that nothing later could undo."""


@dataclass(frozen=True)
class Policy:
    """Categories, rules and modifiers, immutable, named by the digest of the file they were read from."""

    digest: str
    """`sha256:…` of the file's bytes."""

    name: str
    categories: Mapping[str, Category]
    rules: tuple[Rule, ...]
    gaps: tuple[Gap, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    coverage: Mapping[Checkpoint, Demand] = field(default_factory=dict)
    """What is demanded of looking at videos, by checkpoint."""

    false_alarms: float | None = None
    """Share of real videos of unseen sources that the forensic estimate alone may call `likely_synthetic`."""

    likely_synthetic: float | None = None
    """The same as a probability, for a detector of which nobody measured false alarms. One of the two is stated."""

    lines: Mapping[str, int] = field(default_factory=dict)
    """Line of the file on which each rule and modifier begins, by id."""

    def rules_at(self, checkpoint: Checkpoint) -> tuple[Rule, ...]:
        """The rules that guard a checkpoint, in the file's order."""
        return tuple(rule for rule in self.rules if rule.checkpoint is checkpoint)

    def modifiers_at(self, checkpoint: Checkpoint) -> tuple[Modifier, ...]:
        """The modifiers of a checkpoint, in the file's order."""
        return tuple(modifier for modifier in self.modifiers if modifier.checkpoint is checkpoint)

    def signals_at(self, checkpoint: Checkpoint) -> frozenset[str]:
        """Every signal that a checkpoint's rules and modifiers ask for."""
        asking: tuple[Rule | Modifier, ...] = (*self.rules_at(checkpoint), *self.modifiers_at(checkpoint))
        return frozenset(condition.signal for each in asking for condition in each.conditions)

    def require_signals(self, known: Mapping[Checkpoint, Iterable[str]]) -> None:
        """Refuse rules and modifiers that ask for a signal no configured classifier can ever report.

        Raises:
            PolicyError: names the rule or modifier, its line, the signal and the nearest known ones.
        """
        asking: tuple[Rule | Modifier, ...] = (*self.rules, *self.modifiers)
        for each in asking:
            offered = set(known[each.checkpoint])
            for condition in each.conditions:
                if condition.signal not in offered:
                    kind = "rule" if isinstance(each, Rule) else "modifier"
                    prefix = condition.signal.split(".", maxsplit=1)[0]
                    near = sorted(s for s in offered if s.startswith(prefix)) or sorted(offered)
                    raise PolicyError(
                        f"line {self.lines.get(each.id, 0)}: {kind} {each.id!r} asks for signal {condition.signal!r}, "
                        f"which no classifier reports at {each.checkpoint}; known there: {', '.join(near)}"
                    )
