"""The other path: where does an uploaded video come from? Evidence, strongest first, fused into an Origin.

    upload ─▶ credential ─▶ isolated decode ─▶ watermark ─▶ fingerprint ─▶ metadata ─▶ forensics ─▶ Origin ─▶ Decision

Each link says what it saw, how strong that is, and what it could not measure. Fusing is `safety.origin`; what to do
about an origin is the policy's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from classifiers.base import Classifier, MeasurementError
from media.clip import Clip, Coverage, VideoInfo
from media.fingerprint import Fingerprint, fingerprint
from media.isolation import open_video
from media.limits import Limits
from media.sampling import SamplingPlan
from provenance.base import Credential, CredentialReader, CredentialUnreadable, Watermark
from safety.collector import MAX_SCORES_PER_SIGNAL
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
from safety.evidence import Links, credential_link, metadata_link
from safety.gate import Gate
from safety.known import ReleaseIndex
from safety.measure import ORIGIN_SIGNALS, file_digest
from safety.origin import fuse, fuse_windows

SCAN_PLAN = SamplingPlan(fps=4.0, min_frames=64, short_side=480)
"""A PDQ match needs a frame within about an eighth of a second of a released one; a watermark in a short clip needs
every frame there is. No reader looks at more than 480 lines, and smaller frames keep the decoder's memory small."""

FIRST_FORENSIC_STRIDE = 2
"""Of a short video every second window of 16 frames is estimated: one window says nearly what its neighbour says."""

MAX_FORENSIC_WINDOWS = 12
"""Windows that the forensic estimate of a video rests on, spread evenly over it. The work on a long upload grows with
the logarithm of its length."""


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

    def scan(self, path: Path, *, job: str | None = None) -> tuple[OriginReport, Decision]:
        """Return the origin report of a file and the recorded Decision about it; for a `job`, recorded once only.

        Raises:
            MediaError: the file cannot be decoded within the limits.
            LedgerError: the Decision could not be recorded.
        """
        credential = self._credential(path)
        decode = self._decode(path)
        links = [credential_link(credential, self.known), self._mark_link(decode), self._fingerprint_link(decode)]
        links += [metadata_link(decode.info), self._forensic_link(decode)]
        report = fuse(
            [each for evidence, _ in links for each in evidence],
            fuse_windows([score.value for score in decode.windows]),
            [each for _, missing in links for each in missing],
            decode.coverage,
        )
        subject = f"sha256:{file_digest(path)}"
        return report, self.gate.record(Checkpoint.UPLOAD, subject, self._measurement(report, decode), job=job)

    def _credential(self, path: Path) -> Credential | str:
        try:
            return self.credentials.read(path)
        except CredentialUnreadable as error:
            return str(error)

    def _decode(self, path: Path) -> _Decode:
        with open_video(path, limits=self.limits, plan=SCAN_PLAN) as video:
            decode = _Decode(video.info, self.watermark, self.forensics, self.known_content)
            for clip in video:
                decode.watch(clip)
            decode.coverage = video.coverage
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

    def _fingerprint_link(self, decode: _Decode) -> Links:
        match = self.known.match(decode.fingerprints)
        if match is None:
            return [], []
        detail: dict[str, object] = {"release": match.key, "share": round(match.share, 3)}
        words = f"{match.share:.0%} of its frames match our release {match.key}."
        return [OriginEvidence("fingerprint", Origin.OURS, Strength.PROOF, words, detail)], []

    def _forensic_link(self, decode: _Decode) -> Links:
        score = fuse_windows([each.value for each in decode.windows])
        if score is None:
            reason = decode.forensic_failure or "no window was long enough"
            return [], [Unmeasured("video.synthetic", reason), Unmeasured("origin.likely_synthetic", reason)]
        if score < self.gate.policy.likely_synthetic:
            return [], []
        peak = max(decode.windows, key=lambda each: each.value)
        detail: dict[str, object] = {
            "score": round(score, 4),
            "threshold": self.gate.policy.likely_synthetic,
            "windows": len(decode.windows),
            "peak": round(peak.value, 4),
        }
        words = f"The forensic estimate is {score:.2f}, above the policy's {self.gate.policy.likely_synthetic:g}."
        return [OriginEvidence("forensics", Origin.LIKELY_SYNTHETIC, Strength.ESTIMATE, words, detail)], []

    def _measurement(self, report: OriginReport, decode: _Decode) -> Measurement:
        missing = {gap.signal for gap in report.unmeasured}
        origins = [Score(name, float(name == f"origin.{report.origin}")) for name in sorted(ORIGIN_SIGNALS - missing)]
        ran = [(self.forensics.name, self.forensics.version)] if self.forensics and decode.windows else []
        if self.known_content is not None:
            ran.append((self.known_content.name, self.known_content.version))
        return Measurement(
            scores=tuple(origins + decode.windows + decode.sightings()),
            unmeasured=report.unmeasured,
            coverage=report.coverage,
            classifiers=tuple(ran),
        )


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
        self.mark = watermark.detector()
        self.fingerprints: list[Fingerprint] = []
        self.windows: list[Score] = []
        self.forensic_failure = "" if forensics else "no forensic classifier is installed"
        self._forensics = forensics
        self._known_content = known_content
        self._sightings: dict[str, list[Score]] = {}
        self._stride = FIRST_FORENSIC_STRIDE
        self._seen = 0

    def watch(self, clip: Clip) -> None:
        self.mark.add(clip.frames)
        self.fingerprints += [fingerprint(frame, mirrored=True) for frame in clip.frames]
        if self._known_content is not None:
            for score in self._known_content.score(clip):
                self._sightings.setdefault(score.signal, []).append(score)
        if self._forensics is not None and self._seen % self._stride == 0:
            self._estimate(self._forensics, clip)
        self._seen += 1

    def sightings(self) -> list[Score]:
        """Return the strongest scores about known content, a few of each signal."""
        return [
            score
            for scores in self._sightings.values()
            for score in sorted(scores, key=lambda each: -each.value)[:MAX_SCORES_PER_SIGNAL]
            if score.value or score is max(scores, key=lambda each: each.value)
        ]

    def _estimate(self, forensics: Classifier[Clip], clip: Clip) -> None:
        """Score a window. Whenever there are too many, every second one is dropped and the stride doubles: the windows
        stay evenly spread over a video whose length nobody has to believe."""
        try:
            self.windows += forensics.score(clip)
        except MeasurementError as error:
            self.forensic_failure = str(error)
        if len(self.windows) > MAX_FORENSIC_WINDOWS:
            self.windows = self.windows[::2]
            self._stride *= 2
