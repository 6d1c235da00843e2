"""The rows that the file of text plug-ins adds to the catalog. Torch is loaded only when one that needs it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.base import ConfigurationError
from classifiers.catalog import BUILT_IN, Row
from classifiers.plugin_file import JudgeBlock, PluginFile, TextClassifierBlock, read_plugin_file

if TYPE_CHECKING:
    from classifiers.base import Classifier

Clauses = Mapping[str, str]
"""The policy's clause of each category."""


def configured_rows(path: Path | None, clauses: Callable[[], Clauses] = dict) -> tuple[Row, ...]:
    """Read the file of text plug-ins; without one, nothing is added.

    `clauses` is called when a judge is built, not before: the policy is checked against the names of signals first.

    Raises:
        ConfigurationError: it cannot be read or cannot be meant.
    """
    file = read_plugin_file(path)
    _refuse_blind_judges(file)
    checkpoints = [_checkpoint_row(block, file.folder) for block in file.text_classifier]
    return (*checkpoints, *(_judge_row(block, file.folder, clauses) for block in file.judge))


def _refuse_blind_judges(file: PluginFile) -> None:
    offered = {signal for row in BUILT_IN if row.accepts is str for signal in row.signals}
    offered |= {signal for block in file.text_classifier for signal in block.reported}
    for block in file.judge:
        if block.when == "unsure" and (blind := sorted(set(block.watched.values()) - offered)):
            raise ConfigurationError(f"{block.name}: it watches {blind[0]!r}, which no classifier of prompts reports")


def _checkpoint_row(block: TextClassifierBlock, folder: Path) -> Row:
    def build(_: object) -> Classifier[str]:
        from classifiers.transformers_text import TransformersTextClassifier

        return TransformersTextClassifier(block, folder)

    return Row(block.name, str, block.reported, build)


def _judge_row(block: JudgeBlock, folder: Path, clauses: Callable[[], Clauses]) -> Row:
    def build(_: object) -> Classifier[str]:
        from classifiers.remote_judge import RemoteJudge

        return RemoteJudge(block, clauses(), folder)

    return Row(block.name, str, block.reported, build)
