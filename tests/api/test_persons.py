"""Known persons over HTTP, on the command line and at the gates: refused, and excused by consent alone."""

from __future__ import annotations

import json
import re
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from sqlalchemy import select, update

import api.wiring.people as wiring
from api.cli import main
from api.doctor import examine
from api.erasing import reapply
from api.screening import tell_screening
from api.settings import Environment, Settings
from classifiers.base import Score, TimeSpan
from classifiers.catalog import Catalog
from media.clip import Clip
from media.codec import encode_mp4
from safety.domain import Action, Checkpoint
from safety.errors import GalleryLocked
from safety.policy import DEFAULT_POLICY, Policy, load_policy
from safety.tables import persons

NAME = "Orla Quarnivek"
RULES = ("frame.known_person", "frame.person_opted_out", "frame.person_consented")


def likeness_alone() -> Policy:
    """The shipped policy, cut down to the rules about likeness of persons and nudity."""
    policy = load_policy(DEFAULT_POLICY)
    rules = tuple(rule for rule in policy.rules if any(each.signal in RULES for each in rule.conditions))
    return replace(policy, rules=rules, gaps=(), modifiers=())


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Three photos of one person, a film with that person in the middle, a still of it, and a film without."""
    folder = tmp_path_factory.mktemp("shots")
    face = np.ascontiguousarray(skimage.data.astronaut())
    turned = cv2.warpAffine(face, cv2.getRotationMatrix2D((256, 256), 12, 1), (512, 512))
    for number, photo in enumerate((face, (face * 0.6).astype(np.uint8), turned), start=1):
        Image.fromarray(np.ascontiguousarray(photo)).save(folder / f"photo{number}.png")
    Image.fromarray(np.ascontiguousarray(face[20:400, :420, ::1][:, ::-1])).save(folder / "still.png")
    Image.fromarray(skimage.data.coffee()).save(folder / "coffee.png")
    coffee = cv2.resize(skimage.data.coffee(), (384, 256))
    shown = [np.ascontiguousarray(face[at : at + 256, 2 * at : 2 * at + 384]) for at in range(12)]
    encode_mp4([coffee] * 12 + shown + [coffee] * 12, folder / "film.mp4", fps=12.0, crf=23)
    encode_mp4([coffee] * 24, folder / "other.mp4", fps=12.0, crf=23)
    return folder


@pytest.fixture
def photos(shots):
    return [shots / f"photo{number}.png" for number in (1, 2, 3)]


@dataclass
class Nudity:
    """As much nudity as it is told."""

    value: float = 0.0
    name: str = "nudity"
    version: str = "1"
    accepts: type = Clip
    signals: frozenset[str] = frozenset({"frame.nudity"})

    def score(self, content: Clip) -> list[Score]:
        return [Score("frame.nudity", self.value, TimeSpan(content.start_s, content.end_s))]


@pytest.fixture
def strict(house):
    """The house with the shipped rules about persons; how much nudity there is can be set, and a word is sexual."""
    house.policy = likeness_alone()
    house.nudity = Nudity()
    house.clip_catalog = Catalog((house.nudity,))
    house.words.words = {"text.sexual": "naked"}
    return house


def scores_of(decision):
    strongest = {}
    for score in decision.measurement.scores:
        if score.signal in RULES:
            strongest[score.signal] = max(strongest.get(score.signal, 0.0), score.value)
    return strongest


def screened(house, film, requester="local"):
    return house.gate.screen_video(film, requester=requester)


def test_an_enrolled_person_is_refused_with_the_seconds_and_the_place(strict, shots, photos):
    before = screened(strict, shots / "film.mp4")
    assert scores_of(before) == dict.fromkeys(RULES, 0.0)
    (none,) = [each for each in before.measurement.scores if each.signal == RULES[0]]
    assert none.detail == "persons:0"

    person = strict.enrol([NAME], photos, actor="root")

    decision = screened(strict, shots / "film.mp4")
    assert decision.verdict.action is Action.BLOCK
    finding = decision.verdict.findings[0]
    assert finding.category == "likeness"
    evidence = finding.evidence[0]
    assert evidence.detail == f"person:{person.id}"
    assert (evidence.span.start_s, evidence.span.end_s) == (pytest.approx(1.0, abs=0.1), pytest.approx(2.0, abs=0.1))
    left, top, right, bottom = evidence.span.box
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    assert decision.measurement.stills
    assert NAME not in repr(decision)
    other = screened(strict, shots / "other.mp4")
    assert other.verdict.action is Action.ALLOW
    assert scores_of(other) == dict.fromkeys(RULES, 0.0)


def test_a_consent_lets_its_requester_show_the_person_and_is_recorded(strict, shots, photos, capsys):
    strict.enrol([NAME], photos, actor="root")
    strict.likeness.grant([NAME], "key_ada", until=None, actor="root")

    excused, refused = (screened(strict, shots / "film.mp4", who) for who in ("key_ada", "key_bob"))

    assert excused.verdict.action is Action.ALLOW
    assert scores_of(excused)["frame.person_consented"] > 0.9
    assert scores_of(excused)["frame.known_person"] == 0.0
    assert excused.measurement.stills == ()
    assert refused.verdict.action is Action.BLOCK
    tell_screening(shots / "film.mp4", excused, strict.policy, full=False)
    assert re.search(
        r"withconsent0:0[01]\.\d\dto0:0[12]\.\d\dframe\.person_consented", squeezed(capsys.readouterr().err)
    )
    recorded = strict.ledger.decision(excused.id)
    assert scores_of(recorded) == scores_of(excused)
    assert recorded.requester == "key_ada"


def test_a_consent_excuses_nothing_sexual(strict, shots, photos):
    strict.enrol([NAME], photos, actor="root")
    strict.likeness.grant([NAME], "key_ada", until=None, actor="root")
    strict.nudity.value = 0.4
    sexual = strict.gate.check_prompt("naked", requester="key_ada")

    shown = screened(strict, shots / "film.mp4", "key_ada")
    asked = strict.input_gate.check(sexual, shots / "still.png")

    for decision in (shown, asked):
        assert decision.verdict.action is Action.BLOCK
        assert {each.category for each in decision.verdict.findings} == {"ncii"}


def test_who_opted_out_is_refused_whoever_asks(strict, shots, photos):
    strict.enrol([NAME], photos, actor="root")
    strict.likeness.grant([NAME], "key_ada", until=None, actor="root")
    strict.likeness.opt_out([NAME], actor="root")

    decision = screened(strict, shots / "film.mp4", "key_ada")

    assert decision.verdict.action is Action.BLOCK
    assert any(each.rule == "output.frame.person_opted_out.block" for each in decision.verdict.findings)


def test_a_harmless_text_with_a_photo_of_a_known_person_is_a_likeness_unless_consented(strict, shots, photos):
    strict.enrol([NAME], photos, actor="root")
    strict.likeness.grant([NAME], "key_ada", until=None, actor="root")

    def asked(requester, picture):
        prompt = strict.gate.check_prompt("she waves and smiles", requester=requester)
        assert prompt.verdict.action is Action.ALLOW
        return strict.input_gate.check(prompt, shots / picture)

    assert asked("key_bob", "still.png").verdict.action is Action.BLOCK
    assert asked("key_bob", "still.png").verdict.findings[0].category == "likeness"
    assert asked("key_ada", "still.png").verdict.action is Action.ALLOW
    assert asked("key_bob", "coffee.png").verdict.action is Action.ALLOW


def test_a_lost_key_holds_every_video_and_says_why(strict, shots, photos):
    strict.enrol([NAME], photos, actor="root")
    (strict.settings.keys_folder / "gallery.key").unlink()

    decision = screened(strict, shots / "other.mp4")

    assert decision.verdict.action is Action.REVIEW
    reasons = {gap.reason for gap in decision.verdict.unmeasured if gap.signal == "frame.known_person"}
    assert any("FRAMEGATE_GALLERY_KEY" in reason for reason in reasons)
    with pytest.raises(GalleryLocked, match="missing: put it back"):
        strict.gallery.people()


def test_without_the_networks_persons_are_unmeasured_and_the_video_is_held(strict, shots, monkeypatch, tmp_path):
    monkeypatch.setattr(wiring, "EMBEDDED", tmp_path)

    decision = screened(strict, shots / "other.mp4")

    assert decision.verdict.action is Action.REVIEW
    assert any("not installed" in gap.reason for gap in decision.verdict.unmeasured)


@pytest.fixture
def at_uploads(house):
    """A house whose policy asks for known persons in uploads."""
    policy = likeness_alone()
    chosen = ("output.frame.known_person.block", "output.frame.person_opted_out.block")
    rules = tuple(
        replace(rule, id=f"upload.{rule.id}", checkpoint=Checkpoint.UPLOAD)
        for rule in policy.rules
        if rule.id in chosen
    )
    assert len(rules) == len(chosen)
    house.policy = replace(policy, rules=rules)
    return house


def test_an_enrolled_person_is_found_in_an_upload_where_the_policy_asks(at_uploads, shots, photos):
    scanner = at_uploads.scanner
    _, before = scanner.scan(shots / "film.mp4")
    assert before.verdict.action is Action.ALLOW
    assert scores_of(before) == dict.fromkeys(RULES, 0.0)
    empty = scanner.version(scanner.gate.lineup())

    person = at_uploads.enrol([NAME], photos, actor="root")

    enrolled = scanner.version(scanner.gate.lineup())
    assert enrolled != empty
    _, decision = scanner.scan(shots / "film.mp4")
    assert decision.checkpoint is Checkpoint.UPLOAD
    assert decision.verdict.action is Action.BLOCK
    evidence = decision.verdict.findings[0].evidence[0]
    assert (evidence.signal, evidence.detail) == ("frame.known_person", f"person:{person.id}")
    assert (evidence.span.start_s, evidence.span.end_s) == (pytest.approx(1.0, abs=0.3), pytest.approx(2.0, abs=0.3))
    assert "known_persons" in dict(decision.measurement.classifiers)
    assert scanner.scan(shots / "other.mp4")[1].verdict.action is Action.ALLOW
    at_uploads.likeness.opt_out([NAME], actor="root")
    assert scanner.version(scanner.gate.lineup()) != enrolled
    assert scores_of(scanner.scan(shots / "film.mp4")[1])["frame.person_opted_out"] > 0.9


def test_persons_who_cannot_be_looked_for_in_an_upload_are_unmeasured(at_uploads, shots, photos, monkeypatch):
    at_uploads.enrol([NAME], photos, actor="root")
    monkeypatch.setattr(wiring, "faces_are_there", lambda: False)

    _, decision = at_uploads.scanner.scan(shots / "film.mp4")

    assert decision.verdict.action is not Action.ALLOW
    assert any("not installed" in gap.reason for gap in decision.verdict.unmeasured)


def test_uploads_cost_nothing_more_where_no_policy_asks_for_persons(house, shots, monkeypatch):
    def opened(_directory):
        raise AssertionError("the networks for faces were opened")

    monkeypatch.setattr(wiring, "looking_for", opened)
    scanner = house.scanner
    version = scanner.version(scanner.gate.lineup())

    _, decision = scanner.scan(shots / "film.mp4")

    assert scores_of(decision) == {}
    monkeypatch.undo()
    house.likeness.opt_out([NAME], actor="root")
    assert scanner.version(scanner.gate.lineup()) == version


def test_production_makes_no_key_of_its_own(settings, photos):
    with pytest.raises(GalleryLocked, match="FRAMEGATE_GALLERY_KEY names the file"):
        wiring.gallery_key(settings.model_copy(update={"environment": Environment.PRODUCTION}), in_use=False)


@pytest.mark.parametrize(("content", "why"), [(None, "cannot be read"), (b"short", "needs at least 32")])
def test_a_key_file_that_is_no_key_is_refused(settings, tmp_path, content, why):
    path = tmp_path / "gallery.key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GalleryLocked, match=why):
        wiring.gallery_key(settings.model_copy(update={"gallery_key": path}), in_use=False)


@pytest.fixture
def admin(as_):
    return as_("admin")


@contextmanager
def form(photos, *names):
    files = [("photos", (path.name, path.read_bytes(), "image/png")) for path in photos]
    yield {"files": files, "data": {"names": list(names)}}


def test_an_admin_enrols_lists_and_removes_a_person(client, admin, photos):
    with form(photos, NAME, "Orla Q") as body:
        made = client.post("/v1/persons", headers=admin, **body)
    assert made.status_code == 201, made.text
    person = made.json()
    assert (person["names"], person["photos"], person["object"]) == ([NAME, "Orla Q"], 3, "person")
    assert client.get("/v1/persons", headers=admin).json()["data"] == [person]

    for _ in range(2):
        assert client.delete(f"/v1/persons/{person['id']}", headers=admin).status_code == 204
    assert client.get("/v1/persons", headers=admin).json()["data"] == []


def test_a_removed_face_that_a_backup_brought_back_is_removed_again(client, admin, photos, house):
    with form(photos, NAME) as body:
        person = client.post("/v1/persons", headers=admin, **body).json()["id"]
    with house.engine.connect() as connection:
        before = dict(connection.execute(select(persons).where(persons.c.id == person)).one()._mapping)
    client.delete(f"/v1/persons/{person}", headers=admin)
    with house.engine.begin() as connection:
        connection.execute(update(persons).where(persons.c.id == person).values(before))

    broken = {check.name: check.detail for check in examine(house) if not check.ok}
    assert "1 persons who were erased are back" in broken["erasures"]
    assert reapply(house) == 1
    assert house.gallery.living() == frozenset()


def test_a_form_that_cannot_be_meant_is_a_problem(client, admin, photos, shots):
    def status(files, names, **more):
        with form(files, *names) as body:
            answer = client.post("/v1/persons", headers=admin, **{**body, **more})
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["detail"]

    assert status([shots / "coffee.png"], [NAME]) == (
        422, "photo 1 shows no face: take one from the front, in good light"
    )  # fmt: skip
    assert status(photos, [])[0] == 422
    assert status([], [NAME], data={"names": [NAME], "faces": "x"})[0] == 422
    assert status([shots / "film.mp4"], [NAME])[1] == "photo 1 is a video: give pictures"
    assert client.delete("/v1/persons/per_none", headers=admin).status_code == 404


@pytest.mark.parametrize("scope", ["requester", "reviewer", "auditor"])
def test_others_may_not(client, as_, scope, photos):
    assert client.get("/v1/persons", headers=as_(scope)).status_code == 403
    with form(photos, NAME) as body:
        assert client.post("/v1/persons", headers=as_(scope), **body).status_code == 403


@pytest.fixture
def cli(furnished_home, tmp_path, monkeypatch, capsys):
    """Run a command in a home of its own; return its exit code, stdout and stderr."""
    shutil.copytree(furnished_home, tmp_path / "home")
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["framegate", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code
        told = capsys.readouterr()
        return code or 0, told.out, told.err

    return run


def squeezed(told):
    """Without blanks: the terminal breaks lines anywhere."""
    return "".join(told.split())


def test_the_command_line_enrols_lists_and_removes(cli, photos, shots, tmp_path):
    code, out, err = cli("person", "list")
    assert (code, out) == (0, "")
    assert "nobody is enrolled" in err

    code, out, err = cli("person", "enrol", NAME, *photos, "--also", "Orla Q", "--json")
    assert code == 0, err
    person = json.loads(out)
    assert person["names"] == [NAME, "Orla Q"]
    assert json.loads(cli("person", "list", "--json")[1]) == person
    assert f"{person['id']}  {NAME}, Orla Q  3 photos" in cli("person", "list")[2]

    code, _, err = cli("person", "enrol", "Bela", shots / "coffee.png")
    assert (code, "photo1showsnoface" in squeezed(err)) == (2, True)

    key = tmp_path / "home" / "keys" / "gallery.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.rename(tmp_path / "lost")
    code, _, err = cli("person", "list")
    assert (code, "missing:putitback" in squeezed(err)) == (1, True)
    assert cli("person", "remove", person["id"])[0] == 0
    assert cli("person", "list", "--all")[2].startswith(f"{person['id']}  (names erased)")


def test_the_key_of_the_settings_is_the_one_that_seals(tmp_path, furnished_home, photos):
    shutil.copytree(furnished_home, tmp_path / "home")
    (tmp_path / "secret").write_bytes(b"s" * 32)
    settings = Settings(home=tmp_path / "home", gallery_key=tmp_path / "secret")

    with wiring_house(settings) as house:
        enrolled = house.enrol([NAME], photos[:1], actor="root")
    assert not (tmp_path / "home" / "keys" / "gallery.key").exists()
    with wiring_house(settings) as house:
        assert house.gallery.people() == [enrolled]
    (tmp_path / "secret").write_bytes(b"t" * 32)
    with wiring_house(settings) as house, pytest.raises(GalleryLocked, match="set the right one"):
        house.gallery.people()


@contextmanager
def wiring_house(settings):
    from api.wiring import House

    house = House(settings)
    try:
        yield house
    finally:
        house.close()
