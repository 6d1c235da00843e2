"""What is written down reads back as it was, in one canonical form."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.base import Score, TextSpan, TimeSpan
from media.clip import Coverage
from safety.domain import (
    Action,
    Actor,
    Checkpoint,
    Decision,
    Evidence,
    Finding,
    Measurement,
    ModifierInForce,
    Release,
    Remedy,
    Still,
    Unmeasured,
    Verdict,
)
from safety.errors import LedgerError
from safety.projections import project
from safety.records import (
    LATER_FIELDS,
    decision_from_record,
    decision_to_record,
    decode,
    encode,
    release_from_record,
    release_to_record,
    time_from_text,
    time_to_text,
)
from tests.safety.making import a_decision, a_release

words = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
counts = st.integers(0, 10**9)
times = st.datetimes(
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    min_value=datetime(2, 1, 1),
    max_value=datetime(9998, 1, 1),
)
boxes = st.none() | st.tuples(shares, shares, shares, shares)
spans = (
    st.none() | st.builds(TextSpan, counts, counts) | st.builds(TimeSpan, numbers, numbers, boxes, st.none() | numbers)
)
gaps = st.lists(st.builds(Unmeasured, words, words), max_size=2).map(tuple)
evidence = st.builds(Evidence, words, shares, st.none() | shares, spans, words, st.none() | shares)
actions = st.sampled_from(Action)
grades = st.none() | st.integers(0, 7)
some_words = st.lists(words, max_size=2).map(tuple)
findings = st.builds(
    Finding, words, words, actions, words, st.lists(evidence, max_size=2).map(tuple), grades, some_words, words,
    st.booleans(), st.none() | st.sampled_from(Remedy),
)  # fmt: skip
modifiers = st.builds(ModifierInForce, words, numbers, some_words, st.lists(evidence, max_size=2).map(tuple))
verdicts = st.builds(
    Verdict, actions, st.lists(findings, max_size=2).map(tuple), gaps, words,
    st.lists(modifiers, max_size=2).map(tuple), grades,
)  # fmt: skip
measurements = st.builds(
    Measurement,
    scores=st.lists(st.builds(Score, words, shares, spans, words), max_size=3).map(tuple),
    unmeasured=gaps,
    coverage=st.none()
    | st.builds(Coverage, counts, counts, numbers, numbers)
    | st.builds(Coverage, counts, counts, numbers, numbers, counts, st.integers(1, 10**9), st.none() | numbers),
    classifiers=st.lists(st.tuples(words, words), max_size=2).map(tuple),
    took_ms=st.lists(st.tuples(words, numbers), max_size=2).map(tuple),
    stills=st.lists(st.builds(Still, numbers, words), max_size=2).map(tuple),
)
decisions = st.builds(
    Decision,
    id=words,
    at=times,
    checkpoint=st.sampled_from(Checkpoint),
    subject=words,
    verdict=verdicts,
    measurement=measurements,
    actor=st.builds(Actor, words, words),
    job=st.none() | words,
    supersedes=st.none() | words,
    reason=words,
    requester=st.sampled_from(["", "local"]),
    session=st.sampled_from(["", "5e"]),
    sketch=st.sampled_from(["", "ab" * 32]),
    parent=st.sampled_from([None, "dec_1"]),
)
releases = st.builds(
    Release,
    id=words,
    at=times,
    job=st.none() | words,
    decisions=st.lists(words, max_size=3).map(tuple),
    sha256=words,
    size_bytes=counts,
    watermark=words,
    watermark_psnr_db=numbers,
    watermark_robust=st.booleans(),
    manifest=words,
    signer=words,
    generator=words,
    fingerprint=st.lists(words, max_size=3).map(tuple),
    conditions=some_words,
    features=st.lists(words, max_size=2).map(tuple),
)


def test_an_entry_from_before_there_were_local_features_keeps_its_bytes() -> None:
    record = release_to_record(a_release(decisions=("d",)))

    assert "features" not in record
    assert release_from_record(record).features == ()


@given(decisions)
def test_a_decision_reads_back_as_it_was(decision: Decision) -> None:
    kind, record = decode(encode("decision", decision_to_record(decision)))

    assert (kind, decision_from_record(record)) == ("decision", decision)


@given(decisions)
def test_the_fast_way_to_write_a_decision_gives_the_same_bytes(decision: Decision) -> None:
    record = decision_to_record(decision)

    body = encode("decision", record, numbers_checked=True)
    assert body == encode("decision", record)
    told = json.loads(body)
    assert decode(body) == (told.pop("kind"), told)  # as any reader of JSON reads it


@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 1e-5, -1e-5, 0.0001, 0.00009999999999999999, 1e15, 9999999999999998.0, 1e16, -1e16, 5e-324, 1e300],
)
def test_numbers_are_written_in_the_digits_of_repr(value: float) -> None:
    decision = replace(a_decision(), measurement=Measurement(took_ms=(("slow", value),)))

    assert b'"took_ms":[["slow",' + repr(value).encode() in encode(
        "decision", decision_to_record(decision), numbers_checked=True
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused_before_it_is_written(value: float) -> None:
    with pytest.raises(LedgerError, match="not finite"):
        decision_to_record(replace(a_decision(), measurement=Measurement(took_ms=(("slow", value),))))


@pytest.mark.parametrize("value", [1 << 70, -(1 << 63), 1e308, 0.1])
def test_every_number_reads_back(value: float) -> None:
    assert decode(encode("event", {"id": "e", "at": "t", "value": value}))[1]["value"] == value


@given(releases)
def test_a_release_reads_back_as_it_was(release: Release) -> None:
    kind, record = decode(encode("release", release_to_record(release)))

    assert (kind, release_from_record(record)) == ("release", release)


@given(decisions)
def test_one_value_has_one_encoding(decision: Decision) -> None:
    body = encode("decision", decision_to_record(decision))

    again = encode("decision", decision_to_record(decision_from_record(decode(body)[1])))

    assert again == body
    assert json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == body


@given(decisions, decisions)
def test_different_values_have_different_encodings(one: Decision, other: Decision) -> None:
    bodies = [encode("decision", decision_to_record(each)) for each in (one, other)]

    # Zero has two signs that Python calls equal and a record keeps apart.
    assert (bodies[0] == bodies[1]) == (one == other) or b"-0.0" in bodies[0] + bodies[1]


def test_the_encoding_is_this_one_for_ever() -> None:
    """Entries of old ledgers must keep their bytes; a change here needs a new kind of record."""
    record = {"id": "e1", "at": "2025-03-01T12:00:00.000000Z", "zero": 0.0, "third": 1 / 3, "text": 'ä"\n', "n": [None]}

    assert (
        encode("event", record)
        == (
            '{"at":"2025-03-01T12:00:00.000000Z","id":"e1","kind":"event","n":[null],'
            '"text":"ä\\"\\n","third":0.3333333333333333,"zero":0.0}'
        ).encode()
    )


def test_an_entry_from_before_severity_and_modifiers_reads_and_keeps_its_bytes() -> None:
    body = (
        b'{"actor":{"id":"p","kind":"policy"},"at":"2025-03-01T12:00:00.000000Z","checkpoint":"prompt","id":"dec_1",'
        b'"job":null,"kind":"decision","measurement":{"classifiers":[],"coverage":null,"scores":[],"took_ms":[],'
        b'"unmeasured":[]},"reason":"","subject":"sha256:00","supersedes":null,"verdict":{"action":"block","findings":'
        b'[{"action":"block","category":"violence","clause":"No.","evidence":[{"detail":"","score":0.75,"signal":"a",'
        b'"span":{"end":4,"start":0},"threshold":0.5}],"rule":"r"}],"policy":"sha256:ab","unmeasured":[]}}'
    )

    decision = decision_from_record(decode(body)[1])

    assert encode("decision", decision_to_record(decision)) == body
    assert decision.verdict.severity is None
    assert decision.verdict.findings[0].evidence[0].score == 0.75


@given(times)
def test_times_keep_their_instant_and_are_written_in_utc(at: datetime) -> None:
    text = time_to_text(at)

    assert time_from_text(text) == at
    assert len(text) == len("2025-03-01T12:00:00.000000Z")
    assert text.endswith("Z")


@given(times, times)
def test_written_times_sort_as_times(one: datetime, other: datetime) -> None:
    assert (time_to_text(one) < time_to_text(other)) == (one < other)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(LedgerError, match="time zone"):
        decision_to_record(replace(a_decision(), at=datetime(2025, 1, 1)))


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    score = Score("text.violence", np.float32(0.25), TimeSpan(np.float64(0.5), np.float32(1.0)))
    decision = replace(a_decision(), measurement=Measurement(scores=(score,)))

    assert decision_from_record(decode(encode("decision", decision_to_record(decision)))[1]) == decision


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object(), "\ud800", {"\ud800": 1}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(LedgerError, match="no canonical form"):
        encode("event", {"id": "e", "at": "t", "value": value})


@pytest.mark.parametrize("value", ["\x00", ["a", {"b": "c\x00"}], {"\x00": 1}])
def test_nul_is_refused_because_postgresql_cannot_keep_it(value: object) -> None:
    with pytest.raises(LedgerError, match="U\\+0000"):
        encode("event", {"id": "e", "at": "t", "value": value})


def test_a_backslash_before_digits_is_not_mistaken_for_nul() -> None:
    record = {"id": "e", "at": "t", "value": "\\u0000"}

    assert decode(encode("event", record)) == ("event", record)


def test_a_refusal_never_quotes_what_it_refuses() -> None:
    with pytest.raises(LedgerError) as caught:
        encode("event", {"id": "e", "at": "t", "prompt": "a secret wish\ud800"})

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"1", b"{}", b'{"kind":1}', b'"kind"'])
def test_bytes_that_are_no_record_are_refused(body: bytes) -> None:
    with pytest.raises(LedgerError, match="damaged"):
        decode(body)


def test_a_record_with_a_missing_field_is_refused() -> None:
    for read, record in (
        (decision_from_record, decision_to_record(a_decision(action=Action.BLOCK))),
        (release_from_record, release_to_record(a_release(decisions=("d",)))),
    ):
        for name in record:
            with pytest.raises(LedgerError, match="cannot be read"):
                read({key: value for key, value in record.items() if key != name})


@given(decisions)
def test_derived_rows_hold_every_finding_in_order(decision: Decision) -> None:
    rows = project(7, "decision", decision_to_record(decision))

    assert [row[3] for row in rows["findings"]] == [each.category for each in decision.verdict.findings]
    assert [row[1] for row in rows["decisions"]] == [decision.id]
    assert rows["decisions"][0][2] == decision.at.astimezone(UTC)


def test_an_entry_from_before_a_field_existed_keeps_its_bytes() -> None:
    old = decision_to_record(a_decision())
    assert not set(LATER_FIELDS) & set(old)

    decision = decision_from_record(old)

    assert (decision.requester, decision.session, decision.sketch, decision.parent) == ("", "", "", None)
    assert encode("decision", decision_to_record(decision)) == encode("decision", old)
    assert project(0, "decision", old)["decisions"][0][-len(LATER_FIELDS) :] == (None,) * len(LATER_FIELDS)


def test_events_have_no_derived_rows() -> None:
    assert project(0, "note", {"id": "a", "at": "t"}) == {}
