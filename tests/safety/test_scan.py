from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from classifiers.base import ConfigurationError, MeasurementError, Score, TimeSpan
from media.clip import Clip
from media.codec import decode, encode_mp4, probe
from media.errors import UnreadableMedia
from media.fingerprint import fingerprint
from media.fingerprint_index import ClipMatch
from media.limits import DEFAULT_LIMITS
from media.strip import PICTURES
from provenance.base import Credential, CredentialState, CredentialUnreadable
from safety.domain import Action, Checkpoint, Origin, Strength
from safety.errors import PolicyError
from safety.evidence import MOST_RELEASES, fingerprint_link
from safety.judge import judge
from safety.known import ReleaseIndex
from safety.origin_windows import MAX_WINDOWS
from safety.policy import DEFAULT_POLICY, Policy, load_policy
from safety.scan import Scanner
from safety.timeline import MOST_SEGMENTS
from safety.trials import Lineup
from safety.withdrawals import Withdrawals
from tests.fakes import BlockWatermark, FixedReader
from tests.media.leaves import cropped, pan, turned, written_over
from tests.safety.making import a_release, a_release_of, allowed
from tests.world import World


class Estimate:
    """A forensic classifier that says what it is told, and counts."""

    name = "forensics"
    version = "1"
    accepts = Clip
    signals = frozenset({"video.synthetic"})

    def __init__(self, value: float | None) -> None:
        self.value = value
        self.windows = 0

    def score(self, content: Clip) -> list[Score]:
        self.windows += 1
        if self.value is None:
            raise MeasurementError("too few frames")
        return [Score("video.synthetic", self.value, TimeSpan(content.start_s, content.end_s))]


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def scanner(world):
    def build(credential: Credential | None = None, estimate: float | None = 0.1, forensics: bool = True) -> Scanner:
        reader = FixedReader(credential or Credential(CredentialState.ABSENT))
        classifier = Estimate(estimate) if forensics else None
        return Scanner(world.gate, reader, BlockWatermark(), ReleaseIndex(world.ledger), classifier, DEFAULT_LIMITS)

    return build


@pytest.fixture
def stranger(tmp_path):
    """A textured clip that we never released."""
    path = tmp_path / "stranger.mp4"
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 255, (18, 32, 3), dtype=np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    encode_mp4((np.roll(picture, 3 * step, axis=1) for step in range(32)), path, fps=8.0)
    return path


def kinds(report):
    return {(each.kind, each.points_to, each.strength) for each in report.evidence}


def test_a_stranger_is_unknown_and_allowed(scanner, stranger):
    report, decision = scanner().scan(stranger)

    assert report.origin is Origin.UNKNOWN
    assert decision.checkpoint is Checkpoint.UPLOAD
    assert decision.verdict.action is Action.ALLOW
    assert report.coverage.frames_total == 32


def test_our_release_is_ours_by_its_mark_and_its_fingerprint_without_any_metadata(world, scanner, tmp_path):
    outcome = world.pipeline.run(world.job("a green field", seconds=3.0))
    source, copy = world.blobs.path(outcome.release.sha256), tmp_path / "copy.mp4"
    encode_mp4(
        (frame for _, frame in decode(source, DEFAULT_LIMITS)), copy, fps=probe(source, DEFAULT_LIMITS).fps, crf=28
    )

    report, _ = scanner().scan(copy)

    assert report.origin is Origin.OURS
    assert ("watermark", Origin.OURS, Strength.PROOF) in kinds(report)


def test_a_mark_whose_id_we_never_gave_out_proves_nothing(scanner, tmp_path, world):
    frames, _ = BlockWatermark().embed(world.generator.generate(_request()), "123456789abc")
    encode_mp4(iter(frames.frames), tmp_path / "forged.mp4", fps=8.0)

    report, _ = scanner().scan(tmp_path / "forged.mp4")

    assert report.origin is Origin.UNKNOWN
    assert ("watermark", Origin.UNKNOWN, Strength.HINT) in kinds(report)


def test_a_credential_that_declares_synthesis_is_believed_whoever_signed_it(scanner, stranger):
    credential = Credential(CredentialState.UNKNOWN_ISSUER, "urn:x", source_types=("trainedAlgorithmicMedia",))

    report, decision = scanner(credential).scan(stranger)

    assert report.origin is Origin.SYNTHETIC
    assert decision.verdict.action is Action.ALLOW  # the test policy has no rule for it


