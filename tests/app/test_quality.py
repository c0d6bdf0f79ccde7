"""Quality on Compare: what is still open is shown as open, and an example's grades stay apart from the user's."""

import re

from reranking.documents import Document
from reranking.store import open_store
from reranking.ui import state
from tests.app.test_compare import entered


def opened(app):
    """The first example, ranked."""
    tab = app()
    tab.click(next(item.key for item in tab.at.button if item.label == "Open example"))
    return tab.tick({"bm25", "input-order"}).compare()


def quality(tab):
    """The quality cells of each strategy."""
    table = next(item.value for item in tab.at.html if "rl-prices" in item.value)
    rows = re.findall("<tr>(.*?)</tr>", table.split("<tbody>")[1])
    return [re.findall("<td.*?>(.*?)</td>", row)[8:] for row in rows]


def test_with_few_judgments_quality_is_a_range_or_a_dash_and_the_unjudged_are_counted(app):
    texts = [f"apple number {at}" for at in range(12)]
    tab = entered(app, text="\n\n".join(texts)).tick({"input-order"}).compare()

    def judge(at, grade):
        open_store().judgments.add("apple pie", Document(texts[at]).fingerprint, state.ASSESSOR, state.SCALE, grade)
        tab.run()
        return quality(tab)[0]

    ndcg, *rest = judge(4, 3)
    assert re.fullmatch(r"0\.\d\d to 1\.00", ndcg)
    assert rest == ["0.20 to 1.00", "–", "11 of 12"]
    assert "11 of 12 documents are unjudged" in tab.html()
    assert judge(0, 0)[1:] == ["0.20 to 0.50", "0.000", "10 of 12"]
    assert judge(1, 1)[1:] == ["0.500", "0.000", "9 of 12"]


def test_with_every_document_judged_quality_is_a_number(app):
    tab = entered(app).tick({"input-order"}).compare().go("judge").press("grade-3").press("grade-0").go("compare")
    ((ndcg, _, _, left),) = quality(tab)
    assert re.fullmatch(r"[01]\.\d{3}", ndcg)
    assert left == "0 of 2"
    assert "unjudged:" not in tab.html()


def test_an_examples_grades_give_quality_at_a_press_and_can_be_taken_back(app):
    tab = opened(app)
    assert "nDCG@10" not in tab.html()
    tab.click("use-example-grades")
    assert all(re.fullmatch(r"[01]\.\d{3}", cells[0]) for cells in quality(tab))
    assert "16 by the example's author" in tab.html() or "by the example&#x27;s author" in tab.html()
    tab.click("drop-example-grades")
    assert "nDCG@10" not in tab.html()
    assert tab.has("use-example-grades")


def test_every_screen_counts_the_same_documents_as_judged(app):
    tab = opened(app).click("use-example-grades")
    open_store().judgments.add(
        "how to treat a minor burn at home", tab.at.session_state["draft"].documents()[0].fingerprint,
        state.ASSESSOR, state.SCALE, 1,
    )  # fmt: skip
    for page in ("compare", "judge", "bias"):
        assert "judged 16 of 16" in tab.go(page).html(), page
    tab.go("sessions")
    assert tab.html().count("judged 16 of 16") == 2  # at the top, and in the list
    assert not re.search(r"judged (?!16)\d+ of 16", tab.html())
    tab.go("compare").click("drop-example-grades")
    for page in ("compare", "bias", "sessions"):
        assert "judged 1 of 16" in tab.go(page).html(), page


def test_the_quality_of_remedies_rests_on_an_examples_grades_too_and_says_whose_they_are(app):
    tab = opened(app).click("use-example-grades").tick({"input-order"}).go("bias")
    tab.click("run-bias").wait("bias")
    assert "Quality (nDCG@10) is shown once" not in tab.html()
    tab.click("try-remedies").wait("bias")
    assert "by the example&#x27;s grades" in tab.html()


def test_an_examples_grades_are_not_the_users_and_judging_stays_blind(app):
    tab = opened(app).click("use-example-grades").go("judge")
    assert "0 of 16 documents judged" in tab.at.get("progress")[0].proto.text
    tab.press("grade-0")
    rows = open_store().judgments.latest("how to treat a minor burn at home")
    assert sorted({row.assessor for row in rows}) == ["example", "me"]
    tab.go("compare")
    assert "your grade 0" in tab.html()
    assert "1 by you, 15 by the example" in tab.html()
    tab.click("drop-example-grades")
    assert "15 of 16 documents are unjudged" in tab.html()


def test_grades_are_offered_only_for_the_examples_own_query(app):
    tab = opened(app)
    assert tab.has("use-example-grades")
    tab.write("query", "how to burn a minor at home").compare()
    assert not tab.has("use-example-grades")
