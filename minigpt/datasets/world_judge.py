"""What the grammar of the generated world says about a sentence that somebody else has written.

Who writes sentences to order needs a judge that was not trained: here the grammar itself. It reads a single sentence,
allows anybody's name in it, and says by which lines of the grammar it could have been written, and so what it tells.
"""

import re
from dataclasses import dataclass

from minigpt.datasets import tiny_world_lexicon as lexicon
from minigpt.datasets.tiny_world import ENGLISH, NAME_KINDS, Rule, TinyWorld

A_NAME = "[A-Z][a-z]+"


@dataclass(frozen=True)
class Verdict:
    """What the grammar says about one sentence.

    Attributes:
        is_known: whether some line of the grammar can write it.
        sentiments: of the lines that can: "positive", "negative", or None for a line without one.
        topics: whose documents can hold it; a sentence that fits all topics tells none.
    """

    is_known: bool
    sentiments: frozenset[str | None]
    topics: frozenset[str]

    @property
    def sentiment(self) -> str | None:
        """The one sentiment that it can have, or None."""
        return next(iter(self.sentiments)) if len(self.sentiments) == 1 else None

    @property
    def topic(self) -> str | None:
        """The one topic that it can have, or None."""
        return next(iter(self.topics)) if len(self.topics) == 1 else None


class WorldJudge:
    """Judges sentences by the grammar, whoever is named in them.

    A name is any word with a capital. What a sentence says is judged for itself: whether "her" is the right word for
    the person of the sentence before, nobody asks here.
    """

    def __init__(self):
        lines = {}  # {regular expression: (sentiments, topics)}: most lines are the same in all topics
        for topic in lexicon.TOPICS:
            for rule in _sentence_rules(TinyWorld("train", topics=(topic,))):
                for phrase in rule.phrases:
                    sentiments, topics = lines.setdefault(_line(phrase), (set(), set()))
                    sentiments.add(phrase.sentiment)
                    topics.add(topic)
        self._lines = [(re.compile(line), sentiments, topics) for line, (sentiments, topics) in lines.items()]

    def __call__(self, sentence: str) -> Verdict:
        """Judge a sentence of one line, without spaces around it."""
        found = [line[1:] for line in self._lines if line[0].fullmatch(sentence)]
        sentiments, topics = ([part for line in found for part in line[side]] for side in (0, 1))
        return Verdict(bool(found), frozenset(sentiments), frozenset(topics))


def _sentence_rules(world: TinyWorld) -> list[Rule]:
    """The rules that write a document's sentences."""
    rules = [world._root]
    for rule in rules:
        inner = [slot.rule for phrase in rule.phrases for slot in _slots(phrase) if slot.rule is not None]
        rules += [new for new in dict.fromkeys(inner) if new not in rules]
    return [rule for rule in rules if rule.is_sentence]


def _slots(phrase):
    return [part for part in phrase.sides[ENGLISH] if not isinstance(part, str)]


def _line(phrase) -> str:
    """A regular expression of all that a phrase can write."""
    return "".join(map(_part, phrase.sides[ENGLISH]))


def _part(part) -> str:
    if isinstance(part, str):
        return re.escape(part)
    if part.rule is not None:
        inside = "|".join(dict.fromkeys(map(_line, part.rule.phrases)))
        whole = f"{re.escape(part.prefix)}(?:{inside}){re.escape(part.suffix)}"
        return f"(?:{whole})?" if part.is_optional else whole
    return _role(part.role, part.form)


def _role(role, form: str) -> str:
    """Any name where the world's are names; else the spellings that it knows, such as pronouns and days."""
    pool = role.pool
    parts, form = (pool.parts, "") if pool.is_whole(form) else (pool.parts[:1], form)
    n_names = len(NAME_KINDS.get(lexicon.ROLES[role.name], ())) if form == "" else 0
    spelled = []
    for place, entries in enumerate(parts):
        if place < n_names:
            spelled.append(f"The {A_NAME}" if pool.entity_type == "WORK" and place == 0 else A_NAME)
        else:
            spellings = sorted({entry[ENGLISH][form] for entry in entries})
            spelled.append("(?:" + "|".join(map(re.escape, spellings)) + ")")
    return " ".join(spelled)
