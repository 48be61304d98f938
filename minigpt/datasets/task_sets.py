"""Labelled data sets: training, validation and test examples of a task, from the generated world."""

import itertools
import random
import re
from dataclasses import dataclass, field
from typing import Literal

from minigpt.config import unknown
from minigpt.datasets.tasks import Choice, Labelled, Prompted, Question, Related, Scored, Tagged
from minigpt.datasets.tiny_world import TinyWorld

Kind = Literal["classification", "regression", "tagging", "span", "choice", "text"]
WORD = re.compile(r"(?<=\w)['’]\w+|\w+(?:['’-]\w+)*|[^\w\s]")  # after an entity, 's is a word


@dataclass(frozen=True)
class TaskSet:
    """Examples of one task in three parts that share no record.

    Attributes:
        name: of the task and its data.
        kind: which kind of examples, and so which head.
        train, validation, test: the examples.
        separator: between words: " ", or "" for Chinese.
        notes: what was found while reading: records left out, duplicates, and the like.
        keep_end: of a prompt that is too long for the model, keep the end, as of a dialogue.
    """

    name: str
    kind: Kind
    train: tuple
    validation: tuple
    test: tuple
    separator: str = " "
    notes: tuple[str, ...] = field(default=())
    keep_end: bool = False

    def __post_init__(self):
        for part in ("train", "validation", "test"):
            if not getattr(self, part):
                raise ValueError(f"{self.name} has no {part} examples")


def world(task, n_train=None, n_held_out=500, seed=0, new_names=True):
    """A task of the generated world; no example of one part is in another.

    Names in the validation and test parts occur nowhere in training, so they cannot be memorised. Translation is the
    exception, since nobody can know how a new name is written in Chinese: there, the sentences alone are new.

    A model that reads the same names in all training examples learns these, and is lost in the test. So each training
    document has names of its own; tasks in two languages keep the world's names, which have translations.

    Args:
        task: one of `WORLD_TASKS`.
        n_train: training examples; without it as many as `SIZES` says, or 2,000.
        n_held_out: validation examples, and as many test examples.
        seed: of the documents that they are taken from.
        new_names: False gives the training documents the world's names, which occur again and again.
    Raises:
        ValueError: if there is no such task.
    """
    if task not in WORLD_TASKS:
        raise ValueError(unknown("task", task, WORLD_TASKS))
    kind, examples_of = WORLD_TASKS[task]
    n_train = SIZES.get(task, 2000) if n_train is None else n_train
    if task == "translation":
        examples = _take("train", n_train + 2 * n_held_out, seed, examples_of)
        parts = examples[2 * n_held_out :], examples[:n_held_out], examples[n_held_out : 2 * n_held_out]
    else:
        sizes = {"train": n_train, "validation": n_held_out, "test": n_held_out}
        new_names = new_names and task not in BILINGUAL
        parts = [_take(split, size, seed, examples_of, new_names and split == "train") for split, size in sizes.items()]
    return TaskSet(f"world {task}", kind, *parts, keep_end=task == "dialogue")


def _take(split, size, seed, examples_of, new_names=False):
    """The first `size` different examples of a split's documents."""
    world = TinyWorld(split, new_names=new_names)
    documents = (document for round_ in itertools.count() for document in world.documents(size, 1000 * seed + round_))
    found = {}
    for example in examples_of(documents):
        found[example] = None
        if len(found) == size:
            return tuple(found)


def _sentences(documents):
    return (sentence for document in documents for sentence in document.sentences)


def _told(document):
    """A document's sentences without the question that some end with."""
    return [sentence for sentence in document.sentences if sentence.start < len(document.context)]


def _sentiment(documents):
    return (Labelled(s.text, s.sentiment) for s in _sentences(documents) if s.sentiment)


def _topic(documents):
    return (Labelled(s.text, s.topic) for s in _sentences(documents) if s.topic)


def _intent(documents):
    return (Labelled(s.text, s.intent) for s in _sentences(documents) if s.intent)


def _pairs(documents):
    """An English sentence, and its translation or that of another sentence of the document, in turns."""
    n_pairs = 0
    for document in documents:
        for one, other in itertools.pairwise(document.sentences):
            if one.chinese != other.chinese:
                is_right = n_pairs % 2 == 0
                yield Labelled(one.text, "same" if is_right else "other", (one if is_right else other).chinese)
                n_pairs += 1


def _regression(documents):
    """A document, and how many different people, places, organisations and works it names."""
    for document in documents:
        names = {(entity.type, _key(entity)) for sentence in _told(document) for entity in sentence.entities}
        yield Scored(document.context, float(len(names)))


def _entities(documents):
    """Words and BIO tags (Ramshaw & Marcus 1995, with B at each entity's start)."""
    for sentence in _sentences(documents):
        yield Tagged(*words_and_tags(sentence.text, [(e.start, e.end, e.type) for e in sentence.entities]))


