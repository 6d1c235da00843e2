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
    assert block.signals == {"text.harassment", "text.threat"}
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
