"""The rows that the file of text plug-ins adds to the catalog. Torch is loaded only when one of them is built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.catalog import Row
from classifiers.plugin_file import PluginFile, TextClassifierBlock, read_plugin_file

if TYPE_CHECKING:
    from classifiers.base import Classifier


def configured_rows(path: Path | None) -> tuple[Row, ...]:
    """Read the file of text plug-ins; without one, nothing is added.

    Raises:
        ConfigurationError: it cannot be read or cannot be meant.
    """
    file = read_plugin_file(path)
    return tuple(_checkpoint_row(block, file) for block in file.text_classifier)


def _checkpoint_row(block: TextClassifierBlock, file: PluginFile) -> Row:
    def build(_: object) -> Classifier[str]:
        from classifiers.transformers_text import TransformersTextClassifier

        return TransformersTextClassifier(block, file.folder)

    return Row(block.name, str, block.signals, build)
