"""Puts labelled pictures and clips before the output gate's own classifiers and policy, and records nothing.

The same `measure_video` and `judge` that stand behind `framegate screen`; a picture is a video of one frame. No
Decision is made, the ledger is not opened. What only some classifiers measured is judged by the rules that ask for
nothing else.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from classifiers.base import Classifier
from media.clip import Clip, Coverage
from media.errors import MediaError
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.domain import Action, Checkpoint, Finding, Measurement, Unmeasured
from safety.errors import SafetyError
from safety.evaluate.frame_cache import Said, ScoreCache, sampling_digest
from safety.evaluate.frame_rows import LabelledMedia
from safety.judge import judge
from safety.known_people import nobody_known
from safety.measure import Instruments, file_digest, measure_video
from safety.modifiers import lowest_in_force
from safety.policy import Policy


@dataclass(frozen=True)
class FrameBench:
    """What the output gate consists of, without its ledger."""

    policy: Policy
    instruments: Instruments
    limits: Limits
    plan: SamplingPlan

    def watch(self, classifier: Classifier[Clip]) -> dict[str, float]:
        """Return the scores of a classifier from which on the gate looks at the frames around a frame."""
        lowest = lowest_in_force(self.policy, Checkpoint.OUTPUT)
        return {signal: level for signal, level in lowest.items() if signal in classifier.signals}

    def only(self, names: Collection[str]) -> FrameBench:
        """Return the bench with these classifiers alone, and the rules that ask for nothing but their signals.

        Raises:
            SafetyError: no classifier here has such a name.
        """
        offered = {each.name for each in self.instruments.clip}
        if unknown := sorted(set(names) - offered):
            raise SafetyError(f"no classifier of frames is called {unknown[0]!r} here: {', '.join(sorted(offered))}")
        chosen = [each for each in self.instruments.clip if each.name in names]
        signals = frozenset(signal for each in chosen for signal in each.signals)
        rules = tuple(
            rule
            for rule in self.policy.rules
            if rule.checkpoint is not Checkpoint.OUTPUT or {each.signal for each in rule.conditions} <= signals
        )
        policy = dataclasses.replace(self.policy, rules=rules)
        return dataclasses.replace(self, policy=policy, instruments=Instruments(clip=chosen))


@dataclass(frozen=True)
class FrameOutcome:
    """What the gate would do with a picture or clip, and what it rests on."""

    row: LabelledMedia
    action: Action
    """BLOCK for a file that cannot be decoded: nothing of it is released."""

    findings: tuple[Finding, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    """Strongest score of each signal that was measured."""

    unmeasured: tuple[Unmeasured, ...] = ()
    coverage: Coverage | None = None
    took_ms: float | None = None
    """Milliseconds of the classifiers; None for a file that was not measured."""

    unreadable: str = ""
    """Why the file cannot be decoded; empty when it can."""

    @property
    def stopped(self) -> bool:
        """Whether it would not leave without a person: REVIEW or BLOCK."""
        return self.action is not Action.ALLOW

    @property
    def categories(self) -> frozenset[str]:
        """Categories of its findings."""
        return frozenset(finding.category for finding in self.findings)

    @property
    def signals(self) -> frozenset[str]:
        """Signals that reached a rule's threshold, not those that were missing."""
        reached = (each for finding in self.findings for each in finding.evidence if each.score is not None)
        return frozenset(each.signal for each in reached)


