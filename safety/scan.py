"""The other path: where does an uploaded video come from? Evidence, strongest first, fused into an Origin.

    upload ─▶ credential ─▶ isolated decode ─▶ watermark ─▶ fingerprint ─▶ metadata ─▶ label ─▶ forensics ─▶ Origin
                                                          └─▶ local features, until a withdrawn release is found

Each link says what it saw, how strong that is, and what it could not measure. Fusing is `safety.origin`; what to do
about an origin is the policy's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from classifiers.base import Classifier, KnownFalseAlarms
from media.clip import Clip, Coverage, VideoInfo
from media.fingerprint import Fingerprint, fingerprint
from media.inserts import InsertFinder
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from media.strip import Strip
from provenance.base import Credential, CredentialReader, CredentialUnreadable, Watermark
from safety.collector import strongest_of_each
from safety.domain import (
    Checkpoint,
    Decision,
    Measurement,
    Origin,
    OriginEvidence,
    OriginReport,
    Score,
    Strength,
    Unmeasured,
)
from safety.errors import PolicyError
from safety.evidence import (
    Links,
    credential_link,
    fingerprint_link,
    is_withdrawn,
    metadata_link,
    note_withdrawal,
    parts_link,
    unseen_link,
    withdrawal_link,
)
from safety.forensic_evidence import forensic_link, strongest, threshold_of
from safety.gate import Gate
from safety.insert_evidence import LookedInside, insert_link, look_inside
from safety.known import ReleaseIndex, key_frames
from safety.label_evidence import label_link
from safety.measure import ORIGIN_SIGNALS, WITHDRAWN_ORIGIN, file_digest
from safety.origin import fuse, fuse_windows
from safety.origin_windows import OriginWindows, first_stride
from safety.rules import Policy
from safety.trials import Lineup
from safety.upload_persons import PersonSearch, with_persons

SCAN_PLAN = SamplingPlan(fps=4.0, min_frames=64, short_side=480)
"""A PDQ match needs a frame within about an eighth of a second of a released one; a watermark in a short clip needs
every frame there is. No reader looks at more than 480 lines, and smaller frames keep the decoder's memory small."""


FRAMES_READ = 3
"""Frames that are read for a label: about a second of a core each. A label stands longer than a third of a video."""


class Threshold(NamedTuple):
    """From where the forensic estimate of a whole video says `likely_synthetic`, in (0, 1]."""

    value: float
    missing: str = ""
    """Why a policy that is tried has none here."""


