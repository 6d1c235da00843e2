"""A text classifier of one's own guards prompts beside the embedded ones: it can stop, and it can fail."""

from __future__ import annotations

import shutil

import pytest

from api.settings import Settings
from api.wiring import House, open_house, prepare
from classifiers.base import ConfigurationError
from safety.domain import Action
from safety.errors import PolicyError
from safety.policy import DEFAULT_POLICY
from tests.checkpoints import make_checkpoint

BENIGN = "A happy cat sleeps in the house."

RULE = """
[[rules]]
id = "prompt.mine.block"
checkpoint = "prompt"
category = "harassment"
signal = "text.mine"
threshold = 1e-9
action = "block"
"""


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    home = tmp_path_factory.mktemp("furnished")
    prepare(Settings(home=home), queue=False)
    make_checkpoint(home / "tiny")
    return home


@pytest.fixture
def settings(furnished, tmp_path):
    """A house whose plug-in reports one signal of its own and one that an embedded classifier reports too."""
    home = shutil.copytree(furnished, tmp_path / "home")
    plugins, policy = tmp_path / "plugins.toml", tmp_path / "policy.toml"
    plugins.write_text(
        f'[[text_classifier]]\nname = "mine"\nmodel = "{home / "tiny"}"\nmulti_label = true\n'
        'labels = { toxic = "text.mine", threat = "text.violence" }\n'
    )
    policy.write_text(DEFAULT_POLICY.read_text("utf-8") + RULE)
    return Settings(home=home, text_plugins=plugins, policy=policy)


def test_its_scores_are_recorded_beside_the_embedded_ones_and_its_rule_stops(settings):
    with open_house(settings) as house:
        decision = house.prompt_gate.check_prompt(BENIGN)

        assert house.ledger.decision(decision.id) == decision
    (finding,) = [found for found in decision.verdict.findings if found.rule == "prompt.mine.block"]
    assert decision.verdict.action is Action.BLOCK
    assert finding.evidence[0].detail == "label:toxic"
    assert "mine" in dict(decision.measurement.classifiers)
    assert len([score for score in decision.measurement.scores if score.signal == "text.violence"]) == 2


def test_without_it_the_prompt_passes_and_the_policy_that_names_its_signal_is_refused(settings):
    with open_house(settings.model_copy(update={"text_plugins": None, "policy": None})) as house:
        assert house.prompt_gate.check_prompt(BENIGN).verdict.action is Action.ALLOW

    with open_house(settings.model_copy(update={"text_plugins": None})) as house, pytest.raises(PolicyError):
        _ = house.policy


def test_when_it_fails_its_signals_are_unmeasured_though_others_measured_them(settings, monkeypatch):
    with open_house(settings.model_copy(update={"policy": None})) as house:
        (mine,) = [each for each in house.text_classifiers if each.name == "mine"]
        mine._network.classifier.weight.data.fill_(float("nan"))

        decision = house.prompt_gate.check_prompt(BENIGN)

    assert decision.verdict.action is Action.REVIEW
    reasons = {gap.signal: gap.reason for gap in decision.verdict.unmeasured}
    assert set(reasons) >= {"text.mine", "text.violence"}
    assert reasons["text.violence"] == "the network of mine gave no numbers"
    assert any(score.signal == "text.violence" for score in decision.measurement.scores)


def test_a_plug_in_that_takes_an_embedded_name_refuses_the_start(settings):
    settings.text_plugins.write_text(settings.text_plugins.read_text().replace('"mine"', '"lexicon"'))
    house = House(settings)

    with pytest.raises(ConfigurationError, match="'lexicon' takes the name of another"):
        house.self_test()
    house.close()
