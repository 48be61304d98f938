"""Tasks that arrive in turn: their examples."""

import pytest

from minigpt.datasets.arriving import PACKAGES, modality_tasks, package_docs, text_tasks
from minigpt.datasets.shown import AUDIO, IMAGE

PARTS = ("train", "validation", "test")


def test_five_tasks_of_text_share_no_example():
    tasks = text_tasks(60, 20)
    assert [task.name for task in tasks] == ["sentiment", "package", "topic", "relations", "intent"]
    for task in tasks:
        parts = [{(e.prompt, e.answer) for e in getattr(task, part)} for part in PARTS]
        assert [len(getattr(task, part)) for part in PARTS] == [60, 20, 20]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert all(e.answer.startswith(" ") and e.prompt.endswith("?") for e in task.train)
    asked = [task.train[0].prompt.rsplit("\n", 1)[1].rsplit(": ")[-1] for task in tasks]
    assert len(set(asked)) == 5  # the question tells which task is meant
    two = [e for task in tasks if task.name == "relations" for e in task.train]
    for example in two:
        text, names = example.prompt.rsplit("\n", 1)
        first, _, second = names.removesuffix(": How are they related?").partition(", ")
        assert first in text and second in text


def test_documentation_is_of_one_package_alone():
    docs = package_docs(80, 20, seed=1)
    examples = [example for part in PARTS for example in getattr(docs, part)]
    assert {example.label for example in examples} == set(PACKAGES)
    assert len({example.text for example in examples}) == 120
    assert "\n" not in "".join(example.text for example in examples)
    assert package_docs(80, 20, seed=1) == docs != package_docs(80, 20, seed=2)


def test_too_few_documents_are_an_error():
    with pytest.raises(ValueError, match="too few for 100200 examples"):
        package_docs(100_000)


def test_text_then_pictures_then_sounds():
    pytest.importorskip("sklearn")
    topic, seen, heard = modality_tasks(30, 10)
    assert [len(topic.train), len(topic.test)] == [30, 10]
    for task, placeholder in ((seen, IMAGE), (heard, AUDIO)):
        assert all(placeholder in e.prompt for part in PARTS for e in getattr(task, part))
        assert {e.answer for e in task.train} == {e.answer for e in task.test}
    assert len(seen.train[0].images) == len(heard.train[0].sounds) == 1
