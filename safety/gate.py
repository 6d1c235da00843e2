"""The Gate: judges a prompt or a video at a checkpoint and records the Decision.

It holds no rule and no threshold: those are the policy's. Every judgement is in the ledger before it is returned.
What happens to the content then is `safety.pipeline`; the door for other people's programs is `safety.framegate`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from classifiers.base import MeasurementError
from media.clip import Clip
from media.limits import Limits
from media.sampling import SamplingPlan
from safety.consent import Standing, apply_registrations
from safety.domain import Action, Actor, Checkpoint, Decision, Measurement
from safety.judge import is_final, judge
from safety.known_people import apply_consents
from safety.ledger import Ledger
from safety.measure import Instruments, file_digest, measure_prompt, measure_video
from safety.modifiers import watched
from safety.policy import Demand, Policy
from safety.readable import whole_prompt
from safety.revisions import subject_of
from safety.session import NOBODYS, Session, Sessions, gist
from safety.stills import KeepStill, keep_stills
from safety.trials import NOTHING_OWN, Lineup

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Gate:
    """Guards every checkpoint with one policy and one set of classifiers."""

    policy: Policy
    """In force where `tried` says nothing else."""

    instruments: Instruments
    ledger: Ledger
    clock: Clock
    limits: Limits
    plan: SamplingPlan
    prompt_max_characters: int
    max_scenes: int = 20
    """Scenes of one storyboard; each is read about five times."""

    sessions: Sessions | None = None
    """Looks at whose requests belong together; None: the policy's session signals are unmeasured."""
    standing: Standing | None = None
    """Answers for registered names and known persons: consents and opt-outs."""

    keep_still: KeepStill | None = None
    """Keeps blurred pictures of findings; None: none are kept."""

    tried: Callable[[], Lineup] | None = None
    """Says which policies judge now (`PolicyBook.lineup`); None: `policy` alone."""

    def lineup(self) -> Lineup:
        """Return the policy in force, and those that are tried beside it.

        Raises:
            PolicyError, DatabaseError: the one in force cannot be read; nothing is judged.
        """
        return Lineup(self.policy) if self.tried is None else self.tried()

    def check_prompt(
        self,
        text: str,
        *,
        scenes: Sequence[str] = (),
        requester: str = "",
        session: str = "",
        job: str | None = None,
        parent: str | None = None,
    ) -> Decision:
        """Judge a prompt and record the Decision.

        `scenes`: the scenes of a storyboard; `text` is then about all of them and may be empty. Scenes that are marked
        in the text itself are found. `requester`: id of the API key, or `local`. `session`: whose requests are looked
        at together (`safety.session`); empty: nobody's. `parent`: what the prompt was derived from, a Decision or a
        Job.

        Raises:
            InvalidContent: empty, not text, longer than `prompt_max_characters`, or of more scenes than `max_scenes`.
            LedgerError: the Decision could not be recorded; nothing may be generated.
        """
        whole = self.readable(text, scenes)
        subject, lineup = subject_of(whole), self.lineup()
        measurement = measure_prompt(self.instruments, text, scenes)
        begun = NOBODYS
        if self.sessions is not None:
            begun = self.sessions.begin(session, whole)
            measurement = self.sessions.measure(measurement, begun, parent, self.clock())
        return self.record(
            Checkpoint.PROMPT,
            subject,
            measurement,
            job=job,
            requester=requester,
            session=begun,
            parent=parent,
            lineup=lineup,
            drawn=self._drawn(lineup, whole, begun.id if session != requester else ""),
        )

    def _drawn(self, lineup: Lineup, text: str, person: str) -> str:
        """Return what a canary draws a prompt by: who asks, so that nobody draws again by asking in other words.

        Where no person is named it is what the words have in common with their variants: a key speaks for many, and a
        share of keys is no share of what is judged.
        """
        if person or lineup.canary is None:
            return person
        try:
            return subject_of(gist(text if self.sessions is None else self.sessions.plain(text)))
        except MeasurementError:  # classifiers say so in the measurement
            return subject_of(gist(text))

    def readable(self, text: str, scenes: Sequence[str] = ()) -> str:
        """Return a prompt as one text, its scenes marked: what is recorded, kept with the job and generated from.

        Raises:
            InvalidContent: as `check_prompt`.
        """
        return whole_prompt(text, scenes, self.prompt_max_characters, self.max_scenes)

    def screen_video(
        self,
        path: Path | str,
        *,
        checkpoint: Checkpoint = Checkpoint.OUTPUT,
        job: str | None = None,
        also: Callable[[Clip], None] | None = None,
        full: bool = False,
        supersedes: str | None = None,
        requester: str = "",
    ) -> Decision:
        """Judge a video file, every sampled second of it, and record the Decision.

        `also` is given every window of the same decode (watermark and fingerprint readers). `full`: every frame is
        looked at and counts alone, so that a single one is found; it costs many times more. `supersedes`: id of the
        Decision about the same content before it was redacted. `requester`: whose consents to show people count; empty:
        nobody's.

        Raises:
            MediaError: the file cannot be decoded within the limits. Nothing is recorded as clean.
            LedgerError: the Decision could not be recorded.
        """
        lineup = self.lineup()
        policies = self.looking(lineup, lambda: f"sha256:{file_digest(Path(path))}")
        video = measure_video(
            self.instruments.clip,
            self.instruments.absent,
            Path(path),
            limits=self.limits,
            plan=self.plan_at(checkpoint, policies, full=full),
            also=also,
            watch=watched(policies, checkpoint),
            settled=self.settled_at(checkpoint, policies, requester),
        )
        subject = f"sha256:{video.sha256}"
        measurement = self.excused(video.measurement, requester)
        measurement = self.with_stills(checkpoint, measurement, Path(path), job, lineup, subject)
        return self.record(
            checkpoint, subject, measurement, job=job, requester=requester, supersedes=supersedes, lineup=lineup
        )

    def looking(self, lineup: Lineup, subject: Callable[[], str]) -> Sequence[Policy]:
        """Return the policies by which a file is looked at; it is digested first only where a canary draws."""
        if lineup.canary is None:
            return (lineup.live,)
        try:
            return lineup.looking(subject())
        except OSError:  # the decoder says what is wrong with it
            return (lineup.live,)

    def excused(self, measurement: Measurement, requester: str) -> Measurement:
        """Say which of the persons who show opted out, and which this requester may show."""
        return measurement if self.standing is None else apply_consents(measurement, requester, self.standing)

    def with_stills(
        self,
        checkpoint: Checkpoint,
        measurement: Measurement,
        path: Path,
        job: str | None,
        lineup: Lineup,
        subject: str,
    ) -> Measurement:
        """Keep blurred pictures of what was found, for reviewers; nothing is kept of what passes.

        Raises:
            MediaError: the file cannot be decoded again, or the pictures cannot be stored.
        """
        if self.keep_still is None:
            return measurement
        verdict = lineup.judge(checkpoint, measurement, subject).verdict
        return replace(measurement, stills=keep_stills(path, verdict, self.limits, self.keep_still, job))

    def plan_at(self, checkpoint: Checkpoint, policies: Sequence[Policy], *, full: bool = False) -> SamplingPlan:
        """Return how densely a video is looked at there: as configured, denser where one of these policies demands."""
        demands = [each.coverage.get(checkpoint, Demand()) for each in policies]
        fps = max([self.plan.fps, *(1 / demand.longest_gap_s for demand in demands if demand.longest_gap_s)])
        every = full or self.plan.every_frame or any(demand.frames_share == 1 for demand in demands)
        return replace(self.plan, fps=fps, every_frame=every)

    def settled_at(
        self, checkpoint: Checkpoint, policies: Sequence[Policy], requester: str = ""
    ) -> Callable[[Measurement], bool] | None:
        """Return what says that enough was seen, where all of these policies let looking end with a block."""
        if not all(each.coverage.get(checkpoint, Demand()).stop_at_block for each in policies):
            return None

        def settled(so_far: Measurement) -> bool:
            excused = self.excused(so_far, requester)
            return all(is_final(each, checkpoint, judge(each, checkpoint, excused)) for each in policies)

        return settled

    def record(
        self,
        checkpoint: Checkpoint,
        subject: str,
        measurement: Measurement,
        *,
        job: str | None = None,
        requester: str = "",
        session: Session = NOBODYS,
        parent: str | None = None,
        supersedes: str | None = None,
        lineup: Lineup | None = None,
        own: Mapping[str, Measurement] = NOTHING_OWN,
        drawn: str = "",
    ) -> Decision:
        """Judge a measurement and append the Decision; for a job, once only per checkpoint and subject.

        `lineup`: the policies by which it was looked at; None: those that judge now. `own`: by digest, what one of them
        judges by instead of `measurement`, and what is recorded where it acts. `drawn`: what a canary draws by; empty:
        the subject.
        """
        if checkpoint in (Checkpoint.PROMPT, Checkpoint.INPUT) and self.standing is not None:
            measurement = apply_registrations(measurement, requester, self.standing)
        measurement = self.excused(measurement, requester)
        own = {digest: self.excused(each, requester) for digest, each in own.items()}
        key = f"{job}/{checkpoint}/{subject}" if job else uuid.uuid4().hex
        verdict, trials = (lineup or self.lineup()).judge(checkpoint, measurement, drawn or subject, own)
        decision = Decision(
            id=f"dec_{uuid.uuid5(NAMESPACE, key).hex}",
            at=self.clock(),
            checkpoint=checkpoint,
            subject=subject,
            verdict=verdict,
            measurement=own.get(verdict.policy, measurement),
            actor=Actor("policy", verdict.policy),
            job=job,
            requester=requester,
            session=session.id,
            sketch=session.sketch if verdict.action is not Action.ALLOW else "",
            parent=parent,
            supersedes=supersedes,
            trials=trials,
        )
        return self.ledger.append_decision(decision)


NAMESPACE = uuid.UUID("6b1f2a40-5d0e-4c8f-9a56-0f7d1c2b3e4d")
"""Makes ids of a job's decisions and release from the job's id, so that a repeated step repeats its id."""


def allows(decision: Decision) -> bool:
    """Say whether this Decision lets the content pass."""
    return decision.verdict.action is Action.ALLOW
