"""Every setting, read from the environment once. Nothing else in framegate reads the environment.

Each field is `FRAMEGATE_` plus its name in capitals; docs/operations.md names them all. The defaults run everything
on one machine with no network; `environment = production` refuses what is only fit for development.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Threads of native libraries: idle ones spin, which on few cores costs more than it gives."""


def bound_native_pools() -> None:
    """Let every native library use one thread unless somebody set another number; before any of them is loaded."""
    for pool in POOLS:
        os.environ.setdefault(pool, "1")
    os.environ.setdefault("SVT_LOG", "1")  # errors only: the encoder of AV1 writes a page to stderr for each video


class Environment(StrEnum):
    """Where framegate runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Settings of one process."""

    model_config = SettingsConfigDict(env_prefix="FRAMEGATE_", extra="forbid")

    home: Path = Path.home() / ".framegate"
    """Folder for everything the embedded default keeps: database, released files, keys."""

    environment: Environment = Environment.DEVELOPMENT
    """`production` refuses the development signer, generated keys and SQLite."""

    database_url: str = ""
    """SQLAlchemy URL; empty: `sqlite:///$FRAMEGATE_HOME/framegate.db`. PostgreSQL: `postgresql+psycopg://…`."""

    policy: Path | None = None
    """Policy file; empty: the one that ships."""

    retention: Path | None = None
    """File that says how long prompts, files and pictures are kept; empty: the one that ships."""

    text_plugins: Path | None = None
    """TOML file of classifiers and judges of text and pictures that are added to the embedded ones; empty: none."""

    origin_false_alarms: Path | None = None
    """File of false alarms that `framegate evaluate origin --false-alarms` measured; empty: the shipped ones."""

    provider: str = "framegate development"
    """Who takes responsibility for releases: stands in every manifest."""

    label: Path | None = None
    """TOML file of how releases are labelled, visibly and in metadata; empty: a moving label, nothing declared."""

    generator: Path | None = None
    """Folder of a local diffusers pipeline; empty: the embedded checkpoint."""

    generator_device: str = Field("cpu", pattern=r"^(cpu|mps|cuda(:\d+)?)$")
    """Where a local pipeline samples: `cpu`, `cuda`, `cuda:1`, `mps`."""

    generator_dtype: str = Field("float32", pattern="^(float32|float16|bfloat16)$")
    """Numbers a local pipeline is loaded in."""

    generator_offload: str = Field("none", pattern="^(none|model|sequential)$")
    """What of a local pipeline waits outside of the device's memory; `model` and `sequential` need `accelerate`."""

    generator_steps: int = Field(30, ge=1, le=1000)
    """Steps a local pipeline samples in."""

    generator_url: str = ""
    """Address of a server that speaks `/v1/videos` and generates instead, ending in `/v1`; empty: none."""

    generator_model: str = ""
    """Name of the model on that server; needed with `generator_url`."""

    generator_key_file: Path | None = None
    """File with the API key for that server."""

    expander: Path | None = None
    """Folder of a local text-generation checkpoint (transformers) that expands prompts; empty: none."""

    expander_url: str = ""
    """Address of a server that speaks `/v1/chat/completions` and expands prompts, ending in `/v1`; empty: none."""

    expander_model: str = ""
    """Name of the model on that server; needed with `expander_url`."""

    expander_key_file: Path | None = None
    """File with the API key for that server."""

    signer_chain: Path | None = None
    """PEM file: signing certificate, then its intermediates, without the root."""

    signer_key: str = ""
    """The signing certificate's private key: a PEM file, a `pkcs11:` URI, or `aws+`, `azure+`, `google+` or `vault+https://…`."""

    signer_token_file: Path | None = None
    """File with the bearer token (AWS: credentials) for the service that keeps the signing key; read each time."""

    signer_ca_file: Path | None = None
    """PEM file of the authorities that vouch for that service; empty: the usual ones."""

    trust_anchors: Path | None = None
    """PEM file of the roots whose credentials read as trusted; needed with `signer_chain`."""

    trust_packs: Path | None = None
    """Folder of trust packs, which `framegate trust` keeps; empty: `$FRAMEGATE_HOME/trust`."""

    trust_pins: str = ""
    """The packs that count, `NAME=sha256:…` with spaces between; empty: all in the folder."""

    trust_pack_days: int = Field(180, ge=1)
    """Age in days from which `framegate doctor` calls a trust pack too old."""

    timestamp_url: str = ""
    """RFC 3161 time-stamping service; empty: no time stamps."""

    timestamp_policy: str = Field("best_effort", pattern="^(required|best_effort)$")
    """`required`: no release without a time stamp. `best_effort`: sign without one and record that."""

    watermark_key: Path | None = None
    """File of at least 32 secret bytes; empty: made once in `$FRAMEGATE_HOME/keys`."""

    ledger_key: Path | None = None
    """Ed25519 key file that signs ledger checkpoints; empty: made once in `$FRAMEGATE_HOME/keys`."""

    ledger_former_keys: Path | None = None
    """File with the public keys that signed the ledger before, one `framegate ledger key` a line; after a rotation."""

    ledger_witnesses: Path | None = None
    """File with the public keys of witnesses whose cosignatures on checkpoints are taken, `name+id+key` a line."""

    subject_key: Path | None = None
    """File of at least 32 secret bytes that the keys of subjects are sealed with; empty: made once in the home."""

    gallery_key: Path | None = None
    """File of at least 32 secret bytes that seals the gallery of known persons; empty: made once in
    `$FRAMEGATE_HOME/keys`, in production never."""

    prompt_max_characters: int = Field(4000, ge=1)
    """Longest prompt that is judged, in characters."""

    judging_at_once: int = Field(128, ge=1)
    """Requests with prompts that are judged or wait for it at the same time; more are answered 503."""
    prompt_max_scenes: int = Field(20, ge=2, le=100)
    """Most scenes of one storyboard; each is read about five times."""

    request_max_bytes: int = Field(1_000_000, ge=1000)
    """Largest request body that is not an upload."""

    upload_max_bytes: int = Field(2_000_000_000, ge=1000)
    """Largest uploaded video."""

    verify_per_minute: int = Field(30, ge=1)
    """Files a minute that are verified or looked up without a key, for each client."""

    video_max_pixels: int = Field(4096 * 2304, ge=4096)
    """Largest frame, width times height."""

    video_max_duration_s: float = Field(12 * 3600.0, gt=0)
    """Longest video that is decoded, in seconds."""

    screen_fps: float = Field(2.0, gt=0, le=120)
    """Least frames a second that the output gate looks at."""

    host: str = "127.0.0.1"
    """Address the HTTP API listens on."""

    port: int = Field(8080, ge=1, le=65535)
    """Port the HTTP API listens on."""

    worker_concurrency: int = Field(1, ge=1, le=64)
    """Jobs one worker runs at the same time."""

    worker_lease_s: float = Field(15.0, ge=1)
    """Seconds without a heartbeat after which other workers adopt a worker's jobs."""

    checkpoint_every_s: float = Field(60.0, ge=1)
    """Seconds after which a worker signs a checkpoint, where entries were added since the last."""

    drift_alert: float = Field(0.25, gt=0)
    """Population stability index from which `/metrics` says that the scores of a signal drift."""

    promotion_decisions: int = Field(100, ge=1)
    """Decisions that a policy must have judged beside the one in force before it may act."""

    promotion_agreement: float = Field(0.0, ge=0, le=1)
    """Share of them in which both said the same; the lower end of its 95 % interval must reach this."""

    review_two_for: str = ""
    """Categories in which two reviewers have to agree before something passes; spaces between."""

    appeal_days: int = Field(14, ge=1, le=365)
    """Days within which an appeal is to be answered."""

    webhook_url: str = ""
    """Address that is told what the ledger records; empty: nobody is told."""

    webhook_secret_file: Path | None = None
    """File with the secrets that messages are signed with, one `whsec_…` a line; needed with `webhook_url`."""

    webhook_events: str = "decision.superseded release.withdrawn release.restored"
    """Kinds of messages that are told, spaces between."""

    webhook_days: float = Field(3.0, gt=0, le=30)
    """Days after which a message that is not taken is left out."""

    review_looks_a_day: int = Field(300, ge=0)
    """Looks at held content that one reviewer takes in 24 hours at most; 0: no limit."""

    review_stretch_minutes: int = Field(60, ge=0)
    """Longest looking without a break; 0: no limit."""

    review_break_minutes: int = Field(10, ge=1)
    """Length of a break."""

    review_sample_allowed: float = Field(0.01, ge=0, le=1)
    """Share of what policies allowed that is drawn for a second look."""

    review_sample_decided: float = Field(0.1, ge=0, le=1)
    """Share of decided holds that another reviewer judges again, unseen."""

    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    """Least serious log record that is printed to stderr."""

    @field_validator("signer_key", mode="before")
    @classmethod
    def _take_a_path(cls, value: object) -> object:
        return str(value) if isinstance(value, Path) else value

    @model_validator(mode="after")
    def _refuse_unknown_names(self) -> Settings:
        known = {f"FRAMEGATE_{name.upper()}" for name in type(self).model_fields}
        for name in os.environ:
            if name.startswith("FRAMEGATE_") and name not in known:
                near = get_close_matches(name, known, n=1)
                raise ValueError(f"{name} is no setting{f'; do you mean {near[0]}?' if near else ''}")
        return self

    @model_validator(mode="after")
    def _refuse_two_generators(self) -> Settings:
        if self.generator_url and (self.generator is not None or not self.generator_model):
            raise ValueError("FRAMEGATE_GENERATOR_URL needs FRAMEGATE_GENERATOR_MODEL, and no FRAMEGATE_GENERATOR")
        return self

    @model_validator(mode="after")
    def _refuse_two_expanders(self) -> Settings:
        if self.expander_url and (self.expander is not None or not self.expander_model):
            raise ValueError("FRAMEGATE_EXPANDER_URL needs FRAMEGATE_EXPANDER_MODEL, and no FRAMEGATE_EXPANDER")
        return self

    @model_validator(mode="after")
    def _refuse_half_a_signer(self) -> Settings:
        signer = (self.signer_chain, self.signer_key, self.trust_anchors)
        if any(signer) and not all(signer):
            raise ValueError("FRAMEGATE_SIGNER_CHAIN, FRAMEGATE_SIGNER_KEY and FRAMEGATE_TRUST_ANCHORS go together")
        if "+http" in self.signer_key.partition("://")[0] and self.signer_token_file is None:
            raise ValueError("a signing key in a key service needs FRAMEGATE_SIGNER_TOKEN_FILE")
        return self

    @model_validator(mode="after")
    def _refuse_defaults_in_production(self) -> Settings:
        if self.environment is not Environment.PRODUCTION:
            return self
        faults = {
            "FRAMEGATE_SIGNER_CHAIN": self.signer_chain is None,
            "FRAMEGATE_WATERMARK_KEY": self.watermark_key is None,
            "FRAMEGATE_LEDGER_KEY": self.ledger_key is None,
            "FRAMEGATE_SUBJECT_KEY": self.subject_key is None,
            "FRAMEGATE_PROVIDER": self.provider == "framegate development",
            "FRAMEGATE_DATABASE_URL (a PostgreSQL server)": not self.database_url.startswith("postgresql"),
            "FRAMEGATE_TIMESTAMP_URL (the time-stamp policy is `required`)": self.timestamp_policy == "required"
            and not self.timestamp_url,
        }
        if missing := [name for name, missing in faults.items() if missing]:
            raise ValueError(f"production needs {', '.join(missing)}")
        return self

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'framegate.db'}"

    @property
    def keys_folder(self) -> Path:
        """Folder of generated keys and certificates."""
        return self.home / "keys"
