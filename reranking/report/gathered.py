"""What a report tells of: read from the store once, so that nothing else decides what stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from reranking.documents import Candidate, as_candidates
from reranking.draft import Draft, draft_from_json
from reranking.gateway import Resolve
from reranking.jobs import Jobs, JobStatus
from reranking.models import ModelError
from reranking.providers.registry import Registry
from reranking.report import words
from reranking.store import Session, Store
from reranking.store.sessions import MissingSessionError
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult, ignores_order
from reranking.strategies.remedies import variants
from reranking.views.bias_remedies import Treated, treated
from reranking.views.bias_results import Results
from reranking.views.bias_tests import BiasTest, read_result, remedy_rows, strategies_of, tests_of
from reranking.views.compared import Compared
from reranking.views.grades import Grades, grades
from reranking.views.latest import latest_job
from reranking.views.naming import Naming, is_installed, label_in, model_notes


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison with its grades.

    `notes` say of each strategy what must be known of its models, such as `simulated: no model`.
    `changed` says that the session was edited after the comparison was run.
    """

    found: Compared
    grades: Grades
    notes: tuple[str, ...]
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A query that nothing has ranked yet. `said` is how far its run got, empty if none was begun."""

    query: str
    candidates: tuple[Candidate, ...]
    said: str


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """A bias test: its jobs (one for each query), its strategies with short names, and what was found.

    `ignoring` says of each strategy whether the order cannot matter to it, as far as its models
    say, `notes` what must be known of them. `remedies` holds, by the position of a strategy, what was
    tried on each query.
    """

    test: BiasTest
    jobs: tuple[JobStatus, ...]
    strategies: tuple[Strategy, ...]
    names: tuple[str, ...]
    ignoring: tuple[bool, ...]
    notes: tuple[str, ...]
    results: Results
    remedies: dict[int, tuple[Treated, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """All that a report tells of a session. `query` is the one that was on the screen last."""

    session: Session
    query: str
    naming: Naming
    comparisons: tuple[Comparison, ...]
    waiting: tuple[Waiting, ...]
    tests: tuple[Tested, ...]

    @property
    def title(self) -> str:
        """The session's title, else its query."""
        return self.session.title or self.query.strip() or "A session without a query"


def gather(store: Store, session: str, resolve: Resolve | None = None) -> Gathered:
    """Read a session: the comparison of each of its queries, queries without one, and every bias test.

    `resolve` finds the models of strategies, of which only what they say of themselves is asked; by
    default those of the store's connections. Raises MissingSessionError if there is no such session.
    """
    kept = store.sessions.get(session)
    if kept is None:
        raise MissingSessionError(f"There is no session '{session}'.")
    draft = draft_from_json(kept.draft)
    reader = _Reader(store, session, draft, resolve or Registry(store.connections.settings()).resolve)
    queries = list(reader.queries())
    compared = tuple(one for one in queries if isinstance(one, Comparison))
    waiting = tuple(one for one in queries if isinstance(one, Waiting))
    return Gathered(kept, draft.query, reader.naming, compared, waiting, tuple(reader.tests()))


class _Reader:
    """Reads one session."""

    def __init__(self, store: Store, session: str, draft: Draft, resolve: Resolve) -> None:
        self.store, self.session, self.draft, self.resolve = store, session, draft, resolve
        self.jobs = Jobs(store, resolve)
        self.naming = Naming(partial(label_in, draft))
        self.bias_rows = store.jobs.of(session, "bias")

    def queries(self) -> Iterator[Comparison | Waiting]:
        """The newest comparison of each query, as Compare shows it, in the order of the queries."""
        rows, every = self.store.jobs.of(self.session, "comparison"), self.draft.queries()
        seen = set()
        for entered in every:
            job = latest_job(rows, self.jobs.status, entered, [other for other in every if other is not entered])
            if job is None or not job.rankings:
                entered_documents = entered.documents()
                if entered.query.strip() or entered_documents:
                    said = "" if job is None else words.unfinished(job)
                    yield Waiting(entered.query, as_candidates(entered_documents), said)
                continue
            if job.id in seen:
                continue
            seen.add(job.id)
            documents = tuple(item.document for item in job.candidates)
            changed = (job.query, documents) != (entered.query, entered.documents())
            found = Compared.of(job, self.naming)
            notes = tuple(model_notes(part.strategy, self._note) for part in found.parts)
            yield Comparison(found, grades(self.store, job.query, documents), notes, changed)

    def tests(self) -> Iterator[Tested]:
        """Every bias test, oldest first, with the remedies that were tried after it."""
        return (self._tested(test) for test in reversed(tests_of(self.bias_rows)))

    def _tested(self, test: BiasTest) -> Tested:
        jobs = tuple(status for row in test.rows if (status := self.jobs.status(row.id)) is not None)
        strategies = strategies_of(jobs[0])
        results = {
            (number, position): result
            for number, job in enumerate(jobs)
            for position in range(len(strategies))
            if (result := read_result(self.store, job, position)) is not None
        }
        remedies = {}
        for position, strategy in enumerate(strategies):
            queries = tuple(
                self._treated(job, position, strategy, results[number, position])
                for number, job in enumerate(jobs)
                if (number, position) in results
            )
            if any(len(query.trials) > 1 for query in queries):
                remedies[position] = queries
        names = tuple(self.naming.short_names(strategies))
        ignoring = tuple(ignores_order(strategy, self.resolve) for strategy in strategies)
        notes = tuple(model_notes(strategy, self._note) for strategy in strategies)
        return Tested(test, jobs, tuple(strategies), names, ignoring, notes, results, remedies)

    def _note(self, model: str) -> str:
        """What a model says of itself; empty if it is not there any more."""
        try:
            return str(getattr(self.resolve(model), "note", ""))
        except ModelError:
            return ""

    def _treated(self, job: JobStatus, position: int, strategy: Strategy, result: BiasResult) -> Treated:
        tried = []
        for row in remedy_rows(self.bias_rows, job.id, position):
            status = self.jobs.status(row.id)
            if status is not None:
                places = range(len(strategies_of(status)))
                tried.append((status, [read_result(self.store, status, at) for at in places]))
        known = variants(strategy) if is_installed(strategy) else []
        documents = [item.document for item in job.candidates]
        return treated(job, result, tried, known, grades(self.store, job.query, documents))
