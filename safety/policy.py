"""Reads a policy file: categories, rules per checkpoint, and what to do when a signal is unmeasured.

A policy is data. It is named by the SHA-256 of its bytes, and it is refused, with the line, when it could let
something pass by accident: no rules, an unguarded checkpoint, an unknown signal or word. Judging is `safety.judge`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safety.domain import Action, Checkpoint
from safety.errors import PolicyError

DEFAULT_POLICY = Path(__file__).parent / "policies" / "default.toml"

ESTIMATES = frozenset({"video.synthetic", "origin.likely_synthetic"})
"""Signals that are statistical estimates of origin: they may ask for review, never block on their own."""


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


@dataclass(frozen=True)
class Category:
    """One kind of harm, with the sentence that a refused person reads."""

    id: str
    clause: str


@dataclass(frozen=True)
class Gap:
    """A signal that no classifier of the embedded default measures; said in every verdict of its checkpoint."""

    checkpoint: Checkpoint
    signal: str
    reason: str


@dataclass(frozen=True)
class Policy:
    """Categories and rules, immutable, named by the digest of the file they were read from."""

    digest: str
    """`sha256:…` of the file's bytes."""

    name: str
    categories: Mapping[str, Category]
    rules: tuple[Rule, ...]
    gaps: tuple[Gap, ...] = ()
    longest_gap_s: Mapping[Checkpoint, float] = field(default_factory=dict)
    """Longest stretch of a video, in seconds, that may stay unseen at a checkpoint."""

    likely_synthetic: float = 1.0
    """Probability from which the forensic estimate alone says `likely_synthetic`."""

    lines: Mapping[str, int] = field(default_factory=dict)
    """Line of the file on which each rule begins, by rule id."""

    def rules_at(self, checkpoint: Checkpoint) -> tuple[Rule, ...]:
        """The rules that guard a checkpoint, in the file's order."""
        return tuple(rule for rule in self.rules if rule.checkpoint is checkpoint)

    def signals_at(self, checkpoint: Checkpoint) -> frozenset[str]:
        """Every signal that a checkpoint's rules ask for."""
        return frozenset(c.signal for rule in self.rules_at(checkpoint) for c in rule.conditions)

    def require_signals(self, known: Mapping[Checkpoint, Iterable[str]]) -> None:
        """Refuse rules that ask for a signal no configured classifier can ever report.

        Raises:
            PolicyError: names the rule, its line, the signal and the nearest known ones.
        """
        for rule in self.rules:
            offered = set(known[rule.checkpoint])
            for condition in rule.conditions:
                if condition.signal not in offered:
                    prefix = condition.signal.split(".", maxsplit=1)[0]
                    near = sorted(s for s in offered if s.startswith(prefix)) or sorted(offered)
                    raise PolicyError(
                        f"line {self.lines.get(rule.id, 0)}: rule {rule.id!r} asks for signal {condition.signal!r}, "
                        f"which no classifier reports at {rule.checkpoint}; known there: {', '.join(near)}"
                    )


