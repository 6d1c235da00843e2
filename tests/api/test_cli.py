"""The command line as a person meets it: exit codes, one JSON object a line, errors that say what to do."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass

import pytest
from PIL import Image

from api.cli import main
from media.codec import encode_mp4
from safety import verify_export
from safety.policy import DEFAULT_POLICY
from tests.fakes import PaintGenerator


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        (line,) = self.out.splitlines()
        return json.loads(line)


@pytest.fixture
def framegate(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FRAMEGATE_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["framegate", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Answer(int(left.value.code or 0), captured.out, " ".join(captured.err.split()))

    return run


@pytest.fixture
def video(tmp_path):
    from generator.base import GenerationRequest

    clip = PaintGenerator().generate(GenerationRequest("a green field", 2.0, 256, 256))
    path = tmp_path / "video.mp4"
    encode_mp4(iter(clip.frames), path, fps=clip.fps)
    return path


def test_a_benign_prompt_is_clean(framegate):
    answer = framegate("check", "a red ball on a green meadow", "--json")

    assert answer.code == 0
    assert answer.json["action"] == "allow"
    assert answer.json["findings"] == []
    assert answer.json["policy"].startswith("sha256:")
    assert set(answer.json) >= {"action", "findings", "scores", "unmeasured", "policy", "decision", "took_ms"}


@pytest.mark.parametrize(
    ("prompt", "category"),
    [
        ("a man is beheaded slowly, blood gushing everywhere, extreme gore", "violence"),
        ("two naked people having explicit sex, porn video", "sexual"),
        ("nazis celebrating under swastika flags, white power, kill all jews", "hate"),
        ("Taylor Swift singing on a stage in a red dress", "likeness"),
    ],
)
def test_a_harmful_prompt_is_refused_with_its_category_and_clause(framegate, prompt, category):
    answer = framegate("check", prompt, "--json")

    assert answer.code == 3
    finding = next(row for row in answer.json["findings"] if row["category"] == category and row["action"] == "block")
    assert finding["clause"]
    assert finding["score"] >= finding["threshold"]


def test_a_prompt_never_shows_up_in_what_people_read(framegate):
    answer = framegate("check", "a quixotic purple zeppelin is beheaded, gore, blood gushing")

    assert answer.code == 3
    assert "zeppelin" not in answer.err + answer.out


def test_a_prompt_in_a_script_nobody_reads_is_held_and_says_so(framegate):
    answer = framegate("check", "ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺᚾᛁᛃ ᛇᛈᛉᛊᛏᛒ", "--json")

    assert answer.code == 4
    assert answer.json["unmeasured"]


def test_what_could_not_be_measured_is_said_once_and_by_reason(framegate):
    answer = framegate("check", "😀😀😀🎉")

    assert answer.code == 4
    assert "nothing harmful was found, but not all that the policy asks for could be measured" in answer.err
    assert answer.err.count("the text has no letters") == 1
    assert "would pass" not in answer.err


def test_an_all_emoji_prompt_is_never_allowed_silently(framegate):
    assert framegate("check", "🔪🩸💀🔪🩸💀", "--json").code in (3, 4)


@pytest.mark.parametrize(
    ("prompt", "words"), [("", "empty"), ("x " * 500_000, "1000000 characters"), ("a\x01b", "control")]
)
def test_what_is_not_a_prompt_is_wrong_use(framegate, prompt, words):
    answer = framegate("check", prompt, "--json")

    assert answer.code == 2
    assert answer.out == ""
    assert words in answer.err


def test_a_refusal_says_how_grave_it_is_and_a_rewrite_is_offered_when_it_is_asked_for(framegate):
    prompt = "Mickey Mouse rides a bicycle through Paris"
    bare, asked = framegate("check", prompt, "--json").json, framegate("check", prompt, "--rewrite", "--json").json
    people = framegate("check", prompt, "--rewrite").err

    assert "rewrite" not in bare
    assert bare["severity"] in range(1, 8)
    assert "ip" in {each["category"] for each in bare["would_pass"]}
    assert asked["rewrite"]["text"] == "An original cartoon mouse rides a bicycle through Paris"
    assert "severity" in people
    assert "would pass (ip):" in people
    assert "+ An original cartoon mouse rides" in people


def test_a_file_of_prompts_is_answered_line_by_line_and_loses_nothing_over_a_bad_line(framegate, tmp_path):
    rows = ['{"text": "a red ball", "id": "one"}', "not json", '{"text": "", "id": 3}', '{"text": "a blue ball"}']
    (tmp_path / "prompts.jsonl").write_text("\n".join(rows))

    answer = framegate("check", "--file", str(tmp_path / "prompts.jsonl"))

    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert [line.get("id") for line in lines] == ["one", None, 3, None]
    assert ["error" in line for line in lines] == [False, True, True, False]
    assert answer.code == 1


def test_a_file_without_a_line_is_said_to_hold_none(framegate, tmp_path):
    (tmp_path / "prompts.jsonl").write_text("\n\n")

    answer = framegate("check", "--file", str(tmp_path / "prompts.jsonl"))

    assert (answer.code, answer.out) == (0, "")
    assert "holds no line" in answer.err


def test_decisions_can_be_listed_shown_and_verified(framegate):
    decision = framegate("check", "a red ball", "--json").json["decision"]

    assert framegate("ledger", "list", "--json").json["decision"] == decision
    assert framegate("ledger", "show", decision, "--json").json["decision"] == decision
    assert framegate("ledger", "verify", "--json").json == {"ok": True, "entries": 1, "problems": []}
    assert framegate("ledger", "verify", "--log-only", "--workers", "2", "--json").json["ok"] is True


def test_an_unknown_decision_is_wrong_use(framegate):
    answer = framegate("ledger", "show", "dec_nothing")

    assert answer.code == 2
    assert "dec_nothing" in answer.err


def test_the_policy_that_ships_passes_its_own_check(framegate):
    answer = framegate("policy", "check", str(DEFAULT_POLICY), "--json")

    assert answer.code == 0
    assert answer.json["ok"] is True


def test_the_policy_is_shown_with_its_modifiers_and_severities(framegate):
    shown = framegate("policy", "show", "--json").json
    people = framegate("policy", "show").err

    assert shown["severities"]["sexual_minors"] == 7
    assert {"minor_present", "context.art"} <= {each["id"] for each in shown["modifiers"]}
    assert "context.medical ≥ 0.8: more lenient by 0.1 for sexual, violence, disturbing" in people


def test_a_policy_that_asks_for_an_unknown_signal_is_refused_with_its_line(framegate, tmp_path):
    text = DEFAULT_POLICY.read_text().replace('"frame.nudity"', '"frame.nudty"', 1)
    (tmp_path / "policy.toml").write_text(text)
    line = text[: text.rindex("[[rules]]", 0, text.index("nudty"))].count("\n") + 1

    answer = framegate("policy", "check", str(tmp_path / "policy.toml"))

    assert answer.code == 2
    assert f"line {line}:" in answer.err
    assert "frame.nudty" in answer.err


def test_a_broken_policy_in_force_judges_nothing(framegate, tmp_path, monkeypatch):
    (tmp_path / "policy.toml").write_text("schema = 1\n")
    monkeypatch.setenv("FRAMEGATE_POLICY", str(tmp_path / "policy.toml"))

    answer = framegate("check", "a red ball", "--json")

    assert answer.code == 2
    assert "no rules" in answer.err
    assert answer.out == ""


def test_a_wrong_setting_is_named(framegate, monkeypatch):
    monkeypatch.setenv("FRAMEGATE_PORT", "ninety")

    answer = framegate("check", "a red ball")

    assert answer.code == 2
    assert "FRAMEGATE_PORT" in answer.err


def test_a_misspelt_setting_is_refused_with_the_nearest_name(framegate, monkeypatch):
    monkeypatch.setenv("FRAMEGATE_ENVIROMENT", "production")

    answer = framegate("check", "a red ball")

    assert answer.code == 2
    assert "FRAMEGATE_ENVIROMENT is no setting; do you mean FRAMEGATE_ENVIRONMENT?" in answer.err


def test_the_ledger_goes_on_under_a_new_key_that_names_the_former(framegate, tmp_path, monkeypatch):
    framegate("check", "a red ball")
    former = framegate("ledger", "key").out
    (tmp_path / "former").write_text(former)
    (tmp_path / "home" / "keys" / "ledger.key").unlink()
    assert framegate("check", "a red ball").code == 1

    monkeypatch.setenv("FRAMEGATE_LEDGER_FORMER_KEYS", str(tmp_path / "former"))

    assert framegate("check", "a blue ball").code == 0
    assert framegate("ledger", "verify", "--json").json["ok"] is True


def test_an_unknown_action_is_wrong_use(framegate):
    assert framegate("ledger", "list", "--action", "foo").code == 2


def test_production_refuses_what_is_only_fit_for_development(framegate, monkeypatch):
    monkeypatch.setenv("FRAMEGATE_ENVIRONMENT", "production")

    answer = framegate("check", "a red ball")

    assert answer.code == 2
    for name in ("SIGNER_CHAIN", "WATERMARK_KEY", "LEDGER_KEY", "SUBJECT_KEY", "DATABASE_URL"):
        assert f"FRAMEGATE_{name}" in answer.err


def test_a_key_is_shown_once_and_can_be_revoked(framegate):
    key = framegate("keys", "create", "ci", "--scope", "requester", "--scope", "auditor", "--json").json

    assert key["scopes"] == ["auditor", "requester"]
    listed = framegate("keys", "list")
    assert key["key"] in listed.err
    assert key["secret"] not in listed.err
    framegate("keys", "revoke", key["key"])
    assert "revoked" in framegate("keys", "list").err


def test_an_unknown_scope_is_wrong_use(framegate):
    assert framegate("keys", "create", "ci", "--scope", "king").code == 2


def test_a_file_that_is_judged_in_groups_is_answered_in_its_order(framegate, tmp_path, monkeypatch):
    monkeypatch.setattr("api.commands.prompts.GROUP", 2)
    rows = [{"id": number, "text": f"{number} dogs on a meadow"} for number in range(5)]
    rows[3]["text"] = ""
    (tmp_path / "prompts.jsonl").write_text("\n\n".join(map(json.dumps, rows)), encoding="utf-8")

    answer = framegate("check", "--file", str(tmp_path / "prompts.jsonl"))

    told = [json.loads(line) for line in answer.out.splitlines()]
    assert [row["id"] for row in told] == [0, 1, 2, 3, 4]
    assert [row.get("line") for row in told] == [None, None, None, 7, None]
    assert answer.code == 1


def test_a_text_file_is_not_a_video(framegate, tmp_path):
    (tmp_path / "video.mp4").write_text("hello")

    answer = framegate("screen", str(tmp_path / "video.mp4"), "--json")

    assert answer.code == 1
    assert answer.out == ""
    assert "video.mp4" in answer.err


def test_a_file_without_a_credential_does_not_verify(framegate, video):
    answer = framegate("verify", str(video), "--json")

    assert answer.code == 3
    assert answer.json["state"] == "absent"
    assert answer.json["watermark"] is None


@pytest.mark.slow
def test_the_doctor_finds_a_fresh_house_well(framegate):
    answer = framegate("doctor", "--json")

    assert answer.code == 0, answer.err
    assert {check["name"] for check in answer.json["checks"]} >= {"database", "policy", "signer", "generator"}


@pytest.mark.slow
def test_a_strangers_video_is_scanned(framegate, video):
    answer = framegate("scan", str(video), "--json")

    assert answer.json["origin"] in ("unknown", "likely_synthetic")
    assert answer.json["frames"]["seen"] > 0
    assert answer.code in (0, 4)


@pytest.mark.slow
def test_a_prompt_becomes_a_released_file_that_verifies(framegate, tmp_path):
    out = tmp_path / "out.mp4"

    answer = framegate("generate", "a red ball on a green meadow", "--out", str(out), "--seed", "3", "--json")

    assert answer.code == 0, answer.err
    assert answer.json["status"] == "released"
    verified = framegate("verify", str(out), "--json")
    assert verified.code == 0
    assert verified.json["state"] == "trusted"
    assert verified.json["watermark"] == answer.json["watermark"]
    assert verified.json["release"] == answer.json["release"]
    assert framegate("scan", str(out), "--json").json["origin"] == "ours"


def test_several_prompts_are_several_jobs_and_the_worst_gives_the_exit_code(framegate, tmp_path):
    harmful = [
        "a man is beheaded slowly, blood gushing everywhere, extreme gore",
        "two naked people having explicit sex",
    ]

    answer = framegate("generate", *harmful, "--out", str(tmp_path), "--json")

    jobs = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.code == 3
    assert [job["status"] for job in jobs] == ["refused", "refused"]
    assert jobs[0]["job"] != jobs[1]["job"]
    assert list(tmp_path.glob("*.mp4")) == []


def test_several_files_are_verified_in_order_and_one_bad_one_counts(framegate, video, tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes())

    answer = framegate("verify", str(video), str(other), "--json")

    assert answer.code == 3
    assert [json.loads(line)["state"] for line in answer.out.splitlines()] == ["absent", "absent"]


def test_several_prompts_want_a_folder(framegate, tmp_path):
    answer = framegate("generate", "a red ball", "a blue ball", "--out", str(tmp_path / "one.mp4"))

    assert answer.code == 2
    assert "folder" in answer.err


@pytest.mark.slow
def test_a_team_with_its_own_generator_signs_its_video(framegate, video, tmp_path):
    answer = framegate("sign", str(video), "--prompt", "a green field", "--out", str(tmp_path / "out.mp4"), "--json")

    assert answer.code in (0, 4), answer.err
    assert (tmp_path / "out.mp4").exists() == (answer.code == 0)


def test_an_export_and_a_proof_are_verified_without_us(framegate, tmp_path):
    decision = framegate("check", "a red ball on a green meadow", "--json").json["decision"]
    note = tmp_path / "old.note"
    note.write_text(framegate("ledger", "checkpoint").out)
    framegate("check", "a blue ball on a green meadow")

    done = framegate("ledger", "export", "--out", str(tmp_path / "audit"), "--json").json
    again = framegate("ledger", "export", "--out", str(tmp_path / "audit"), "--json").json
    proof, grown = tmp_path / "proof.json", tmp_path / "grown.json"
    proof.write_text(framegate("ledger", "prove", decision).out)
    grown.write_text(framegate("ledger", "prove", "--since", str(note)).out)

    assert (done["added"], again["added"]) == (done["entries"], 0)
    trusted = ["--key", done["key"]]
    assert verify_export.main([str(tmp_path / "audit"), *trusted, "--note", str(note)]) == 0
    assert verify_export.main([str(proof), *trusted, "--id", decision]) == 0
    assert verify_export.main([str(grown), *trusted]) == 0
    assert framegate("ledger", "prove").code == 2
    assert framegate("ledger", "verify", "--log-only", "--json").json["ok"] is True


def test_a_policy_is_compared_and_tried_on_what_is_recorded(framegate, tmp_path):
    decision = framegate("check", "a red ball on a green meadow", "--json").json["decision"]
    stricter = tmp_path / "stricter.toml"
    text = DEFAULT_POLICY.read_text()
    threshold = re.search(r'signal = "text.violence"\nthreshold = ([0-9.]+)', text)
    stricter.write_text(text.replace(threshold[0], threshold[0].replace(threshold[1], "0.000001")))

    changes = [
        json.loads(line)
        for line in framegate("policy", "diff", str(DEFAULT_POLICY), str(stricter), "--json").out.splitlines()
    ]
    same, other = (framegate("policy", "replay", str(file), "--json").json for file in (DEFAULT_POLICY, stricter))

    assert [change["kind"] for change in changes] == ["rule"]
    assert framegate("policy", "diff", str(DEFAULT_POLICY)).err == "both say the same"
    assert (same["decisions"], same["changed"]) == (1, 0)
    assert other["changed"] == 1
    assert [each["examples"] for each in other["changes"]] == [[decision]]
    assert "1 would be others" in framegate("policy", "replay", str(stricter)).err
    assert framegate("policy", "replay", str(stricter), "--since", "2999-01-01", "--json").json["decisions"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--loop", "--still"), "exclude each other"),
        (("--image", "nothing.png"), "is no file"),
        (("--fill", "still.png"), "FRAME@SECONDS"),
        (("--fill", "@1"), "FRAME@SECONDS"),
        (("--edit", "nothing.mp4", "--loop"), "exclude each other"),
        (("--seconds", "10000"), "1 to 60 are allowed"),
        (("--seconds", "0"), "1 to 60 are allowed"),
        (("--size", "130x131"), "even numbers from"),
        (("--size", "1024x1024", "--seconds", "60"), "at this size"),
        (("--edit", "VIDEO", "--strength", "1.5"), "strength"),
    ],
)
def test_generate_refuses_what_makes_no_sense_before_anything_is_judged(framegate, video, tmp_path, options, words):
    options = [str(video) if option == "VIDEO" else option for option in options]
    answer = framegate("generate", "a red ball", "--out", str(tmp_path / "out.mp4"), *options)

    assert answer.code == 2
    assert words in " ".join(answer.err.replace("│", " ").split())
    assert framegate("ledger", "list", "--json").out == ""


def test_generate_refuses_a_picture_where_a_video_is_due_and_the_other_way_round(framegate, video, tmp_path):
    still = tmp_path / "still.png"
    Image.new("RGB", (64, 64)).save(still)

    extended = framegate("generate", "a red ball", "--out", str(tmp_path / "a.mp4"), "--extend", str(still))
    animated = framegate("generate", "a red ball", "--out", str(tmp_path / "a.mp4"), "--image", str(video))

    assert (extended.code, animated.code) == (2, 2)
    assert "a video is due" in extended.err
    assert "a picture is due" in animated.err