def test_a_camera_credential_counts_only_when_it_is_trusted(scanner, stranger):
    trusted = Credential(
        CredentialState.TRUSTED, "urn:x", source_types=("digitalCapture",), active_source_types=("digitalCapture",)
    )
    unknown = replace(trusted, state=CredentialState.UNKNOWN_ISSUER)

    assert scanner(trusted).scan(stranger)[0].origin is Origin.CAPTURED
    assert scanner(unknown).scan(stranger)[0].origin is Origin.UNKNOWN


def test_our_own_label_copied_by_another_signer_proves_nothing(world, scanner):
    release = world.pipeline.run(world.job("a green field", seconds=3.0)).release
    ours = Credential(
        CredentialState.TRUSTED,
        release.manifest,
        decision=release.decisions[1],
        trusted_by=("own",),
        detail={"signer": "1:test"},
    )
    known = ReleaseIndex(world.ledger)

    assert known.by_credential(ours) == release.id
    assert known.by_credential(replace(ours, detail={"signer": "2:another"})) is None
    assert known.by_credential(replace(ours, decision="")) is None
    assert known.by_credential(replace(ours, trusted_by=("partners",))) is None
    assert known.by_credential(replace(ours, trusted_by=())) is None
    assert known.by_credential(replace(ours, state=CredentialState.UNKNOWN_ISSUER)) is None
    assert known.by_credential(replace(ours, state=CredentialState.INVALID)) is None


def test_an_invalid_credential_is_a_hint_and_never_a_declaration(scanner, stranger):
    credential = Credential(CredentialState.INVALID, "urn:x", source_types=("trainedAlgorithmicMedia",))

    assert scanner(credential).scan(stranger)[0].origin is Origin.UNKNOWN


def test_a_high_estimate_says_likely_synthetic_and_asks_for_review(scanner, stranger):
    report, decision = scanner(estimate=0.97).scan(stranger)

    assert report.origin is Origin.LIKELY_SYNTHETIC
    assert report.score == pytest.approx(0.97)
    assert decision.verdict.action is Action.REVIEW


class Measured:
    """False alarms of a detector for which 0.4 is as rare on real videos as 0.99 for others."""

    def share(self, value):
        return 0.05 if value < 0.4 else 0.01

    def threshold(self, share):
        if share < 0.01:
            raise ConfigurationError("cannot be told from 99 real videos")
        return 0.4


@pytest.mark.parametrize(("estimate", "origin"), [(0.39, Origin.UNKNOWN), (0.41, Origin.LIKELY_SYNTHETIC)])
def test_a_share_of_false_alarms_is_read_on_the_scale_of_the_detector(world, scanner, stranger, estimate, origin):
    policy = replace(world.gate.policy, false_alarms=0.02)
    asked = replace(scanner(estimate=estimate), gate=replace(world.gate, policy=policy), false_alarms=Measured())

    report, _ = asked.scan(stranger)

    assert report.origin is origin
    unscaled = replace(asked, false_alarms=None)
    assert asked.version(Lineup(policy)) != unscaled.version(Lineup(policy)), (
        "kept reports of another threshold are not read"
    )
    told = [each for each in report.evidence if each.kind == "forensics"]
    assert len(told) == (origin is Origin.LIKELY_SYNTHETIC)
    for each in told:
        assert each.detail["threshold"] == 0.4
        assert "about 1.0% score as high" in each.summary


def other(policy: Policy, digit: str, **origin: float | None) -> Policy:
    return replace(policy, digest="sha256:" + digit * 64, **origin)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_each_policy_judges_an_upload_by_its_own_threshold_and_the_report_is_of_the_one_that_acted(
    world, scanner, stranger, share
):
    """The threshold of the policy in force would make what trials show about uploads false."""
    canary, shadow = (other(world.gate.policy, digit, likely_synthetic=at) for digit, at in (("c", 0.5), ("d", 0.7)))
    lineup = Lineup(world.gate.policy, canary, share, (shadow,), b"k" * 32)

    report, decision = replace(scanner(estimate=0.6), gate=replace(world.gate, tried=lambda: lineup)).scan(stranger)

    assert {each.policy: each.action for each in decision.trials} == {
        canary.digest: Action.REVIEW,
        shadow.digest: Action.ALLOW,
    }
    assert {each.in_force for each in decision.trials} == {Action.ALLOW}
    drawn = share == 1.0
    assert report.origin is (Origin.LIKELY_SYNTHETIC if drawn else Origin.UNKNOWN)
    assert decision.verdict.action is (Action.REVIEW if drawn else Action.ALLOW)
    scores = {each.signal: each.value for each in decision.measurement.scores}
    assert scores["origin.likely_synthetic"] == float(drawn)
    (again,) = {judge(lineup.acting(decision.verdict.policy), Checkpoint.UPLOAD, decision.measurement)}
    assert again == decision.verdict


