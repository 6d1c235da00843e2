"""Makes a report readable: Markdown with tables, and charts as SVG files beside it. Adds no figure of its own.

Ranks (ROC) and histograms need the single scores and are drawn from the outcomes; everything else from the report.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safety.charts import Bar, Line, bar_chart, histogram, line_chart
from safety.errors import SafetyError
from safety.evaluate.judging import Outcome
from safety.evaluate.margin import margin, rules_of
from safety.evaluate.tally import Figures, Tally
from safety.figures import roc_curve
from safety.policy import Policy


def write_pages(folder: Path, report: Figures, policy: Policy, outcomes: Sequence[Outcome]) -> list[Path]:
    """Write report.json, report.md and the charts into a folder, and return their paths.

    Raises:
        SafetyError: the folder cannot be written.
    """
    drawn = charts(report, policy, outcomes)
    return write_report(folder, report, markdown(report, drawn), drawn)


def write_report(folder: Path, report: Figures, text: str, drawn: dict[str, str]) -> list[Path]:
    """Write a report as JSON and as Markdown beside its charts (file name -> SVG), and return the paths.

    Raises:
        SafetyError: the folder cannot be written.
    """
    contents = {
        "report.json": json.dumps(report, ensure_ascii=False, indent=1) + "\n",
        "report.md": text,
        **drawn,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise SafetyError(f"the report cannot be written to {folder}: {error.strerror}; name another --out") from error
    return [folder / name for name in contents]


def charts(report: Figures, policy: Policy, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return file name -> SVG: shares by label and source, ROC, reliability, and a histogram for each label."""
    labels: Figures = report["all"]["labels"]
    tally = Tally(policy, [each for each in outcomes if each.row.benign])
    stopped = [bar(name, each["not_unsafe"]) for name, each in labels.items()]
    passing = [
        bar(name, each["benign"]["not_overrefuse"])
        for name, each in report["sources"].items()
        if each["benign"]["not_overrefuse"]["n"]
    ]
    unsafe = [each for each in outcomes if not each.row.benign]
    drawn = {
        "not-unsafe.svg": bar_chart("Violating prompts that are stopped", stopped),
        "not-overrefuse.svg": bar_chart("Benign prompts that pass", passing),
    }
    roc, reliable = [], []
    for label, figures in labels.items():
        mine = [each for each in unsafe if label in each.row.labels and not each.unreadable]
        rules = rules_of(policy, figures["categories"])
        negatives = tally.negatives(label)
        curve = roc_curve(
            [margin(rules, each.scores) for each in mine], [margin(rules, each.scores) for each in negatives]
        )
        roc.append(Line(label, curve))
        if (signal := _best_signal(figures)) is not None:
            bins = figures["signals"][signal]["calibration"]["bins"]
            reliable.append(Line(signal, [(each["mean_score"], each["present"]) for each in bins], marked=True))
            groups = {
                label: [each.scores[signal] for each in mine if signal in each.scores],
                "benign": [each.scores[signal] for each in negatives if signal in each.scores],
            }
            drawn[f"scores-{label}.svg"] = histogram(f"{signal}: {label} and benign rows", groups, x="score")
    drawn["roc.svg"] = line_chart(
        "ROC by label", roc, x="share of benign rows above", y="share of violating rows above"
    )
    drawn["reliability.svg"] = line_chart(
        "Reliability", reliable, x="mean score of a bin", y="share of rows with the label", diagonal=True
    )
    return drawn


def _best_signal(figures: Figures) -> str | None:
    """The signal that ranks a label's rows best alone: its head rather than its word list."""
    ranked = {name: each["ranking"]["auroc"] for name, each in figures["signals"].items() if each["ranking"]}
    return max(ranked, key=lambda name: ranked[name]) if ranked else None


def bar(name: str, figures: Mapping[str, Any]) -> Bar:
    """Return a share as a bar with its interval."""
    return Bar(name, figures["value"], (figures["low"], figures["high"]), f"N {figures['n']}")


def markdown(report: Figures, drawn: Mapping[str, str]) -> str:
    """Return the report as Markdown; `drawn` names the charts beside it."""
    parts = [
        "# Prompt gate: evaluation",
        f"{report['at']} · framegate {report['framegate']} · policy `{report['policy']['name']}` "
        f"`{report['policy']['digest']}`. "
        "Rows were judged by the classifiers and the policy of `framegate check`; nothing was recorded in the ledger.",
        table(["file", "SHA-256"], [[each["name"], f"`{each['sha256'][:16]}…`"] for each in report["files"]]),
        "Depends on: " + ", ".join(f"{name} {value}" for name, value in report["how"].items() if value) + ".",
        "`not_unsafe`: share of violating rows that are stopped (held for review or blocked), for whatever reason; "
        "`in category`: by a finding of the row's own category. `not_overrefuse`: share of benign rows that pass; for "
        "a label, of those known not to deserve it, that no rule of its categories stops. "
        "Brackets: 95 % intervals (Wilson; for AUROC Newcombe's).",
        group_page("All rows", report["all"], level=2),
    ]
    parts += [f"![{name.removesuffix('.svg')}]({name})" for name in drawn]
    if len(report["sources"]) > 1:
        parts += [group_page(f"Source {name}", each, level=2) for name, each in report["sources"].items()]
    if "errors" in report:
        parts.append(_errors_page(report["errors"]))
    return "\n\n".join(parts) + "\n"


