"""What the label file says is what leaves: in the picture, in the metadata, under the signature."""

from __future__ import annotations

import json

import numpy as np
import pytest

from api.doctor import examine
from generator.base import GenerationRequest
from media.codec import decode, encode_mp4, probe
from media.limits import DEFAULT_LIMITS
from media.xmp import read_xmp
from provenance.base import CredentialState, LabelError
from safety.scan import Scanner

FILE = 'text = "AI · Example"\nplace = "bottom_left"\nheight = 0.1\ndeclare = ["iptc", "aigc"]\n'


@pytest.fixture
def labelled(house, settings, tmp_path):
    (tmp_path / "label.toml").write_text(FILE, encoding="utf-8")
    house.settings = settings.model_copy(update={"label": tmp_path / "label.toml"})
    return house


def label_check(house):
    return next(each for each in examine(house) if each.name == "label")


def test_a_release_carries_the_label_and_the_declarations_of_the_file(labelled, tmp_path):
    raw, out = tmp_path / "raw.mp4", tmp_path / "out.mp4"
    clip = labelled.generator.generate(GenerationRequest("a green field", 1.0, 256, 256))
    encode_mp4(iter(clip.frames), raw, fps=clip.fps)
    outcome = labelled.framegate.release(raw, out, prompt=labelled.framegate.check_prompt("a green field"))
    credential = labelled.credential_reader.read(out)
    plain = labelled.watermark.embed(clip, outcome.release.watermark)[0].frames[0].astype(int)
    seen = next(iter(decode(out, DEFAULT_LIMITS)))[1].astype(int)
    places = np.abs(seen - plain).max(axis=2) > 60
    rows, columns = np.nonzero(places)

    assert credential.state is CredentialState.TRUSTED
    assert json.loads(probe(out, DEFAULT_LIMITS).tags["aigc"])["ProduceID"] == outcome.release.id
    assert read_xmp(out)["xmp:digitalsourcetype"].endswith("trainedAlgorithmicMedia")
    assert (rows.min() > 128, columns.min() < 64) == (True, True)
    assert isinstance(labelled.scanner, Scanner)
    report, _ = labelled.scanner.scan(out)
    declared = [each for each in report.evidence if each.kind == "metadata" and each.strength.value == "declaration"]
    assert len(declared) == 2


def test_the_doctor_says_how_releases_are_labelled(labelled, settings):
    assert label_check(labelled).detail == "'AI · Example', bottom_left, 10% of the short side; declares aigc, iptc"
    settings.label = labelled.settings.label
    settings.label.write_text('text = "made by us"')
    broken = label_check(labelled)

    assert not broken.ok
    assert "says that AI made it" in broken.detail


def test_a_house_does_not_start_with_a_label_that_is_none(labelled):
    labelled.settings.label.write_text("height = 0.01")

    with pytest.raises(LabelError, match="of the short side"):
        _ = labelled.desk
