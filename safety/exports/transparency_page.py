"""Writes a transparency report into a folder: a page for the public, the figures as JSON, charts as SVG.

    report.md · report.json · months.svg · categories.svg · overturned.svg

It computes nothing: figures come from `safety.exports.transparency`. Small numbers are printed as they are; whether
they could point at somebody is for the publisher to judge.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from safety.charts import Bar, bar_chart, column_chart
from safety.errors import LedgerError

ACTIONS = {"allow": "allowed", "review": "held for a person", "block": "refused"}


def write_report(report: dict[str, Any], folder: Path) -> None:
    """Write the pages of a report; the same figures give the same bytes.

    Raises:
        LedgerError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages(report).items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise LedgerError(f"the report cannot be written to {folder}: {error.strerror}") from error


def pages(report: dict[str, Any]) -> dict[str, str]:
    """Return file name -> text."""
    return {
        "report.json": json.dumps(report, indent=1, ensure_ascii=False) + "\n",
        "report.md": _page(report),
        "months.svg": column_chart(
            "Decisions by month",
            {
                month: {words: counts[action] for action, words in ACTIONS.items()}
                for month, counts in report["decisions"]["by_month"].items()
            },
        ),
        "categories.svg": column_chart(
            "Findings by category",
            {
                category: {words: counts[action] for action, words in ACTIONS.items()}
                for category, counts in report["categories"].items()
            },
        ),
        "overturned.svg": bar_chart("Where people looked again", _looked_again(report)),
    }


def _looked_again(report: dict[str, Any]) -> list[Bar]:
    named = {
        "holds confirmed": report["accuracy"]["holds_that_people_confirmed"],
        "sampled allowed, wrong": report["accuracy"]["sampled_allowed_that_people_would_refuse"],
        "appeals overturned": report["accuracy"]["refusals_that_appeals_overturned"],
    }
    return [
        Bar(name, share["value"], tuple(share["interval"] or (0.0, 1.0)), f"{share['k']} of {share['n']}")
        for name, share in named.items()
    ]


def _page(report: dict[str, Any]) -> str:
    decisions, automation, appeals = report["decisions"], report["automation"], report["appeals"]
    reviews, unmeasured = report["reviews"], report["unmeasured"]
    since, until = report["period"]["since"][:10], report["period"]["until"][:10]
    parts = [
        f"# Transparency report, {since} to {until}",
        f"From {since} (included) to {until} (excluded), UTC. Shares stand with k of n and a 95 % Wilson interval; "
        "every figure is counted from the signed log of decisions.",
        "## Volumes",
        _table(
            ["checkpoint", *ACTIONS.values(), "all"],
            [
                [checkpoint, *(counts[action] for action in ACTIONS), sum(counts.values())]
                for checkpoint, counts in decisions["by_checkpoint"].items()
            ]
            + [["all", *(decisions[action] for action in ACTIONS), decisions["total"]]],
        ),
        f"Released videos: {report['record'].get('release', 0)}. Withdrawn: {report['record'].get('withdrawal', 0)}.",
        "![Decisions by month](months.svg)",
        "## Automation",
        _table(
            ["", "share", "k of n", "interval"],
            [
                ["decided by a policy alone", *_cells(automation["decided_by_policy_alone"])],
                ["held for a person", *_cells(automation["held_for_a_person"])],
            ],
        ),
        f"At the end {automation['waiting_at_the_end']} of the holds of this period waited for a person.",
        "## Accuracy of automated means",
        "Only where a person looked again; what was allowed is known from the sample that was drawn of it.",
        _table(
            ["", "share", "k of n", "interval"],
            [
                [
                    "holds that a person confirmed as violations",
                    *_cells(report["accuracy"]["holds_that_people_confirmed"]),
                ],
                [
                    "sampled allowed content that a person would have refused",
                    *_cells(report["accuracy"]["sampled_allowed_that_people_would_refuse"]),
                ],
                [
                    "appealed decisions that were overturned",
                    *_cells(report["accuracy"]["refusals_that_appeals_overturned"]),
                ],
            ],
        ),
        "![Where people looked again](overturned.svg)",
        "## Categories",
        "A decision with findings in several categories counts in each.",
        _table(
            ["category", *ACTIONS.values(), "refused by a person", "released by a person", "appealed", "overturned"],
            [[name, *counts.values()] for name, counts in _in_order(report["categories"])],
        ),
        "![Findings by category](categories.svg)",
        "## Review by people",
        f"{reviews['decided']} holds were decided: {reviews['refused']} refused, {reviews['released']} released; "
        f"{reviews['undone']} decisions were taken back.",
        f"From hold to decision: {_delays(reviews['hours'])}.",
        _table(["reason code", "decisions"], reviews["reason_codes"].items()),
        "## Appeals",
        _table(
            ["filed", "upheld", "overturned", "withdrawn", "open at the end", "of these overdue", "answered late"],
            [
                [
                    appeals[name]
                    for name in ("filed", "upheld", "overturned", "withdrawn", "open", "overdue", "answered_late")
                ]
            ],
        ),
        f"From appeal to answer: {_delays(appeals['hours'])}.",
        "## What could not be measured",
        f"In {_share(unmeasured['decisions'])} something that the policy asks for could not be measured; of these "
        + ", ".join(f"{unmeasured['by_action'][action]} were {words}" for action, words in ACTIONS.items())
        + ".",
        _table(["signal", "decisions"], unmeasured["by_signal"].items()),
        "## Policies in force",
        _table(["policy", "decisions"], ([f"`{name}`", count] for name, count in report["policies"].items())),
        "## What the log holds of this period",
        _table(["kind of entry", "entries"], report["record"].items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _in_order(categories: dict[str, dict[str, int]]) -> Iterable[tuple[str, dict[str, int]]]:
    order = (*ACTIONS, "kept", "released", "appealed", "overturned")
    return ((name, {word: counts[word] for word in order}) for name, counts in categories.items())


def _cells(share: dict[str, Any]) -> list[str]:
    if share["value"] is None:
        return ["not measured", "0 of 0", "–"]
    low, high = share["interval"]
    return [f"{share['value']:.1%}", f"{share['k']} of {share['n']}", f"{low:.1%} – {high:.1%}"]


def _share(share: dict[str, Any]) -> str:
    value, of, interval = _cells(share)
    return f"{value} of decisions ({of}, {interval})"


def _delays(hours: dict[str, Any]) -> str:
    if not hours["n"]:
        return "none in this period"
    return (
        f"median {hours['median']:.1f} h, 90th percentile {hours['p90']:.1f} h, longest {hours['longest']:.1f} h "
        f"(N = {hours['n']})"
    )


def _table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    if not lines:
        return "None."
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])
