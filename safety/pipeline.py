"""One natural path, from a prompt to a Release. This file is the product; everything else is a room of it.

    Prompt ─▶ prompt gate ─▶ input gate ─▶ generate ─▶ mark ─▶ encode ─▶ decode again ─▶ output gate ─▶ sign ─▶ Release
                 │BLOCK/REVIEW   │BLOCK/REVIEW                                               │BLOCK/REVIEW
                 └▶ refused/held └▶ refused/held                                             └▶ refused / held

A generator may draw an expanded prompt: the prompt gate judges that too, and both must be allowed. The input gate
stands there for jobs that start from pictures or videos; each of these must be allowed.

Every step may run twice (a worker can die at any line), so every step is idempotent: ids are made from the job's id,
files are named by their content, and the ledger keeps the first of two equal appends. A held job is run again after
a reviewer decided: the gates find the superseding Decision and the marked file is the very one that was reviewed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from generator.base import Generator, Progress
from media.clip import Clip
from provenance.base import ClaimInput
from safety.domain import Action, Checkpoint, Decision, Job, JobStatus, Reference, Release
from safety.errors import LedgerError
from safety.gate import Gate
from safety.in_force import all_in_force
from safety.records import release_from_record, release_to_record
from safety.reference import InputGate
from safety.release import Marked, ReleaseDesk, Screened
from safety.remedy import to_redact
from safety.revisions import Revisions, subject_of
from safety.shelf import Shelf, request_of
from safety.whole_clip import load_clip

Output = dict[str, Any]
"""What a step leaves behind: JSON, small; pixels stay in the blob store."""

Step = Callable[[str, Callable[[], Output]], Output]
"""Runs one named step and returns its output; a durable runner remembers it across a crash."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended, or that it waits for a reviewer."""

    status: JobStatus
    decision: Decision
    """The Decision that ended it: the refusal, the hold, or the output gate's ALLOW."""

    release: Release | None = None
    outputs: dict[str, Output] = field(default_factory=dict)
    """What finished steps left, kept with a held job so that it continues where it stopped."""


@dataclass(frozen=True)
class Pipeline:
    """The rooms a job walks through."""

    gate: Gate
    generator: Generator
    desk: ReleaseDesk
    input_gate: InputGate
    shelf: Shelf
    revisions: Revisions | None = None
    """What is drawn instead of the prompt; None: the prompt as it is."""

    others: ReleaseDesk | None = None
    """Marks and signs what other generators made; None: such jobs cannot be done here."""

    def run(
        self,
        job: Job,
        step: Step | None = None,
        progress: Progress | None = None,
        last_look: Callable[[], None] | None = None,
    ) -> Outcome:
        """Walk one job along the path and return its Outcome.

        `last_look` is called right before the Release is written; what it raises stops the release.

        Raises:
            SafetyError, MediaError, GeneratorError, ProvenanceError, ClassifierError: could not decide or could not
                do; nothing was released.
        """
        given = bool(job.task.made)
        if not given:
            self.generator.check(request_of(job))
        walk = _Walk(job.id, dict(job.outputs), step or directly, last_look)

        # 1. The prompt stops at its gate: nothing is generated for a refused prompt.
        walk.do("prompt", lambda: {"decision": self._judge_prompt(job).id})
        prompts = self._prompts(job)
        if (refusal := _first_not_allowed(prompts)) is not None:
            return walk.stop(refusal)
        prompt, drawn = prompts[0], job.prompt

        # 1b. What is made of it is a prompt as well: nothing is generated from an expansion that is not allowed.
        if self.revisions is not None and not given:
            walk.do("revise", partial(self._revise, self.revisions, job, prompt))
            drawn = self.revisions.of(job).prompt
            prompts = self._prompts(job)
            if (refusal := _first_not_allowed(prompts)) is not None:
                return walk.stop(refusal)
            if subject_of(drawn) not in {each.subject for each in prompts}:
                raise LedgerError(f"job {job.id}: what would be drawn is not what was judged; nothing is released")

        # 2. So does everything it starts from: nothing is generated from a refused picture or video.
        for number, reference in enumerate(job.task.references):
            walk.do(f"input{number}", partial(self._judge_input, job, prompt, reference))
        inputs = all_in_force(self.gate.ledger, job.id, Checkpoint.INPUT) if job.task.references else []
        if (refusal := _first_not_allowed(inputs)) is not None:
            return walk.stop(refusal)
        if job.task.references and not inputs:
            raise LedgerError(f"job {job.id} has no recorded decision at input; nothing is released")

        # 3-5. Generate, mark, encode: one step, because pixels live in memory between them. What another generator
        # made is taken as it is: it is marked, judged and signed like everything else.
        desk = self._desk_of(job)
        make = partial(self._given, job) if given else partial(self._generate, job, drawn, progress)
        marked = walk.do("mark", lambda: asdict(desk.mark(make(), job.id)))
        return _release(self.gate, desk, walk, Marked(**marked), (*prompts, *inputs), self.shelf.claimed(job))

    def _judge_input(self, job: Job, prompt: Decision, reference: Reference) -> Output:
        path = self.shelf.path(job.id, reference.sha256)
        return {"decision": self.input_gate.check(prompt, path, job=job.id).id}

    def _desk_of(self, job: Job) -> ReleaseDesk:
        if not job.task.made:
            return self.desk
        if self.others is None:
            raise LedgerError(f"job {job.id} brings a clip, and nobody here releases other generators' clips")
        return self.others

    def _given(self, job: Job) -> Clip:
        return load_clip(self.shelf.path(job.id, job.task.made), self.shelf.limits)

    def _generate(self, job: Job, drawn: str, progress: Progress | None) -> Clip:
        return self.generator.generate(replace(self.shelf.load(job, self.generator.fps), prompt=drawn), progress)

    def _judge_prompt(self, job: Job) -> Decision:
        return self.gate.check_prompt(job.prompt, requester=job.requester, job=job.id, parent=job.parent)

    def _prompts(self, job: Job) -> list[Decision]:
        """The Decisions in force about the prompt and what was made of it, oldest first."""
        found = all_in_force(self.gate.ledger, job.id, Checkpoint.PROMPT)
        if not found:
            raise LedgerError(f"job {job.id} has no recorded decision at prompt; nothing is released")
        return found

    def _revise(self, revisions: Revisions, job: Job, prompt: Decision) -> Output:
        """Expand the prompt and judge what came. The text stays with the job: steps leave ids and digests."""
        drawn = revisions.of(job).prompt
        return {"decision": self.gate.check_prompt(drawn, requester=job.requester, job=job.id, parent=prompt.id).id}


