"""`framegate trust`, and what the packs change for `verify`, the doctor and `/metrics`."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from api.cli import main
from api.doctor import examine
from api.wiring import open_house
from api.wiring.trust_packs import FALLBACK_S, PacksInForce, Use, add_pack, make_pack, remove_pack, trust_folder
from provenance.base import Claim, TrustPackError
from provenance.certificates import create_development_pki
from provenance.signers import FileSigner
from provenance.specimen import write_specimen
from safety.errors import LedgerError
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


class Seconds:
    """A clock that tests move."""

    at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def kept(settings, stranger):
    """Three packs in their folder, as `trust add` keeps them."""
    folder, root = trust_folder(settings), stranger[0].read_bytes()
    for name in ("a", "b", "c"):
        folder.add(make_pack(name, datetime.now(UTC).date(), Use.SIGNERS, root, at=datetime.now(UTC)))
    return folder


def damage(folder, name):
    path = folder.path / f"{name}.json"
    path.write_text(path.read_text().replace('"signers"', '"both"'))


def test_a_damaged_pack_does_not_keep_one_in_force_that_was_taken_out(settings, kept, stranger, caplog):
    """Somebody takes a compromised root out while another pack is damaged: running processes believe it no longer."""
    clock = Seconds()
    packs = PacksInForce(settings, clock)
    before = packs.state()
    damage(kept, "b")
    assert [each.name for each in packs()] == ["a", "b", "c"]
    kept.remove("a")
    other = make_pack("c", date(2025, 1, 1), Use.BOTH, stranger[0].read_bytes(), at=datetime.now(UTC))
    kept.add(other, replace=True)

    assert [each.name for each in packs()] == ["b"]
    assert packs.state() != before
    assert packs.damaged()
    assert {each.levelname for each in caplog.records} == {"ERROR"}


def test_what_cannot_be_read_counts_for_a_short_time_only_and_each_change_is_said_once(settings, kept, caplog):
    clock = Seconds()
    packs = PacksInForce(settings, clock)
    whole = (kept.path / "b.json").read_text()
    damage(kept, "b")
    counts = []
    for clock.at in (0.0, 1.0, FALLBACK_S - 1, FALLBACK_S, 10 * FALLBACK_S):
        counts.append(len(packs()))
    said = len(caplog.records)
    (kept.path / "b.json").write_text(whole)

    assert counts == [3, 3, 3, 0, 0]
    assert said == 2  # that b is damaged; that none counts
    assert len(packs()) == 3
    assert not packs.damaged()
    assert "can be read again" in caplog.records[-1].getMessage()
    damage(kept, "b")
    assert len(packs()) == 3  # another fault has a time of its own


def test_metrics_say_that_packs_are_damaged(settings, kept, house, client):
    def shown():
        (line,) = [
            each
            for each in client.get("/metrics").text.splitlines()
            if each.startswith("framegate_trust_packs_damaged ")
        ]
        return float(line.split()[-1])

    before = shown()
    damage(kept, "b")

    assert (before, shown()) == (0.0, 1.0)


def noted(ledger):
    return [
        (each["event"], each["name"], each["digest"])
        for each in (decode(body)[1] for body in ledger.bodies("trust_pack"))
    ]


def test_nothing_is_believed_or_taken_out_that_cannot_be_recorded(settings, kept, stranger):
    with open_house(settings) as closed:
        size = closed.ledger.size()
    more = make_pack("more", date(2026, 1, 1), Use.SIGNERS, stranger[0].read_bytes(), at=datetime.now(UTC))

    for change in (
        lambda: add_pack(closed.ledger, kept, more, replace=False, by="ada"),
        lambda: remove_pack(closed.ledger, kept, "a", by="ada"),
    ):
        with pytest.raises(LedgerError):
            change()

    assert kept.names() == ["a", "b", "c"]
    with open_house(settings) as house:
        assert house.ledger.size() == size


def test_what_the_folder_refuses_is_taken_back_in_the_record(settings, house, stranger):
    folder = trust_folder(settings)
    pack = make_pack("partners", date(2026, 1, 1), Use.SIGNERS, stranger[0].read_bytes(), at=datetime.now(UTC))
    folder.path.write_text("not a folder")
    with pytest.raises(TrustPackError, match="cannot be kept"):
        add_pack(house.ledger, folder, pack, replace=False, by="ada")
    refused = noted(house.ledger)
    folder.path.unlink()
    (folder.path / "odd.json").mkdir(parents=True)
    with pytest.raises(TrustPackError, match="cannot be removed"):
        remove_pack(house.ledger, folder, "odd", by="ada")
    with pytest.raises(TrustPackError, match="no trust pack"):
        remove_pack(house.ledger, folder, "none", by="ada")

    assert refused == [("added", "partners", pack.digest), ("removed", "partners", pack.digest)]
    assert noted(house.ledger)[2:] == [("removed", "odd", ""), ("added", "odd", "")]


def test_the_doctor_names_packs_that_the_record_does_not_know(framegate, settings, house, stranger):
    framegate("trust", "add", "partners", str(stranger[0]), "--dated", YESTERDAY)
    framegate("trust", "add", "gone", str(stranger[0]), "--dated", YESTERDAY)
    assert trust_check(house).ok
    folder = trust_folder(settings)
    folder.remove("gone")
    copied = make_pack(
        "copied", date.fromisoformat(YESTERDAY), Use.SIGNERS, stranger[0].read_bytes(), at=datetime.now(UTC)
    )
    folder.add(copied)

    check = trust_check(house)

    assert not check.ok
    assert f"copied is {copied.digest}, but the ledger says not believed" in check.detail
    assert "gone is not there" in check.detail
    assert "partners" not in check.detail
    assert framegate("trust", "remove", "gone")[0] == 0
    assert framegate("trust", "remove", "copied")[0] == 0
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
