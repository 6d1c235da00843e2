"""`framegate evaluate frames`: figures about the output gate, from labelled pictures and clips. Records nothing."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from api.commands.evaluate import CAUSES_SHOWN
from api.settings import Settings
from api.terminal import people, print_json, progress_bar, say

if TYPE_CHECKING:
    from safety.evaluate.frame_judging import FrameBench
    from safety.evaluate.frame_rows import LabelledMedia
    from safety.evaluate.tally import Figures


def frames(
    data: Annotated[
        Path,
        typer.Argument(metavar="DIR|CSV", help="Table with path and labels, or a folder of folders named by labels."),
    ],
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this classifier, and rules that ask for nothing else; may be repeated."),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Only rows with this value; may be repeated.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Folder that the table's paths start from; default: its own.")
    ] = None,
    all_benign: Annotated[
        bool, typer.Option("--all-benign", help="Nothing here should be stopped, whatever its labels are.")
    ] = False,
    sample: Annotated[int, typer.Option(help="At most so many unsafe and benign rows a source; 0: all.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Chooses the sample.")] = 0,
    workers: Annotated[
        int, typer.Option(help="Processes that measure, about 1 GB each; 0: one for each core.", min=0)
    ] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps scores by file digest and classifier version.")
    ] = None,
    errors: Annotated[int, typer.Option(help="Name so many of the worst errors of each kind.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json, report.md and charts.")] = None,
    scores: Annotated[Path | None, typer.Option(help="File for one JSON line a row with all its scores.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
) -> None:
    """Measure the output gate on labelled pictures and clips: judges as `framegate screen` does, records nothing."""
    from api.wiring.bench import open_policy, signals_of_clips
    from safety.evaluate.frame_judging import judge_media
    from safety.evaluate.frame_pages import write_frame_pages
    from safety.evaluate.frame_report import frame_report, worst_frames, write_frame_scores
    from safety.evaluate.frame_rows import read_media

    for file in (scores, out):
        if file is not None and not file.absolute().parent.is_dir():
            raise typer.BadParameter(f"{file} cannot be written: its folder does not exist")
    settings, wanted = Settings(), _pairs(where or ())
    policy = open_policy(settings)  # rows are read before weights are loaded: a bad table fails fast
    given = read_media(data, policy, known=signals_of_clips(), where=wanted, base=base, all_benign=all_benign)
    rows = _sampled(given.rows, sample, seed) if sample else list(given.rows)
    bench = _opened(settings, only)
    with progress_bar() as progress:
        outcomes = judge_media(
            partial(_opened, settings, only),
            rows,
            bench=bench,
            workers=workers or os.cpu_count() or 1,
            cache=cache,
            progress=progress,
        )
    how: dict[str, Any] = {"only the classifiers": " ".join(only or ()), "all taken as benign": all_benign}
    how |= {"rows with": " ".join(where or ()), "rows a source at most": sample, "seed": seed if sample else None}
    how["processes"] = workers or os.cpu_count()
    made = frame_report(bench, given, outcomes, at=datetime.now(UTC), how=how)
    if errors:
        made["errors"] = worst_frames(bench, outcomes, errors)
    if scores is not None:
        write_frame_scores(scores, outcomes)
    if out is not None:
        write_frame_pages(out, made, bench.policy, outcomes)
    if as_json:
        print_json(made)
    else:
        _tell(made, only)
    if out is not None:
        say(f"wrote {escape(str(out / 'report.md'))}, report.json and charts")


def _opened(settings: Settings, only: Sequence[str] | None) -> FrameBench:
    """Open what judges frames; in any process."""
    from api.wiring.bench import open_frame_bench

    bench = open_frame_bench(settings)
    return bench.only(only) if only else bench


def _pairs(written: Sequence[str]) -> dict[str, str]:
    pairs = dict(each.partition("=")[::2] for each in written)
    if any("=" not in each for each in written) or not all(pairs):
        raise typer.BadParameter("--where is written COLUMN=VALUE, as in --where source=hockey")
    return {name.lower(): value for name, value in pairs.items()}


def _sampled(rows: Sequence[LabelledMedia], limit: int, seed: int) -> list[LabelledMedia]:
    """Return at most `limit` unsafe and `limit` benign rows of each source, chosen by the seed, in order."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((row.source, row.benign), []).append(place)
    chosen: list[int] = []
    for (source, benign), places in groups.items():
        chance = random.Random(f"{seed}/{source}/{benign}")  # noqa: S311 – a sample, not a secret
        chosen += places if len(places) <= limit else chance.sample(places, limit)
    return [rows[place] for place in sorted(chosen)]


