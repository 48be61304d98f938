"""Measures and their intervals on examples that are small enough to count by hand."""

import numpy as np
import pytest

from minigpt.datasets.tasks import Choice, Labelled, Prompted, Question, Scored, Tagged
from minigpt.finetuning.evaluation import (
    MAIN,
    class_measures,
    class_tables,
    exact_match,
    interval,
    measure,
    normalised,
    relation_f1,
    word_f1,
)
from minigpt.finetuning.heads import Classification, MultipleChoice, Regression, SpanAnswer, Tagging, TextToText

CONTEXT = "a cat sat on a red mat"
TAGS = ("B-PER", "I-PER", "B-LOC", "O")
CASES = {
    "classes": (Classification(("a", "b")), [Labelled(str(n), "ab"[n % 2]) for n in range(30)],
                ["a" if n % 3 else "b" for n in range(30)]),
    "options": (MultipleChoice(), [Choice("x", ("u", "v", "w"), n % 3) for n in range(30)], [n % 2 for n in range(30)]),
    "numbers": (Regression(), [Scored(str(n), float(n)) for n in range(30)], [n + (-1.0) ** n * n for n in range(30)]),
    "tags": (Tagging(TAGS), [Tagged(("w", "x"), ("B-PER", "I-PER") if n % 2 else ("O", "B-LOC")) for n in range(30)],
             [("B-PER", "I-PER") if n % 3 else ("O", "O") for n in range(30)]),
    "spans": (SpanAnswer(), [Question(CONTEXT, "who?", (("cat", 2), ("a cat", 0))) for _ in range(30)],
              ["the cat" if n % 4 else "red cat" for n in range(30)]),
    "texts": (TextToText(), [Prompted("p", ("the cat sat on the mat today",)) for _ in range(30)],
              ["the cat sat on the mat today" if n % 4 else "the cat lay on the mat today" for n in range(30)]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_interval_is_the_middle_of_what_resampled_examples_measure(case):
    task, examples, predictions = CASES[case]
    random, values = np.random.default_rng(5), []
    for _ in range(40):
        chosen = random.integers(30, size=30)
        resampled = measure(task, [examples[i] for i in chosen], [predictions[i] for i in chosen])
        values.append(next(iter(resampled.values())))
    low, high = interval(task, examples, predictions, n_samples=40, seed=5)
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-9)
    main = measure(task, examples, predictions)[MAIN[type(task)]]
    assert low < main < high


def test_the_report_of_classes_counts_what_a_hand_counts():
    task = Classification(("ask", "book", "never", "unseen"))
    examples = [Labelled("", label) for label in ("ask", "ask", "ask", "book", "book")]
    predictions = ["ask", "ask", "book", "book", "never"]
    found = class_measures(task, examples, predictions)["texts"]
    assert found["ask"] == pytest.approx({"precision": 1, "recall": 2 / 3, "f1-score": 0.8, "support": 3})
    assert found["book"] == pytest.approx({"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": 2})
    assert found["never"] == {"precision": 0, "recall": 0, "f1-score": 0, "support": 0}
    assert found["unseen"]["support"] == 0  # a class without an example has its line, too
    assert found["accuracy"] == pytest.approx(0.6)
    (table,) = class_tables(task, examples, predictions).values()
    assert "book      0.500     0.500     0.500         2" in table


def test_tags_are_counted_as_entities_and_as_words():
    examples = [Tagged(("Ann", "Lee", "saw", "Rome"), ("B-PER", "I-PER", "O", "B-LOC"))]
    found = class_measures(Tagging(TAGS), examples, [("B-PER", "O", "O", "B-LOC")])
    assert found.keys() == {"entities", "words"}
    assert found["entities"]["PER"]["f1-score"] == 0  # half a name is none
    assert found["entities"]["LOC"] == {"precision": 1, "recall": 1, "f1-score": 1, "support": 1}
    assert found["words"]["B-PER"]["f1-score"] == 1 and found["words"]["I-PER"]["recall"] == 0
    assert found["words"]["O"]["precision"] == 0.5
    assert all(type(value) in (int, float) for row in found["entities"].values() for value in row.values())


def test_other_tasks_have_no_classes_to_report():
    for case in ("options", "numbers", "spans", "texts"):
        assert class_measures(*CASES[case]) == class_tables(*CASES[case]) == {}


def measured(predicted, *answers):
    """The measures of one predicted text, whose right answers are these."""
    return measure(TextToText(), [Prompted("p", answers)], [predicted])


def test_text_measures_are_what_a_hand_counts():
    found = measured("the red cat sat on a mat", "the cat sat on a red mat")
    # BLEU: 7 of 7 words, 3 of 6 pairs, 2 of 5 triples, 1 of 4 fours; as long as the reference, so no penalty.
    assert found["BLEU"] == pytest.approx(100 * (7 / 7 * 3 / 6 * 2 / 5 * 1 / 4) ** 0.25)
    assert found["ROUGE-1"] == pytest.approx(100)  # the same words
    assert found["ROUGE-2"] == pytest.approx(50)  # 3 of 6 pairs, both ways
    assert found["ROUGE-L"] == pytest.approx(100 * 6 / 7)  # the cat sat on a mat
    assert found["exact match"] == 0


def test_bleu_punishes_what_is_too_short_and_rouge_counts_what_is_missing():
    found = measured("the cat sat on a", "the cat sat on a red mat")
    assert found["BLEU"] == pytest.approx(100 * np.exp(1 - 7 / 5))  # all of its n-grams are right
    assert found["ROUGE-1"] == found["ROUGE-L"] == pytest.approx(100 * 2 * 5 / (5 + 7))
    assert found["ROUGE-2"] == pytest.approx(100 * 2 * 4 / (4 + 6))


def test_bleu_counts_a_word_as_often_as_the_reference_has_it():
    examples = [Prompted("p", ("the cat is here now",)), Prompted("p", ("a b c d e f",))]
    score = measure(TextToText(), examples, ["the the the the the", "a b c d e f"])["BLEU"]
    # Both texts together: 1 + 6 of 11 words, 0 + 5 of 9 pairs, 0 + 4 of 7 triples, 0 + 3 of 5 fours.
    assert score == pytest.approx(100 * (7 / 11 * 5 / 9 * 4 / 7 * 3 / 5) ** 0.25)


def test_chrf_is_the_mean_over_lengths_of_shared_characters():
    assert measured("abc", "abd")["chrF"] == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)
    # Of what was said, 3 of 4 characters, 2 of 3 pairs, 1 of 2 triples are right; all was found. Recall counts double.
    precision, recall = (3 / 4 + 2 / 3 + 1 / 2) / 3, 1
    assert measured("abcd", "abc")["chrF"] == pytest.approx(100 * 5 * precision * recall / (4 * precision + recall))


