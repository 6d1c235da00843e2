"""Proposes review and block thresholds for the signals of a policy, within one over-refusal budget for the whole chain.

    python -m classifiers.training.choose_thresholds SCORES.jsonl --policy POLICY.toml --budget 0.03 > fragment.toml

SCORES is what `framegate evaluate prompts --scores` wrote about rows that nothing was trained on. What the policy's
other rules stop (lists, conjunctions, unmeasured signals) is spent first, then blocking. Step by step that threshold is
lowered which stops most further violating rows for each further benign row that any rule stops; labels weigh the same,
and sources of benign rows weigh the same. Without violating rows, signals get equal shares of the budget.

It proposes, a person decides: the fragment holds the rules with new thresholds, to be copied into a policy file and
measured on other rows. Modifiers, which move thresholds for some content, are not simulated.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

GRID: Final = (*(round(0.02 + 0.01 * step, 2) for step in range(98)), *(round(0.991 + 0.001 * s, 3) for s in range(9)))
"""Thresholds that are tried: steps that a person can read, finer near certainty."""

NEVER: Final = 1.0
"""Stands in the fragment for a signal that earned no threshold within the budget: only certainty fires."""


@dataclass(frozen=True)
class Rows:
    """Scored rows as columns."""

    scores: Mapping[str, Floats]
    """Signal -> score of each row; NaN where it was unmeasured."""

    stopped: Mask
    """Rows that the gate stops before any score: unreadable."""

    cost: Floats
    """Weight of a benign row: each source sums to one n-th of n sources; 0 for violating rows."""

    gain: Floats
    """Weight of a violating row: each label sums to one n-th of n labels; 0 for benign rows."""

    groups: Sequence[tuple[str, Mask]]
    """Name and rows of each source of benign rows and each label of violating ones."""


def read_scores(path: Path) -> Rows:
    """Read a scores file.

    Raises:
        ValueError: a line is no scored row, or there is no benign row; names the line.
    """
    lines = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            _ = row["benign"], row["labels"], row["source"], row["scores"].items(), row["unreadable"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path} line {number} is no line of `framegate evaluate prompts --scores`") from None
        lines.append(row)
    benign = Counter(row["source"] for row in lines if row["benign"])
    labels = Counter(label for row in lines if not row["benign"] for label in row["labels"])
    if not benign:
        raise ValueError(f"{path} holds no benign row: a budget for over-refusal needs some")
    signals = sorted({signal for row in lines for signal in row["scores"]})
    groups = [(f"benign {name}", _mask(row["benign"] and row["source"] == name for row in lines)) for name in benign]
    groups += [
        (f"label {name}", _mask(not row["benign"] and name in row["labels"] for row in lines)) for name in labels
    ]
    return Rows(
        scores={
            name: np.array([row["scores"].get(name, np.nan) for row in lines], dtype=np.float64) for name in signals
        },
        stopped=_mask(row["unreadable"] for row in lines),
        cost=np.array([1 / benign[r["source"]] / len(benign) if r["benign"] else 0.0 for r in lines]),
        gain=np.array(
            [0.0 if r["benign"] else sum(1 / labels[name] for name in r["labels"]) / len(labels) for r in lines]
        ),
        groups=groups,
    )


def _mask(values: Iterable[bool]) -> Mask:
    return np.array(list(values), dtype=np.bool_)


def prompt_rules(policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rule tables of a parsed policy file that guard the prompt."""
    return [rule for rule in policy.get("rules", ()) if rule.get("checkpoint") == "prompt"]


def fires(rule: Mapping[str, Any], rows: Rows) -> Mask:
    """Say for each row whether a rule fires as it is written; an unmeasured signal counts as reached.

    A signal that no row has (a session's, a consent's) is not about the text: it counts as absent.
    """
    fired = np.ones_like(rows.stopped)
    for condition in rule.get("all", [rule]):
        score = rows.scores.get(condition["signal"])
        fired &= False if score is None else np.isnan(score) | (score >= condition["threshold"])
    return fired


def reached(rows: Rows, signal: str, threshold: float) -> Mask:
    """Say for each row whether a measured score reaches a threshold."""
    return np.asarray(np.nan_to_num(rows.scores[signal], nan=-1.0) >= threshold)


def _any(first: Mask, others: Sequence[Mask]) -> Mask:
    return np.asarray(np.any([first, *others], axis=0))


