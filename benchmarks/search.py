"""How long a page of decisions, a filtered page and counts take when there are many.

    python -m benchmarks.search [--entries 1000000] [--database sqlite|postgresql …] [--keep FOLDER] [--questions 200]

Fills a database with a year of decisions (rows are loaded, not appended), of which some are rare: one in 1000 has a
rare category, one in 500 is a reviewer's with a reason. Then asks each kind of question many times, at random places.
With `--keep` a filled SQLite file is made once and used again. Times are of one process that asks alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from benchmarks.exports import fill
from benchmarks.filled import databases, parser
from benchmarks.ledger import FINDING, POLICY, TEMPLATE
from safety.database import migrate, open_engine
from safety.domain import Action, Actor, Checkpoint, Decision, Verdict
from safety.lookup import Question, Search
from safety.lookup.counts import By, Every, count

YEAR = timedelta(days=365)
NOUNS = ("toy", "weapon", "poster", "film", "statue", "painting", "costume", "screen", "puppet", "cake")


def main() -> None:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--questions", type=int, default=200)
    chosen = arguments.parse_args()
    for url, _ in databases(chosen, "search"):
        measure(url, chosen.entries, chosen.questions)


def various(entries: int) -> Callable[[int], Decision]:
    """Return what makes the decisions: half are allowed, a tenth blocked, the rest held; spread over a year."""

    def decision_of(position: int) -> Decision:
        action = (Action.ALLOW, Action.ALLOW, Action.REVIEW, Action.REVIEW, Action.BLOCK)[position % 5]
        category = "self_harm" if position % 1000 == 4 else "violence"
        findings = () if action is Action.ALLOW else (replace(FINDING, category=category, action=action),)
        noun = NOUNS[position // 500 % len(NOUNS)]
        by_person = position % 500 == 0
        return replace(
            TEMPLATE,
            id=f"dec_{position:032x}",
            at=TEMPLATE.at + YEAR * position / entries,
            subject=f"sha256:{position:064x}",
            job=f"video_{position // 2}",
            checkpoint=Checkpoint.OUTPUT if position % 2 else Checkpoint.PROMPT,
            verdict=Verdict(action, findings, (), POLICY),
            actor=Actor("reviewer", f"key_{position // 500 % 7}") if by_person else TEMPLATE.actor,
            reason=f"It is only a {noun}, seen by person {position}." if by_person else "",
        )

    return decision_of


def measure(url: str, entries: int, questions: int) -> None:
    """Fill a database where it is empty, bring the index up to date, and ask."""
    engine = open_engine(url)
    migrate(engine)
    name = engine.dialect.name
    begun = time.perf_counter()
    if fill(engine, entries, decision_of=various(entries)):
        print(f"{name}: filled in {time.perf_counter() - begun:.0f} s")
        if name == "postgresql":
            with engine.connect() as connection:
                connection.exec_driver_sql("ANALYZE")
                connection.commit()
    search = Search(engine)
    begun, cpu = time.perf_counter(), time.process_time()
    done = search.catch_up()
    print(
        f"{name}: {done} entries indexed in {time.perf_counter() - begun:.0f} s ({time.process_time() - cpu:.0f} s CPU)"
    )
    chance = random.Random(7)

    def somewhere() -> str:
        return f"dec_{chance.randrange(entries):032x}"

    def window() -> Question:
        since = TEMPLATE.at + YEAR * chance.random()
        return Question(since=since, until=since + timedelta(hours=6))

    asked: dict[str, Callable[[], object]] = {
        "one decision by id": lambda: search.page(Question(id=somewhere())),
        "page of 50 after a random one": lambda: search.page(Question(), after=somewhere()),
        "of a job": lambda: search.page(Question(job=f"video_{chance.randrange(entries // 2)}")),
        "of a subject": lambda: search.page(Question(subject=f"sha256:{chance.randrange(entries):064x}")),
        "blocked, after a random one": lambda: search.page(Question(action=Action.BLOCK), after=somewhere()),
        "of a common category": lambda: search.page(Question(category="violence"), after=somewhere()),
        "of a rare category": lambda: search.page(Question(category="self_harm"), after=somewhere()),
        "of a rare category, blocked, at output": lambda: search.page(
            Question(category="self_harm", action=Action.BLOCK, checkpoint=Checkpoint.OUTPUT), after=somewhere()
        ),
        "by a policy and a classifier": lambda: search.page(
            Question(policy=POLICY, classifier=f"lexicon@{POLICY[:12]}"), after=somewhere()
        ),
        "by a reviewer": lambda: search.page(Question(actor=f"key_{chance.randrange(7)}")),
        "words of a reason": lambda: search.page(Question(words=f"only {chance.choice(NOUNS)}")),
        "beginning of a word": lambda: search.page(Question(words=f"{chance.choice(NOUNS)[:4]}*")),
        "six hours of the year": lambda: search.page(window()),
        "counts by category and day": lambda: count(engine, By.CATEGORY, Every.DAY),
        "counts by action and hour, all": lambda: count(engine, By.ALL, Every.HOUR),
    }
    for what, ask in asked.items():
        took = sorted(timed(ask) for _ in range(questions))
        middle, slow = took[len(took) // 2], took[len(took) * 95 // 100]
        print(f"{name}: {what}: p50 {middle:.1f} ms, p95 {slow:.1f} ms (N {len(took)})")
    engine.dispose()


def timed(ask: Callable[[], object]) -> float:
    """Return how many milliseconds a question took."""
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    main()
