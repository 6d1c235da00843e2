"""`framegate evaluate`: figures about the gates, from labelled data. Judges as the gates do and records nothing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from api.settings import Settings
from api.terminal import people, print_json, progress_bar, say

if TYPE_CHECKING:
    from safety.evaluate.tally import Figures

CAUSES_SHOWN = 6
"""Signals and categories that a person is shown as causes of over-refusal; the report has all."""


def prompts(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="JSON Lines (.jsonl, .jsonl.gz): text, labels, benign.")
    ],
    *,
    workers: Annotated[int, typer.Option(help="Processes that measure; 0: one for each core.", min=0)] = 0,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps measurements: an interrupted run goes on.")
    ] = None,
    sample: Annotated[int, typer.Option(help="At most so many unsafe and benign rows a source; 0: all.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Chooses the sample.")] = 0,
    lang: Annotated[list[str] | None, typer.Option(help="Only rows of this language; may be repeated.")] = None,
    errors: Annotated[int, typer.Option(help="List so many of the worst errors of each kind.", min=0)] = 0,
    show_text: Annotated[bool, typer.Option("--show-text", help="With --errors: also their texts.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json, report.md and charts.")] = None,
    scores: Annotated[Path | None, typer.Option(help="File for one JSON line a row with all its scores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
) -> None:
    """Measure the prompt gate on labelled prompts: the judging of `framegate check`; nothing is recorded."""
    from api.wiring.bench import open_bench, open_policy
    from safety.errors import InvalidContent
    from safety.evaluate.judging import judge_rows
    from safety.evaluate.labels import known_labels
    from safety.evaluate.pages import write_pages
    from safety.evaluate.report import report, worst_errors, write_scores
    from safety.evaluate.rows import read_rows, sampled

    if show_text and not errors:
        raise typer.BadParameter("--show-text shows the texts of --errors N: give both")
    for file in (scores, out):
        if file is not None and not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file} cannot be written: its folder does not exist")
    settings = Settings()
    rows = read_rows(files, known_labels(open_policy(settings)))  # before weights are loaded: a bad file fails fast
    rows = [row for row in rows if not lang or row.lang in lang]
    if not rows:
        raise InvalidContent(f"no row is in {' or '.join(lang or ())}: rows name their language in lang")
    if sample:
        rows = sampled(rows, sample, seed)
    bench, workers = open_bench(settings), workers or os.cpu_count() or 1
    with progress_bar() as progress:
        outcomes = judge_rows(
            partial(open_bench, settings), rows, bench=bench, workers=workers, cache=cache, progress=progress
        )
    how: dict[str, Any] = {"rows a source at most": sample, "seed": seed if sample else None}
    how |= {"languages": " ".join(lang or ()), "processes": workers}
    made = report(bench, files, outcomes, at=datetime.now(UTC), how=how)
    if errors:
        made["errors"] = worst_errors(bench, outcomes, errors, show_text=show_text)
    if scores is not None:
        write_scores(scores, outcomes)
    if out is not None:
        write_pages(out, made, bench.policy, outcomes)
    if as_json:
        print_json(made)
    else:
        _tell(made)
    if out is not None:
        say(f"wrote {escape(str(out / 'report.md'))}, report.json and charts")


def _tell(made: Figures) -> None:
    """Print the report for people."""
    say("judged as by framegate check; nothing was recorded in the ledger")
    _line(f"policy {made['policy']['name']} {made['policy']['digest']}")
    for name, figures in made["sources"].items():
        _tell_group(f"source {name}", figures)
    _tell_group("all rows", made["all"])
    for kind, title in (("misses", "violating rows that pass"), ("over_refusals", "benign rows that are stopped")):
        for each in made.get("errors", {}).get(kind, ()):
            strongest = ", ".join(f"{signal} {value:.2f}" for signal, value in each["scores"].items())
            words = ", ".join(each["labels"]) or "benign"
            _line(f"{title}: {each['id']} ({words}) {each['action']} {each['margin']:+.2f}: {strongest}")
            if "text" in each:
                _line(f"  {each['text']!r}")  # repr: what a stranger wrote does not steer the terminal


def _tell_group(title: str, figures: Figures) -> None:
    from safety.evaluate.pages import percent

    say(f"\n[bold]{escape(title)}[/]: {figures['rows']} rows")
    lines = [(label, each["not_unsafe"], each) for label, each in figures["labels"].items()]
    if figures["unsafe"]["not_unsafe"]["n"]:
        lines.append(("violating, all", figures["unsafe"]["not_unsafe"], figures["unsafe"]))
    for name, stopped, each in lines:
        more = f"blocked {_short(each['blocked'])}, in category {_short(each['in_category'])}"
        if "not_overrefuse" in each:
            more += f", not_overrefuse {_short(each['not_overrefuse'])}"
        if each.get("ranking"):
            more += f", AUROC {each['ranking']['auroc']:.3f}"
        _line(f"  {name:15} stopped {stopped['k']:>5} of {stopped['n']:<5} = {percent(stopped)}; {more}")
    passing, free = figures["benign"]["not_overrefuse"], figures["benign"]["not_blocked"]
    if passing["n"]:
        more = f"not blocked {_short(free)}, in scope {_short(figures['benign']['not_overrefuse_in_scope'])}"
        _line(f"  {'benign':15} passed  {passing['k']:>5} of {passing['n']:<5} = {percent(passing)}; {more}")
    for kind in ("categories", "signals"):
        causes = list(figures["over_refusal"][kind].items())[:CAUSES_SHOWN]
        if causes:
            _line(f"  benign, {kind}: " + ", ".join(f"{n} {c['rows']} ({c['alone']} alone)" for n, c in causes))
    if figures["unmeasured"]["rows"] or figures["unreadable"]:
        _line(f"  something unmeasured in {figures['unmeasured']['rows']} rows; unreadable {figures['unreadable']}")
    if figures["took_ms"]["n"]:
        _line(f"  measuring and judging: p50 {figures['took_ms']['p50']} ms, p95 {figures['took_ms']['p95']} ms")


def _line(words: str) -> None:
    """Print a line as it is, however narrow the terminal."""
    people.print(words, markup=False, soft_wrap=True)


def _short(figures: Figures) -> str:
    return "–" if figures["value"] is None else f"{figures['value']:.1%}"
