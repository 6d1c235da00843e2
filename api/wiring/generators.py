"""Chooses the generator in service: a server, a local folder, or the checkpoint that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.base import GeneratorError

if TYPE_CHECKING:
    from api.settings import Settings
    from generator.base import Generator


def chosen_generator(settings: Settings) -> Generator:
    """Return the generator that the settings name.

    Raises:
        GeneratorError: the folder is no pipeline, or the key file cannot be read.
    """
    if settings.generator_url:
        from generator.remote import RemoteGenerator, Server

        key = ""
        if settings.generator_key_file is not None:
            try:
                key = settings.generator_key_file.read_text("utf-8").strip()
            except (OSError, ValueError) as error:
                raise GeneratorError(f"{settings.generator_key_file} cannot be read: {type(error).__name__}") from error
        return RemoteGenerator(Server(settings.generator_url, settings.generator_model, key))
    if settings.generator is not None:
        from generator.pipelines import PipelineGenerator

        return PipelineGenerator(
            settings.generator,
            steps=settings.generator_steps,
            device=settings.generator_device,
            dtype=settings.generator_dtype,
            offload=settings.generator_offload,
        )
    from generator.embedded import EmbeddedGenerator

    return EmbeddedGenerator()
