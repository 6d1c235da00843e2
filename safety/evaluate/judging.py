"""Puts labelled prompts before the gate's own classifiers and policy, in several processes, and records nothing.

The same `measure_prompt` and `judge` that stand behind `framegate check`; no Decision is made, the ledger is not
opened. Measurements can be kept in a file, so that an interrupted run goes on and another policy judges without
measuring.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from safety.consent import nobody_registered
from safety.domain import Action, Checkpoint, Finding, Measurement, Unmeasured
from safety.errors import InvalidContent, SafetyError
from safety.evaluate.cache import Cache, Measured
from safety.evaluate.rows import LabelledPrompt
from safety.judge import judge
from safety.measure import Instruments, measure_prompt, measure_text
from safety.policy import Policy
from safety.readable import whole_prompt
from safety.session import of_nobody

CHUNK = 16
"""Prompts that a process takes at once."""

Asked = tuple[str, tuple[str, ...]]
"""A prompt as it is asked for: its text and its scenes."""

WARM_UP = "the first text loads what is loaded on first use"


@dataclass(frozen=True)
class Bench:
    """What a gate of prompts consists of, without its ledger."""

    policy: Policy
    instruments: Instruments
    prompt_max_characters: int
    max_scenes: int = 20
    """As of the gate: a prompt of more scenes is unreadable."""


@dataclass(frozen=True)
class Outcome:
    """What the gate would do with a row, and what it rests on."""

    row: LabelledPrompt
    action: Action
    """BLOCK for a text that the gate refuses to read."""

    findings: tuple[Finding, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    """Strongest score of each signal that was measured."""

    unmeasured: tuple[Unmeasured, ...] = ()
    took_ms: float | None = None
    """Milliseconds of measuring and judging; None for a text that was not measured."""

    unreadable: bool = False
    """The gate refuses such a text with an error (too long, control characters); nothing is generated."""

    @property
    def stopped(self) -> bool:
        """Whether nothing would be generated without a person: REVIEW or BLOCK."""
        return self.action is not Action.ALLOW

    @property
    def categories(self) -> frozenset[str]:
        """Categories of its findings."""
        return frozenset(finding.category for finding in self.findings)


def judge_rows(
    open_bench: Callable[[], Bench],
    rows: Sequence[LabelledPrompt],
    *,
    bench: Bench | None = None,
    workers: int = 1,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Outcome]:
    """Return what the gate would do with each row, in order.

    `open_bench` is called once in each further process and must be picklable; `bench` is one that is open already.
    `progress` is told how many prompts of how many are measured. Scenes, given or marked in a text, are measured alone
    and together, as the gate does.

    Raises:
        SafetyError: a process died, or the cache cannot be used.
        ClassifierError, PolicyError: as `open_bench`.
    """
    bench = bench or open_bench()
    readable = {asked(row): None for row in rows if _is_readable(row, bench)}
    with Cache(cache, bench.instruments) as kept:
        missing = [each for each in readable if key_of(each) not in kept]
        done = len(readable) - len(missing)
        progress(done, len(readable))
        for each, measured in zip(missing, _measure(open_bench, bench, missing, workers), strict=True):
            kept.add(key_of(each), measured)
            done += 1
            progress(done, len(readable))
        return [
            _outcome(row, kept.get(key_of(asked(row))) if asked(row) in readable else None, bench.policy)
            for row in rows
        ]


def asked(row: LabelledPrompt) -> Asked:
    """Return what a row asks for."""
    return row.text, row.scenes


def key_of(prompt: Asked) -> str:
    """Return what a prompt's measurement is kept under: scenes that are given are not the same text written as one."""
    text, scenes = prompt
    return "\0".join((text, *scenes))


def _is_readable(row: LabelledPrompt, bench: Bench) -> bool:
    try:
        whole_prompt(row.text, row.scenes, bench.prompt_max_characters, bench.max_scenes)
    except InvalidContent:
        return False
    return True


def _measure(
    open_bench: Callable[[], Bench], bench: Bench, prompts: Sequence[Asked], workers: int
) -> Iterator[Measured]:
    """Measure prompts in order; one process when that is asked for or enough."""
    if not prompts:
        return
    if workers <= 1 or len(prompts) <= CHUNK:
        measure_text(bench.instruments, WARM_UP)
        yield from (_timed(bench.instruments, prompt) for prompt in prompts)
        return
    # Spawned, not forked: networks and their threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(open_bench,)) as pool:
        try:
            yield from pool.map(_measure_there, prompts, chunksize=CHUNK)
        except BrokenExecutor as error:
            raise SafetyError(
                "a measuring process was killed, perhaps for its memory: use fewer --workers, and --cache to go on"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_there: list[Instruments] = []
"""The instruments of a further process, opened once."""


def _open(open_bench: Callable[[], Bench]) -> None:
    instruments = open_bench().instruments
    measure_text(instruments, WARM_UP)
    _there.append(instruments)


def _measure_there(prompt: Asked) -> Measured:
    return _timed(_there[0], prompt)


def _timed(instruments: Instruments, prompt: Asked) -> Measured:
    started = time.perf_counter()
    measurement = measure_prompt(instruments, *prompt)
    return Measured(measurement.scores, measurement.unmeasured, (time.perf_counter() - started) * 1000)


def _outcome(row: LabelledPrompt, measured: Measured | None, policy: Policy) -> Outcome:
    if measured is None:
        return Outcome(row, Action.BLOCK, unreadable=True)
    started = time.perf_counter()
    measurement = nobody_registered(of_nobody(Measurement(measured.scores, measured.unmeasured)))
    verdict = judge(policy, Checkpoint.PROMPT, measurement)
    judging_ms = (time.perf_counter() - started) * 1000
    strongest: dict[str, float] = {}
    for score in measured.scores:
        strongest[score.signal] = max(strongest.get(score.signal, 0.0), float(score.value))
    return Outcome(row, verdict.action, verdict.findings, strongest, verdict.unmeasured, measured.took_ms + judging_ms)
