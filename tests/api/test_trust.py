"""`framegate trust`, and what the packs change for `verify`, the doctor and `/metrics`."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

from api.cli import main
from api.doctor import examine
from api.wiring import open_house
from provenance.base import Claim, TrustPackError
from provenance.certificates import create_development_pki
from provenance.signers import FileSigner
from provenance.specimen import write_specimen
from safety.records import decode

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A root that is not ours, and a file signed under it."""
    folder = tmp_path_factory.mktemp("stranger")
    pki = create_development_pki(folder / "pki", "another studio")
    write_specimen(folder / "in.mp4")
    claim = Claim(*("x", "r", "d", "sha256:00", "other", "1", datetime.now(UTC), "Another Studio", "", ""))
    FileSigner(pki.chain_pem, pki.key_pem, pki.root_pem.read_text()).sign(
        folder / "in.mp4", folder / "theirs.mp4", claim
    )
    return pki.root_pem, folder / "theirs.mp4"


@pytest.fixture
def framegate(settings, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(settings.home))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


def trust_check(house):
    return next(each for each in examine(house) if each.name == "trust packs")


def test_a_pack_is_added_shown_used_and_removed(framegate, stranger, settings):
    root, theirs = stranger
    before = json.loads(framegate("verify", str(theirs), "--json")[1])
    digest = hashlib.sha256(root.read_bytes()).hexdigest()
    added = framegate(
        *(
            "trust",
            "add",
            "partners",
            str(root),
            "--dated",
            YESTERDAY,
            "--checksum",
            digest,
            "--source",
            "by post",
            "--json",
        )
    )
    after = framegate("verify", str(theirs), "--json")
    words = framegate("verify", str(theirs))[2]
    listed, shown = framegate("trust", "list", "--json"), framegate("trust", "show", "partners", "--json")
    removed = framegate("trust", "remove", "partners")
    last = framegate("trust", "list", "--json")
    with open_house(settings) as house:
        noted = [decode(each.body)[1] for each in house.ledger.entries() if each.kind == "trust_pack"]

    assert (before["state"], before["trusted_by"]) == ("unknown_issuer", [])
    assert (added[0], after[0], listed[0], shown[0], removed[0]) == (0, 0, 0, 0, 0)
    assert (json.loads(after[1])["state"], json.loads(after[1])["trusted_by"]) == ("trusted", ["partners"])
    assert "trusted by partners" in words
    assert json.loads(listed[1]) == json.loads(added[1])
    assert (json.loads(listed[1])["in_force"], json.loads(listed[1])["age_days"]) == (True, 1)
    assert [each["subject"] for each in json.loads(shown[1])["anchors"]] == ["CN=another studio root,O=another studio"]
    assert last[:2] == (0, "")
    assert [(each["event"], each["name"], each["by"]) for each in noted] == [
        ("added", "partners", "local"),
        ("removed", "partners", "local"),
    ]
    assert noted[0]["digest"] == json.loads(added[1])["digest"]


def test_a_file_that_its_publisher_did_not_state_is_not_added(framegate, stranger):
    code, _, words = framegate(
        *("trust", "add", "partners", str(stranger[0]), "--dated", YESTERDAY, "--checksum", "0" * 64)
    )

    assert code == 1
    assert "nothing was added" in words
    assert framegate("trust", "list", "--json")[1] == ""
    assert framegate("trust", "show", "partners")[0] == 1


def test_a_pack_that_grew_old_is_said_by_the_doctor_the_list_and_metrics(framegate, stranger, settings, house, client):
    old = (datetime.now(UTC) - timedelta(days=200)).date()
    assert "only our own" in trust_check(house).detail
    framegate("trust", "add", "partners", str(stranger[0]), "--dated", old.isoformat())
    check, (code, _, words) = trust_check(house), framegate("trust", "list")
    line = next(
        each
        for each in client.get("/metrics").text.splitlines()
        if each.startswith('framegate_trust_pack_dated_seconds{pack="partners"}')
    )
    house.settings = settings.model_copy(update={"trust_pack_days": 300})

    assert not check.ok
    assert "200 days old" in check.detail
    assert (code, "200 days old" in words) == (1, True)
    assert float(line.split()[-1]) == datetime(old.year, old.month, old.day, tzinfo=UTC).timestamp()
    assert trust_check(house).ok


def test_a_damaged_pack_keeps_what_was_believed_and_stops_the_next_start(framegate, stranger, house, settings):
    framegate("trust", "add", "partners", str(stranger[0]), "--dated", YESTERDAY)
    running = house.trusted
    before = running.state()
    path = settings.home / "trust" / "partners.json"
    path.write_text(path.read_text().replace('"signers"', '"both"'))

    assert running.reader.read(stranger[1]).trusted_by == ("partners",)
    assert running.state() == before
    assert "was changed" in trust_check(house).detail
    with open_house(settings) as another, pytest.raises(TrustPackError, match="was changed"):
        another.self_test()
    assert framegate("trust", "list")[0] == 1
    assert framegate("trust", "remove", "partners")[0] == 0
    assert trust_check(house).ok


def test_only_pinned_packs_count_where_packs_are_pinned(framegate, stranger, settings, monkeypatch):
    added = json.loads(framegate("trust", "add", "partners", str(stranger[0]), "--dated", YESTERDAY, "--json")[1])
    framegate("trust", "add", "others", str(stranger[0]), "--dated", YESTERDAY)
    monkeypatch.setenv("FRAMEGATE_TRUST_PINS", f"partners={added['digest']}")
    pinned = json.loads(framegate("verify", str(stranger[1]), "--json")[1])
    rows = [json.loads(line) for line in framegate("trust", "list", "--json")[1].splitlines()]
    refused = framegate("trust", "remove", "partners")
    monkeypatch.setenv("FRAMEGATE_TRUST_PINS", f"partners={added['digest'][:-1]}x")
    nonsense = framegate("trust", "list")

    assert pinned["trusted_by"] == ["partners"]
    assert [(row["name"], row["in_force"], row["pinned"]) for row in rows] == [
        ("others", False, False),
        ("partners", True, True),
    ]
    assert (refused[0], "is pinned" in refused[2]) == (1, True)
    assert (nonsense[0], "pins no trust pack" in nonsense[2]) == (1, True)


def test_a_scan_depends_on_what_is_believed(framegate, stranger, house):
    before = house.trusted.state()
    framegate("trust", "add", "partners", str(stranger[0]), "--dated", YESTERDAY)

    assert house.trusted.state() != before
