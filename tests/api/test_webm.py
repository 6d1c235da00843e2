"""A release as webm: its manifest beside it, bound to every byte, and nothing leaves that shows something else."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from api.commands import jobs as commands
from media.codec import encode_webm
from media.kinds import sidecar_of
from safety import webm_copies
from safety.errors import Occupied, ReleaseError
from safety.webm_copies import WebmCopies


@pytest.fixture
def release(client, ada, house):
    id_ = client.post("/v1/videos", json={"prompt": "a green field", "seconds": 1}, headers=ada).json()["id"]
    house.queue.work()
    return house.ledger.release_of_job(id_)


def content(client, headers, release, variant, by="video"):
    path = f"/v1/videos/{release.job}" if by == "video" else f"/v1/releases/{release.id}"
    return client.get(f"{path}/content?variant={variant}", headers=headers)


def verified(client, video, manifest):
    return client.post("/v1/verify", files=[("file", ("a.webm", video)), ("manifest", ("a.c2pa", manifest))]).json()


def test_it_leaves_with_a_manifest_that_proves_it_and_names_the_release(client, ada, bob, house, release, tmp_path):
    video, manifest = (content(client, ada, release, variant) for variant in ("webm", "webm-manifest"))
    seen = verified(client, video.content, manifest.content)
    changed = bytearray(video.content)
    changed[len(changed) // 2] ^= 1

    assert (video.headers["content-type"], manifest.headers["content-type"]) == ("video/webm", "application/c2pa")
    assert f"{release.id}.webm" in video.headers["content-disposition"]
    assert 'rel="c2pa-manifest"' in video.headers["link"]
    assert (seen["state"], seen["release"], seen["exact"]) == ("trusted", release.id, True)
    assert seen["watermark"] == release.watermark
    assert [(each["relation"], each["state"]) for each in seen["ingredients"]] == [("parentOf", "trusted")]
    assert verified(client, bytes(changed), manifest.content)["state"] == "invalid"
    assert content(client, ada, release, "webm", by="release").content == video.content
    linked = video.headers["link"].split(">")[0].removeprefix("<")
    assert client.get(linked, headers=ada).content == manifest.content
    assert content(client, bob, release, "webm").status_code == 404

    house.withdrawals.withdraw(release.id, by="ann", reason="a test", code="mistake")
    for variant in ("webm", "webm-manifest"):
        assert content(client, ada, release, variant).status_code == content(client, ada, release, "video").status_code
        assert content(client, ada, release, variant).status_code >= 400


def test_the_command_line_fetches_it_with_its_manifest_beside_it(house, release, tmp_path, monkeypatch):
    monkeypatch.setattr(commands, "open_house", lambda settings: nullcontext(house))
    monkeypatch.setattr(commands, "Settings", lambda: house.settings)
    command = Typer()
    command.command()(commands.fetch)
    done = CliRunner().invoke(command, [release.id, "--out", str(tmp_path / "out.webm")])

    assert done.exit_code == 0, done.output
    assert house.credential_reader.read(tmp_path / "out.webm").state.value == "trusted"
    assert sorted(each.name for each in tmp_path.glob("out*")) == ["out.webm", "out.webm.c2pa"]
    assert sidecar_of(tmp_path / "out.webm").stat().st_size > 1000


def copies(house) -> WebmCopies:
    return WebmCopies(house.ledger, house.signer, house.watermark, "test", house.desk.clock)


@pytest.mark.parametrize(
    ("altered", "words"),
    [
        (lambda frames: [255 - each for each in frames], "from the released one"),
        (lambda frames: frames[:-1], "other f"),
    ],
)
def test_a_copy_that_shows_something_else_does_not_leave(house, release, monkeypatch, altered, words):
    def broken(frames, path, **options):
        encode_webm(altered([np.asarray(each) for each in frames]), path, **options)

    monkeypatch.setattr(webm_copies, "encode_webm", broken)
    with pytest.raises(ReleaseError, match=words):
        copies(house).of(release, house.blobs.path(release.sha256))


def test_a_copy_without_the_mark_of_its_release_does_not_leave(house, release):
    with pytest.raises(ReleaseError, match="watermark does not read"):
        copies(house).of(replace(release, watermark="0123456789ab"), house.blobs.path(release.sha256))


def test_a_copy_is_made_once(house, release):
    made = copies(house)
    first, again = (made.of(release, house.blobs.path(release.sha256)) for _ in range(2))

    assert first is again


def test_who_asks_while_another_copy_is_made_is_told_so_and_nobody_waits(client, ada, house, release, monkeypatch):
    made, begun, go_on = copies(house), threading.Event(), threading.Event()
    whole = WebmCopies._signed

    def slow(self, release, file):
        begun.set()
        assert go_on.wait(60)
        return whole(self, release, file)

    monkeypatch.setattr(WebmCopies, "_signed", slow)
    file, got = house.blobs.path(release.sha256), []
    first = threading.Thread(target=lambda: got.append(made.of(release, file)))
    first.start()
    try:
        assert begun.wait(60)
        with pytest.raises(Occupied, match="another webm copy"):
            made.of(replace(release, id="rel_other"), file)
    finally:
        go_on.set()
        first.join(60)
    assert made.of(release, file) is got[0]

    monkeypatch.setattr(WebmCopies, "of", lambda *_: (_ for _ in ()).throw(Occupied("another webm copy is being made")))
    answer = content(client, ada, release, "webm")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_a_refusal_is_remembered(house, release, monkeypatch):
    made, other = copies(house), replace(release, watermark="0123456789ab")
    with pytest.raises(ReleaseError, match="watermark does not read"):
        made.of(other, house.blobs.path(release.sha256))

    monkeypatch.setattr(webm_copies, "encode_webm", lambda *_, **__: pytest.fail("it was made again"))
    with pytest.raises(ReleaseError, match="watermark does not read"):
        made.of(other, house.blobs.path(release.sha256))


def test_what_is_withdrawn_while_its_copy_is_made_does_not_leave(client, ada, house, release, monkeypatch):
    whole = WebmCopies._signed

    def withdrawn_meanwhile(self, release, file):
        made = whole(self, release, file)
        house.withdrawals.withdraw(release.id, by="ann", reason="a test", code="mistake")
        return made

    monkeypatch.setattr(WebmCopies, "_signed", withdrawn_meanwhile)

    assert content(client, ada, release, "webm").status_code == 410
    assert release.id not in house.webm_copies._kept


def test_bytes_that_another_trusted_signer_vouches_for_are_not_called_altered(client, ada, release, monkeypatch):
    """As after a rotation of our key: the copy is as it was signed, but not by the signer of the release."""
    video, manifest = (content(client, ada, release, variant).content for variant in ("webm", "webm-manifest"))
    monkeypatch.setattr("safety.known.ReleaseIndex.by_credential", lambda *_: None)

    seen = verified(client, video, manifest)

    assert (seen["state"], seen["release"], seen["exact"]) == ("trusted", release.id, None)
