"""The file of text plug-ins is read strictly: what cannot be meant is refused, and the message says where."""

from __future__ import annotations

import pytest

from classifiers.base import ConfigurationError
from classifiers.plugin_file import PluginFile, read_plugin_file

SOUND = """
[[text_classifier]]
name = "toxicity"
model = "./toxic"
labels = { "toxic" = "text.harassment", "severe toxic" = "text.harassment", threat = "text.threat" }
multi_label = true
calibration = { threat = { slope = 2, offset = -0.5 } }
"""


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "plugins.toml"
        path.write_text(text, encoding="utf-8")
        return read_plugin_file(path)

    return read


def test_no_file_adds_nothing():
    assert read_plugin_file(None) == PluginFile()
    assert read_plugin_file(None).blocks == []


def test_a_sound_file_is_read_with_its_defaults(read, tmp_path):
    file = read(SOUND)
    (block,) = file.text_classifier

    assert file.folder == tmp_path
    assert block.reported == {"text.harassment", "text.threat"}
    assert (block.device, block.batch, block.reads, block.max_tokens) == ("cpu", 8, "english", None)
    assert (block.calibration["threat"].slope, block.calibration["threat"].offset) == (2, -0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("multi_label = true", ""), "'toxicity': multi_label: Field required"),
        (("multi_label = true", 'multi_label = "yes"'), "'toxicity': multi_label: "),
        (("multi_label = true", "multi_label = true\ntrust_remote_code = true"), "'toxicity': trust_remote_code: "),
        (('name = "toxicity"', 'name = "Toxic Model"'), "name: "),
        (('name = "toxicity"\n', ""), "text_classifier number 1: name: "),
        (('threat = "text.threat"', 'threat = "threat"'), "labels: threat: "),
        (("slope = 2", "slope = -2"), "slope: "),
        (("slope = 2", "slope = nan"), "slope: "),
        (("calibration = { threat", "calibration = { thread"), "'thread' is not in labels"),
        (('model = "./toxic"', 'model = "./toxic"\ndevice = "tpu"'), "device: "),
        (('model = "./toxic"', 'model = "./toxic"\npin = "latest"'), "pin: "),
        (("[[text_classifier]]", "[[text_classifiers]]"), "text_classifiers: "),
        (("[[text_classifier]]", "[text_classifier]"), "text_classifier: "),
        (("[[text_classifier]]", 'folder = "/"\n[[text_classifier]]'), "folder: unknown key"),
        (("multi_label = true", "multi_label = "), "is not TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(read, change, message):
    assert change[0] in SOUND

    with pytest.raises(ConfigurationError) as caught:
        read(SOUND.replace(*change))

    assert message in str(caught.value)


def test_a_setting_that_names_a_file_without_blocks_is_no_silent_nothing(read):
    with pytest.raises(ConfigurationError, match="holds no block"):
        read("# all commented out\n")


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere.toml cannot be read"):
        read_plugin_file(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read_plugin_file(tmp_path / "binary.toml")


JUDGE = """
[[judge]]
name = "guard"
family = "llama_guard"
base_url = "http://127.0.0.1:8000/v1"
model = "guard"
when = "unsure"
band = [0.2, 0.8]
"""


def test_a_judge_takes_the_table_of_its_family(read):
    (block,) = read(JUDGE).judge

    assert block.mapped["S10"] == "judge.hate"
    assert block.watched["judge.hate"] == "text.hate"
    assert block.left_out == {"S6", "S14"}
    assert set(block.watched) == block.reported == {*block.mapped.values()}


def test_a_judge_may_map_its_codes_otherwise(read):
    signals = ", ".join(f'S{number} = "text.violence"' for number in range(1, 13) if number != 6)
    (block,) = read(f'{JUDGE}signals = {{ {signals} }}\nignore = ["S13"]\n').judge

    assert block.reported == {"text.violence"}
    assert block.watched == {"text.violence": "text.violence"}
    assert block.left_out == {"S6", "S13", "S14"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("band = [0.2, 0.8]", ""), "go together"),
        (('when = "unsure"', ""), "go together"),
        (("[0.2, 0.8]", "[0.8, 0.2]"), "low is below high"),
        (("[0.2, 0.8]", "[0.2, 1.8]"), "band"),
        (("[0.2, 0.8]", "[0.2]"), "go together"),
        (('"llama_guard"', '"llama_gard"'), "family"),
        (('"llama_guard"', '"shieldgemma"'), "signals maps ids of its categories"),
        (("http://127.0.0.1:8000/v1", "ftp://127.0.0.1/v1"), "base_url"),
        (("http://127.0.0.1:8000/v1", "http://user:secret@127.0.0.1/v1"), "base_url"),
        (("http://127.0.0.1:8000/v1", "http://127.0.0.1/v1?key=1"), "base_url"),
        (('model = "guard"', 'model = "guard"\nignore = ["S77"]'), "has no 'S77'"),
        (('model = "guard"', 'model = "guard"\nsignals = { S1 = "judge.a" }'), "needs a signal, or has to be named"),
        (('model = "guard"', 'model = "guard"\nwatches = { "judge.x" = "text.hate" }'), "does not report 'judge.x'"),
        (('model = "guard"', 'model = "guard"\nworth = { maybe = 0.5 }'), "worth"),
        (('model = "guard"', 'model = "guard"\nseconds = 0'), "seconds"),
    ],
)
def test_a_judge_that_cannot_be_meant_is_refused(read, change, message):
    assert change[0] in JUDGE

    with pytest.raises(ConfigurationError) as caught:
        read(JUDGE.replace(*change))

    assert message in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_judge_without_a_signal_to_watch_is_not_asked_in_doubt(read):
    policy_judge = JUDGE.replace("llama_guard", "shieldgemma") + 'signals = { hate = "judge.hate" }\n'

    with pytest.raises(ConfigurationError, match=r"'judge.hate' needs the signal that says whether to ask"):
        read(policy_judge)
    assert read(policy_judge + 'watches = { "judge.hate" = "text.hate" }\n').judge[0].watched