def test_a_tried_policy_that_this_detector_cannot_serve_finds_the_estimate_unmeasured_and_stops_nobody(
    world, scanner, stranger
):
    shadow = other(world.gate.policy, "d", likely_synthetic=None, false_alarms=0.02)
    lineup = Lineup(world.gate.policy, shadows=(shadow,))

    report, decision = replace(scanner(), gate=replace(world.gate, tried=lambda: lineup)).scan(stranger)

    assert "origin.likely_synthetic" not in {gap.signal for gap in report.unmeasured}
    assert decision.verdict.action is Action.ALLOW
    assert [each.action for each in decision.trials] == [Action.REVIEW]


def test_a_kept_report_counts_only_under_the_policies_that_may_act(world, scanner):
    live = world.gate.policy
    canary, shadow = other(live, "c"), other(live, "d")
    versions = [
        scanner().version(each)
        for each in (Lineup(live), Lineup(live, canary, 0.1), Lineup(live, canary, 0.2), Lineup(canary))
    ]

    assert len(set(versions)) == 4
    assert scanner().version(Lineup(live, shadows=(shadow,))) == versions[0], "a shadow changes no report"


def test_a_share_that_the_detector_cannot_tell_is_refused_before_the_first_scan(world, scanner):
    plain = scanner()
    for policy, known, words in (
        (replace(world.gate.policy, false_alarms=0.001), Measured(), "cannot be told from 99 real videos"),
        (
            replace(world.gate.policy, false_alarms=0.05, likely_synthetic=None),
            None,
            "nobody measured the false alarms",
        ),
    ):
        with pytest.raises(PolicyError, match=words):
            replace(plain, gate=replace(world.gate, policy=policy), false_alarms=known)


def test_without_a_detector_no_share_is_refused_and_the_estimate_is_unmeasured(world, scanner, stranger):
    policy = replace(world.gate.policy, false_alarms=0.05, likely_synthetic=None)

    report, _ = replace(scanner(forensics=False), gate=replace(world.gate, policy=policy)).scan(stranger)

    assert "origin.likely_synthetic" in {gap.signal for gap in report.unmeasured}


@pytest.mark.parametrize("forensics", [True, False])
def test_a_missing_estimate_is_unmeasured_and_never_allowed(scanner, stranger, forensics):
    report, decision = scanner(estimate=None, forensics=forensics).scan(stranger)

    assert report.score is None
    assert "video.synthetic" in {gap.signal for gap in report.unmeasured}
    assert decision.verdict.action is Action.REVIEW


def test_a_long_video_is_estimated_in_few_windows_spread_over_all_of_it(scanner, tmp_path):
    path = tmp_path / "long.mp4"
    encode_mp4((np.full((64, 64, 3), step % 250, np.uint8) for step in range(1600)), path, fps=8.0)
    instrument = scanner()

    report, decision = instrument.scan(path)

    starts = [score.span.start_s for score in report.timeline]
    assert 1 < len(starts) <= MAX_WINDOWS
    assert instrument.forensics.windows < 3 * MAX_WINDOWS
    assert min(starts) == 0
    assert max(starts) > 180
    recorded = [score for score in decision.measurement.scores if score.signal == "video.synthetic"]
    assert len(recorded) <= MOST_SEGMENTS
    assert 0 < len(report.pictures) <= PICTURES


def test_a_file_that_is_not_a_video_is_an_error_and_no_decision(scanner, tmp_path, world):
    (tmp_path / "not.mp4").write_bytes(b"not a video at all")

    with pytest.raises(UnreadableMedia):
        scanner().scan(tmp_path / "not.mp4")

    assert world.ledger.size() == 0


