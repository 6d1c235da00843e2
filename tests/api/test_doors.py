"""Every door lets out every layer: a trusted credential, a watermark that reads, a registered fingerprint, the label.

Real watermark, label, signer, reader and codecs. The generator gives one textured clip for whatever is asked, so that
the label can be told from what was there before.
"""

from __future__ import annotations

import io
import json
from contextlib import nullcontext
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from api.commands import jobs as commands
from api.commands import sign as signing
from api.commands import videos
from generator.base import Capability
from media.clip import Clip
from media.codec import decode, encode_mp4
from media.fingerprint import fingerprint
from media.kinds import sidecar_of
from provenance.base import CredentialState
from provenance.credentials import C2paReader
from provenance.label import burn_label
from provenance.watermark import SpreadSpectrumWatermark
from safety.recovery import FINGERPRINT_ALGORITHM
from safety.verify import verify_file

FPS, SIDE = 12.0, 256


def textured(seconds: float = 1.0) -> Clip:
    """Soft noise that drifts: the same at every call."""
    count = round(seconds * FPS)
    noise = np.random.default_rng(7).integers(30, 220, (18, 18, 3), dtype=np.uint8)
    large = cv2.resize(noise, (SIDE + 4 * count, SIDE), interpolation=cv2.INTER_CUBIC)
    frames = np.stack([large[:, 4 * n : 4 * n + SIDE] for n in range(count)])
    return Clip(np.ascontiguousarray(frames), np.arange(count) / FPS, FPS)


@dataclass
class OneClip:
    """Gives the same clip for every request."""

    name: str = "one"
    version: str = "1"
    capabilities: frozenset[Capability] = frozenset(Capability)
    fps: float = FPS

    def check(self, request) -> None:
        """Everything can be asked for."""

    def generate(self, request, progress=None) -> Clip:
        return textured()


@pytest.fixture
def house(house):
    house.watermark = SpreadSpectrumWatermark(b"a key of the test, 32 bytes long")
    house.generator = OneClip()
    return house