def load_policy(path: Path = DEFAULT_POLICY) -> Policy:
    """Read and check a policy file.

    Raises:
        PolicyError: unreadable or inconsistent; the message begins with the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolicyError(f"policy {path} cannot be read: {error.strerror}") from error
    return parse_policy(data)


def parse_policy(data: bytes) -> Policy:
    """Read and check the bytes of a policy file.

    Raises:
        PolicyError: not UTF-8, not TOML or inconsistent; the message begins with the line.
    """
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PolicyError(f"line {line}: a policy is UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"not a TOML file: {error}") from error
    return _Reader(text, document).policy(f"sha256:{hashlib.sha256(data).hexdigest()}")


class _Reader:
    """Turns a parsed document into a Policy; knows where each block begins."""

    def __init__(self, text: str, document: dict[str, Any]) -> None:
        self._document = document
        self._starts: dict[str, list[int]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if heading := re.match(r"\s*\[+\s*([\w.\-\"]+)\s*\]+", line):
                self._starts.setdefault(heading.group(1), []).append(number)

    def policy(self, digest: str) -> Policy:
        self._only(self._document, {"schema", "name", "origin", "categories", "coverage", "rules", "gaps"}, 1)
        if self._document.get("schema") != 1:
            raise PolicyError("line 1: schema = 1 is missing; this version reads schema 1")
        categories = self._categories()
        rules, lines = self._rules(categories)
        return Policy(
            digest=digest,
            name=str(self._document.get("name", "unnamed")),
            categories=categories,
            rules=rules,
            gaps=self._gaps(),
            longest_gap_s=self._coverage(),
            likely_synthetic=self._probability(
                self._document.get("origin", {}).get("likely_synthetic"), "likely_synthetic", self._line("origin")
            ),
            lines=lines,
        )

    def _line(self, block: str, index: int = 0) -> int:
        starts = self._starts.get(block, [])
        return starts[index] if index < len(starts) else 1

    def _only(self, table: Mapping[str, Any], allowed: set[str], line: int) -> None:
        if extra := sorted(set(table) - allowed):
            raise PolicyError(f"line {line}: unknown key {extra[0]!r}; known: {', '.join(sorted(allowed))}")

    def _blocks(self, name: str) -> list[dict[str, Any]]:
        blocks = self._document.get(name, [])
        if not isinstance(blocks, list):
            raise PolicyError(f"line {self._line(name)}: write each of the {name} as [[{name}]]")
        return blocks

    def _categories(self) -> dict[str, Category]:
        categories = {}
        for id_, table in self._document.get("categories", {}).items():
            line = self._line(f"categories.{id_}")
            if not isinstance(table, dict) or not str(table.get("clause", "")).strip():
                raise PolicyError(f"line {line}: category {id_!r} needs a clause that a refused person can read")
            self._only(table, {"clause"}, line)
            categories[id_] = Category(id_, str(table["clause"]))
        return categories

    def _rules(self, categories: Mapping[str, Category]) -> tuple[tuple[Rule, ...], dict[str, int]]:
        rules: list[Rule] = []
        lines: dict[str, int] = {}
        for index, table in enumerate(self._blocks("rules")):
            line = self._line("rules", index)
            rule = self._rule(table, line)
            if rule.id in lines:
                raise PolicyError(f"line {line}: rule {rule.id!r} stands already on line {lines[rule.id]}")
            if rule.category not in categories:
                raise PolicyError(
                    f"line {line}: rule {rule.id!r} names category {rule.category!r}, which is not defined"
                )
            rules.append(rule)
            lines[rule.id] = line
        if not rules:
            raise PolicyError("line 1: the policy has no rules; it would let everything pass")
        for checkpoint in Checkpoint:
            if not any(rule.checkpoint is checkpoint for rule in rules):
                raise PolicyError(f"line 1: no rule guards the checkpoint {checkpoint!s}")
        return tuple(rules), lines

    def _rule(self, table: Mapping[str, Any], line: int) -> Rule:
        allowed = {"id", "checkpoint", "category", "signal", "threshold", "all", "action", "if_unmeasured"}
        self._only(table, allowed, line)
        for key in ("id", "checkpoint", "category", "action"):
            if not isinstance(table.get(key), str) or not table[key]:
                raise PolicyError(f'line {line}: a rule needs {key} = "…"')
        id_ = table["id"]
        action = self._action(table["action"], "action", line)
        conditions = self._conditions(table, line)
        if action is Action.BLOCK and all(c.signal in ESTIMATES for c in conditions):
            raise PolicyError(f"line {line}: rule {id_!r} blocks on an estimate of origin alone; use review")
        if_unmeasured = self._action(table.get("if_unmeasured", "review"), "if_unmeasured", line)
        if if_unmeasured > action:  # a higher score would then soften the action
            raise PolicyError(f"line {line}: rule {id_!r} is stricter when unmeasured than when its signal is found")
        return Rule(
            id_, self._checkpoint(table["checkpoint"], line), table["category"], conditions, action, if_unmeasured
        )

    def _conditions(self, table: Mapping[str, Any], line: int) -> tuple[Condition, ...]:
        if ("signal" in table) == ("all" in table):
            raise PolicyError(f"line {line}: a rule needs either signal and threshold, or all = [...]")
        parts = table["all"] if "all" in table else [{k: table[k] for k in ("signal", "threshold") if k in table}]
        if not isinstance(parts, list) or not parts:
            raise PolicyError(f"line {line}: all = [...] needs at least one condition")
        conditions = []
        for part in parts:
            if not isinstance(part, dict) or not isinstance(part.get("signal"), str):
                raise PolicyError(f'line {line}: a condition is {{signal = "…", threshold = 0.…}}')
            self._only(part, {"signal", "threshold"}, line)
            conditions.append(Condition(part["signal"], self._probability(part.get("threshold"), "threshold", line)))
        return tuple(conditions)

    def _gaps(self) -> tuple[Gap, ...]:
        gaps = []
        for index, table in enumerate(self._blocks("gaps")):
            line = self._line("gaps", index)
            self._only(table, {"checkpoint", "signal", "reason"}, line)
            if not table.get("signal") or not table.get("reason"):
                raise PolicyError(f"line {line}: a gap needs checkpoint, signal and reason")
            gaps.append(Gap(self._checkpoint(table.get("checkpoint", ""), line), table["signal"], table["reason"]))
        return tuple(gaps)

    def _coverage(self) -> dict[Checkpoint, float]:
        demands = {}
        for checkpoint, table in self._document.get("coverage", {}).items():
            line = self._line(f"coverage.{checkpoint}")
            self._only(table, {"longest_gap_s"}, line)
            seconds = table.get("longest_gap_s")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
                raise PolicyError(f"line {line}: longest_gap_s is a number of seconds above 0")
            demands[self._checkpoint(checkpoint, line)] = float(seconds)
        return demands

    def _checkpoint(self, word: str, line: int) -> Checkpoint:
        if word not in {c.value for c in Checkpoint}:
            raise PolicyError(f"line {line}: {word!r} is not a checkpoint: {', '.join(Checkpoint)}")
        return Checkpoint(word)

    def _action(self, word: object, key: str, line: int) -> Action:
        if word not in ("review", "block"):
            raise PolicyError(f'line {line}: {key} is "review" or "block", not {word!r}: a rule cannot allow')
        return Action.from_word(str(word))

    def _probability(self, value: object, key: str, line: int) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise PolicyError(f"line {line}: {key} is a probability above 0 and up to 1, not {value!r}")
        return float(value)