def test_an_unreadable_credential_is_unmeasured(world, stranger):

    class Broken:
        def read(self, path):
            raise CredentialUnreadable("the manifest is too large")

    scanner = Scanner(world.gate, Broken(), BlockWatermark(), ReleaseIndex(world.ledger), Estimate(0.1), DEFAULT_LIMITS)
    report, _ = scanner.scan(stranger)

    assert "origin.synthetic" in {gap.signal for gap in report.unmeasured}


def _request():
    from generator.base import GenerationRequest

    return GenerationRequest("a green field", 2.0, 256, 256)


class Unreadable:
    """A reader that nobody can read anything with."""

    def read(self, path):
        raise CredentialUnreadable("the manifest is cut off")


def withdrawn_score(decision):
    found = {score.signal: score.value for score in decision.measurement.scores}
    return found.get("origin.withdrawn")


def test_a_withdrawn_release_that_comes_back_is_a_signal_and_held(world, scanner, stranger):
    release = world.pipeline.run(world.job("a green field", seconds=3.0)).release
    file = world.blobs.path(release.sha256)
    desk = Withdrawals(world.ledger, world.blobs, lambda job: ())
    before = scanner().scan(file)[1]
    desk.withdraw(release.id, by="ada", reason="why", code="person")
    report, after = scanner().scan(file)
    unreadable = replace(scanner(), credentials=Unreadable())
    blind, seen = unreadable.scan(stranger)[1], unreadable.scan(file)[1]
    desk.restore(release.id, by="ada", reason="settled")
    restored = scanner().scan(file)[1]
    policy = load_policy(DEFAULT_POLICY)
    held, passed, unknown = (
        {found.rule: found.action for found in judge(policy, Checkpoint.UPLOAD, each.measurement).findings}
        for each in (after, before, blind)
    )

    assert [withdrawn_score(each) for each in (before, after, restored)] == [0.0, 1.0, 0.0]
    assert any("It was withdrawn on" in each.summary for each in report.evidence)
    assert withdrawn_score(seen) == 1.0  # its pixels say enough
    assert withdrawn_score(blind) is None
    assert "origin.withdrawn" in {gap.signal for gap in blind.measurement.unmeasured}
    assert held["upload.withdrawn"] is Action.REVIEW
    assert "upload.withdrawn" not in passed
    assert unknown["upload.withdrawn"] is Action.REVIEW


