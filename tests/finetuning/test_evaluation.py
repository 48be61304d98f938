"""Measures and their intervals on examples that are small enough to count by hand."""

import numpy as np
import pytest

from minigpt.datasets.tasks import Choice, Labelled, Prompted, Question, Scored, Tagged
from minigpt.finetuning.evaluation import MAIN, class_measures, class_tables, interval, measure
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
