"""`framegate generate` and `fetch`: run one request along the whole path, and get what was released."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from api.release_views import release_view
from api.settings import Settings
from api.starting import Start, place
from api.terminal import BY_STATUS, LOCAL, Exit, explain, people, print_json, say
from api.views import decision_view, job_view
from api.wiring import House, open_house
from generator.base import Capability
from safety.domain import Action, Job, JobStatus, Task
from safety.errors import Conflict, NotFound
from safety.framegate import write_released
from safety.pipeline import Outcome
from safety.readable import refuse_unreadable
from safety.shelf import request_of
from safety.webm_copies import write_webm
from safety.withdrawals import released_file

_BY_GRAVITY = (Exit.DONE, Exit.HELD, Exit.REFUSED, Exit.COULD_NOT)


class Direction(StrEnum):
    """Which way a clip is extended."""

    FORWARD = "forward"
    BACKWARD = "backward"


def generate(
    prompts: Annotated[list[str], typer.Argument(metavar="PROMPT...", help="What the video should show.")],
    out: Annotated[Path, typer.Option(help="Where the released file is written; of several prompts: a folder.")],
    seconds: Annotated[float, typer.Option(help="Length in seconds; of an extension: what is added.")] = 2.0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels.")] = "512x512",
    seed: Annotated[int, typer.Option(help="Same request and seed, same pixels.")] = 0,
    *,
    image: Annotated[Path | None, typer.Option(help="A picture that becomes the first frame.")] = None,
    extend: Annotated[Path | None, typer.Option(help="A video that goes on.")] = None,
    direction: Annotated[Direction, typer.Option(help="With --extend: what comes after it, or what was before.")] = (
        Direction.FORWARD
    ),
    loop: Annotated[bool, typer.Option("--loop", help="The end leads back to the beginning.")] = False,
    fill: Annotated[
        list[str] | None, typer.Option(metavar="FRAME@SECONDS", help="A picture and its time; may be repeated.")
    ] = None,
    edit: Annotated[Path | None, typer.Option(help="A video that is changed towards the prompt.")] = None,
    strength: Annotated[float, typer.Option(help="With --edit: how far it may go, above 0 and up to 1.")] = (
        Task.strength
    ),
    still: Annotated[bool, typer.Option("--still", help="One picture, as a video that stands still.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Generate a video through the whole gate: judged, made, marked, screened, signed, released, recorded.

    Several prompts become one job each, one after another, with the same options. The exit code is then that of the
    job that went worst: 1 failed, 3 refused, 4 held, 0 all released.
    """
    settings = Settings()
    for prompt in prompts:
        refuse_unreadable(prompt, settings.prompt_max_characters)
    if len(prompts) > 1 and not out.is_dir():
        raise typer.BadParameter(f"{out} is no folder: the files of several prompts are written into one")
    width, height = parse_size(size)
    start = _start(image, extend, direction, fill or [], edit, strength, loop=loop, still=still)
    codes = []
    with open_house(settings) as house:
        for prompt in prompts:
            job = Job(f"video_{uuid.uuid4().hex}", prompt, seconds, width, height, seed, LOCAL, datetime.now(UTC))
            file = out if len(prompts) == 1 else out / f"{job.id}.mp4"
            codes.append(_generate(house, job, start, file, as_json=as_json))
    raise typer.Exit(max(codes, key=_BY_GRAVITY.index))


def _generate(house: House, job: Job, start: Start, out: Path, *, as_json: bool) -> Exit:
    house.generator.check(request_of(replace(job, task=Task(start.capability, (), start.strength))))
    job = house.jobs.create(place(house, job, start))
    # Judged before a video network is loaded; the pipeline finds this very Decision again.
    decision = house.prompt_gate.check_prompt(job.prompt, requester=LOCAL, job=job.id)
    if decision.verdict.action is not Action.BLOCK:
        return _deliver(house, job.id, out, as_json=as_json)
    house.jobs.set_status(job.id, JobStatus.REFUSED)
    house.shelf.discard(job.id)
    outcome = Outcome(JobStatus.REFUSED, decision)
    return tell(outcome_view(house, job.id, outcome), outcome, as_json=as_json)


