"""Keys as the service meets them: settings that name a place, a watch on expiry, and a record of what signs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from api.cli import main
from api.doctor import examine
from api.keys import signer, signing_key
from api.settings import Settings
from provenance.base import CredentialState, SignerUnusable
from provenance.certificates import certificate_pem, issue, private_key_pem
from provenance.chain import CLAIM_SIGNING, Algorithm
from provenance.specimen import specimen_claim, write_specimen
from safety.records import decode
from tests.key_server import TOKEN, KeyServer, running

ROOT = issue("root", "test", authority=True)


@pytest.fixture
def configured(settings, tmp_path):
    """Settings with a chain and a key of one's own; `days` until the leaf expires."""

    def make(days: int = 90, **more):
        leaf = issue("leaf", "test", issuer=ROOT, uses=(CLAIM_SIGNING,), days=days)
        files = {name: tmp_path / f"{name}.pem" for name in ("chain", "key", "anchors")}
        files["chain"].write_text(certificate_pem(leaf[0]))
        files["key"].write_text(private_key_pem(leaf[1]))
        files["anchors"].write_text(certificate_pem(ROOT[0]))
        named = {"signer_chain": files["chain"], "trust_anchors": files["anchors"], "signer_key": str(files["key"])}
        return settings.model_copy(update={**named, **more}), leaf

    return make


def entries(house):
    return [decode(each.body)[1] for each in house.ledger.entries() if each.kind == "signing_key"]


def test_a_key_in_aws_is_chosen_by_settings_alone(configured, tmp_path):
    made, _ = configured()
    (tmp_path / "aws.json").write_text("{}")
    arn = "arn:aws:kms:eu-central-1:111122223333:alias/claims"
    place = f"aws+https://kms.eu-central-1.amazonaws.com/{arn}"
    name, sign = signing_key(
        place, Algorithm.ES256, made.model_copy(update={"signer_token_file": tmp_path / "aws.json"})
    )

    assert name == "aws"
    with pytest.raises(SignerUnusable, match="AccessKeyId"):
        sign(b"data")
    with pytest.raises(SignerUnusable, match="FRAMEGATE_SIGNER_TOKEN_FILE"):
        signing_key(place, Algorithm.ES256, made)


def test_a_key_in_a_service_signs_by_settings_alone(configured, tmp_path):
    made, leaf = configured()
    (tmp_path / "token").write_text(TOKEN)
    write_specimen(tmp_path / "in.mp4")
    with running(KeyServer(leaf[1])) as server:
        by_service = made.model_copy(
            update={"signer_key": server.place("vault"), "signer_token_file": tmp_path / "token"}
        )
        credential = signer(by_service).sign(tmp_path / "in.mp4", tmp_path / "out.mp4", specimen_claim())

    assert credential.state is CredentialState.TRUSTED
    assert credential.detail["signed_by"] == "vault"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("pkcs11:token=t;object=k?module-path=/nowhere/lib.so&pin-source=/p", "no PKCS #11 library"),
        ("/nowhere/key.pem", "cannot be read"),
    ],
)
def test_a_key_that_is_not_there_stops_the_start_with_its_reason(configured, key, words):
    made, _ = configured()
    with pytest.raises(SignerUnusable, match=words):
        signer(made.model_copy(update={"signer_key": key})).self_test()


@pytest.mark.parametrize(
    "key",
    ["-----BEGIN PRIVATE KEY-----\nMIGHAgEAsecret\n", "MIGHAgEAsecret" * 500, "sftp://secret"],
)
def test_what_stands_in_the_place_of_a_key_is_not_repeated(configured, key):
    """Somebody may have put the key itself there."""
    made, _ = configured()
    with pytest.raises(SignerUnusable, match="neither") as refused:
        signer(made.model_copy(update={"signer_key": key}))
    assert "secret" not in str(refused.value)
    assert f"{len(key)} characters" in str(refused.value)


def test_a_service_without_a_token_is_a_wrong_setting(tmp_path):
    place = "vault+https://vault.example/v1/transit/sign/k"
    with pytest.raises(ValueError, match="FRAMEGATE_SIGNER_TOKEN_FILE"):
        Settings(home=tmp_path, signer_chain=tmp_path, trust_anchors=tmp_path, signer_key=place)


