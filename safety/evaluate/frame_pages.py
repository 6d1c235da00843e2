"""Makes a report about pictures and clips readable: Markdown with tables, charts as SVG beside it. Adds no figure.

It names files and shows none of them: what was screened may be what nobody should look at unasked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safety.charts import Line, bar_chart, histogram, line_chart
from safety.evaluate.frame_judging import FrameOutcome
from safety.evaluate.frame_tally import BUDGETS, FrameTally
from safety.evaluate.pages import auroc, bar, cells, number, percent, table, write_report
from safety.evaluate.tally import Figures
from safety.figures import roc_curve
from safety.policy import Policy


def write_frame_pages(folder: Path, report: Figures, policy: Policy, outcomes: Sequence[FrameOutcome]) -> list[Path]:
    """Write report.json, report.md and the charts into a folder, and return their paths.

    Raises:
        SafetyError: the folder cannot be written.
    """
    drawn = charts(report, policy, outcomes)
    return write_report(folder, report, markdown(report, drawn), drawn)


def charts(report: Figures, policy: Policy, outcomes: Sequence[FrameOutcome]) -> dict[str, str]:
    """Return file name -> SVG: what is found, what is over-blocked, ROC, reliability, and a histogram a label."""
    labels: Figures = report["all"]["labels"]
    tally = FrameTally(policy, [each for each in outcomes if each.row.benign], frozenset())
    found = [bar(name, each["found"]) for name, each in labels.items() if each["measured"]]
    over = [
        bar(name, each["benign"]["over_blocked"])
        for name, each in report["sources"].items()
        if each["benign"]["over_blocked"]["n"]
    ]
    drawn = {
        "found.svg": bar_chart("Violating rows found by their own signals", found),
        "over-blocked.svg": bar_chart("Benign rows that are stopped, by source", over),
    }
    roc, reliable = [], []
    for label, figures in labels.items():
        mine = [each for each in outcomes if label in each.row.labels and not each.unreadable]
        negatives = tally.negatives(label)
        for signal, each in figures["signals"].items():
            if each["ranking"] is None:
                continue
            present = [one.scores[signal] for one in mine if signal in one.scores]
            absent = [one.scores[signal] for one in negatives if signal in one.scores]
            roc.append(Line(f"{label}: {signal}", roc_curve(present, absent)))
            bins = each["calibration"]["bins"]
            reliable.append(Line(signal, [(one["mean_score"], one["present"]) for one in bins], marked=True))
            groups = {label: present, "benign": absent}
            drawn[f"scores-{label}-{signal}.svg"] = histogram(f"{signal}: {label} and benign", groups, x="score")
    drawn["roc.svg"] = line_chart("ROC", roc, x="share of benign rows above", y="share of violating rows above")
    drawn["reliability.svg"] = line_chart(
        "Reliability", reliable, x="mean score of a bin", y="share of rows with the label", diagonal=True
    )
    return drawn


def markdown(report: Figures, drawn: Mapping[str, str]) -> str:
    """Return the report as Markdown; `drawn` names the charts beside it."""
    parts = [
        "# Output gate: evaluation on pictures and clips",
        f"{report['at']} · framegate {report['framegate']} · policy `{report['policy']['name']}` "
        f"`{report['policy']['digest']}`. Rows were judged by the classifiers and the policy of `framegate screen`; "
        "nothing was recorded in the ledger.",
        "Depends on: " + ", ".join(f"{name} {value}" for name, value in report["how"].items() if value) + ".",
        table(["classifier", "version"], [[name, f"`{each}`"] for name, each in report["classifiers"].items()]),
        "*Found*: a signal that is to find the label reached a threshold; *stopped*: held or blocked for whatever "
        "reason. *False positives*: benign rows in which the label's signals reached a threshold; *over-blocked*: "
        "benign rows that anything stops. Brackets: 95 % intervals (Wilson; for AUROC Newcombe's).",
        group_page("All rows", report["all"]),
    ]
    if report["table"]:
        parts.insert(2, f"Table `{report['table']['name']}`, SHA-256 `{report['table']['sha256'][:16]}…`.")
    if report["left_out"]:
        parts.append(f"{report['left_out']} rows were left out: their labels say that nobody verified them.")
    if report["absent"]:
        rows = [[f"`{signal}`", reason] for signal, reason in report["absent"].items()]
        parts.append(table(["not in service", "why"], rows))
    parts += [f"![{name.removesuffix('.svg')}]({name})" for name in drawn]
    if len(report["sources"]) > 1:
        parts += [group_page(f"Source {name}", each) for name, each in report["sources"].items()]
    if "errors" in report:
        parts.append(_errors_page(report["errors"]))
    return "\n\n".join(parts) + "\n"


def group_page(title: str, figures: Figures) -> str:
    """Return the tables of one group of rows."""
    unsafe, benign = figures["unsafe"], figures["benign"]
    totals = [
        ["violating rows found by their signals", *cells(unsafe["found"])],
        ["– stopped for whatever reason", *cells(unsafe["stopped"])],
        ["– blocked", *cells(unsafe["blocked"])],
        ["benign rows over-blocked", *cells(benign["over_blocked"])],
        ["– blocked", *cells(benign["blocked"])],
        ["– pictures", *cells(benign["pictures"])],
        ["– clips", *cells(benign["clips"])],
    ]
    parts = [
        f"## {title}",
        f"{figures['rows']} rows, {figures['pictures']} of them pictures; {figures['frames_seen']} of "
        f"{figures['frames_total']} frames seen.",
        table(["rows", "N", "k", "share"], [row for row in totals if row[1] != "0"]),
    ]
    if unsafe["nobody_measures"]:
        parts.append(f"{unsafe['nobody_measures']} violating rows have labels that no classifier here measures.")
    if figures["labels"]:
        head = ["label", "N", "k", "found", "stopped", "blocked", "false positives (N)"]
        parts.append(table(head, [label_row(name, each) for name, each in figures["labels"].items()]))
    signals = [
        [label, f"`{name}`", auroc(each["ranking"]), *_at(each), number(each["calibration"], "ece")]
        for label, group in figures["labels"].items()
        for name, each in group["signals"].items()
        if each["ranking"]
    ]
    if signals:
        head = ["label", "signal", "AUROC", *(f"recall at {budget:.0%} false positives" for budget in BUDGETS), "ECE"]
        parts.append(table(head, signals))
    kinds = [
        [f"{label}: {kind}", *cells(each)]
        for label, group in figures["labels"].items()
        for kind, each in group["kinds"].items()
    ]
    kinds += [[f"benign: {kind}, stopped", *cells(each)] for kind, each in benign["kinds"].items()]
    if kinds:
        parts.append(table(["kind, found", "N", "k", "share"], kinds))
    causes = figures["over_blocking"]["signals"]
    if causes:
        rows = [[f"`{name}`", str(each["rows"]), str(each["alone"])] for name, each in causes.items()]
        parts.append(table(["benign rows stopped by signal", "rows", "alone"], rows))
    gaps = [[s, why, str(n)] for s, reasons in figures["unmeasured"]["signals"].items() for why, n in reasons.items()]
    if gaps:
        parts.append(table(["unmeasured", "why", "rows"], gaps))
    if figures["unreadable"]:
        rows = [[each["id"], each["reason"]] for each in figures["unreadable"]]
        parts.append(table(["cannot be decoded, counted as blocked", "why"], rows))
    return "\n\n".join(parts)


def label_row(name: str, figures: Figures) -> list[str]:
    """Return a label's row; one that nothing here measures says so instead of 0 %."""
    free = figures["false_positives"]
    found = cells(figures["found"]) if figures["measured"] else [str(figures["found"]["n"]), "–", "unmeasured"]
    return [
        name,
        *found,
        percent(figures["stopped"]),
        percent(figures["blocked"]),
        f"{percent(free)} ({free['n']})" if figures["measured"] else "unmeasured",
    ]


def _at(figures: Figures) -> list[str]:
    costs = figures["at_false_positives"].values()
    return ["–" if each is None else percent(each["recall"]) for each in costs]


def _errors_page(errors: Figures) -> str:
    parts = ["## Worst errors"]
    for kind, title in (("missed", "Violating rows not found"), ("over_blocked", "Benign rows that are stopped")):
        rows = [
            [
                each["id"],
                ", ".join(each["labels"]) or each["kind"] or "benign",
                each["action"],
                f"{each['margin']:.2f}",
                each["unreadable"] or ", ".join(f"{signal} {value:.2f}" for signal, value in each["scores"].items()),
            ]
            for each in errors[kind]
        ]
        head = ["id", "labels", "action", "margin", "strongest scores"]
        parts.append(f"### {title}\n\n" + (table(head, rows) if rows else "None."))
    return "\n\n".join(parts)
