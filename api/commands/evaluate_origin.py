"""`framegate evaluate origin`: figures about the detector of synthetic origin, from labelled videos, with controls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from api.settings import Settings
from api.terminal import people, print_json, progress_bar, say

if TYPE_CHECKING:
    from safety.evaluate.origin_figures import Figures


def origin(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of labelled videos.", exists=True, file_okay=False)
    ],
    *,
    manifest: Annotated[
        Path | None,
        typer.Option(help="CSV: file, label (ai|real), generator_or_source; optional repo, kind. Default: in DIR."),
    ] = None,
    detector: Annotated[
        str, typer.Option(help="Which classifier of video.synthetic is measured; forensics_small serves without CLIP.")
    ] = "forensics",
    scores: Annotated[
        Path | None, typer.Option(help="CSV of scores (file, condition, score) to be measured instead of a detector.")
    ] = None,
    condition: Annotated[
        list[str] | None, typer.Option(help="Only this condition beside the headline; may be repeated.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps measurements: an interrupted run goes on.")
    ] = None,
    splices: Annotated[
        int,
        typer.Option(help="Also make this many composites of each kind: are generated parts found?", min=0, max=500),
    ] = 0,
    false_alarms: Annotated[
        Path | None, typer.Option(help="File for what the detector says of the real clips: the scale of your policy.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for report.json, report.md and charts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
) -> None:
    """Measure the origin detector: both classes in one shape, worn as platforms wear them, with four controls."""
    from api.wiring.bench import open_origin_bench
    from api.wiring.origin_scale import CONDITION, keep_false_alarms
    from media.renditions import CONDITIONS, HEADLINE
    from safety.evaluate.origin_pages import write_origin_pages
    from safety.evaluate.origin_report import origin_report
    from safety.evaluate.origin_rows import read_manifest
    from safety.evaluate.origin_scores import measure_clips, read_scores
    from safety.evaluate.origin_splices import splice_figures, splices_of

    if out is not None and not out.absolute().parent.is_dir():
        raise typer.BadParameter(f"{out} cannot be written: its folder does not exist")
    if false_alarms is not None and scores is not None:
        raise typer.BadParameter("false alarms are a detector's: leave out --scores or --false-alarms")
    if unknown := sorted(set(condition or ()) - set(CONDITIONS)):
        raise typer.BadParameter(f"no condition is called {unknown[0]!r}; there are: {', '.join(CONDITIONS)}")
    wanted = [each for each in CONDITIONS if not condition or each in condition or each == HEADLINE]
    if false_alarms is not None and CONDITION not in wanted:
        wanted.append(CONDITION)
    if splices and scores is not None:
        raise typer.BadParameter("composites are watched by a detector: leave out --scores or --splices")
    settings = Settings()
    rows = read_manifest(folder, manifest)  # before weights are loaded: a bad file fails fast
    given = None if scores is None else read_scores(scores)
    bench = open_origin_bench(settings, None if given is not None else detector)
    with progress_bar() as progress:
        clips = measure_clips(
            rows, bench.detector if given is None and bench.detector is not None else given or {},
            conditions=wanted, embedder=bench.embedder, cache=cache, progress=progress,
        )  # fmt: skip
    if false_alarms is not None and bench.detector is not None:
        kept = keep_false_alarms(false_alarms, clips, bench.detector, bench.trained_on())
        say(
            f"wrote {escape(str(false_alarms))}: {kept.videos} real clips of {kept.sources} sources; "
            f"shares of {kept.least:.2%} and more can be told"
        )
    composites, threshold = None, bench.threshold(settings)
    if splices and bench.detector is not None:
        with progress_bar() as progress:
            watching = bench.detector
            composites = splice_figures(splices_of(rows, splices), lambda _: watching, threshold, progress)
    made = origin_report(
        clips,
        conditions=wanted,
        detector=bench.described() if scores is None else {"name": scores.name, "version": "scores from a file"},
        trained_on=bench.trained_on() if scores is None else frozenset(),
        policy_threshold=threshold,
        why_no_vectors=bench.why_no_embedder,
        at=datetime.now(UTC),
        how={"conditions": wanted, "splices": splices},
        splices=composites,
    )
    if out is not None:
        write_origin_pages(out, made, clips)
    if as_json:
        print_json(made)
    else:
        _tell(made)
    if out is not None:
        say(f"wrote {escape(str(out / 'report.md'))}, report.json and charts")


def _tell(made: Figures) -> None:
    """Print the report for people."""
    from safety.evaluate.origin_pages import SPLICE_WORDS
    from safety.evaluate.origin_report import warnings

    clips = made["clips"]
    _line(f"detector {made['detector']['name']} {made['detector']['version']}")
    _line(
        f"{clips['counted']} of {clips['all']} clips count: {clips['generated']} generated "
        f"({clips['generators']} generators), {clips['real']} real ({clips['sources']} sources)"
    )
    for name, each in made["conditions"].items():
        found = ", ".join(f"{float(share):.0%}: {_short(row)}" for share, row in each["found"].items())
        _line(f"  {name:8} AUROC {_short(each['auroc'])}  found at false alarms of {found}")
    for name in ("brier", "ece"):
        _line(f"  {name:8} {_short(made['headline'].get(name) or {})}")
    for name in ("metadata", "topic", "refitted"):
        control = made["controls"][name]
        _line(f"  control  {name}: {control.get('unmeasured') or 'AUROC ' + _short(control)}")
    for name in ("shuffled", "real_vs_real"):
        for who, band in made["controls"][name].items():
            if band and band["mean"] is not None:
                _line(f"  control  {name}, {who}: mean {band['mean']:.2f} [{band['low']:.2f}, {band['high']:.2f}]")
    for kind, each in made["groups"]["hard_negatives"].items():
        above = each["above_policy"]
        _line(f"  hard negatives, {kind}: {above['k']} of {above['n']} above the policy's threshold")
    for kind in SPLICE_WORDS if made["splices"] else ():
        each = made["splices"][kind]
        overlap = each.get("overlap")
        _line(
            f"  {SPLICE_WORDS[kind]}: told of {each['told']['k']} of {each['told']['n']}"
            + ("" if overlap is None else f", overlap in time {overlap:.2f}")
        )
    for words in warnings(made):
        say(f"[yellow]mind:[/] {escape(words)}")
    _line(made["noise"])


def _short(figures: dict[str, Any]) -> str:
    if figures.get("value") is None:
        return "–"
    return f"{figures['value']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}]"


def _line(words: str) -> None:
    people.print(words, markup=False, soft_wrap=True)