@dataclass(frozen=True)
class Scanner:
    """Reports the origin of uploaded videos."""

    gate: Gate
    credentials: CredentialReader
    watermark: Watermark
    known: ReleaseIndex
    forensics: Classifier[Clip] | None
    limits: Limits
    known_content: Classifier[Clip] | None = None
    """Looks for what the banks hold in the same decode; None: unmeasured."""

    surroundings: Callable[[], str] = str
    """Says what else an answer depends on: the state of the banks, the anchors that credentials are trusted under."""

    labels: Classifier[Clip] | None = None
    """Reads what is written into the picture about its origin; None: unmeasured."""

    false_alarms: KnownFalseAlarms | None = None
    """How often real videos reach an estimate of `forensics`; None: nobody measured it."""

    persons: PersonSearch | None = None
    """Looks for enrolled persons where a policy asks; None: unmeasured."""

    def __post_init__(self) -> None:
        _ = self.thresholds(self.gate.lineup())  # what cannot be told is refused before the first scan

    def thresholds(self, lineup: Lineup) -> dict[str, Threshold]:
        """Return from where the forensic estimate alone says `likely_synthetic`: by digest, under each policy.

        Raises:
            PolicyError: the policy in force asks for what this detector cannot tell.
        """
        return {
            each.digest: self._threshold(each, tried=each is not lineup.live) for each in (*lineup.tried, lineup.live)
        }

    def _threshold(self, policy: Policy, *, tried: bool) -> Threshold:
        if self.forensics is None:
            return Threshold(1.0)  # nothing estimates; that is told as unmeasured
        try:
            return Threshold(threshold_of(policy, self.false_alarms))
        except PolicyError as error:
            if not tried:
                raise
            return Threshold(1.0, str(error))  # a policy that is tried must not stop the one in force

    def version(self, lineup: Lineup) -> str:
        """Digest of everything that an answer depends on beside the file: equal versions give equal reports."""
        forensics = " ".join(f"{each.name} {each.version}" for each in (self.forensics, self.labels) if each)
        thresholds = self.thresholds(replace(lineup, shadows=()))
        ours = (lineup.state, self.watermark.algorithm, self.known.state(), self.surroundings())
        persons = self.persons.version(lineup) if self.persons else ""
        parts = (forensics, repr(sorted(thresholds.items())), repr(SCAN_PLAN), *ours, persons)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def scan(
        self,
        path: Path,
        *,
        job: str | None = None,
        progress: Callable[[float], None] | None = None,
        lineup: Lineup | None = None,
    ) -> tuple[OriginReport, Decision]:
        """Return the origin report of a file and the recorded Decision about it; for a `job`, recorded once only.

        `progress` is told the share of the video that was looked at, in [0, 1], as far as its length is known.
        `lineup`: the policies that judge; None: those that do now. Each judges by its own `[origin]`, and the report is
        that of the one that acted.

        Raises:
            PolicyError: the policy in force asks for what this detector cannot tell.
            MediaError: the file cannot be decoded within the limits.
            LedgerError: the Decision could not be recorded.
        """
        lineup = lineup or self.gate.lineup()
        thresholds = self.thresholds(lineup)
        credential = self._credential(path)
        decode = self._decode(path, progress, lineup)
        shown = fingerprint_link(self.known.matches(decode.fingerprints), self.known)
        unseen: Links = ([], []) if decode.coverage is None else unseen_link(decode.info, decode.coverage)
        links = [credential_link(credential, self.known), self._mark_link(decode), shown]
        links = [note_withdrawal(each, self.known) for each in links]
        links.append(note_withdrawal(parts_link(links, decode.keys, self.known), self.known))
        links.append(withdrawal_link(links, unseen))
        links += [metadata_link(decode.info, path), label_link(self.labels, decode.read.clip(decode.info.fps))]
        inside = self._look_inside(path, decode)
        reports = {digest: self._report(links, decode, inside, each) for digest, each in thresholds.items()}
        pictures = decode.strip.pictures()
        subject = f"sha256:{file_digest(path)}"
        measured = {digest: self._measurement(report, decode, inside) for digest, report in reports.items()}
        in_force = lineup.live.digest
        decision = self.gate.record(
            Checkpoint.UPLOAD, subject, measured[in_force], job=job, lineup=lineup, own=measured
        )
        report = reports[lineup.acting(decision.verdict.policy).digest]
        return replace(report, timeline=tuple(decode.timeline.windows), pictures=pictures), decision

    def _report(
        self, links: Sequence[Links], decode: _Decode, inside: Sequence[LookedInside], threshold: Threshold
    ) -> OriginReport:
        told = [*links, *self._forensic_links(decode, inside, threshold)]
        if decode.coverage is not None:
            told.append(unseen_link(decode.info, decode.coverage))
        return fuse(
            [each for evidence, _ in told for each in evidence],
            fuse_windows([score.value for score in decode.timeline.windows]),
            [each for _, missing in told for each in missing],
            decode.coverage,
        )

    def _credential(self, path: Path) -> Credential | str:
        try:
            return self.credentials.read(path)
        except CredentialUnreadable as error:
            return str(error)

    def _decode(self, path: Path, progress: Callable[[float], None] | None, lineup: Lineup) -> _Decode:
        looking = self.persons.begin(lineup) if self.persons else nullcontext(None)
        with looking as persons, open_video(path, limits=self.limits, plan=SCAN_PLAN) as video:
            decode = _Decode(video.info, self.watermark, self.forensics, self.known_content)
            for clip in video:
                decode.watch(clip)
                if persons is not None:
                    persons.look(clip)
                if progress is not None and video.info.duration_s > 0:
                    progress(min(1.0, max(0.0, clip.end_s / video.info.duration_s)))
            decode.coverage = video.coverage
            decode.persons = persons.measurement(video.coverage, video.info) if persons else None
        return decode

    def _mark_link(self, decode: _Decode) -> Links:
        reading = decode.mark.read()
        if reading is None:
            return [], []
        release = self.known.by_watermark(reading.id_hex)
        detail: dict[str, object] = {
            "id": reading.id_hex,
            "corrected_bits": reading.corrected_bits,
            "geometry": reading.geometry,
            "release": release,
        }
        if release is None:
            words = "It carries a watermark of our kind whose id is not among our releases."
            return [OriginEvidence("watermark", Origin.UNKNOWN, Strength.HINT, words, detail)], []
        words = f"Its pixels carry our watermark of release {release}."
        return [OriginEvidence("watermark", Origin.OURS, Strength.PROOF, words, detail)], []

    def _forensic_links(self, decode: _Decode, inside: Sequence[LookedInside], threshold: Threshold) -> list[Links]:
        if threshold.missing:
            return [([], [Unmeasured("origin.likely_synthetic", threshold.missing)])]
        return [
            forensic_link(decode.timeline, threshold.value, self.false_alarms),
            insert_link(inside, threshold.value, self.false_alarms),
        ]

    def _look_inside(self, path: Path, decode: _Decode) -> list[LookedInside]:
        """Look again, at pictures inside the picture alone; most videos have none."""
        inserts = decode.inserts.found()
        if not inserts or self.forensics is None:
            return []
        with open_video(path, limits=self.limits, plan=SCAN_PLAN) as video:
            return look_inside(inserts, video, self.forensics, min(SCAN_PLAN.fps, video.info.fps))

    def _measurement(self, report: OriginReport, decode: _Decode, inside: Sequence[LookedInside]) -> Measurement:
        windows = [window for each in inside for window in each.windows]
        missing = {gap.signal for gap in report.unmeasured}
        found = {f"origin.{report.origin}", *([WITHDRAWN_ORIGIN] if is_withdrawn(report.evidence) else [])}
        origins = [Score(name, float(name in found)) for name in sorted(ORIGIN_SIGNALS - missing)]
        ran = [(self.forensics.name, self.forensics.version)] if self.forensics and decode.timeline.windows else []
        ran += [(each.name, each.version) for each in (self.known_content, self.labels) if each is not None]
        measurement = Measurement(
            scores=tuple(
                origins + strongest([*decode.timeline.windows, *windows]) + strongest_of_each(decode.sightings)
            ),
            unmeasured=report.unmeasured,
            coverage=report.coverage,
            classifiers=tuple(ran),
        )
        return with_persons(measurement, decode.persons)


