"""A domain context comes from a data file and stands in the prompt of every LLM strategy."""

import pytest

from reranking.prompts.domains import DomainError, domain, domains, problems
from reranking.strategies.catalogue import UnknownStrategyError, make, strategies
from reranking.strategies.llm import LLMStrategy
from tests.oracles import PerfectOracle, said
from tests.support import rank

LLM = [kind for kind, cls in strategies().items() if issubclass(cls, LLMStrategy)]


def asked_by(strategy):
    model = PerfectOracle([0.1, 0.9, 0.5])
    rank(strategy.model_copy(update={"model": model}), 3)
    assert model.asked
    return model.asked


@pytest.mark.parametrize("kind", LLM)
def test_the_domain_stands_in_every_prompt_and_changes_nothing_else(kind):
    plain, special = asked_by(make(kind)), asked_by(make({"kind": kind, "domain": "legal"}))
    assert len(plain) == len(special)
    for one, two in zip(plain, special, strict=True):
        context = domain("legal").text()
        assert said(two).replace(f"{context}\n\n", "", 1) == said(one)
        if hasattr(two, "messages"):
            assert two.messages[0].text == f"{one.messages[0].text}\n\n{context}"


def test_there_are_contexts_for_law_medicine_and_commerce():
    assert {"legal", "medical", "e-commerce"} <= set(domains())
    assert all(found.preamble and found.priorities for found in domains().values())


def test_an_unknown_domain_is_refused_with_those_there_are():
    with pytest.raises(UnknownStrategyError, match="no domain 'space'; there are e-commerce, legal, medical"):
        make({"kind": "yes-no", "domain": "space"})


@pytest.mark.parametrize("name", ["../legal", "/etc/passwd", "LEGAL", "a/b", "legal.toml"])
def test_a_domain_is_a_name_and_never_a_path(name):
    with pytest.raises(DomainError):
        domain(name)


def test_a_users_own_file_is_a_domain_too(tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DOMAINS", str(tmp_path))
    (tmp_path / "patents.toml").write_text('title = "Patents"\npreamble = "An examiner."\n', encoding="utf-8")
    (tmp_path / "broken.toml").write_text("title = 3", encoding="utf-8")
    assert "patents" in domains()
    assert "broken" not in domains()
    with pytest.raises(DomainError, match=r"broken.toml cannot be read"):
        domain("broken")
    assert asked_by(make("yes-no(domain='patents')"))[0].messages[0].text.endswith("Domain: Patents.\nAn examiner.")


def test_a_domain_survives_the_database_even_when_its_file_is_gone(tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DOMAINS", str(tmp_path))
    (tmp_path / "patents.toml").write_text('title = "Patents"\n', encoding="utf-8")
    strategy = make("yes-no(domain='patents')")
    (tmp_path / "patents.toml").unlink()
    assert make(strategy.spec()) == strategy
    assert strategy.name == "yes-no(domain=Patents)"


def test_what_is_wrong_with_an_own_file_is_said_and_takes_nothing_else_down(tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DOMAINS", str(tmp_path))
    (tmp_path / "broken.toml").write_text("title = 3", encoding="utf-8")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "My Field.toml").write_text('title = "Mine"', encoding="utf-8")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "gone.toml").symlink_to(tmp_path / "nowhere")
    assert set(domains()) == {"e-commerce", "legal", "medical"}
    told = "\n".join(problems())
    assert all(name in told for name in ("broken.toml", "binary.toml", "My Field.toml", "folder.toml", "gone.toml"))
    assert len(problems()) == 5
