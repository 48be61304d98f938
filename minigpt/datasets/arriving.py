"""Tasks that arrive one after another, all of them as a prompt and an answer: for continual learning.

Five of text: four ask about sentences of the generated world, and one about the documentation of the standard library.
Three of several modalities: a text's topic, then digits to be seen, then digits to be heard.
"""

import ast
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from minigpt.datasets.as_text import PARTS, as_text
from minigpt.datasets.images import digit_images
from minigpt.datasets.shown import Shown, captions, transcripts
from minigpt.datasets.sounds import spoken_digits
from minigpt.datasets.task_sets import TaskSet, world
from minigpt.datasets.tasks import Labelled

PACKAGES = ("asyncio", "email", "importlib", "logging", "multiprocessing", "xml")


@dataclass(frozen=True)
class Arrival:
    """A task of a sequence.

    Attributes:
        name: of the task.
        train, validation, test: `Shown` examples; settings are chosen on the validation part.
    """

    name: str
    train: tuple[Shown, ...]
    validation: tuple[Shown, ...]
    test: tuple[Shown, ...]


def package_docs(n_train: int = 300, n_held_out: int = 100, seed: int = 0) -> TaskSet:
    """Which package of the standard library does this documentation come from?

    Texts are the first lines of what functions and classes say about themselves; one that stands in two packages is
    left out. Which there are, depends on the version of Python.

    Raises:
        ValueError: if this Python brings too few.
    """
    found = {}
    for package in PACKAGES:
        for path in sorted(Path(sysconfig.get_paths()["stdlib"], package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    first_line = (ast.get_docstring(node) or "").partition("\n")[0]
                    if len(first_line) >= 20:
                        found.setdefault(first_line[:160], set()).add(package)
    examples = [Labelled(text, *packages) for text, packages in sorted(found.items()) if len(packages) == 1]
    if len(examples) < n_train + 2 * n_held_out:
        raise ValueError(f"this Python's standard library documents {len(examples)} functions and classes of "
                         f"{', '.join(PACKAGES)}: too few for {n_train + 2 * n_held_out} examples")  # fmt: skip
    order = np.random.default_rng(seed).permutation(len(examples))
    chosen = [examples[index] for index in order[: n_train + 2 * n_held_out]]
    parts = chosen[2 * n_held_out :], chosen[:n_held_out], chosen[n_held_out : 2 * n_held_out]
    return TaskSet("standard library", "classification", *map(tuple, parts))


_ASKED = {
    "sentiment": "Positive or negative?",
    "topic": "What about?",
    "relations": "How are they related?",
    "intent": "What does the speaker want?",
}


def text_tasks(n_train: int = 300, n_held_out: int = 100, seed: int = 0) -> list[Arrival]:
    """Sentiment, package, topic, relations, intent: five tasks of text, each asked in its own words.

    Args:
        n_train: training examples of each.
        n_held_out: validation examples of each, and as many test examples.
        seed: of the examples.
    """
    sets = {name: as_text(world(name, n_train, n_held_out, seed), asked) for name, asked in _ASKED.items()}
    sets["package"] = as_text(package_docs(n_train, n_held_out, seed), "Which package?")
    return [_arrival(name, sets[name]) for name in ("sentiment", "package", "topic", "relations", "intent")]


def modality_tasks(n_text: int = 300, n_held_out: int = 100, seed: int = 0, images="digits", sounds="voices"):
    """Text, then images, then sounds: the topic of a sentence, a handwritten digit, a spoken digit.

    Args:
        n_text: training examples of the text task.
        n_held_out: its validation examples, and as many test examples.
        seed: of the text examples.
        images, sounds: which digits; see `digit_images` and `spoken_digits`.
    Returns:
        a list of `Arrival`.
    """
    seen = [tuple(captions(digit_images(part, images))) for part in PARTS]
    heard = [tuple(transcripts(spoken_digits(part, sounds))) for part in PARTS]
    topic = as_text(world("topic", n_text, n_held_out, seed), _ASKED["topic"])
    return [_arrival("topic", topic), Arrival("seen", *seen), Arrival("heard", *heard)]


def _arrival(name, task_set):
    return Arrival(name, *(tuple(Shown(example.prompt, f" {example.answers[0]}") for example in getattr(task_set, part))
                           for part in PARTS))  # fmt: skip