def made(client, house, headers, path="", **body):
    answer = client.post(f"/v1/videos{path}", json={"prompt": "a green field", **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    house.queue.work()
    release = house.ledger.release_of_job(answer.json()["id"])
    assert release is not None, house.jobs.get(answer.json()["id"])
    return release


def given(client, house, headers, folder):
    """A clip of somebody else's generator, over HTTP."""
    encode_mp4(iter(textured().frames), folder / "given.mp4", fps=FPS, crf=10)
    with (folder / "given.mp4").open("rb") as file:
        answer = client.post("/v1/releases", data={"prompt": "a field"}, files={"video": file}, headers=headers)
    assert answer.status_code == 200, answer.text
    house.queue.work()
    release = house.ledger.release_of_job(answer.json()["id"])
    assert release is not None, house.jobs.get(answer.json()["id"])
    return release


def labelled(frame) -> bool:
    """The first frame is nearer to the labelled clip than to the bare one, where the two differ."""
    clip = textured()
    bare, label = clip.frames[0].astype(float), burn_label(clip).frames[0].astype(float)
    place = np.abs(label - bare).max(axis=-1) > 40
    return place.sum() > 50 and np.abs(frame - label)[place].mean() < 0.5 * np.abs(frame - bare)[place].mean()


def assert_every_layer(house, data: bytes, release, folder, manifest: bytes = b"") -> None:
    path = folder / ("received.webm" if manifest else "received.mp4")
    path.write_bytes(data)
    if manifest:
        sidecar_of(path).write_bytes(manifest)
    seen = verify_file(path, house.credential_reader, house.watermark, house.known, house.limits)
    credential = seen.credential

    assert (credential.state, seen.release, seen.exact) == (CredentialState.TRUSTED, release.id, True)
    assert credential.soft_bindings == ((house.watermark.algorithm, release.watermark),)
    assert credential.decision in release.decisions
    assert seen.watermark == release.watermark
    found = house.recovery.by_content(path, FINGERPRINT_ALGORITHM)
    assert found, "its fingerprint leads nowhere"
    assert labelled(next(iter(decode(path)))[1].astype(float))


def fetched(house, monkeypatch, id_, out):
    """What the command line writes for a release."""
    monkeypatch.setattr(commands, "open_house", lambda settings: nullcontext(house))
    monkeypatch.setattr(commands, "Settings", lambda: house.settings)
    command = Typer()
    command.command()(commands.fetch)
    done = CliRunner().invoke(command, [id_, "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out.read_bytes()


def test_every_video_that_is_made_here_carries_every_layer(client, ada, house, tmp_path):
    asked = made(client, house, ada, seconds=1, size="256x256")
    releases = {
        "asked for": asked,
        "remixed": made(client, house, ada, f"/{asked.job}/remix"),
        "extended": made(client, house, ada, "/extensions", video={"id": asked.job}, seconds=1),
    }
    for name, release in releases.items():
        by_video = client.get(f"/v1/videos/{release.job}/content", headers=ada).content
        by_release = client.get(f"/v1/releases/{release.id}/content", headers=ada).content
        assert by_video == by_release, name
        assert_every_layer(house, by_video, release, tmp_path)


def test_every_video_that_was_made_elsewhere_carries_every_layer(client, ada, house, tmp_path, monkeypatch):
    posted = given(client, house, ada, tmp_path)
    data = client.get(f"/v1/releases/{posted.id}/content", headers=ada).content
    assert_every_layer(house, data, posted, tmp_path)
    assert fetched(house, monkeypatch, posted.id, tmp_path / "fetched.mp4") == data

    encode_mp4(iter(textured().frames), tmp_path / "raw.mp4", fps=FPS, crf=10)
    prompt = house.framegate.check_prompt("a green field")
    outcome = house.framegate.release(tmp_path / "raw.mp4", tmp_path / "out.mp4", prompt=prompt)
    assert_every_layer(house, (tmp_path / "out.mp4").read_bytes(), outcome.release, tmp_path)


def test_every_webm_that_leaves_carries_every_layer(client, ada, house, tmp_path, monkeypatch):
    asked = made(client, house, ada, seconds=1, size="256x256")
    webm, manifest = (
        client.get(f"/v1/videos/{asked.job}/content?variant={variant}", headers=ada).content
        for variant in ("webm", "webm-manifest")
    )
    assert_every_layer(house, webm, asked, tmp_path, manifest)
    assert fetched(house, monkeypatch, asked.id, tmp_path / "fetched.webm") == webm
    assert sidecar_of(tmp_path / "fetched.webm").read_bytes() == manifest


def test_what_a_strangers_generator_started_from_is_carried_in_its_release(client, ada, house, tmp_path, monkeypatch):
    """By the command line: our own release as parent with its manifest, a picture without one; told by `verify`."""
    first = made(client, house, ada, seconds=1, size="256x256")
    parent, picture = tmp_path / "a private name.mp4", tmp_path / "b.jpg"
    parent.write_bytes(client.get(f"/v1/releases/{first.id}/content", headers=ada).content)
    picture.write_bytes(cv2.imencode(".jpg", textured().frames[0])[1].tobytes())
    encode_mp4(iter(textured().frames), tmp_path / "raw.mp4", fps=FPS, crf=10)
    app = Typer()
    for module, name in ((signing, "sign"), (videos, "verify")):
        monkeypatch.setattr(module, "open_house", lambda settings: nullcontext(house))
        monkeypatch.setattr(module, "Settings", lambda: house.settings)
        app.command()(getattr(module, name))
    files = ("--out", str(tmp_path / "out.mp4"), "--parent", str(parent), "--input", str(picture))
    signed = CliRunner().invoke(app, ["sign", str(tmp_path / "raw.mp4"), *files, "--prompt", "a field", "--json"])
    seen = CliRunner().invoke(app, ["verify", str(tmp_path / "out.mp4"), "--json"])
    assert (signed.exit_code, seen.exit_code) == (0, 0), signed.output + seen.output
    view = json.loads(seen.stdout)
    posted = client.post("/v1/verify", files={"file": (tmp_path / "out.mp4").read_bytes()}).json()

    assert [(each["relation"], each["title"], each["state"]) for each in view["ingredients"]] == [
        ("inputTo", "reference 1", "absent"),
        ("parentOf", "original", "trusted"),
    ]
    assert view["ingredients"][1]["source_types"] == ["trainedAlgorithmicMedia"]
    assert "It was changed from original, generated by a trained model (AI): its credential is trusted." in view["told"]
    assert (posted["ingredients"], posted["told"]) == (view["ingredients"], view["told"])
    assert first.manifest.encode() in (tmp_path / "out.mp4").read_bytes()
    assert b"a private name" not in (tmp_path / "out.mp4").read_bytes()


def test_every_still_that_leaves_is_signed_as_made_from_its_release(client, ada, house, tmp_path):
    release = made(client, house, ada, seconds=1, size="256x256")
    anchors = (house.settings.keys_folder / "pki" / "root.pem").read_text()
    stills = {}
    for variant in ("thumbnail", "spritesheet"):
        path = f"/v1/videos/{release.job}/content?variant={variant}"
        answer, again = (client.get(path, headers=ada) for _ in range(2))
        (tmp_path / "still.jpg").write_bytes(answer.content)
        credential = C2paReader(anchors).read(tmp_path / "still.jpg")
        stills[variant] = answer.content

        assert answer.headers["content-type"] == "image/jpeg"
        assert credential.state is CredentialState.TRUSTED
        assert credential.decision in release.decisions
        assert "trainedAlgorithmicMedia" in credential.active_source_types
        (parent,) = credential.detail["ingredients"]
        assert (parent["title"], parent["relation"], parent["state"]) == (f"{release.id}.mp4", "parentOf", "trusted")
        assert release.manifest.encode() in answer.content
        assert again.content == answer.content  # signed once

    thumbnail = picture_of(stills["thumbnail"])
    assert [key for key, _ in house.known.near(fingerprint(thumbnail).hash_hex)] == [release.id]
    label = burn_label(textured()).frames[6].astype(float)
    assert np.abs(thumbnail.astype(float) - label).mean() < 12


def picture_of(data: bytes):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_no_other_route_answers_with_a_video_or_a_picture(client):
    """A new door has to be walked above."""
    doors = set()
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            kinds = {kind for answer in operation["responses"].values() for kind in answer.get("content", {})}
            if any(kind.startswith(("video/", "image/")) for kind in kinds):
                doors.add(f"{method.upper()} {path}")

    assert doors == {
        "GET /v1/videos/{video}/content",
        "GET /v1/releases/{release}/content",
        "GET /v1/reviews/{decision}/content",  # what is held, for reviewers alone: it was not released
        "GET /v1/reviews/{decision}/soft",  # the same in grey, small and silent
        "GET /v1/reviews/{decision}/stills/{still}",
    }