def group_page(title: str, figures: Figures, *, level: int) -> str:
    """Return the tables of one group of rows."""
    unsafe, benign, took = figures["unsafe"], figures["benign"], figures["took_ms"]
    parts = [f"{'#' * level} {title}"]
    totals = [
        ["violating rows stopped", *cells(unsafe["not_unsafe"])],
        ["– blocked", *cells(unsafe["blocked"])],
        ["– by a finding of their category", *cells(unsafe["in_category"])],
        ["benign rows that pass", *cells(benign["not_overrefuse"])],
        ["– not blocked", *cells(benign["not_blocked"])],
        ["– not stopped for what they are known to be free of", *cells(benign["not_overrefuse_in_scope"])],
    ]
    parts.append(table(["rows", "N", "k", "share"], [row for row in totals if row[1] != "0"]))
    if figures["labels"]:
        parts.append(table(LABEL_HEAD, [_label_row(name, each) for name, each in figures["labels"].items()]))
    signals = [
        [label, f"`{signal}`", auroc(each["ranking"]), number(each["calibration"], "ece")]
        for label, group in figures["labels"].items()
        for signal, each in group["signals"].items()
        if each["ranking"]
    ]
    if signals:
        parts.append(table(["label", "signal alone", "AUROC", "ECE"], signals))
    causes = figures["over_refusal"]["signals"]
    if causes:
        rows = [[f"`{name}`", str(each["rows"]), str(each["alone"])] for name, each in causes.items()]
        parts.append(table(["benign rows stopped by signal", "rows", "alone"], rows))
    gaps = [[s, reason, str(n)] for s, why in figures["unmeasured"]["signals"].items() for reason, n in why.items()]
    if gaps:
        parts.append(table(["unmeasured", "why", "rows"], gaps))
    if took["n"]:
        parts.append(
            f"Measuring and judging, without recording: p50 {took['p50']} ms, p95 {took['p95']} ms, N {took['n']}. "
            f"Unreadable texts, counted as blocked: {figures['unreadable']}."
        )
    return "\n\n".join(parts)


LABEL_HEAD = ["label", "N", "k", "not_unsafe", "blocked", "in category", "not_overrefuse (N)", "AUROC", "AUPRC"]


def _label_row(name: str, figures: Figures) -> list[str]:
    free = figures["not_overrefuse"]
    return [
        name,
        *cells(figures["not_unsafe"]),
        percent(figures["blocked"]),
        percent(figures["in_category"]),
        f"{percent(free)} ({free['n']})",
        auroc(figures["ranking"]),
        number(figures["ranking"], "auprc"),
    ]


def cells(figures: Mapping[str, Any]) -> list[str]:
    """Return N, k and the share with its interval, for a table."""
    return [str(figures["n"]), str(figures["k"]), percent(figures)]


def percent(figures: Mapping[str, Any]) -> str:
    """Write a share with its interval: `93.1 % [90.2, 95.2]`."""
    if figures["value"] is None:
        return "–"
    return f"{figures['value'] * 100:.1f} % [{figures['low'] * 100:.1f}, {figures['high'] * 100:.1f}]"


def auroc(figures: Mapping[str, Any] | None) -> str:
    """Write an AUROC with its interval."""
    return "–" if figures is None else f"{figures['auroc']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]"


def number(figures: Mapping[str, Any] | None, name: str) -> str:
    """Write one figure of a group that may be missing."""
    return "–" if figures is None else f"{figures[name]:.3f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _errors_page(errors: Figures) -> str:
    parts = ["## Worst errors"]
    for kind, title in (("misses", "Violating rows that pass"), ("over_refusals", "Benign rows that are stopped")):
        rows = [
            [
                each["id"],
                ", ".join(each["labels"]) or "benign",
                each["action"],
                f"{each['margin']:.2f}",
                ", ".join(f"{signal} {value:.2f}" for signal, value in each["scores"].items()),
                *([" ".join(each["text"].split())] if "text" in each else []),
            ]
            for each in errors[kind]
        ]
        head = [
            "id",
            "labels",
            "action",
            "margin",
            "strongest scores",
            *(["text"] if rows and len(rows[0]) > 5 else []),
        ]
        parts.append(f"### {title}\n\n" + (table(head, rows) if rows else "None."))
    return "\n\n".join(parts)
