"""The input gate: a prompt and its reference picture or video, judged together.

    prompt's Scores ─┐
    reference ─▶ isolated decode ─▶ Scores ─┼─▶ judge at `input` ─▶ Decision (parent: the Release it was made from)
             └─▶ watermark, fingerprint, local features ─▶ is it ours? what stands behind it?

A harmless text over a photograph that is not, and a photograph that is harmless until one reads what is to be done with
it, are both seen here; what the text alone says was judged at `prompt`, and both Decisions must allow. Generates
nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from media.fingerprint import Fingerprint, fingerprint
from media.isolation import open_video
from media.sampling import SamplingPlan
from provenance.base import Watermark
from safety.domain import Checkpoint, Decision, Measurement, Score
from safety.errors import Conflict
from safety.gate import Gate
from safety.known import ReleaseIndex, key_frames
from safety.lookup.sessions import refusals_behind
from safety.measure import file_digest, measure_video
from safety.modifiers import watched
from safety.session import derived

ORIGIN_PLAN = SamplingPlan(fps=4.0, min_frames=64, short_side=480)
"""As `safety.scan`: a fingerprint needs a frame near a released one, a watermark in a short clip every frame."""

INPUT_SIGNALS = frozenset({"origin.ours"})
"""What this module adds to the scores of text, frames and session: 1.0 where the reference is one of our releases."""


@dataclass(frozen=True)
class InputGate:
    """Judges references together with what is to be made of them."""

    gate: Gate
    watermark: Watermark
    known: ReleaseIndex

    def check(self, prompt: Decision, reference: Path | str, *, job: str | None = None) -> Decision:
        """Judge a reference with its prompt and record the Decision; the policy's `input` rules see both.

        `prompt` is the recorded Decision about the text. `subject` of the new one is the digest of both: SHA-256 over
        the prompt's subject, a line feed, `sha256:` and the file's digest in hex.

        Raises:
            Conflict: `prompt` is not a recorded Decision about a prompt.
            MediaError: the reference cannot be decoded within the limits. Nothing is recorded as clean.
            LedgerError: the Decision could not be recorded.
        """
        recorded = self.gate.ledger.decision(prompt.id)
        if recorded is None or recorded.checkpoint is not Checkpoint.PROMPT:
            raise Conflict(f"{prompt.id} is not a recorded decision about a prompt: call check_prompt first")
        path = Path(reference)
        lineup = self.gate.lineup()
        policies = self.gate.looking(lineup, lambda: f"sha256:{file_digest(path)}")
        seen = measure_video(
            self.gate.instruments.clip,
            self.gate.instruments.absent,
            path,
            limits=self.gate.limits,
            plan=self.gate.plan_at(Checkpoint.INPUT, policies),
            pictures=True,
            watch=watched(policies, Checkpoint.INPUT),
        )
        releases = self._releases_of(path)
        release = next(iter(releases), None)
        behind = max((refusals_behind(self.gate.ledger, each) for each in releases), default=0)
        # A canary draws by the file, so that nobody draws again by asking in other words.
        subject, drawn = _subject(recorded, seen.sha256), f"sha256:{seen.sha256}"
        shown = self.gate.excused(seen.measurement, recorded.requester)
        together = _together(recorded.measurement, shown, release, derived(behind))
        return self.gate.record(
            Checkpoint.INPUT,
            subject,
            self.gate.with_stills(Checkpoint.INPUT, together, path, job or recorded.job, lineup, drawn),
            job=job or recorded.job,
            requester=recorded.requester,
            parent=release,
            lineup=lineup,
            drawn=drawn,
        )

    def _releases_of(self, path: Path) -> list[str]:
        """Return the ids of our releases that the reference may have been taken from: those that are served first, so
        that a withdrawn near copy hides none, and the best before others."""
        mark = self.watermark.detector()
        prints: list[Fingerprint] = []
        strip = key_frames()
        with open_video(path, limits=self.gate.limits, plan=ORIGIN_PLAN, pictures=True) as video:
            for clip in video:
                mark.add(clip.frames)
                strip.watch(clip)
                prints += [fingerprint(frame, mirrored=True) for frame in clip.frames]
        reading = mark.read()
        marked = self.known.by_watermark(reading.id_hex) if reading else None
        shown = [marked] if marked is not None else [each.key for each in self.known.matches(prints)]
        if all(self.known.withdrawals.of(each) is None for each in shown):
            shown += [each.key for each in self.known.parts(strip, withdrawn_only=bool(shown))]
        return sorted(shown, key=lambda each: self.known.withdrawals.of(each) is not None)


def _subject(prompt: Decision, sha256: str) -> str:
    both = f"{prompt.subject}\nsha256:{sha256}".encode()
    return f"sha256:{hashlib.sha256(both).hexdigest()}"


def _together(text: Measurement, seen: Measurement, release: str | None, behind: float) -> Measurement:
    """Both measurements as one; the lineage that counts is the worse of the text's and the reference's."""
    before = max((score.value for score in text.scores if score.signal == "session.derived"), default=0.0)
    scores = [score for score in text.scores if score.signal != "session.derived"]
    scores += [Score("session.derived", max(before, behind)), Score("origin.ours", float(release is not None))]
    return replace(
        seen,
        scores=(*scores, *seen.scores),
        unmeasured=(*text.unmeasured, *seen.unmeasured),
        classifiers=(*text.classifiers, *seen.classifiers),
        took_ms=(*text.took_ms, *seen.took_ms),
    )
