"""Every task as text: what is given and what is wanted make a prompt; after it comes the answer.

One model can then learn several tasks at once, and the prompt says which one is meant (McCann et al. 2018; Raffel et
al. 2020, section 2.4). The instruction stands at the prompt's end, where the generated world asks its own questions.
"""

from collections.abc import Mapping

import numpy as np

from minigpt.datasets.task_sets import TaskSet
from minigpt.datasets.tasks import Labelled, Prompted, Question, Related

NO_ANSWER = "not told"
PARTS = ("train", "validation", "test")


def as_text(task_set: TaskSet, instruction: str = "") -> TaskSet:
    """The same examples as prompts and answers.

    Args:
        task_set: of kind "text", "span" or "classification" (single texts, or two marked parts of one).
        instruction: stands on a line of its own at the end of each prompt, after what is given; of two marked parts,
            after these. Of a question it is the question itself that stands there.
    Raises:
        ValueError: if the examples are of another kind.
    """
    parts = [tuple(_prompted(example, instruction) for example in getattr(task_set, part)) for part in PARTS]
    return TaskSet(f"{task_set.name} as text", "text", *parts, notes=task_set.notes, keep_end=True)


def _prompted(example, instruction):
    if isinstance(example, Question):
        answers = tuple(dict.fromkeys(text for text, _ in example.answers)) or (NO_ANSWER,)
        return Prompted(f"{example.context}\nQuestion: {example.question}\nAnswer:", answers)
    if isinstance(example, Prompted):
        return Prompted(f"{example.prompt}\n{instruction}".rstrip("\n"), example.answers)
    if isinstance(example, Labelled) and example.label is not None and example.second is None:
        return Prompted(f"{example.text}\n{instruction}".rstrip("\n"), (example.label,))
    if isinstance(example, Related) and example.label is not None:
        first, second = (example.text[slice(*span)] for span in (example.first, example.second))
        return Prompted(f"{example.text}\n{first}, {second}: {instruction}".rstrip(), (example.label,))
    raise ValueError(f"an example of this kind cannot be written as a prompt and an answer: {example!r:.80}")


def mixture(task_sets: Mapping[str, TaskSet], seed: int = 0) -> TaskSet:
    """Several sets of prompts and answers as one, shuffled; the validation and test parts stay in the given order.

    Args:
        task_sets: {name: a `TaskSet` of kind "text"}; the larger one is, the more often its task is met.
        seed: of the order of the training examples.
    Raises:
        ValueError: if one is of another kind.
    """
    for name, task_set in task_sets.items():
        if task_set.kind != "text":
            raise ValueError(f"{name} is of kind {task_set.kind!r}: write it as text first")
    train, validation, test = (
        [example for task_set in task_sets.values() for example in getattr(task_set, part)] for part in PARTS
    )
    train = tuple(train[index] for index in np.random.default_rng(seed).permutation(len(train)))
    keep_end = any(task_set.keep_end for task_set in task_sets.values())
    return TaskSet(" + ".join(task_sets), "text", train, tuple(validation), tuple(test), keep_end=keep_end)