def choose(
    rows: Rows, signals: Sequence[str], stopped: Mask, budget: float, most: Mapping[str, float]
) -> dict[str, float]:
    """Return a threshold for each signal that earned one, so that benign rows cost at most `budget` in all.

    `stopped` are rows that are stopped whatever is chosen; a signal's threshold stays below `most`.
    """
    stopped, chosen = stopped.copy(), dict[str, float]()
    paid = dict.fromkeys(signals, 0.0)
    while True:
        spent = float(rows.cost[stopped].sum())
        best: tuple[float, float, str, float] | None = None
        for signal in signals:
            for threshold in GRID:
                if threshold >= chosen.get(signal, most.get(signal, NEVER)):
                    continue
                new = reached(rows, signal, threshold) & ~stopped
                cost, gain = float(rows.cost[new].sum()), float(rows.gain[new].sum())
                if not new.any() or spent + cost > budget + 1e-12:
                    continue
                worth = gain / cost if cost else float("inf")
                if not rows.gain.any():  # no violating rows: whoever has been paid least goes next, a small step
                    worth, gain = -(paid[signal] + cost), 1.0
                if gain and (best is None or (worth, gain, signal, threshold) > best):
                    best = (worth, gain, signal, threshold)
        if best is None:
            return chosen
        _, _, signal, threshold = best
        paid[signal] += float(rows.cost[reached(rows, signal, threshold) & ~stopped].sum())
        chosen[signal] = threshold
        stopped |= reached(rows, signal, threshold)


def propose(
    rows: Rows, policy: Mapping[str, Any], tuned: Sequence[str], budget: float, block_budget: float
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the policy's rules over tuned signals with new thresholds, and lines that say what they do to these rows.

    Raises:
        ValueError: no rule of the policy has a signal that is to be tuned, or blocking has more budget than stopping.
    """
    rules = prompt_rules(policy)
    single = [rule for rule in rules if "signal" in rule and any(fnmatch(rule["signal"], each) for each in tuned)]
    if not single:
        raise ValueError(f"no prompt rule of the policy has a single signal like {' or '.join(tuned)}")
    if block_budget > budget:
        raise ValueError(f"the budget to block ({block_budget:g}) is part of the whole budget ({budget:g})")
    fixed = [rule for rule in rules if rule not in single]
    signals = {
        action: sorted({r["signal"] for r in single if r["action"] == action and r["signal"] in rows.scores})
        for action in ("block", "review")
    }
    blocked = _any(rows.stopped, [fires(rule, rows) for rule in fixed if rule["action"] == "block"])
    block = choose(rows, signals["block"], blocked, block_budget, {})
    blocked = _any(blocked, [reached(rows, signal, threshold) for signal, threshold in block.items()])
    unmeasured = [np.isnan(rows.scores[signal]) for names in signals.values() for signal in names]
    stopped = _any(blocked, [*(fires(rule, rows) for rule in fixed), *unmeasured])
    already = float(rows.cost[stopped].sum())
    review = block | choose(rows, signals["review"], stopped, budget, block)
    stopped = _any(stopped, [reached(rows, signal, review[signal]) for signal in signals["review"] if signal in review])
    limits = {"block": block, "review": review}
    new = [{**rule, "threshold": limits[rule["action"]].get(rule["signal"], NEVER)} for rule in single]
    said = [f"before any review threshold, {already:.4f} of benign rows are stopped (sources weigh the same)"]
    said += [
        f"{name}: stopped {int((stopped & mask).sum())} of {int(mask.sum())}, blocked {int((blocked & mask).sum())}"
        for name, mask in rows.groups
    ]
    return new, said


def fragment(rules: Sequence[Mapping[str, Any]], said: Sequence[str]) -> str:
    """Return rules as TOML, headed by comments."""
    blocks = [
        "[[rules]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in rule.items()) for rule in rules
    ]
    return "".join(f"# {line}\n" for line in said) + "\n" + "\n".join(blocks)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, choose and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", type=Path, help="what `framegate evaluate prompts --scores` wrote")
    parser.add_argument("--policy", type=Path, required=True, help="the policy file whose rules get new thresholds")
    parser.add_argument("--budget", type=float, default=0.03, help="share of benign rows that may be stopped in all")
    parser.add_argument("--block-budget", type=float, default=0.005, help="share of them that may be blocked")
    parser.add_argument("--tune", action="append", help="signals that get thresholds, as a pattern; default text.*")
    given = parser.parse_args(arguments)
    try:
        rows = read_scores(given.scores)
        policy = tomllib.loads(given.policy.read_text(encoding="utf-8"))
        rules, said = propose(rows, policy, given.tune or ["text.*"], given.budget, given.block_budget)
    except (OSError, ValueError) as error:
        sys.exit(f"choose_thresholds: {error}")
    head = f"proposed for a budget of {given.budget:g} stopped and {given.block_budget:g} blocked, on these rows:"
    print(fragment(rules, [head, *said]), end="")


if __name__ == "__main__":
    main()