def judge_media(
    open_bench: Callable[[], FrameBench],
    rows: Sequence[LabelledMedia],
    *,
    bench: FrameBench | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[FrameOutcome]:
    """Return what the output gate would do with each row, in order.

    `open_bench` is called once in each further process and must be picklable; `bench` is one that is open already.
    `progress` is told how many files of how many are measured.

    Raises:
        SafetyError: a process died, or the cache cannot be used.
        ClassifierError, PolicyError: as `open_bench`.
    """
    bench = bench or open_bench()
    digests = {row.path: file_digest(row.path) for row in rows}
    names = [each.name for each in bench.instruments.clip]
    refused: dict[str, str] = {}
    how = {each.name: sampling_digest(bench.plan, bench.limits, bench.watch(each)) for each in bench.instruments.clip}
    with ScoreCache(cache, bench.instruments.clip, how) as kept:
        todo: dict[str, _Task] = {}
        for row in rows:
            missing = tuple(name for name in names if kept.get(name, digests[row.path]) is None)
            if missing:
                todo.setdefault(digests[row.path], _Task(row.path, missing))
        done = len(set(digests.values())) - len(todo)
        progress(done, done + len(todo))
        total = done + len(todo)
        for sha256, said in zip(todo, _measure(open_bench, bench, list(todo.values()), workers), strict=True):
            if isinstance(said, str):
                refused[sha256] = said
            else:
                for name, each in said.items():
                    kept.add(name, sha256, each)
            done += 1
            progress(done, total)
        return [_outcome(bench, row, digests[row.path], kept, names, refused) for row in rows]


@dataclass(frozen=True)
class _Task:
    path: Path
    classifiers: tuple[str, ...]


_Answer = dict[str, Said] | str
"""What each classifier said, or why the file cannot be decoded."""


def _measure(
    open_bench: Callable[[], FrameBench], bench: FrameBench, tasks: Sequence[_Task], workers: int
) -> Iterator[_Answer]:
    if workers <= 1 or len(tasks) <= 1:
        yield from (_measured(bench, task) for task in tasks)
        return
    # Spawned, not forked: networks and their threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(open_bench,)) as pool:
        try:
            yield from pool.map(_measure_there, tasks)
        except BrokenExecutor as error:
            raise SafetyError(
                "a measuring process was killed, perhaps for its memory: use fewer --workers, and --cache to go on"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_there: list[FrameBench] = []
"""The bench of a further process, opened once."""


def _open(open_bench: Callable[[], FrameBench]) -> None:
    _there.append(open_bench())


def _measure_there(task: _Task) -> _Answer:
    return _measured(_there[0], task)


def _measured(bench: FrameBench, task: _Task) -> _Answer:
    asked: list[Classifier[Clip]] = [each for each in bench.instruments.clip if each.name in task.classifiers]
    watch = {signal: level for each in asked for signal, level in bench.watch(each).items()}
    try:
        video = measure_video(asked, (), task.path, limits=bench.limits, plan=bench.plan, pictures=True, watch=watch)
    except MediaError as error:
        return str(error)
    found, took_ms = video.measurement, dict(video.measurement.took_ms)
    if found.coverage is None:
        raise SafetyError(f"{task.path.name} was measured without an account of what was seen")
    return {
        each.name: Said(
            tuple(score for score in found.scores if score.signal in each.signals),
            tuple(gap for gap in found.unmeasured if gap.signal in each.signals),
            found.coverage,
            took_ms.get(each.name, 0.0),
        )
        for each in asked
    }


def _outcome(
    bench: FrameBench,
    row: LabelledMedia,
    sha256: str,
    kept: ScoreCache,
    names: Sequence[str],
    refused: dict[str, str],
) -> FrameOutcome:
    if sha256 in refused:
        return FrameOutcome(row, Action.BLOCK, unreadable=refused[sha256])
    said = [each for name in names if (each := kept.get(name, sha256)) is not None]
    coverage = said[0].coverage if said else None
    measurement = Measurement(
        tuple(score for each in said for score in each.scores),
        (*(gap for each in said for gap in each.unmeasured), *bench.instruments.absent),
        coverage,
    )
    verdict = judge(bench.policy, Checkpoint.OUTPUT, nobody_known(measurement))
    strongest: dict[str, float] = {}
    for score in measurement.scores:
        strongest[score.signal] = max(strongest.get(score.signal, 0.0), float(score.value))
    took_ms = sum(each.took_ms for each in said)
    return FrameOutcome(row, verdict.action, verdict.findings, strongest, verdict.unmeasured, coverage, took_ms)