class _Decode:
    """One pass over the frames: feeds the watermark, fingerprint and forensic readers, window by window."""

    def __init__(
        self,
        info: VideoInfo,
        watermark: Watermark,
        forensics: Classifier[Clip] | None,
        known_content: Classifier[Clip] | None,
    ) -> None:
        self.info = info
        self.coverage: Coverage | None = None
        self.persons: Measurement | None = None
        self.mark = watermark.detector()
        self.fingerprints: list[Fingerprint] = []
        self.timeline = OriginWindows(forensics, stride=first_stride(info.duration_s, min(SCAN_PLAN.fps, info.fps)))
        self.inserts = InsertFinder()
        self.strip = Strip()
        self.keys = key_frames()
        self.read = Strip(most=FRAMES_READ, short_side=SCAN_PLAN.short_side)
        self._known_content = known_content
        self.sightings: dict[str, list[Score]] = {}

    def watch(self, clip: Clip) -> None:
        self.mark.add(clip.frames)
        self.fingerprints += [fingerprint(frame, mirrored=True) for frame in clip.frames]
        self.timeline.watch(clip)
        self.inserts.watch(clip)
        self.strip.watch(clip)
        self.keys.watch(clip)
        self.read.watch(clip)
        if self._known_content is not None:
            for score in self._known_content.score(clip):
                self.sightings.setdefault(score.signal, []).append(score)