def moving(seed: int, count: int) -> list[np.ndarray]:
    """Textured frames that differ, and from those of another seed."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (18, 32, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1) for _ in range(count)]


def test_a_withdrawn_release_is_found_beside_a_longer_one_that_stands(world, scanner, tmp_path):
    """The longer one explains more of the video; the withdrawn one would come back under its cover."""
    parts = {"rel_1": moving(1, 12), "rel_2": moving(2, 24)}
    decisions = allowed(world.ledger)
    for number, (name, shown) in enumerate(parts.items(), 1):
        encode_mp4(iter(shown), tmp_path / f"{name}.mp4", fps=4.0)
        hashes = tuple(fingerprint(frame).hash_hex for _, frame in decode(tmp_path / f"{name}.mp4", DEFAULT_LIMITS))
        world.ledger.append_release(replace(a_release(number, decisions=decisions), fingerprint=hashes))
    encode_mp4(iter(parts["rel_2"] + parts["rel_1"]), tmp_path / "both.mp4", fps=4.0)
    before = scanner().scan(tmp_path / "both.mp4")[1]
    Withdrawals(world.ledger, world.blobs, lambda job: ()).withdraw("rel_1", by="ada", reason="why", code="person")

    report, after = scanner().scan(tmp_path / "both.mp4")

    shown = [each.detail["release"] for each in report.evidence if each.kind == "fingerprint"]
    assert shown == ["rel_2", "rel_1"]
    assert [withdrawn_score(each) for each in (before, after)] == [0.0, 1.0]


def test_a_part_of_a_release_is_ours_by_its_local_features_when_nothing_else_is_left(world, scanner, tmp_path):
    release = world.ledger.append_release(a_release_of(pan(5), 5, decisions=allowed(world.ledger)))
    world.ledger.append_release(a_release_of(pan(6), 6, decisions=allowed(world.ledger)))
    copy, other = tmp_path / "copy.mp4", tmp_path / "other.mp4"
    encode_mp4((written_over(cropped(turned(frame))) for frame in pan(5)), copy, fps=4.0, crf=28)
    encode_mp4((written_over(frame) for frame in pan(7)), other, fps=4.0, crf=28)

    report, _ = scanner().scan(copy)
    Withdrawals(world.ledger, world.blobs, lambda job: ()).withdraw(release.id, by="ada", reason="why", code="person")
    recalled, after = scanner().scan(copy)

    assert report.origin is Origin.OURS
    (told,) = (each for each in report.evidence if each.kind == "local_features")
    assert (told.detail["release"], told.strength) == (release.id, Strength.PROOF)
    assert told.detail["points"] >= 8
    assert told.detail["turned_deg"] == pytest.approx(-4, abs=1)
    assert "It was withdrawn on" in next(each.summary for each in recalled.evidence if each.kind == "local_features")
    assert withdrawn_score(after) == 1.0
    assert scanner().scan(other)[0].origin is Origin.UNKNOWN


def test_a_release_that_stands_hides_no_part_of_a_withdrawn_one(world, scanner, tmp_path):
    decisions = allowed(world.ledger)
    gone = world.ledger.append_release(a_release_of(pan(5, 10, 12), 5, decisions=decisions))
    world.ledger.append_release(a_release_of(pan(6, 8), 6, decisions=decisions))
    both = tmp_path / "both.mp4"
    shown = [cv2.resize(cropped(turned(frame)), (640, 360)) for frame in pan(5, 10, 12)]
    encode_mp4(iter([*shown, *pan(6, 8)]), both, fps=4.0, crf=26)
    before = scanner().scan(both)
    Withdrawals(world.ledger, world.blobs, lambda job: ()).withdraw(gone.id, by="ada", reason="why", code="person")

    report, after = scanner().scan(both)

    ours = [(each.kind, each.detail["release"]) for each in report.evidence if each.points_to is Origin.OURS]
    assert ("fingerprint", "rel_6") in ours
    assert ("local_features", gone.id) in ours
    assert "local_features" not in {each.kind for each in before[0].evidence}
    assert [withdrawn_score(each) for each in (before[1], after)] == [0.0, 1.0]


def test_local_features_are_not_asked_where_the_mark_answered(world, scanner):
    release = world.pipeline.run(world.job("a green field", seconds=3.0)).release

    report, _ = scanner().scan(world.blobs.path(release.sha256))

    kinds_of_ours = {each.kind for each in report.evidence if each.points_to is Origin.OURS}
    assert "watermark" in kinds_of_ours
    assert "local_features" not in kinds_of_ours


def test_a_report_names_few_of_many_near_copies_and_none_that_was_withdrawn_is_left_out(world):
    world.ledger.append_release(a_release(11, decisions=allowed(world.ledger)))
    Withdrawals(world.ledger, world.blobs, lambda job: ()).withdraw("rel_11", by="ada", reason="why", code="person")
    matches = [ClipMatch(f"rel_{number}", 1.0, 9, 0, mirrored=False) for number in range(12)]

    evidence, missing = fingerprint_link(matches, ReleaseIndex(world.ledger))

    assert [each.detail["release"] for each in evidence] == [*(f"rel_{n}" for n in range(MOST_RELEASES)), "rel_11"]
    assert missing == []


def test_what_nobody_saw_may_be_a_withdrawn_release(world, scanner, stranger):
    """Its container declares ten times what it holds."""
    release = world.pipeline.run(world.job("a green field", seconds=3.0)).release
    file = world.blobs.path(release.sha256)
    Withdrawals(world.ledger, world.blobs, lambda job: ()).withdraw(release.id, by="a", reason="b", code="person")

    def scanned(path):
        scan = scanner()
        decoded = scan._decode(path, None, scan.gate.lineup())
        decoded.info = replace(decoded.info, duration_s=10 * decoded.info.duration_s)
        object.__setattr__(scan, "_decode", lambda *_: decoded)
        return scan.scan(path)[1]

    seen_in_part, found_in_part = scanned(stranger), scanned(file)

    assert withdrawn_score(scanner().scan(stranger)[1]) == 0.0
    assert withdrawn_score(seen_in_part) is None
    assert "origin.withdrawn" in {gap.signal for gap in seen_in_part.measurement.unmeasured}
    assert withdrawn_score(found_in_part) == 1.0