def test_the_nearest_of_several_references_counts():
    found = measured("hello there you two", "good morning", "hello there you two")
    assert all(value == pytest.approx(100) for value in found.values())


def test_chinese_is_cut_at_characters_and_has_no_rouge():
    found = measured("\u6211\u4eec\u559c\u6b22\u732b", "\u6211\u4eec\u559c\u6b22\u72d7")
    assert found.keys() == {"BLEU", "chrF", "exact match"}
    assert found["BLEU"] == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_answers_are_compared_without_case_articles_and_punctuation():
    assert normalised(" The  Cat's an animal, a CAT! ") == "cats animal cat"
    assert normalised("Athens") == "athens"  # an article is a word of its own
    assert exact_match("the Gentle Castle.", "Gentle castle") and not exact_match("Castle", "Gentle Castle")
    assert word_f1("the old red cat", "a red cat sat") == pytest.approx(2 * 2 / (3 + 3))
    assert word_f1("red red", "red cat") == pytest.approx(2 * 1 / (2 + 2))  # a word counts once for each time
    assert word_f1("dog", "cat") == 0 and word_f1("", "") == word_f1("the", "") == 1 and word_f1("", "cat") == 0


def test_the_nearest_of_several_right_spans_counts():
    examples = [Question(CONTEXT, "who?", (("a red mat", 13), ("cat", 2))), Question(CONTEXT, "who?", ())]
    assert measure(SpanAnswer(), examples, ["red cat", ""]) == pytest.approx(
        {"exact match": 50, "word F1": 100 * (2 * 1 / (2 + 1) + 1) / 2}
    )


def test_a_relation_in_the_wrong_direction_is_wrong_and_other_is_no_relation():
    true = ["A(e1,e2)", "A(e2,e1)", "A(e1,e2)", "B(e1,e2)", "Other", "Other"]
    predictions = ["A(e1,e2)", "A(e1,e2)", "Other", "B(e1,e2)", "B(e2,e1)", "Other"]
    # A: 1 right of 2 found and 3 wanted, F1 = 2/5; B: 1 right of 2 found and 1 wanted, F1 = 2/3.
    assert relation_f1(true, predictions) == pytest.approx(100 * (2 / 5 + 2 / 3) / 2)
    assert relation_f1(true, true) == 100
