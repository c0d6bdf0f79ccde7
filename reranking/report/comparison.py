"""One comparison of a report: what its parts show, ready for the template."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import plotly.graph_objects as go
from markupsafe import Markup, escape

from reranking.analysis.agreement import summary
from reranking.analysis.differences import Place, places
from reranking.analysis.standings import Standings, standings, voting
from reranking.charts.bump import bump_chart, least_width
from reranking.charts.consensus import SHOWN, consensus_chart
from reranking.jobs import Part
from reranking.ranking import Ranking
from reranking.report import words
from reranking.report.charts import chart
from reranking.report.gathered import Comparison
from reranking.views import (
    agreement,
    amounts,
    bump,
    consensus,
    details,
    diagnostics,
    disputed,
    distributions,
    evidence,
    marks,
    prices,
    quality_price,
)
from reranking.views import (
    places as places_view,
)
from reranking.views.naming import Naming, changed, model_of

CUT = 10
JUDGE = "the author of this report"


@dataclass(frozen=True, slots=True)
class Row:
    """One document in a ranking, as HTML."""

    index: int
    rank: Markup
    movement: Markup
    label: str
    id: str
    score: Markup
    told: Markup


@dataclass(frozen=True, slots=True)
class Ran:
    """One strategy of the comparison. `rows` are empty where it failed."""

    number: int
    mark: Markup
    name: str
    title: str
    parameters: str
    model: str
    note: str
    about: str
    spec: str
    outcome: str
    took: str
    score_kind: str
    rows: tuple[Row, ...]
    notes: Markup
    details: Markup


class ComparisonView:
    """What the template asks of a comparison. `key` begins the addresses of its parts."""

    def __init__(self, told: Comparison, key: str) -> None:
        self.told, self.key, self.found = told, key, told.found
        self.query = self.found.job.query
        self.cut = min(CUT, len(self.found.documents))

    @property
    def facts(self) -> list[str]:
        """Numbers of documents and strategies, how many are judged, when it ran."""
        count, judged = len(self.found.documents), len(self.told.grades.all)
        ran = words.count(len(self.found.parts), "strategy", "strategies")
        facts = [words.count(count, "document"), ran, f"run {words.moment(self.found.job.created)}"]
        return [*facts, f"{judged} of {count} judged"] if judged else facts

    @property
    def remarks(self) -> list[str]:
        """What must be known before the rest is read."""
        said = [words.unfinished(self.found.job)]
        said += ["The session was edited after this run; this is what was run."] if self.told.changed else []
        return [sentence for sentence in said if sentence]

    @property
    def finding(self) -> str:
        """What was found, in a sentence or two."""
        return summary(self.found.rankings, self.found.names) or ""

    @cached_property
    def strategies(self) -> list[Ran]:
        """Every strategy with its ranking."""
        return [self._ran(at, part, ranking) for at, (part, ranking) in enumerate(self._pairs())]

    @property
    def bump(self) -> Markup | None:
        """The ranks of each document by each strategy."""
        if len(self.found.documents) < 2:
            return None
        columns = bump.bump_columns(self.found)
        return chart(
            partial(bump_chart, columns, self.found.titles),
            f"Ranks by {', '.join(self.found.names)}",
            bump.aloud(self.found),
            least_width=least_width(len(columns)),
        )

    @property
    def agreement(self) -> Markup | None:
        """How far every two strategies agree."""
        if not self.compares:
            return None
        figure = self._theme(agreement.figure, "tau", 0)
        return chart(figure, "How far every two strategies agree", agreement.aloud(self.found, "tau", 0))

    @property
    def about_agreement(self) -> str:
        """What the numbers of the matrix mean, and who is left out of it."""
        said = agreement.meaning("tau", len(self.found.documents), self.cut)
        return f"{said} {agreement.left_out(self.found)}".strip()

    @property
    def disputed(self) -> Markup:
        """The documents that strategies disagree on most, and why."""
        return Markup(disputed.panel(self.found, None, f"#{self.key}-d"))

    @property
    def compares(self) -> bool:
        """Whether at least two strategies order at least two documents."""
        return len(self.found.documents) > 1 and len(voting(self.found.rankings)) > 1

    @cached_property
    def standings(self) -> Standings | None:
        """The consensus of all strategies."""
        return standings(self.found.rankings, seconds=consensus.SECONDS) if self.compares else None

    @property
    def consensus(self) -> Markup | None:
        """The consensus with the spread around it."""
        found = self.standings
        if found is None:
            return None
        words = consensus.aloud(self.found, found)
        return chart(partial(consensus_chart, found, self.found.titles), "Consensus of all strategies", words)

    @property
    def about_consensus(self) -> str:
        """How the consensus came about and how the chart is read."""
        found = self.standings
        if found is None:
            return ""
        more = f" The first {SHOWN} of {len(found.rows)} documents are drawn." if len(found.rows) > SHOWN else ""
        return consensus.about(found) + more

    @property
    def prices(self) -> Markup:
        """What every strategy took and, once documents are judged, how good it is."""
        return Markup(prices.table(self.found, self.told.grades.all))

    @property
    def about_prices(self) -> list[str]:
        """What belongs below that table."""
        said = [amounts.saved(self.found.rankings)]
        if self.told.grades.all:
            said.append(prices.about_quality(len(self.found.documents), self.told.grades, JUDGE))
        return [sentence for sentence in said if sentence]

    @property
    def quality(self) -> Markup | None:
        """Quality against price, where documents are judged."""
        if not self.told.grades.all or not self.compares:
            return None
        price = quality_price.usual_price(self.found)
        points = quality_price.points_of(self.found, self._judged, price)
        figure = self._theme(quality_price.figure, self._judged, price)
        return chart(figure, "Quality against time or cost", quality_price.aloud(points, price))

    @property
    def about_quality(self) -> str:
        """How that plot is read, and who is not in it."""
        price = quality_price.usual_price(self.found)
        return quality_price.about(self.found, quality_price.points_of(self.found, self._judged, price), price)

    @property
    def scores(self) -> Markup | None:
        """How the scores lie, where there are any."""
        if all(item.score is None for ranking in self.found.rankings for item in ranking):
            return None
        return chart(self._theme(distributions.figure, self.cut), distributions.aloud(self.cut))

    @property
    def about_scores(self) -> str:
        """How the strips are read."""
        return distributions.about(self.cut)

    @property
    def margins(self) -> Markup:
        """How clearly scores separate the top from the rest."""
        return Markup(distributions.margins(self.found, self.cut))

    @property
    def documents(self) -> list[Mapping[str, object]]:
        """Every document in full, with its rank by each strategy."""
        held = [places(ranking) for ranking in self.found.rankings]
        return [
            {
                "number": item.index + 1,
                "label": item.label,
                "id": item.id,
                "grade": self._grade(item.index),
                "ranks": self._ranks(item.index, held),
                "text": Markup(
                    evidence.full_text(item.text, evidence.word_marks(item.text, self.query), len(item.text))
                ),
            }
            for item in self.found.job.candidates
        ]

    @property
    def _judged(self) -> quality_price.Judged:
        return tuple(sorted(self.told.grades.all.items()))

    def _grade(self, index: int) -> str:
        grades = self.told.grades
        if index in grades.own:
            return f"grade {grades.own[index]}"
        return f"example's grade {grades.given[index]}" if index in grades.given else ""

    def _ranks(self, index: int, held: list[dict[int, Place]]) -> Markup:
        """The document's rank by each strategy that gave one, on one line."""
        told = [
            Markup("{}{} {}").format(Markup(marks.mark(at)), name, known[index])
            for at, (name, known) in enumerate(zip(self.found.names, held, strict=True))
            if known
        ]
        return Markup(" · ").join(told)

    def _theme(self, make: Callable[..., go.Figure], *arguments: object) -> Callable[[bool], go.Figure]:
        return lambda dark: make(self.found, *arguments, dark)

    def _pairs(self) -> list[tuple[Part, Ranking]]:
        return list(zip(self.found.parts, self.found.rankings, strict=True))

    def _ran(self, at: int, part: Part, ranking: Ranking) -> Ran:
        strategy, name = part.strategy, self.found.names[at]
        failed = ranking.outcome == "failed"
        parameters = ", ".join(f"{field}={text}" for field, text in changed(strategy).items())
        return Ran(
            number=at + 1,
            mark=Markup(marks.mark(at)),
            name=name,
            title=Naming().title(strategy),
            parameters=parameters,
            model=model_of(strategy),
            note=self.told.notes[at],
            about=evidence.about_scores(strategy),
            spec=json.dumps(strategy.spec(), ensure_ascii=False, indent=1),
            outcome=ranking.outcome,
            took=amounts.took(ranking),
            score_kind=ranking.score_kind,
            rows=() if failed else tuple(self._rows(part, ranking, name)),
            notes=Markup(diagnostics.notes(ranking.diagnostics, failed=failed, most=len(ranking.diagnostics))),
            details=Markup(details.tables(self.found, at)) if ranking.details else Markup(),
        )

    def _rows(self, part: Part, ranking: Ranking, name: str) -> list[Row]:
        held, ends = places(ranking), evidence.scale(ranking)
        rows = []
        for item in ranking:
            index, place = item.index, held[item.index]
            came_in = None if part.strategy.keeps_order else Place(index + 1, index + 1)
            rows.append(
                Row(
                    index=index,
                    rank=Markup(places_view.rank(place)),
                    movement=Markup(places_view.movement(came_in, place, escape("the input"))),
                    label=item.candidate.label,
                    id=item.candidate.id,
                    score=Markup(evidence.score(item.score, ends)),
                    told=Markup(evidence.everything(item, ranking, name)),
                )
            )
        return rows
