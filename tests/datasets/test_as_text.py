"""Tasks written as prompts and answers, and several of them as one."""

import pytest

from minigpt.datasets.as_text import NO_ANSWER, as_text, mixture
from minigpt.datasets.task_sets import TaskSet
from minigpt.datasets.tasks import Labelled, Prompted, Question, Related, Tagged


def task_set(kind, *examples):
    return TaskSet("made", kind, examples, examples[:1], examples[-1:])


def test_a_question_stands_behind_its_context_with_each_answer_once():
    told = Question("Ann is in Rome. Rome is old.", "Where is Ann?", (("Rome", 10), ("Rome", 16)))
    untold = Question("Ann is out.", "Where?", ())
    written = as_text(task_set("span", told, untold))
    assert written.kind == "text" and written.keep_end
    assert written.train == (
        Prompted("Ann is in Rome. Rome is old.\nQuestion: Where is Ann?\nAnswer:", ("Rome",)),
        Prompted("Ann is out.\nQuestion: Where?\nAnswer:", (NO_ANSWER,)),
    )
    assert written.test == written.train[1:] and written.validation == written.train[:1]


def test_an_instruction_is_the_last_line_of_the_prompt():
    classes = as_text(task_set("classification", Labelled("so good", "positive")), "Good or bad?")
    assert classes.train == (Prompted("so good\nGood or bad?", ("positive",)),)
    texts = task_set("text", Prompted("a cat", ("un chat", "une chatte")))
    assert as_text(texts, "French:").train == (Prompted("a cat\nFrench:", ("un chat", "une chatte")),)
    assert as_text(texts).train == texts.train


def test_two_marked_parts_stand_before_the_instruction():
    example = Related("Ann is in Rome.", (10, 14), (0, 3), "has")
    written = as_text(task_set("classification", example), "How are they related?")
    assert written.train == (Prompted("Ann is in Rome.\nRome, Ann: How are they related?", ("has",)),)


@pytest.mark.parametrize("example", [Tagged(("a",), ("O",)), Labelled("a", "same", "b"), Labelled("a", None)])
def test_what_has_no_answer_in_words_is_refused(example):
    with pytest.raises(ValueError, match="cannot be written as a prompt and an answer"):
        as_text(task_set("tagging", example))


def test_a_mixture_has_every_example_once_and_shuffles_the_training_part_only():
    one = task_set("text", *(Prompted(f"one {n}", ("1",)) for n in range(20)))
    two = task_set("text", *(Prompted(f"two {n}", ("2",)) for n in range(7)))
    mixed = mixture({"one": one, "two": two}, seed=3)
    assert sorted(mixed.train, key=str) == sorted(one.train + two.train, key=str)
    assert mixed.train[:20] != one.train and {e.answers[0] for e in mixed.train[:8]} == {"1", "2"}
    assert mixed.test == one.test + two.test and mixed.validation == one.validation + two.validation
    assert mixed.train == mixture({"one": one, "two": two}, seed=3).train != mixture({"one": one, "two": two}).train
    with pytest.raises(ValueError, match="three is of kind 'span': write it as text first"):
        mixture({"one": one, "three": task_set("span", Question("a", "b", ()))})
