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
from tests.judge_server import JudgeServer, running

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


JUDGE_RULES = """
[[rules]]
id = "prompt.judge.violence.block"
checkpoint = "prompt"
category = "violence"
signal = "judge.violence"
threshold = 0.5
action = "block"
"""


@pytest.fixture
def judged(settings):
    """The same house with a judge in doubt instead, whose band begins above what a benign prompt scores."""
    with running(JudgeServer()) as server:
        settings.text_plugins.write_text(
            '[[judge]]\nname = "guard"\nfamily = "gpt_oss_safeguard"\nmodel = "guard"\nseconds = 20.0\n'
            f'base_url = "{server.base_url}"\nwhen = "unsure"\nband = [0.000001, 1.0]\n'
            'signals = { violence = "judge.violence" }\n'
            'watches = { "judge.violence" = "terms.violence" }\n'
        )
        settings.policy.write_text(DEFAULT_POLICY.read_text("utf-8") + JUDGE_RULES)
        with open_house(settings) as house:
            yield house, server


def test_a_judge_that_is_not_needed_is_not_asked_and_the_record_says_so(judged):
    house, server = judged

    decision = house.prompt_gate.check_prompt(BENIGN)

    assert server.asked == []
    assert decision.verdict.action is Action.ALLOW
    assert "judge.violence" not in {gap.signal for gap in decision.verdict.unmeasured}
    (score,) = [score for score in decision.measurement.scores if score.signal == "judge.violence"]
    assert (score.value, score.detail) == (0.0, "not_asked:terms.violence")
    assert house.ledger.decision(decision.id) == decision


@pytest.mark.parametrize(
    ("answer", "rule_fires"),
    [('{"verdict": "unsafe", "violates": ["violence"]}', True), ("no idea", False)],
)
def test_a_judge_in_doubt_is_asked_with_the_clause_and_stops_or_is_unmeasured(judged, answer, rule_fires):
    house, server = judged
    server.say = lambda _: answer
    gory = "A beheading in the market square, blood gushing everywhere."

    decision = house.prompt_gate.check_prompt(gory)

    system, user = server.asked[0]["messages"]
    assert house.policy.categories["violence"].clause in system["content"]
    assert gory in user["content"]
    (finding,) = [found for found in decision.verdict.findings if found.rule == "prompt.judge.violence.block"]
    assert (finding.evidence[0].score is not None) == rule_fires
    assert ("judge.violence" in {gap.signal for gap in decision.verdict.unmeasured}) != rule_fires
    assert finding.action is (Action.BLOCK if rule_fires else Action.REVIEW)


def test_a_judge_that_watches_nothing_there_is_refused(settings):
    settings.text_plugins.write_text(
        '[[judge]]\nname = "guard"\nfamily = "shieldgemma"\nmodel = "guard"\nbase_url = "http://127.0.0.1:1/v1"\n'
        'signals = { violence = "judge.violence" }\nwhen = "unsure"\nband = [0.2, 0.8]\n'
        'watches = { "judge.violence" = "text.violense" }\n'
    )
    house = House(settings)

    with pytest.raises(ConfigurationError, match=r"guard: it watches 'text\.violense', which no classifier"):
        house.self_test()
    house.close()