def _start(
    image: Path | None,
    extend: Path | None,
    direction: Direction,
    fill: list[str],
    edit: Path | None,
    strength: float,
    *,
    loop: bool,
    still: bool,
) -> Start:
    """Read what the options ask for; two things at once are refused, but a picture may begin a loop."""
    capabilities = {
        Capability.LOOP: loop,
        Capability.ANIMATE: image is not None and not loop,
        Capability.EXTEND: extend is not None and direction is Direction.FORWARD,
        Capability.EXTEND_BACKWARD: extend is not None and direction is Direction.BACKWARD,
        Capability.FILL: bool(fill),
        Capability.EDIT: edit is not None,
        Capability.IMAGE: still,
    }
    asked = [capability for capability, is_asked in capabilities.items() if is_asked]
    if len(asked) > 1:
        raise typer.BadParameter("--image, --extend, --loop, --fill, --edit and --still exclude each other")
    if not asked:
        return Start()
    files = [(path, 0.0) for path in (image, extend, edit) if path is not None] + [_frame_at(each) for each in fill]
    for path, _ in files:
        if not path.is_file():
            raise typer.BadParameter(f"{path} is no file")
    return Start(asked[0], files, strength)


def _frame_at(text: str) -> tuple[Path, float]:
    """Read `FRAME@SECONDS`."""
    name, _, seconds = text.rpartition("@")
    if not name or not re.fullmatch(r"\d{1,5}(\.\d{1,6})?", seconds):
        raise typer.BadParameter("--fill is FRAME@SECONDS, for example still.png@1.5")
    return Path(name), float(seconds)


def fetch(
    id_: Annotated[str, typer.Argument(metavar="ID", help="A job or a release.")],
    out: Annotated[
        Path,
        typer.Option(
            help="Where the released file is written; NAME.webm: a webm copy, its manifest as NAME.webm.c2pa."
        ),
    ],
) -> None:
    """Write the file of a release. There is no other way to a file than its Release row."""
    with open_house(Settings()) as house:
        release = house.ledger.release_of_job(id_) or house.ledger.release(id_)
        if release is None:
            raise NotFound(f"no release has the id {id_}, and no job of that id was released")
        file = released_file(house.withdrawals, house.blobs, release)
        if out.suffix.lower() == ".webm":
            write_webm(house.webm_copies.of(release, file), out)
        else:
            write_released(file, out)
    say(f"wrote {escape(str(out))} ({out.stat().st_size} bytes, {release.id})")


def resume(
    job: Annotated[str, typer.Argument(help="A job of the command line that was interrupted or held.")],
    out: Annotated[Path, typer.Option(help="Where the released file is written.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Go on with a job where it stopped: nothing that was decided or made is lost."""
    with open_house(Settings()) as house:
        if house.jobs.get(job).requester != LOCAL:
            raise Conflict(f"job {job} belongs to the service: a worker goes on with it")
        code = _deliver(house, job, out, as_json=as_json)
    raise typer.Exit(code)


def _deliver(house: House, job: str, out: Path, *, as_json: bool) -> Exit:
    """Run a job here, write what it released, and tell how it ended."""
    outcome = run_here(house, job)
    view = outcome_view(house, job, outcome)
    if outcome.release is not None:
        write_released(released_file(house.withdrawals, house.blobs, outcome.release), out)
        view["file"] = str(out)
    return tell(view, outcome, as_json=as_json)


def run_here(house: House, job: str) -> Outcome:
    """Run a job in this process, with a progress bar for people."""
    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=people, transient=True) as bar:
        task = bar.add_task("generating", total=1.0)
        return house.runner.run(job, progress=lambda share: bar.update(task, completed=share))


def outcome_view(house: House, job: str, outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints about a job."""
    view = {**job_view(house.jobs.get(job)), **decision_view(outcome.decision)}
    return view | (release_view(outcome.release) if outcome.release else {})


def tell(view: dict[str, Any], outcome: Outcome, *, as_json: bool) -> Exit:
    """Print how a job ended; return its exit code."""
    if as_json:
        print_json(view)
    else:
        explain(outcome.decision)
        if outcome.release is not None:
            say(f"[bold green]released[/] {escape(str(view.get('file', outcome.release.id)))} · {outcome.release.id}")
            say(f"  credential trusted · watermark {outcome.release.watermark}")
        if view.get("revised_prompt"):
            say(f"  drawn: {escape(view['revised_prompt'])}")
        if view.get("ignored_words"):
            say(f"  without influence on it: {escape(', '.join(view['ignored_words']))}")
    return BY_STATUS.get(outcome.status, Exit.COULD_NOT)


def parse_size(size: str) -> tuple[int, int]:
    """Read `WIDTHxHEIGHT`."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size)
    if match is None:
        raise typer.BadParameter(f"--size is WIDTHxHEIGHT, for example 512x512, not {size!r}")
    return int(match[1]), int(match[2])