def _relations(documents):
    """Each ordered pair of names in a sentence, related or not."""
    for sentence in _sentences(documents):
        related = {(relation.head, relation.tail): relation.type for relation in sentence.relations}
        for head, tail in itertools.permutations(range(len(sentence.entities)), 2):
            first, second = sentence.entities[head], sentence.entities[tail]
            label = related.get((head, tail), "none")
            yield Related(sentence.text, (first.start, first.end), (second.start, second.end), label)


def _questions(documents):
    """Two of each document's questions, drawn at random: seven about one text teach less than one about each."""
    for document in documents:
        questions = document.questions
        for question in random.Random(document.text).sample(questions, min(2, len(questions))):
            yield Question(document.context, question.question, ((question.answer, question.answer_start),))


def _choice(documents, n_options=4):
    """The first two sentences of a story, and its last one among last ones of other stories.

    Which one is right is certain: it alone names a person of the beginning, and the others name somebody else.
    """
    ends = []  # last sentences of the stories before this one
    for document in documents:
        *beginning, end = _told(document)
        beginning = beginning[:2]
        if document.kind not in ("story", "news") or not _people([end]) & _people(beginning):
            continue
        here = _people(_told(document))
        wrong = list(dict.fromkeys(other.text for other in ends if not _people([other]) & here))[: n_options - 1]
        if len(wrong) == n_options - 1:
            options = [end.text, *wrong]
            random.Random(document.text).shuffle(options)
            yield Choice(" ".join(s.text for s in beginning), tuple(options), options.index(end.text))
        ends = [end, *ends[:9]]


def _translation(documents):
    return (Prompted(sentence.text, (sentence.chinese,)) for sentence in _sentences(documents))


def _summary(documents):
    """A document, and what it is, what about, and the facts that it states with names."""
    for document in documents:
        names = {}  # each person's first name: the whole one, if the document has it
        for entity in itertools.chain(*(s.entities for s in _told(document))):
            if entity.type == "PER":
                names[_key(entity)] = max(names.get(_key(entity), ""), entity.text, key=len)
        facts = [
            f"{names.get(_key(s.entities[r.head]), s.entities[r.head].text)} {FACTS[r.type]} "
            f"{names.get(_key(s.entities[r.tail]), s.entities[r.tail].text)}."
            for s in _told(document) for r in s.relations
        ]  # fmt: skip
        verdict = f"{document.sentiment} " if document.sentiment else ""
        first = f"A {verdict}{document.kind} about {document.topic}."
        yield Prompted(document.context, (" ".join([first, *dict.fromkeys(facts)]),))


FACTS = {
    "lives_in": "lives in", "works_for": "works for", "founded": "founded", "knows": "knows", "visited": "visited",
    "likes": "likes", "created": "created", "located_in": "is in", "partner_of": "works with",
}  # fmt: skip


def _dialogue(documents):
    """The turns of a dialogue so far, and the next one: one of several that the world might have chosen."""
    for document in documents:
        if document.kind == "dialogue":
            turns = [sentence.text for sentence in document.sentences]
            for place in range(1, len(turns)):
                yield Prompted("\n".join(turns[:place]), (turns[place],))


def _key(entity):
    """A person's first name, which is theirs alone within a document; the whole name of anything else."""
    return entity.text.split()[0] if entity.type == "PER" else entity.text


def _people(sentences):
    """First names of the people that sentences name."""
    return {_key(entity) for sentence in sentences for entity in sentence.entities if entity.type == "PER"}


WORLD_TASKS = {
    "sentiment": ("classification", _sentiment),
    "topic": ("classification", _topic),
    "intent": ("classification", _intent),
    "pairs": ("classification", _pairs),
    "relations": ("classification", _relations),
    "regression": ("regression", _regression),
    "entities": ("tagging", _entities),
    "questions": ("span", _questions),
    "choice": ("choice", _choice),
    "translation": ("text", _translation),
    "summary": ("text", _summary),
    "dialogue": ("text", _dialogue),
}
BILINGUAL = ("pairs", "translation")
# New examples teach more than old ones read again.
SIZES = {"entities": 8000, "relations": 8000, "questions": 4000, "translation": 8000}


def words_and_tags(text, entities):
    """Cut a text at spaces, around its signs, and where an entity begins or ends: words, and a BIO tag for each.

    Args:
        text: a sentence.
        entities: (start, end, type) of each, in characters, one after another.
    """
    words, tags, position = [], [], 0
    for start, end, kind in [*entities, (len(text), len(text), "")]:
        outside = [match[0] for match in WORD.finditer(text, position, start)]
        inside = [match[0] for match in WORD.finditer(text, start, end)]
        words += outside + inside
        tags += ["O"] * len(outside) + [f"{'I' if place else 'B'}-{kind}" for place in range(len(inside))]
        position = end
    return tuple(words), tuple(tags)
