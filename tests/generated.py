"""Generated questions and passages in which counting shared words misleads.

A question asks one thing about one person. Its answer says it in other words, and only by surname;
passages that do not answer it repeat the question's own words. Held-out questions ask for the same
ten things as those to learn from, but about people, with values and in wordings that these lack.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from reranking.documents import Document

SEED = 11

HELD_OUT = 1
"""The last question and statement of a fact and the last echo are for held-out questions."""

HELD_OUT_VALUES = 3


@dataclass(frozen=True)
class Fact:
    """One thing that can be asked about a person."""

    questions: tuple[str, ...]
    statements: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A question, its candidates, and 1 or 0 for each: whether it answers the question."""

    query: str
    documents: tuple[Document, ...]
    grades: tuple[int, ...]


FACTS = (
    Fact(
        ("Where was {name} born?", "What is the birthplace of {name}?", "Which town is {name} originally from?"),
        ("{name} came into the world in {value}.", "The cradle of {name} stood in {value}.",
         "{name} is a native of {value}."),
        ("Arden", "Lisbon", "Bergen", "Kyoto", "Tampere", "Quito", "Oslo", "Verona"),
    ),
    Fact(
        ("What does {name} do for a living?", "What is the profession of {name}?", "Which job does {name} have?"),
        ("{name} earns a salary as a {value}.", "By trade {name} is a {value}.", "{name} works as a {value}."),
        ("baker", "surgeon", "plumber", "lawyer", "tailor", "carpenter", "nurse", "welder"),
    ),
    Fact(
        ("Which instrument does {name} play?", "What does {name} make music with?",
         "On which musical instrument does {name} practise?"),
        ("In the evenings {name} practises the {value}.", "{name} joined the orchestra with a {value}.",
         "Neighbours hear {name} on the {value}."),
        ("cello", "violin", "trumpet", "oboe", "harp", "piano", "flute", "drums"),
    ),
    Fact(
        ("Who is {name} married to?", "What is the name of the spouse of {name}?",
         "Which person did {name} choose as husband or wife?"),
        ("{name} exchanged wedding rings with {value}.", "{value} said yes when {name} proposed.",
         "The wedding of {name} and {value} was in May."),
        ("Robin", "Kim", "Sasha", "Noor", "Alex", "Jamie", "Marion", "Toni"),
    ),
    Fact(
        ("Which disease does {name} suffer from?", "What illness was {name} diagnosed with?",
         "What is {name} being treated for?"),
        ("Doctors found that {name} has {value}.", "{name} takes tablets against {value}.",
         "{name} has been sick with {value} for years."),
        ("asthma", "diabetes", "malaria", "arthritis", "migraine", "gout", "anaemia", "bronchitis"),
    ),
    Fact(
        ("What vehicle does {name} drive?", "How does {name} get to work?",
         "By which means does {name} travel every day?"),
        ("Each morning {name} takes the {value}.", "A {value} carries {name} to the office.",
         "{name} commutes by {value}."),
        ("bicycle", "tram", "van", "motorbike", "ferry", "bus", "taxi", "scooter"),
    ),
    Fact(
        ("What food does {name} like best?", "What is the favourite dish of {name}?",
         "What would {name} love to eat?"),
        ("Nothing tastes better to {name} than {value}.", "{name} always orders {value}.",
         "{name} adores a plate of {value}."),
        ("dumplings", "lasagne", "curry", "pancakes", "sushi", "goulash", "falafel", "stew"),
    ),
    Fact(
        ("Which animal does {name} keep as a pet?", "What pet lives with {name}?",
         "Which creature does {name} look after at home?"),
        ("{name} shares the flat with a {value}.", "A {value} sleeps on the sofa of {name}.",
         "{name} feeds a {value} twice a day."),
        ("parrot", "tortoise", "hamster", "terrier", "kitten", "rabbit", "canary", "goldfish"),
    ),
    Fact(
        ("Which language did {name} learn?", "What foreign tongue does {name} speak?",
         "In what language is {name} fluent besides English?"),
        ("{name} took evening classes in {value}.", "{name} is able to converse in {value}.",
         "{name} reads newspapers in {value}."),
        ("Swahili", "Danish", "Korean", "Arabic", "Polish", "Hindi", "Turkish", "Greek"),
    ),
    Fact(
        ("What sport does {name} practise?", "In which athletic discipline does {name} compete?",
         "How does {name} keep fit?"),
        ("{name} won a medal in {value}.", "On Sundays {name} trains for {value}.",
         "{name} belongs to a club for {value}."),
        ("rowing", "judo", "fencing", "archery", "hockey", "tennis", "climbing", "swimming"),
    ),
)  # fmt: skip

