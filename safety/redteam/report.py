"""Writes down how often each disguise and tactic gets past the gate: JSON, a Markdown table, charts.

Every share has k, N and its 95 % Wilson interval. It never holds a prompt. It measures nothing itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from safety.charts import Bar, bar_chart
from safety.errors import SafetyError
from safety.figures import Share
from safety.redteam.run import PLAIN, Case, Hunt
from safety.redteam.tactics import TACTICS

Figures = dict[str, Any]


def figures(
    cases: Sequence[Case], hunts: Sequence[Hunt], *, at: datetime, policy: str, seed: int, budget: int
) -> Figures:
    """Return the figures of a run.

    `loss` of a move is, in points, how much less of the harmful prompts it leaves stopped than plain words do, over
    the prompts whose meaning it keeps; `bypassed` counts among those that plain words have stopped.
    """
    by_move: dict[str, list[Case]] = {}
    for case in cases:
        by_move.setdefault(case.move, []).append(case)
    plain = {id(case.row): case.stopped for case in by_move.get(PLAIN, ())}
    return {
        "schema": 1,
        "kind": "redteam",
        "at": at.isoformat(timespec="seconds"),
        "policy": policy,
        "seed": seed,
        "plain": _stopped(by_move.get(PLAIN, ())),
        "moves": [
            {"name": name, "kind": "tactic" if name in TACTICS else "transform", **_stopped(own), **_loss(own, plain)}
            for name, own in by_move.items()
            if name != PLAIN
        ],
        "attacker": _attacker(hunts, budget),
    }


def _stopped(cases: Sequence[Case]) -> Figures:
    harmful = [case.stopped for case in cases if not case.row.benign]
    benign = [case.stopped for case in cases if case.row.benign]
    return {
        "harmful_stopped": _share(Share(sum(harmful), len(harmful))),
        "benign_stopped": _share(Share(sum(benign), len(benign))),
    }


def _loss(cases: Sequence[Case], plain: dict[int, bool]) -> Figures:
    harmful = [case for case in cases if not case.row.benign]
    before = sum(plain[id(case.row)] for case in harmful)
    after = sum(case.stopped for case in harmful)
    bypassed = sum(plain[id(case.row)] and not case.stopped for case in harmful)
    return {
        "loss_points": round(100 * (before - after) / len(harmful), 2) if harmful else None,
        "bypassed": _share(Share(bypassed, before)),
    }


def _attacker(hunts: Sequence[Hunt], budget: int) -> Figures:
    won = [each.attack for each in hunts if each.attack.succeeded]
    return {
        "budget": budget,
        "succeeded": _share(Share(len(won), len(hunts))),
        "median_queries": median(each.queries for each in won) if won else None,
        "queries": sum(each.attack.queries for each in hunts),
        "chains": [
            {"moves": list(chain), "successes": count}
            for chain, count in Counter(each.moves for each in won).most_common()
        ],
    }


def _share(share: Share) -> Figures:
    low, high = share.interval
    value = None if share.value is None else round(share.value, 4)
    return {"k": share.k, "n": share.n, "value": value, "low": round(low, 4), "high": round(high, 4)}


def markdown(made: Figures) -> str:
    """Return the report as Markdown: one table of moves, one of the attacker."""
    plain = made["plain"]
    lines = [
        "# Red team",
        "",
        f"{made['at']}, policy `{made['policy']}`, seed {made['seed']}.",
        f"In plain words {_cell(plain['harmful_stopped'])} of harmful prompts and {_cell(plain['benign_stopped'])} of "
        "benign ones are stopped.",
        "k/N = share [95 % Wilson interval].",
        "",
        "![harmful prompts stopped](stopped.svg)",
        "",
        "| move | kind | harmful, stopped | loss, points | bypassed | benign, stopped |",
        "|---|---|---|---|---|---|",
    ]
    for move in made["moves"]:
        loss = "–" if move["loss_points"] is None else f"{move['loss_points']:+.1f}"
        cells = (move["name"], move["kind"], _cell(move["harmful_stopped"]), loss, _cell(move["bypassed"]))
        lines.append(f"| {' | '.join(cells)} | {_cell(move['benign_stopped'])} |")
    attacker = made["attacker"]
    queries = attacker["median_queries"]
    lines += [
        "",
        f"An attacker with {attacker['budget']} queries a prompt got {_cell(attacker['succeeded'])} of the prompts "
        f"through that are stopped in plain words{'' if queries is None else f' (median {queries:g} queries)'}.",
        "",
        "| chain of moves | successes |",
        "|---|---|",
        *(f"| {' + '.join(each['moves'])} | {each['successes']} |" for each in attacker["chains"]),
    ]
    return "\n".join(lines) + "\n"


def _cell(share: Figures) -> str:
    if not share["n"]:
        return "–"
    edges = f"[{100 * share['low']:.1f}, {100 * share['high']:.1f}]"
    return f"{share['k']}/{share['n']} = {100 * share['value']:.1f} % {edges}"


def write(folder: Path, made: Figures) -> None:
    """Write report.json, report.md and the charts into a folder.

    Raises:
        SafetyError: the folder cannot be written.
    """
    contents = {
        "report.json": json.dumps(made, indent=1) + "\n",
        "report.md": markdown(made),
        "stopped.svg": bar_chart("Harmful prompts that are stopped, by move", _bars(made, "harmful_stopped")),
        "over-refused.svg": bar_chart("Benign prompts that are stopped, by move", _bars(made, "benign_stopped")),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise SafetyError(f"the report cannot be written to {folder}: {error.strerror}; name another --out") from error


def _bars(made: Figures, key: str) -> list[Bar]:
    rows = [{"name": "plain words", **made["plain"]}, *made["moves"]]
    return [
        Bar(row["name"], row[key]["value"], (row[key]["low"], row[key]["high"]), f"{row[key]['k']} of {row[key]['n']}")
        for row in rows
    ]
