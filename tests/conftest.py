"""What suites of several floors share: databases to write into, SQLite and PostgreSQL alike, and values to write."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Engine, text

from safety.checkpoints import LogKey
from safety.database import migrate, open_engine
from safety.ledger import Ledger
from tests.postgres import Cluster, PostgresMissing, running_cluster

DATABASES = ("sqlite", "postgresql")

settings.register_profile("house", deadline=None)  # a busy machine breaks no law
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run, with one migrated template database."""
    try:
        with running_cluster() as cluster:
            cluster.execute("CREATE DATABASE migrated")
            engine = open_engine(cluster.url("migrated"))
            migrate(engine)
            engine.dispose()
            yield cluster
    except PostgresMissing as error:
        pytest.fail(f"the record is also tested on PostgreSQL: {error}", pytrace=False)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(params=DATABASES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a schema, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/framegate.db"
    else:
        with request.getfixturevalue("postgres_cluster").database("template0") as url:
            yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the newest schema and no rows, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "framegate.db")
        yield f"sqlite:///{tmp_path}/framegate.db"
    else:
        with request.getfixturevalue("postgres_cluster").database("migrated") as url:
            yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def log_key(tmp_path: Path) -> LogKey:
    return LogKey.create(tmp_path / "log.key", "framegate.test/ledger")


@pytest.fixture
def ledger(engine: Engine, log_key: LogKey) -> Iterator[Ledger]:
    with Ledger(engine, log_key) as ledger:
        yield ledger


@pytest.fixture
def without_triggers() -> Callable[[Engine], AbstractContextManager[Connection]]:
    """What somebody does who owns the database file: a transaction in which nothing refuses a change."""
    return _without_triggers


@contextmanager
def _without_triggers(engine: Engine) -> Iterator[Connection]:
    names = {
        "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid",
    }[engine.dialect.name]
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            for name, _ in connection.execute(text(names)).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            # Foreign keys are triggers too.
            for _, table in set(connection.execute(text(names)).all()):
                connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        yield connection
        connection.commit()
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