ECHOES = (
    "Many people ask: {question} The archive of the town only knows this.",
    "“{question}” was a question in the quiz.",
    "A reader of our newspaper wrote in: {question}",
    "{question} That is what everybody wants to find out.",
)

GIVEN = (
    ("Tessa", "Milan", "Ada", "Bruno", "Clara", "Emil", "Fiona", "Gustav", "Hanna", "Igor", "Judith", "Karl"),
    ("Lena", "Oscar", "Petra", "Ruben", "Stella", "Viktor"),
)
FAMILY = (
    ("Orlan", "Brenner", "Castel", "Duval", "Ekman", "Farkas", "Gruber", "Hollis", "Ivarsson", "Jansen", "Keller"),
    ("Lindqvist", "Moreau", "Novak", "Ostrow", "Pereira", "Quist"),
)


def training_cases(count: int) -> list[Case]:
    """Questions to learn from."""
    return _cases(random.Random(SEED), count, held_out=False)


def held_out_cases(count: int = 40) -> list[Case]:
    """Questions about other people, with other values, in other wordings than those of training."""
    return _cases(random.Random(SEED + 1), count, held_out=True)


def _cases(chance: random.Random, count: int, *, held_out: bool) -> list[Case]:
    return [_case(chance, FACTS[at % len(FACTS)], held_out=held_out) for at in range(count)]


def _case(chance: random.Random, fact: Fact, *, held_out: bool) -> Case:
    """One answer, and nine passages of which most share more words with the question."""
    wording = slice(-HELD_OUT, None) if held_out else slice(-HELD_OUT)
    values = slice(-HELD_OUT_VALUES, None) if held_out else slice(-HELD_OUT_VALUES)
    people = [(given, family) for given in GIVEN[held_out] for family in FAMILY[held_out]]

    def question(about: Fact, person: tuple[str, str]) -> str:
        return chance.choice(about.questions[wording]).format(name=" ".join(person))

    def statement(about: Fact, person: tuple[str, str], *, short: bool) -> str:
        called = person[1] if short else " ".join(person)
        return chance.choice(about.statements[wording]).format(name=called, value=chance.choice(about.values[values]))

    def echo(text: str) -> str:
        return chance.choice(ECHOES[wording]).format(question=text)

    asked, *others = chance.sample(people, 5)
    wrong = chance.sample([each for each in FACTS if each is not fact], 5)
    query = question(fact, asked)
    answer = statement(fact, asked, short=True)
    if chance.random() < 0.5:
        answer = f"{echo(question(wrong[0], asked))} {answer}"
    lures = [
        *(f"{echo(query)} {statement(each, asked, short=False)}" for each in wrong[:3]),
        *(statement(each, asked, short=False) for each in wrong[3:]),
        *(statement(fact, other, short=False) for other in others[:2]),
        *(f"{echo(question(fact, other))} {statement(fact, other, short=True)}" for other in others[2:]),
    ]
    passages = [(answer, 1), *((lure, 0) for lure in lures)]
    chance.shuffle(passages)
    return Case(query, tuple(Document(text) for text, _ in passages), tuple(grade for _, grade in passages))
