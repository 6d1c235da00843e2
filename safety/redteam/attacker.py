"""An attacker with a budget: tries tactics and disguises, alone and one upon another, until a refused prompt passes.

It sees what a requester sees: allowed or not, and how strongly it was stopped. Seeded, so that a run can be repeated.
It neither measures nor judges: the gate is a function that it is given.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from safety.redteam.tactics import TACTICS, Attempt, apply_tactic, keeps_meaning
from safety.redteam.transforms import TRANSFORMS, disguise

Meaning = Callable[[str, Attempt], bool]
"""Whether an attempt in plain letters still asks for what the prompt asks for."""

MAX_MOVES = 3
"""Moves put one upon another: with more, people no longer read what the text says."""

SURVIVORS = 3
"""Best chains of moves that are extended further."""


@dataclass(frozen=True)
class Answer:
    """What the gate says to one prompt. `strength` is how far above a threshold it was, 0 when it passes."""

    stopped: bool
    strength: float = 0.0


Ask = Callable[[str], Answer]


@dataclass(frozen=True)
class Attack:
    """How an attack on one prompt ended."""

    succeeded: bool
    queries: int
    """Prompts put to the gate."""

    moves: tuple[str, ...]
    """Moves of the chain that got through, or of the one that came nearest."""


def carry_out(moves: Sequence[str], prompt: str, *, seed: int, means: Meaning = keeps_meaning) -> Attempt | None:
    """Return the attempt that a chain of moves makes, or None where it no longer asks for the same.

    Tactics come first and are checked in plain letters; disguises can be taken off and change no meaning.

    Raises:
        KeyError: a move is neither a tactic nor a transform.
    """
    attempt: Attempt = (prompt,)
    for name in (move for move in moves if move in TACTICS):
        attempt = tuple(piece for text in attempt for piece in apply_tactic(name, text, seed=seed))
    if not means(prompt, attempt):
        return None
    for name in (move for move in moves if move not in TACTICS):
        attempt = tuple(disguise(name, text, seed=seed) for text in attempt)
    return attempt


def attack(prompt: str, ask: Ask, *, budget: int, seed: int, means: Meaning = keeps_meaning) -> Attack:
    """Search for a chain of moves with which `prompt` passes, asking the gate at most `budget` times.

    Single moves are tried in random order; then the chains that were stopped least are extended by a move.
    """
    chance = random.Random(f"{seed}/{prompt}")  # noqa: S311  (repeatable, guards nothing)
    every = [*TACTICS, *TRANSFORMS]
    waiting: list[tuple[str, ...]] = [(name,) for name in chance.sample(every, len(every))]
    tried: list[tuple[float, tuple[str, ...]]] = []
    seen = set(waiting)
    queries = 0
    while waiting:
        chain = waiting.pop()
        attempt = carry_out(chain, prompt, seed=seed, means=means)
        if attempt is not None and len(attempt) <= budget - queries:
            strength = 0.0
            for text in attempt:
                answer = ask(text)
                queries += 1
                strength = max(strength, answer.strength if answer.stopped else 0.0)
                if answer.stopped:
                    break
            else:
                return Attack(succeeded=True, queries=queries, moves=chain)
            tried.append((strength, chain))
        if queries >= budget:
            break
        # A third of the budget looks around, the rest climbs from the best that was found.
        if queries >= budget / 3 or not waiting:
            waiting = _extended(tried, every, seen, chance) or waiting
    nearest = min(tried, default=(0.0, ()))[1]
    return Attack(succeeded=False, queries=queries, moves=nearest)


def _extended(
    tried: list[tuple[float, tuple[str, ...]]], every: list[str], seen: set[tuple[str, ...]], chance: random.Random
) -> list[tuple[str, ...]]:
    """One new chain that extends one of the best, or none where all were tried."""
    for _, chain in sorted(tried)[:SURVIVORS]:
        if len(chain) < MAX_MOVES:
            fresh = [name for name in every if name not in chain and (*chain, name) not in seen]
            if fresh:
                longer = (*chain, chance.choice(fresh))
                seen.add(longer)
                return [longer]
    return []
