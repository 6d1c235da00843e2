"""Reads a policy file, and refuses it with the line when it could let something pass by accident.

Refused: no rules, an unguarded checkpoint, an unknown word, a rule that softens, a modifier that excuses what nothing
excuses. It judges nothing.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from safety.domain import Action, Checkpoint, Remedy
from safety.errors import PolicyError
from safety.rules import ABSOLUTE, DEFAULT_SEVERITY, ESTIMATES, Category, Condition, Demand, Gap, Modifier, Policy, Rule

ORIGIN_KEYS = ("false_alarms", "likely_synthetic")

BLOCKS = {"schema", "name", "origin", "categories", "coverage", "rules", "modifiers", "gaps"}


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
        self._only(self._document, BLOCKS, 1)
        if self._document.get("schema") != 1:
            raise PolicyError("line 1: schema = 1 is missing; this version reads schema 1")
        categories = self._categories()
        rules, lines = self._rules(categories)
        modifiers = self._modifiers(categories, rules, lines)
        return Policy(
            digest=digest,
            name=str(self._document.get("name", "unnamed")),
            categories=categories,
            rules=rules,
            gaps=self._gaps(),
            modifiers=modifiers,
            coverage=self._coverage(),
            **self._origin(),
            lines=lines,
        )

    def _origin(self) -> dict[str, float]:
        table, line = self._document.get("origin", {}), self._line("origin")
        self._only(table, set(ORIGIN_KEYS), line)
        if not table:
            raise PolicyError(
                f"line {line}: [origin] states false_alarms (a share), likely_synthetic (a probability), or both"
            )
        return {key: self._probability(table[key], key, line) for key in ORIGIN_KEYS if key in table}

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
            self._only(table, {"clause", "severity", "advice", "rewrite"}, line)
            categories[id_] = self._category(id_, table, line)
        return categories

    def _category(self, id_: str, table: Mapping[str, Any], line: int) -> Category:
        severity, rewrite = table.get("severity", DEFAULT_SEVERITY), table.get("rewrite", False)
        if isinstance(severity, bool) or not isinstance(severity, int) or not 1 <= severity <= 7:
            raise PolicyError(f"line {line}: severity of {id_!r} is a whole number from 1 to 7, not {severity!r}")
        if not isinstance(rewrite, bool):
            raise PolicyError(f"line {line}: rewrite of {id_!r} is true or false, not {rewrite!r}")
        if rewrite and id_ in ABSOLUTE:
            raise PolicyError(f"line {line}: no rewrite is ever offered for {id_}")
        return Category(id_, str(table["clause"]), severity, str(table.get("advice", "")), rewrite)

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
        remedy = self._remedy(table, line)
        action = self._action(table["action"], "action", line) if remedy is None else remedy.action
        conditions = self._conditions(table, line)
        if action is Action.BLOCK and all(c.signal in ESTIMATES for c in conditions):
            raise PolicyError(f"line {line}: rule {id_!r} blocks on an estimate of origin alone; use review")
        if_unmeasured = self._action(table.get("if_unmeasured", "review"), "if_unmeasured", line)
        if remedy is None and if_unmeasured > action:  # a higher score would then soften the action
            raise PolicyError(f"line {line}: rule {id_!r} is stricter when unmeasured than when its signal is found")
        return Rule(
            id_,
            self._checkpoint(table["checkpoint"], line),
            table["category"],
            conditions,
            action,
            if_unmeasured,
            remedy,
        )

    def _remedy(self, table: Mapping[str, Any], line: int) -> Remedy | None:
        if table["action"] not in set(Remedy):
            return None
        remedy = Remedy(table["action"])
        if table["checkpoint"] != Checkpoint.OUTPUT:  # what is released is what can be altered, labelled or gated
            raise PolicyError(f"line {line}: rule {table['id']!r}: {remedy} is for what leaves: checkpoint output")
        if table["category"] in ABSOLUTE:
            raise PolicyError(
                f"line {line}: rule {table['id']!r}: nothing of {table['category']} is shown under a {remedy}"
            )
        return remedy

    def _modifiers(
        self, categories: Mapping[str, Category], rules: tuple[Rule, ...], lines: dict[str, int]
    ) -> tuple[Modifier, ...]:
        """Read the modifiers and note their lines."""
        modifiers = []
        for index, table in enumerate(self._blocks("modifiers")):
            line = self._line("modifiers", index)
            modifier = self._modifier(table, line)
            name = f"line {line}: modifier {modifier.id!r}"
            if modifier.id in lines:
                raise PolicyError(f"{name} has the id of the block on line {lines[modifier.id]}")
            if unknown := sorted(set(modifier.categories) - set(categories)):
                raise PolicyError(f"{name} names category {unknown[0]!r}, which is not defined")
            asked = {c.signal for rule in rules if rule.checkpoint is modifier.checkpoint for c in rule.conditions}
            both = sorted(asked & {c.signal for c in modifier.conditions})
            if both and not modifier.strict:  # a higher score would then soften the verdict
                raise PolicyError(f"{name} makes rules more lenient on {both[0]!r}, which a rule asks for as a harm")
            if not any(modifier.concerns(rule) for rule in rules):
                raise PolicyError(
                    f"{name} moves no rule: none has its checkpoint, a category of it and an action of it"
                )
            modifiers.append(modifier)
            lines[modifier.id] = line
        return tuple(modifiers)

    def _modifier(self, table: Mapping[str, Any], line: int) -> Modifier:
        self._only(table, {"id", "checkpoint", "signal", "threshold", "all", "categories", "shift", "moves"}, line)
        for key in ("id", "checkpoint"):
            if not isinstance(table.get(key), str) or not table[key]:
                raise PolicyError(f'line {line}: a modifier needs {key} = "…"')
        named = table.get("categories")
        if not isinstance(named, list) or not named or not all(isinstance(each, str) for each in named):
            raise PolicyError(f'line {line}: a modifier names the categories that it moves: categories = ["…"]')
        shift = table.get("shift")
        if isinstance(shift, bool) or not isinstance(shift, int | float) or not 0 < abs(shift) < 1:
            raise PolicyError(f"line {line}: shift is a number between -1 and 1 and not 0, not {shift!r}")
        if shift > 0 and (absolute := sorted(ABSOLUTE & set(named))):
            raise PolicyError(f"line {line}: nothing makes {absolute[0]} more lenient")
        moves = table.get("moves", ["review"])
        if not isinstance(moves, list) or not moves:
            raise PolicyError(f'line {line}: moves is a list: ["review"], ["block"] or both')
        return Modifier(
            table["id"],
            self._checkpoint(table["checkpoint"], line),
            self._conditions(table, line),
            tuple(named),
            float(shift),
            tuple(self._action(each, "moves", line) for each in moves),
        )

    def _conditions(self, table: Mapping[str, Any], line: int) -> tuple[Condition, ...]:
        if ("signal" in table) == ("all" in table):
            raise PolicyError(f"line {line}: it needs either signal and threshold, or all = [...]")
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

    def _coverage(self) -> dict[Checkpoint, Demand]:
        demands = {}
        for checkpoint, table in self._document.get("coverage", {}).items():
            line = self._line(f"coverage.{checkpoint}")
            demands[self._checkpoint(checkpoint, line)] = self._demand(table, line)
        return demands

    def _demand(self, table: object, line: int) -> Demand:
        if not isinstance(table, dict) or not table:
            raise PolicyError(f"line {line}: a demand of coverage is a block of its own: [coverage.output]")
        self._only(table, {"longest_gap_s", "frames_share", "if_unmet", "stop_at_block"}, line)
        seconds, share, stops = table.get("longest_gap_s"), table.get("frames_share"), table.get("stop_at_block", False)
        if seconds is not None and (
            isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0
        ):
            raise PolicyError(f"line {line}: longest_gap_s is a number of seconds above 0")
        if not isinstance(stops, bool):
            raise PolicyError(f"line {line}: stop_at_block is true or false, not {stops!r}")
        return Demand(
            longest_gap_s=None if seconds is None else float(seconds),
            frames_share=None if share is None else self._probability(share, "frames_share", line),
            if_unmet=self._action(table.get("if_unmet", "review"), "if_unmet", line),
            stop_at_block=stops,
        )

    def _checkpoint(self, word: str, line: int) -> Checkpoint:
        if word not in {c.value for c in Checkpoint}:
            raise PolicyError(f"line {line}: {word!r} is not a checkpoint: {', '.join(Checkpoint)}")
        return Checkpoint(word)

    def _action(self, word: object, key: str, line: int) -> Action:
        if word not in ("review", "block"):
            more = "; an output rule may also label, age_gate or redact" if key == "action" else ""
            raise PolicyError(f'line {line}: {key} is "review" or "block", not {word!r}: a rule cannot allow{more}')
        return Action.from_word(str(word))

    def _probability(self, value: object, key: str, line: int) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            raise PolicyError(f"line {line}: {key} is a probability above 0 and up to 1, not {value!r}")
        return float(value)