def test_what_signs_is_recorded_once_and_a_change_of_it_each_time(client, house, configured, tmp_path):
    assert entries(house) == []  # the development signer vouches for nothing
    made, _ = configured()
    house.settings = made
    rotating = signer(made, house.key_changes)
    house.prove(rotating)
    house.prove(rotating)
    assert [(each["event"], each["key"]) for each in entries(house)] == [("in_service", "file")]

    configured()  # another leaf in the same files
    write_specimen(tmp_path / "in.mp4")
    rotating.sign(tmp_path / "in.mp4", tmp_path / "out.mp4", specimen_claim())
    made.signer_chain.write_text("nonsense")
    rotating.sign(tmp_path / "in.mp4", tmp_path / "out.mp4", specimen_claim())

    assert [each["event"] for each in entries(house)] == ["in_service", "taken_up", "refused"]
    assert entries(house)[1]["signer"].endswith(":leaf")
    assert "certificate" in entries(house)[2]["reason"]
    assert "PRIVATE" not in json.dumps(entries(house))


def certificates_check(house):
    return next(each for each in examine(house) if each.name == "certificates")


def test_the_doctor_wants_a_certificate_renewed_a_month_before_its_end(house, configured):
    house.settings = configured(days=90)[0]
    good = certificates_check(house)
    house.settings = configured(days=20)[0]
    due = certificates_check(house)

    assert good.ok
    assert not due.ok
    assert "the signer certificate" in due.detail
    assert "renew it" in due.detail


def test_metrics_say_when_each_kind_of_certificate_ends(client, house, configured):
    house.settings, leaf = configured(days=20)
    text = client.get("/metrics").text
    found = {
        line.split('"')[1]: float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("framegate_certificate_not_after_seconds{")
    }

    assert found["signer"] == leaf[0].not_valid_after_utc.timestamp()
    assert found["anchor"] > datetime.now(UTC).timestamp() + timedelta(days=300).total_seconds()


@pytest.fixture
def framegate(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["framegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, " ".join(captured.err.split())

    return run


NAMES = ("certificate", "csr", "--organisation", "Studio", "--name", "Signer")


def test_a_request_and_its_key_are_written_and_no_file_is_overwritten(framegate, tmp_path):
    out, key = tmp_path / "request.pem", tmp_path / "key.pem"
    code, _, _ = framegate(*NAMES, "--out", str(out), "--key-out", str(key), "--algorithm", "ES384")
    again, _, words = framegate(*NAMES, "--out", str(out), "--key-out", str(key))
    request = x509.load_pem_x509_csr(out.read_bytes())
    private = serialization.load_pem_private_key(key.read_bytes(), None)

    assert (code, again) == (0, 1)
    assert "cannot be written" in words
    assert request.is_signature_valid
    assert request.public_key() == private.public_key()
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_request_is_made_for_a_key_that_is_there(framegate, tmp_path):
    leaf = issue("leaf", "test")
    (tmp_path / "key.pem").write_text(private_key_pem(leaf[1]))
    public = (
        leaf[1].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    (tmp_path / "public.pem").write_bytes(public)
    out = str(tmp_path / "request.pem")
    there = ("--key", str(tmp_path / "key.pem"), "--public-key", str(tmp_path / "public.pem"))
    code, _, _ = framegate(*NAMES, "--out", out, *there)
    usage = [framegate(*NAMES, "--out", out)[0], framegate(*NAMES, "--out", out, *there[:2])[0]]

    assert code == 0
    assert x509.load_pem_x509_csr((tmp_path / "request.pem").read_bytes()).public_key() == leaf[1].public_key()
    assert usage == [2, 2]


def test_the_command_lists_every_certificate_and_fails_for_an_expired_one(framegate, tmp_path, monkeypatch):
    code, out, _ = framegate("certificate", "show", "--json")
    assert code == 0
    assert [json.loads(line)["role"] for line in out.splitlines()] == ["signer", "intermediate", "anchor"]

    past = datetime.now(UTC) - timedelta(days=400)
    leaf = issue("leaf", "test", issuer=ROOT, uses=(CLAIM_SIGNING,), days=30, not_before=past)
    for name, text in (("chain", certificate_pem(leaf[0])), ("key", private_key_pem(leaf[1]))):
        (tmp_path / name).write_text(text)
        monkeypatch.setenv(f"FRAMEGATE_SIGNER_{name.upper()}", str(tmp_path / name))
    (tmp_path / "anchors").write_text(certificate_pem(ROOT[0]))
    monkeypatch.setenv("FRAMEGATE_TRUST_ANCHORS", str(tmp_path / "anchors"))
    assert framegate("certificate", "show")[0] == 1


def test_metrics_stand_while_the_files_of_a_key_are_being_changed(client, house, configured):
    house.settings, _ = configured(days=20)
    house.settings.signer_chain.write_text("half a certif")

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert "framegate_certificate_not_after_seconds{" not in answer.text