def _tell(made: Figures, only: Sequence[str] | None) -> None:
    """Print the report for people."""
    say("judged as by framegate screen; nothing was recorded in the ledger")
    if only:
        say(f"[bold]not the whole chain[/]: only {escape(', '.join(only))}, and rules that ask for nothing else")
    _line(f"policy {made['policy']['name']} {made['policy']['digest']}")
    for signal, reason in made["absent"].items():
        _line(f"not in service: {signal}: {reason}")
    if made["left_out"]:
        _line(f"{made['left_out']} rows left out: their labels say that nobody verified them")
    if len(made["sources"]) > 1:
        for name, figures in made["sources"].items():
            _tell_group(f"source {name}", figures)
    _tell_group("all rows", made["all"])
    for kind, title in (("missed", "violating, not found"), ("over_blocked", "benign, stopped")):
        for each in made.get("errors", {}).get(kind, ()):
            strongest = ", ".join(f"{signal} {value:.2f}" for signal, value in each["scores"].items())
            words = ", ".join(each["labels"]) or each["kind"] or "benign"
            _line(f"{title}: {each['id']} ({words}) {each['action']}: {each['unreadable'] or strongest}")


def _tell_group(title: str, figures: Figures) -> None:
    from safety.evaluate.pages import percent

    seen = f"{figures['frames_seen']} of {figures['frames_total']} frames seen"
    say(f"\n[bold]{escape(title)}[/]: {figures['rows']} rows, {figures['pictures']} of them pictures; {seen}")
    for label, each in figures["labels"].items():
        if not each["measured"]:
            asked = ", ".join(each["signals_asked"]) or "nothing"
            _line(f"  {label:15} N {each['stopped']['n']}: unmeasured, no classifier reports {asked}")
            continue
        found, free = each["found"], each["false_positives"]
        _line(
            f"  {label:15} found {found['k']:>5} of {found['n']:<5} = {percent(found)}; "
            f"false positives {free['k']} of {free['n']} = {percent(free)}"
        )
        for name, signal in each["signals"].items():
            if signal["ranking"]:
                at = ", ".join(
                    f"{percent(cost['recall'])} at {float(budget):.0%}"
                    for budget, cost in signal["at_false_positives"].items()
                )
                _line(f"    {name}: AUROC {signal['ranking']['auroc']:.3f}; recall {at} false positives")
    over = figures["benign"]["over_blocked"]
    if over["n"]:
        outright = f"blocked outright {figures['benign']['blocked']['k']}"
        _line(f"  {'benign':15} over-blocked {over['k']} of {over['n']} = {percent(over)}; {outright}")
    causes = list(figures["over_blocking"]["signals"].items())[:CAUSES_SHOWN]
    if causes:
        _line("  benign, signals: " + ", ".join(f"{n} {c['rows']} ({c['alone']} alone)" for n, c in causes))
    for each in figures["unreadable"]:
        _line(f"  cannot be decoded, counted as blocked: {each['id']}: {each['reason']}")


def _line(words: str) -> None:
    """Print a line as it is, however narrow the terminal."""
    people.print(words, markup=False, soft_wrap=True)