def files_left(outputs: Mapping[str, Output]) -> frozenset[str]:
    """Return the digests of the videos that a job's finished steps left in the blob store."""
    redacted = outputs.get("redact", {}).get("marked", {})
    found = (outputs.get("mark", {}).get("sha256"), redacted.get("sha256"), outputs.get("sign", {}).get("sha256"))
    return frozenset(each for each in found if isinstance(each, str))


def release_clip(
    gate: Gate,
    desk: ReleaseDesk,
    clip: Clip,
    job: str,
    before: Sequence[Decision],
    made_from: Sequence[ClaimInput] = (),
) -> Outcome:
    """Walk a clip that somebody else's generator made along the second half of the path; raises as `Pipeline.run`.

    `before`: the Decisions that allowed the prompt, first, and each of `made_from`.
    """
    return _release(gate, desk, _Walk(job, {}, directly), desk.mark(clip, job), before, made_from)


def _release(
    gate: Gate,
    desk: ReleaseDesk,
    walk: _Walk,
    marked: Marked,
    before: Sequence[Decision],
    made_from: Sequence[ClaimInput] = (),
) -> Outcome:
    # 6. Decode again and judge what would leave: the marked, encoded file.
    asker = before[0].requester
    screened = Screened(**walk.do("screen", lambda: asdict(desk.screen(gate, marked, walk.job, requester=asker))))
    output = _effective(gate, walk.job, Checkpoint.OUTPUT)

    # 6b. What the policy lets be redacted is made unrecognisable, marked, decoded and judged again: once.
    held = _judged_first(gate, output, marked)
    if "redact" in walk.outputs or to_redact(held.verdict):
        screened, output, marked = _redact(gate, desk, walk, marked, held, asker)

    if output.verdict.action is not Action.ALLOW:
        return walk.stop(output)

    # 7. Prove the mark, sign, and re-read the signature as Trusted.
    sign = partial(desk.sign, marked, screened, before, output, walk.job, inputs=made_from)
    signed = walk.do("sign", lambda: release_to_record(sign()))

    # 8. Register: the Release row is the only door to a download.
    if walk.last_look is not None:
        walk.last_look()
    release = desk.register(release_from_record(signed))
    return Outcome(JobStatus.RELEASED, output, release, walk.outputs)


def _redact(
    gate: Gate, desk: ReleaseDesk, walk: _Walk, marked: Marked, held: Decision, asker: str
) -> tuple[Screened, Decision, Marked]:
    places = to_redact(held.verdict)
    # Which Decision was redacted for is remembered: when the step repeats, another may be in force.
    altered = walk.do("redact", lambda: {"of": held.id, "marked": asdict(desk.redact(marked, places, walk.job))})
    redacted, of = Marked(**altered["marked"]), str(altered["of"])
    look = partial(desk.screen, gate, redacted, walk.job, requester=asker, supersedes=of)
    again = walk.do("rescreen", lambda: asdict(look()))
    return Screened(**again), _effective(gate, walk.job, Checkpoint.OUTPUT), redacted


def _judged_first(gate: Gate, output: Decision, marked: Marked) -> Decision:
    """The Decision about the marked file itself, where the one in force is about its redacted successor already."""
    first = gate.ledger.decision(output.supersedes) if output.supersedes else None
    is_successor = first is not None and output.subject != f"sha256:{marked.sha256}" == first.subject
    return first if first is not None and is_successor else output


def _first_not_allowed(decisions: Sequence[Decision]) -> Decision | None:
    return next((each for each in decisions if each.verdict.action is not Action.ALLOW), None)


def _effective(gate: Gate, job: str, checkpoint: Checkpoint) -> Decision:
    """The Decision in force: the gate's own, or the reviewer's that superseded it."""
    decision = gate.ledger.effective(job, checkpoint)
    if decision is None:
        raise LedgerError(f"job {job} has no recorded decision at {checkpoint}; nothing is released")
    return decision


@dataclass(frozen=True)
class _Walk:
    """One job on its way: remembers what finished steps left behind."""

    job: str
    outputs: dict[str, Output]
    step: Step
    last_look: Callable[[], None] | None = None

    def do(self, name: str, work: Callable[[], Output]) -> Output:
        if name not in self.outputs:
            self.outputs[name] = self.step(name, work)
        return self.outputs[name]

    def stop(self, decision: Decision) -> Outcome:
        refused = decision.verdict.action is Action.BLOCK
        return Outcome(JobStatus.REFUSED if refused else JobStatus.HELD, decision, None, self.outputs)


def directly(_name: str, work: Callable[[], Output]) -> Output:
    """Run a step that nobody remembers."""
    return work()
