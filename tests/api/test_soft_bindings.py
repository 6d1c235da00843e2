"""The Soft Binding Resolution API: what was stripped is found again, and nothing else is told."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from c2pa import Context, Reader

from media.codec import decode, encode_mp4
from media.local_features import local_features
from provenance.credentials import trust_settings
from safety.recovery import FEATURE_ALGORITHM, FINGERPRINT_ALGORITHM
from tests.fakes import BlockWatermark
from tests.media.leaves import cropped, scene
from tests.safety.making import a_release_of, allowed

BASE = "/v1/c2pa"
MARK = BlockWatermark.algorithm


@pytest.fixture
def released(client, ada, house):
    id_ = client.post("/v1/videos", json={"prompt": "a green field", "seconds": 1}, headers=ada).json()["id"]
    house.queue.work()
    return house.ledger.release_of_job(id_)


@pytest.fixture
def stripped(house, released, tmp_path):
    """The release as it comes back from a platform: encoded again, no credential."""
    frames = [frame for _, frame in decode(house.blobs.path(released.sha256))]
    encode_mp4(iter(frames), tmp_path / "stripped.mp4", fps=12.0, crf=23)
    return (tmp_path / "stripped.mp4").read_bytes()


def shape(answer) -> list[dict]:
    """Check an answer against the shape of the specification's query result, and return its matches."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"matches"}
    for match in body["matches"]:
        assert set(match) <= {"manifestId", "endpoint", "similarityScore"}
        assert isinstance(match["manifestId"], str)
        assert isinstance(match["similarityScore"], int)
        assert 0 <= match["similarityScore"] <= 100
    return body["matches"]


def value_of(hex_digits: str) -> str:
    return base64.b64encode(bytes.fromhex(hex_digits)).decode()


def test_the_algorithms_are_named(client):
    body = client.get(f"{BASE}/services/supportedAlgorithms").json()

    fingerprints = [{"alg": FINGERPRINT_ALGORITHM}, {"alg": FEATURE_ALGORITHM}]
    assert body == {"watermarks": [{"alg": MARK}], "fingerprints": fingerprints}


def test_a_binding_leads_to_the_manifest_by_get_and_by_post(client, released):
    query = {"alg": MARK, "value": value_of(released.watermark)}

    expected = [{"manifestId": released.manifest, "similarityScore": 100}]
    assert shape(client.get(f"{BASE}/matches/byBinding", params=query)) == expected
    assert shape(client.post(f"{BASE}/matches/byBinding", json=query)) == expected
    assert shape(client.get(f"{BASE}/matches/byBinding", params={"alg": MARK, "value": value_of("0" * 12)})) == []


def test_a_fingerprint_near_a_released_frame_leads_to_it(client, released):
    near = int(released.fingerprint[0], 16) ^ 0b10101
    query = {"alg": FINGERPRINT_ALGORITHM, "value": value_of(f"{near:064x}")}
    matches = shape(client.get(f"{BASE}/matches/byBinding", params=query))

    assert [match["manifestId"] for match in matches] == [released.manifest]
    assert 87 < matches[0]["similarityScore"] < 100


def test_the_points_of_a_frame_are_a_binding_by_post_and_too_long_for_an_address(client, house):
    frame = scene(1)
    house.ledger.append_release(a_release_of([frame], 1, decisions=allowed(house.ledger)))
    value = base64.b64encode(local_features(cropped(frame), 100).pack()).decode()
    query = {"alg": FEATURE_ALGORITHM, "value": value}

    matches = shape(client.post(f"{BASE}/matches/byBinding", json=query))
    assert [match["manifestId"] for match in matches] == ["urn:c2pa:1"]
    assert client.get(f"{BASE}/matches/byBinding", params=query).status_code == 422
    assert client.post(f"{BASE}/matches/byBinding", json={**query, "value": "AAAA"}).status_code == 422


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"alg": "com.example.other", "value": "AAAAAAAA"}, 422),
        ({"alg": MARK, "value": "AAAA"}, 422),
        ({"alg": MARK, "value": "not base64!"}, 422),
        ({"alg": MARK, "value": "AAAAAAAA", "maxResults": 0}, 422),
        ({"value": "AAAAAAAA"}, 422),
    ],
)
def test_a_malformed_question_is_refused(client, query, status):
    answer = client.get(f"{BASE}/matches/byBinding", params=query)

    assert answer.status_code == status, answer.text


def test_a_stripped_file_leads_to_its_stored_manifest_which_still_validates_the_release(
    client, house, released, stripped
):
    matches = shape(client.post(f"{BASE}/matches/byContent", content=stripped))
    store = client.get(f"{BASE}/manifests/{matches[0]['manifestId']}")
    context = Context.from_dict(trust_settings((house.settings.keys_folder / "pki" / "root.pem").read_text()))
    released_bytes = house.blobs.path(released.sha256).read_bytes()
    with Reader("video/mp4", io.BytesIO(released_bytes), manifest_data=store.content, context=context) as reader:
        report = json.loads(reader.json())

    assert matches == [{"manifestId": released.manifest, "similarityScore": 100}]
    assert store.headers["content-type"] == "application/c2pa"
    assert report["validation_state"] == "Trusted"
    assert report["active_manifest"] == released.manifest


def test_one_algorithm_may_be_asked_for(client, released, stripped):
    for algorithm in (MARK, FINGERPRINT_ALGORITHM):
        matches = shape(client.post(f"{BASE}/matches/byContent", params={"alg": algorithm}, content=stripped))
        assert [match["manifestId"] for match in matches] == [released.manifest], algorithm


def test_a_hint_is_looked_up_and_most_results_are_counted(client, released, tmp_path):
    frames = np.tile(np.random.default_rng(1).integers(0, 256, (1, 96, 128, 1), dtype=np.uint8), (6, 1, 1, 3))
    encode_mp4(iter(frames), tmp_path / "strange.mp4", fps=12.0)
    strange = (tmp_path / "strange.mp4").read_bytes()
    hint = {"hintAlg": MARK, "hintValue": value_of(released.watermark), "maxResults": 1}

    assert shape(client.post(f"{BASE}/matches/byContent", content=strange)) == []
    matches = shape(client.post(f"{BASE}/matches/byContent", params=hint, content=strange))
    assert [match["manifestId"] for match in matches] == [released.manifest]


def test_the_active_manifest_may_be_asked_for_alone(client, released):
    path = f"{BASE}/manifests/{released.manifest}"
    whole, alone = (client.get(path, params={"returnActiveManifest": each}).content for each in ("false", "true"))

    assert released.manifest.encode() in alone
    assert len(alone) <= len(whole)


def test_what_is_not_ours_is_not_found(client):
    answer = client.get(f"{BASE}/manifests/urn:c2pa:00000000-0000-0000-0000-000000000000")

    assert answer.status_code == 404
    assert "urn:c2pa:0000" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"not a video"])
def test_a_body_that_is_no_video_is_refused(client, body):
    assert client.post(f"{BASE}/matches/byContent", content=body).status_code in {400, 415, 422}


def test_the_answers_tell_nothing_about_who_asked_for_it(client, ada, released, stripped):
    answers = [
        client.post(f"{BASE}/matches/byContent", content=stripped).text,
        client.get(f"{BASE}/manifests/{released.manifest}").content.decode("latin-1"),
    ]
    for secret in ("a green field", released.job, "ada"):
        assert all(secret not in answer for answer in answers), secret
