"""Puts every prompt in every disguise and tactic before the gate, then lets the attacker search; records nothing.

The same measuring and judging as `framegate check`, scenes alone and together too. It counts; `report` writes the
figures down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safety.consent import nobody_registered
from safety.domain import Action, Checkpoint
from safety.errors import InvalidContent
from safety.evaluate.judging import Bench, judge_rows
from safety.evaluate.rows import LabelledPrompt
from safety.judge import judge
from safety.measure import measure_prompt
from safety.readable import whole_prompt
from safety.redteam.attacker import Answer, Attack, attack, carry_out
from safety.redteam.tactics import Attempt
from safety.session import of_nobody

PLAIN = ""
"""The move that changes nothing: what the others are compared with."""

SEEDS = Path(__file__).parent / "seeds.jsonl"
"""Our own prompts, harmful and benign, without anything graphic and without minors."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Case:
    """One prompt under one move: whether the gate stopped any prompt of the attempt."""

    row: LabelledPrompt
    move: str
    stopped: bool


@dataclass(frozen=True)
class Hunt:
    """How the attacker fared with one prompt that is stopped in plain words."""

    row: LabelledPrompt
    attack: Attack


def try_moves(
    open_bench: Callable[[], Bench],
    bench: Bench,
    rows: Sequence[LabelledPrompt],
    moves: Sequence[str],
    *,
    seed: int,
    workers: int = 1,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Case]:
    """Return what the gate does with each row in plain words and under each move that keeps its meaning.

    Raises:
        KeyError: an unknown move.
        SafetyError, ClassifierError, PolicyError: as for measuring labelled rows.
    """
    attempts: list[tuple[LabelledPrompt, str, Attempt]] = []
    for row in rows:
        for move in (PLAIN, *moves):
            attempt = carry_out((move,) if move else (), row.whole, seed=seed)
            if attempt is not None:
                attempts.append((row, move, attempt))
    pieces = dict.fromkeys(text for _, _, attempt in attempts for text in attempt)
    judged = [LabelledPrompt(text, benign=True, labels=(), source="redteam", id="") for text in pieces]
    outcomes = judge_rows(open_bench, judged, bench=bench, workers=workers, cache=cache, progress=progress)
    stopped = {outcome.row.text: outcome.stopped for outcome in outcomes}
    return [Case(row, move, any(stopped[text] for text in attempt)) for row, move, attempt in attempts]


def hunt(
    bench: Bench,
    rows: Sequence[LabelledPrompt],
    *,
    budget: int,
    seed: int,
    progress: Progress = lambda done, total: None,
) -> list[Hunt]:
    """Let the attacker search for a way past the gate for each row, with at most `budget` queries each."""
    hunts = []
    for done, row in enumerate(rows, start=1):
        hunts.append(Hunt(row, attack(row.whole, lambda text: ask(bench, text), budget=budget, seed=seed)))
        progress(done, len(rows))
    return hunts


def ask(bench: Bench, text: str) -> Answer:
    """Return what the gate says to one prompt, and by how much its strongest score passed a threshold."""
    try:
        whole_prompt(text, (), bench.prompt_max_characters, bench.max_scenes)
    except InvalidContent:
        return Answer(stopped=True, strength=2.0)
    measurement = nobody_registered(of_nobody(measure_prompt(bench.instruments, text)))
    verdict = judge(bench.policy, Checkpoint.PROMPT, measurement)
    over = [
        float(finding.action) + (1.0 if each.score is None else each.score - each.threshold)
        for finding in verdict.findings
        for each in finding.evidence
    ]
    return Answer(stopped=verdict.action is not Action.ALLOW, strength=max(over, default=0.0))


def stopped_in_plain_words(cases: Sequence[Case]) -> list[LabelledPrompt]:
    """Return the harmful rows that the gate stops as they are: only these can be an attacker's success."""
    return [case.row for case in cases if case.move == PLAIN and case.stopped and not case.row.benign]
