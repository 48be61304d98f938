"""A tiny world that writes English, its Chinese translation, its labels, and its own exact probability.

A probabilistic grammar (`tiny_world_lexicon.py`) tells short stories, news, reviews and dialogues about invented
people, towns, organisations and works. Because we wrote the grammar, nothing about the corpus has to be guessed:

- every sentence knows its translation, its named entities, relations, sentiment, topic and intent;
- every document knows its log-probability, and a parser recovers it from the bare text;
- the entropy of the whole language is a number we compute, so we know the loss that no model can beat.

    world = TinyWorld("train")
    document = next(world.documents(1, seed=0))       # document.text, .sentences, .questions, .log_probability
    world.parse(document.text) == document            # up to rounding in the log-probability
    world.bits_per_byte()                             # the floor under every model's loss
    text = corpus_text(1_000_000, seed=0)             # a corpus to pretrain on

The grammar is a set of **rules**. A rule lists weighted **phrases**; a phrase is a template, English and Chinese side
by side, whose **slots** name another rule or a **role**. A role (the hero, her home town, the day of her journey) gets
its value where the text first mentions it and keeps it to the end of the document: that is what a language model can
learn only from long context. The facts are drawn afresh for each document, so they must be read, not memorised.

Everything below is a walk over that one structure: `_sample` chooses, `_write` spells a choice out in either
language, `Reader` recovers every choice from the text, `_measure` averages over all choices.

**Held-out names.** Each split has its own first names, family names, towns, organisations and title words, and no name
part of one split occurs in another; the rest of the grammar is shared. So a tagger tested on `"test"` meets only names
it has never seen. Probability and entropy are always those of the split's own grammar. A language model trained on
`"train"` can approach the floor on *fresh train documents* (another seed); on the other splits it must pay for names
that it could not know.

Where a model shall learn the grammar and no names at all, `TinyWorld("train", new_names=True)` invents other names for
each document (`new_names.py`); such a document has no probability of its own.

The probability is that of the English text. The Chinese follows from the same choices and adds nothing to it.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from minigpt.datasets import tiny_world_lexicon as lexicon
from minigpt.datasets.new_names import new_name, renamed

SPLITS = ("train", "validation", "test")
ENGLISH, CHINESE = 0, 1
SEPARATOR = "\n\n"

# Which lists of names each part of a value comes from; an organisation's second part is a common word, such as Bank.
NAME_KINDS = {"PER": (("women", "men"), ("families",)), "GIVEN": (("women", "men"),), "LOC": (("towns",),),
              "ORG": (("organisations",),), "WORK": (("titles",), ("things",))}  # fmt: skip


# ---------------------------------------------------------------- what the reader gets


@dataclass(frozen=True)
class Entity:
    """A name in a sentence: `sentence.text[start:end] == text`."""

    start: int
    end: int
    text: str
    type: str  # PER, LOC, ORG or WORK
    chinese: str


@dataclass(frozen=True)
class Relation:
    """A fact that the sentence states: `head` and `tail` are indices into its entities."""

    head: int
    tail: int
    type: str


@dataclass(frozen=True)
class Sentence:
    """One sentence (in a dialogue: one turn, with its speaker) and all that is known about it."""

    text: str
    chinese: str
    start: int  # offset in the document's text
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]
    sentiment: str | None  # positive, negative
    topic: str | None  # None where nothing in this sentence tells the topic
    intent: str | None  # in dialogues: greet, ask_place, book, ...
    template: str  # the grammar's line, names and fillers left open


@dataclass(frozen=True)
class QuestionAnswer:
    """A question whose answer the document contains at `answer_start`."""

    question: str
    answer: str
    answer_start: int


@dataclass(frozen=True)
class Document:
    """A text, its labels, and the natural logarithm of its probability."""

    text: str
    sentences: tuple[Sentence, ...]
    questions: tuple[QuestionAnswer, ...]
    topic: str
    kind: str  # story, news, review, dialogue
    sentiment: str | None  # a review's verdict
    log_probability: float

    @property
    def context(self) -> str:
        """The text without the question that some documents end with."""
        return self.text.partition("\nQuestion:")[0]


# ---------------------------------------------------------------- the structure: pools, roles, slots, phrases, rules


class Pool:
    """The values that a role can take: one entry from each part, such as a first name and a family name.

    An entry is a pair of dictionaries, English and Chinese, from a form (`""`, `"he"`, `"past"`) to its spelling.
    A value is a tuple of entries. Roles of one pool share no entry: two people differ in both names.
    """

    def __init__(self, parts: list[list], entity_type: str | None = None, first_part_is_short_form: bool = False):
        self.parts = parts
        self.entity_type = entity_type
        self.short = first_part_is_short_form

    def is_whole(self, form: str) -> bool:
        return form == "full" or (form == "" and not self.short)

    def spell(self, value: tuple, form: str, language: int) -> str:
        if not self.is_whole(form):
            return value[0][language][form]
        if len(value) == 1:
            return value[0][language][""]
        return (" " if language == ENGLISH else "").join([entry[language][""] for entry in value])

    def draw(self, used: list[tuple], uniform) -> tuple:
        """Draw each part uniformly from the entries that no value in `used` has taken."""
        value = []
        for place, part in enumerate(self.parts):
            taken = [other[place] for other in used]
            entry = part[int(uniform() * len(part))]
            while any(entry is other for other in taken):
                entry = part[int(uniform() * len(part))]
            value.append(entry)
        return tuple(value)

    def read(self, used: list[tuple], form: str, text: str, position: int) -> list[tuple[tuple, int]]:
        """Every (value, end) that `text` spells at `position`; the inverse of `draw` then `spell`."""
        found = [((), position)]
        form = "" if self.is_whole(form) else form
        for place, part in enumerate(self.parts):
            gap = " " if place else ""
            taken = [other[place] for other in used]
            found = [
                ((*value, entry), end + len(gap + entry[ENGLISH][form]))
                for value, end in found
                for entry in part
                if text.startswith(gap + entry[ENGLISH][form], end)
                and not any(entry is other for other in taken)
            ]
        return found

    def log_count(self, n_used: int) -> float:
        """Log of how many values are left when `n_used` are taken."""
        return sum(math.log(len(part) - n_used) for part in self.parts)

    def expected_bytes(self, form: str) -> float:
        """Mean English length. Values drawn without replacement all have the same, uniform, marginal."""
        parts = self.parts if self.is_whole(form) else self.parts[:1]
        form = "" if self.is_whole(form) else form
        means = [sum(len(entry[ENGLISH][form].encode()) for entry in part) / len(part) for part in parts]
        return sum(means) + len(means) - 1


class Role(NamedTuple):
    """Something a document keeps referring to. `bit` marks it in the integer set of roles already introduced."""

    name: str
    bit: int
    pool: Pool
    rivals: tuple[tuple[int, str], ...]  # (bit, name) of the other roles that draw from the same pool
    is_topical: bool

    def used(self, bound: int, values: dict) -> list[tuple]:
        return [values[name] for bit, name in self.rivals if bit & bound]

    def log_count(self, bound: int) -> float:
        return self.pool.log_count(sum(1 for bit, _ in self.rivals if bit & bound))


class Slot(NamedTuple):
    """A gap in a template: `{rule}`, `{role.form}`, `{+role}` (introduces it), `{ and <rule>}` (optional, one half)."""

    key: str
    rule: Rule | None
    role: Role | None
    form: str
    introduces: bool
    prefix: str
    suffix: str
    is_optional: bool


class Phrase(NamedTuple):
    """One alternative of a rule, in both languages; open only while `needs` are known and `brings` are not."""

    sides: tuple[tuple, tuple]  # English and Chinese: strings and slots
    template: str
    needs: int
    brings: int
    weight: float
    is_topical: bool
    relations: tuple[tuple[str, str, str], ...]
    sentiment: str | None
    intent: str | None
    answer: str | None


class Rule:
    """A weighted choice between phrases."""

    def __init__(self, name: str, is_sentence: bool):
        self.name = name
        self.is_sentence = is_sentence
        self.phrases: list[Phrase] = []
        self._choices: dict[int, tuple] = {}
        self._measures: dict[int, Measure] = {}

    def choices(self, bound: int) -> tuple[list[Phrase], list[float], list[float]]:
        """Phrases open when `bound` roles are known, their cumulative probabilities, their log-probabilities."""
        if bound not in self._choices:
            phrases = [p for p in self.phrases if p.needs & bound == p.needs and not p.brings & bound]
            if not phrases:
                raise ValueError(f"rule {self.name!r} offers no phrase when the known roles are {bound:b}")
            total = sum(phrase.weight for phrase in phrases)
            cumulative = [sum(p.weight for p in phrases[: i + 1]) / total for i in range(len(phrases))]
            cumulative[-1] = 1.0
            self._choices[bound] = phrases, cumulative, [math.log(p.weight / total) for p in phrases]
        return self._choices[bound]


# A derivation is a pair (phrase, children): children maps a slot's key to a derivation, or to None if it was left out.


# ---------------------------------------------------------------- walk 1: choose


class Draft:
    """What is decided so far: the roles introduced, their values, and the log-probability of it all."""

    __slots__ = ("bound", "log_probability", "uniform", "values")

    def __init__(self, uniform):
        self.bound = 0
        self.values: dict[str, tuple] = {}
        self.log_probability = 0.0
        self.uniform = uniform


LOG_HALF = math.log(0.5)


def _sample(rule: Rule, draft: Draft) -> tuple:
    """Choose a phrase of `rule`, then fill its slots from left to right."""
    phrases, cumulative, logs = rule.choices(draft.bound)
    index = bisect(cumulative, draft.uniform())
    phrase = phrases[index]
    draft.log_probability += logs[index]
    children = {}
    for slot in phrase.sides[ENGLISH]:
        if slot.__class__ is str:
            continue
        if slot.rule is not None:
            children[slot.key] = _sample_part(slot, draft)
        elif slot.introduces:
            role = slot.role
            draft.values[role.name] = role.pool.draw(role.used(draft.bound, draft.values), draft.uniform)
            draft.log_probability -= role.log_count(draft.bound)
            draft.bound |= role.bit
    return phrase, children


def _sample_part(slot: Slot, draft: Draft) -> tuple | None:
    if slot.is_optional:
        draft.log_probability += LOG_HALF
        if draft.uniform() < 0.5:
            return None
    return _sample(slot.rule, draft)


# ---------------------------------------------------------------- walk 2: spell out


def _write(derivation: tuple, values: dict, language: int, pieces: list[str], mentions: list | None = None) -> None:
    """Append the pieces of text; note in `mentions` which pieces are roles, as (index, slot)."""
    phrase, children = derivation
    for part in phrase.sides[language]:
        if part.__class__ is str:
            pieces.append(part)
        elif part.role is not None:
            if mentions is not None:
                mentions.append((len(pieces), part))
            pieces.append(part.role.pool.spell(values[part.role.name], part.form, language))
        elif children[part.key] is not None:
            pieces.append(part.prefix)
            _write(children[part.key], values, language, pieces, mentions)
            pieces.append(part.suffix)


# ---------------------------------------------------------------- walk 3: read back


class Reading(NamedTuple):
    """How far a parse has come, and what it has found on the way."""

    position: int
    bound: int
    values: dict
    log_probability: float


class Reader:
    """Finds every derivation of a text: exhaustive, so that a second derivation could not hide.

    Several orders of sentences begin alike, so what a sentence rule reads at a place is remembered.
    """

    def __init__(self, text: str):
        self.text = text
        self._seen: dict[tuple, tuple] = {}

    def sentence(self, rule: Rule, at: Reading) -> list[tuple[Reading, tuple]]:
        """As `rule`, but remembered; the values stay with the memory so that their id is not reused."""
        key = rule, at.position, at.bound, id(at.values)
        if key not in self._seen:
            self._seen[key] = at.values, self.rule(rule, at._replace(log_probability=0.0))
        return [(_shift(reading, at.log_probability), found) for reading, found in self._seen[key][1]]

    def rule(self, rule: Rule, at: Reading) -> list[tuple[Reading, tuple]]:
        """Every way to read `rule` at a place: where it leaves us, and its derivation."""
        phrases, _, logs = rule.choices(at.bound)
        found = []
        for phrase, log_probability in zip(phrases, logs):
            head = phrase.sides[ENGLISH][0]
            if isinstance(head, str) and not self.text.startswith(head, at.position):
                continue
            paths = [(_shift(at, log_probability), {})]
            for part in phrase.sides[ENGLISH]:
                paths = [longer for path in paths for longer in self.part(part, *path)]
            found += [(reading, (phrase, children)) for reading, children in paths]
        return found

    def part(self, part: str | Slot, at: Reading, children: dict) -> list[tuple[Reading, dict]]:
        if isinstance(part, str):
            return self.literal(part, at, children)
        if part.rule is not None:
            return self.rule_slot(part, at, children)
        role = part.role
        if not part.introduces:
            return self.literal(role.pool.spell(at.values[role.name], part.form, ENGLISH), at, children)
        log_probability = at.log_probability - role.log_count(at.bound)
        return [
            (Reading(end, at.bound | role.bit, {**at.values, role.name: value}, log_probability), children)
            for value, end in role.pool.read(role.used(at.bound, at.values), part.form, self.text, at.position)
        ]

    def literal(self, literal: str, at: Reading, children: dict) -> list[tuple[Reading, dict]]:
        if not self.text.startswith(literal, at.position):
            return []
        return [(at._replace(position=at.position + len(literal)), children)]

    def rule_slot(self, slot: Slot, at: Reading, children: dict) -> list[tuple[Reading, dict]]:
        read = self.sentence if slot.rule.is_sentence else self.rule
        if not slot.is_optional:
            return [(reading, {**children, slot.key: child}) for reading, child in read(slot.rule, at)]
        at = _shift(at, LOG_HALF)
        found = [(at, {**children, slot.key: None})]
        for inside, _ in self.literal(slot.prefix, at, children):
            for reading, child in read(slot.rule, inside):
                found += self.literal(slot.suffix, reading, {**children, slot.key: child})
        return found


def _shift(at: Reading, log_probability: float) -> Reading:
    return at._replace(log_probability=at.log_probability + log_probability)


def _leads_on(part: str | Slot) -> bool:
    return isinstance(part, Slot) and part.rule is not None


def _pattern(rule: Rule) -> str:
    """A regular expression of all that a rule can write, whatever its roles are: `Reader` without its memory."""
    return "(?:" + "|".join("".join(map(_pattern_of_part, phrase.sides[ENGLISH])) for phrase in rule.phrases) + ")"


def _pattern_of_part(part: str | Slot) -> str:
    if isinstance(part, str):
        return re.escape(part)
    if part.rule is not None:
        whole = re.escape(part.prefix) + _pattern(part.rule) + re.escape(part.suffix)
        return f"(?:{whole})?" if part.is_optional else whole
    pool = part.role.pool
    parts, form = (pool.parts, "") if pool.is_whole(part.form) else (pool.parts[:1], part.form)
    spellings = [sorted({entry[ENGLISH][form] for entry in entries}) for entries in parts]
    return " ".join("(?:" + "|".join(map(re.escape, names)) + ")" for names in spellings)


# ---------------------------------------------------------------- walk 4: average over all choices


class Measure(NamedTuple):
    """Of a rule entered with some roles known: its entropy, its mean length, and which roles are known after it."""

    nats: float
    bytes: float
    after: dict[int, float]  # roles known afterwards → probability


def _measure(rule: Rule, bound: int) -> Measure:
    """Exact expectation over everything the rule can produce.

    Chain rule of entropy: the choice itself, plus the mean entropy of what it leads to. Probabilities depend on
    *which* roles are known, never on their values, so the sets of known roles are all the state there is.
    """
    if bound in rule._measures:
        return rule._measures[bound]
    nats = length = 0.0
    after: dict[int, float] = {}
    phrases, _, logs = rule.choices(bound)
    for phrase, log_probability in zip(phrases, logs):
        p = math.exp(log_probability)
        nats -= p * log_probability
        states = {bound: p}
        for part in phrase.sides[ENGLISH]:
            part_nats, part_bytes, states = _measure_part(part, states)
            nats += part_nats
            length += part_bytes
        for state, probability in states.items():
            after[state] = after.get(state, 0.0) + probability
    rule._measures[bound] = Measure(nats, length, after)
    return rule._measures[bound]


def _measure_part(part: str | Slot, states: dict[int, float]) -> Measure:
    """The part's contribution, weighted by the probability of each state it may meet."""
    total = sum(states.values())
    if isinstance(part, str):
        return Measure(0.0, total * len(part.encode()), states)
    if part.role is None:
        return _measure_rule_slot(part, states)
    length = total * part.role.pool.expected_bytes(part.form)
    if not part.introduces:
        return Measure(0.0, length, states)
    nats = sum(p * part.role.log_count(state) for state, p in states.items())
    return Measure(nats, length, {state | part.role.bit: p for state, p in states.items()})


def _measure_rule_slot(slot: Slot, states: dict[int, float]) -> Measure:
    share = 0.5 if slot.is_optional else 1.0
    total = sum(states.values())
    nats = total * math.log(2) if slot.is_optional else 0.0
    length = total * share * len((slot.prefix + slot.suffix).encode())
    after = {state: p * (1 - share) for state, p in states.items() if slot.is_optional}
    for state, p in states.items():
        inner = _measure(slot.rule, state)
        nats += p * share * inner.nats
        length += p * share * inner.bytes
        for state_after, q in inner.after.items():
            after[state_after] = after.get(state_after, 0.0) + p * share * q
    return Measure(nats, length, after)


# ---------------------------------------------------------------- from the lexicon's text to rules


SLOT = re.compile(r"\{(?:(\+?)([A-Za-z_]+)(\d?)(?:\.([A-Za-z]+))?|([^{}<>]*)<([A-Za-z_]+)(\d?)>([^{}<>]*))\}")


def _blocks(source: str, separator: str = "\n") -> dict[str, list[str]]:
    """Split `[name]` blocks into entries; an entry ends with its line, or at a separator within it."""
    blocks: dict[str, list[str]] = {}
    for line in source.strip().splitlines():
        if line.startswith("["):
            entries = blocks.setdefault(line.strip("[]"), [])
        else:
            entries += [entry.strip() for entry in line.split(separator) if entry.strip()]
    return blocks


def _fields(entry: str) -> tuple[str, str, str]:
    """`"Anna 安娜"` or `"table tennis | 乒乓球 | labels"` → English, Chinese, labels; missing ones are empty."""
    english, chinese, labels = (*entry.split("|"), "", "")[:3]
    if "|" not in entry and not entry.isascii():
        english, chinese = entry.rsplit(" ", 1)
    return english.strip(), chinese.strip(), labels.strip()


def _entry(english: dict[str, str], chinese: dict[str, str] | str) -> tuple[dict, dict]:
    return english, dict.fromkeys(english, chinese) if isinstance(chinese, str) else chinese


def _names(source: str, chinese: str = "{}") -> list[tuple]:
    """Read `"Anna 安娜, Ben 本"`; `chinese` is a pattern around each Chinese name."""
    fields = [_fields(item.strip()) for item in source.replace("\n", " ").split(",")]
    return [_entry({"": name}, chinese.format(translation)) for name, translation, _ in fields]


def _people(women: str, men: str) -> list[tuple]:
    """First names with the pronouns that go with them."""
    people = []
    for source, pronouns in ((women, lexicon.SHE), (men, lexicon.HE)):
        english, chinese = pronouns
        people += [_entry({**en, **english}, {**zh, **chinese}) for en, zh in _names(source)]
    return people


def _plural_s(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"


def _word(entry: str) -> tuple:
    """A word with its forms: a noun with its article, or a verb written `run/ran/running along the river`."""
    english, chinese, _ = _fields(entry)
    verb, _, rest = english.partition(" ")
    if verb.count("/") != 2:
        article = "an" if english[0] in "aeiou" else "a"
        capital = english[0].upper() + english[1:]
        return _entry({"": english, "Cap": capital, "a": f"{article} {english}"}, chinese)
    base, past, ing = verb.split("/")
    forms = {"": base, "s": _plural_s(base), "past": past, "ing": ing}
    return _entry({form: f"{spelling} {rest}".strip() for form, spelling in forms.items()}, chinese)


class Builder:
    """Turns the lexicon's text into linked rules, for one split and one topic."""

    def __init__(self, split: str, topic: str):
        sentences = _blocks(lexicon.SENTENCES)
        self.topic_blocks = _blocks(lexicon.TOPICS[topic], ";")
        self.sources = _blocks(lexicon.PLANS) | _blocks(lexicon.PHRASES, ";") | sentences | self.topic_blocks
        self.sentence_rules = {*sentences, *lexicon.TOPIC_SENTENCES}
        self.rules: dict[str, Rule] = {}
        self.roles = self._roles(self._pools(lexicon.NAMES[split]))

    def _pools(self, names: dict[str, str]) -> dict[str, Pool]:
        first = _people(names["women"], names["men"])
        pools = {
            "PER": Pool([first, _names(names["families"], "·{}")], "PER", first_part_is_short_form=True),
            "GIVEN": Pool([first], "PER"),
            "LOC": Pool([_names(names["towns"])], "LOC"),
            "ORG": Pool([_names(names["organisations"]), [_word(e) for e in self.topic_blocks["kind"]]], "ORG"),
            "WORK": Pool([_names(names["titles"], "《{}"), _names(names["things"], "{}》")], "WORK"),
        }
        for title in pools["WORK"].parts[0]:
            title[ENGLISH][""] = "The " + title[ENGLISH][""]
        words = {name: Pool([[_word(e) for e in self.sources[name.lower()]]]) for name in lexicon.WORD_POOLS}
        return pools | words

    def _roles(self, pools: dict[str, Pool]) -> dict[str, Role]:
        bits = {name: 1 << place for place, name in enumerate(lexicon.ROLES)}
        roles = {}
        for name, pool in lexicon.ROLES.items():
            rivals = [(bits[o], o) for o, other in lexicon.ROLES.items() if other == pool and o != name]
            is_topical = pool == "ORG" or pool.lower() in self.topic_blocks
            roles[name] = Role(name, bits[name], pools[pool], tuple(rivals), is_topical)
        return roles

    def rule(self, name: str) -> Rule:
        """The rule called `name`; with a capital initial, its phrases begin with a capital."""
        if name not in self.rules:
            source = name[0].lower() + name[1:]
            if source not in self.sources:
                raise ValueError(f"no rule or role is called {name!r}")
            rule = self.rules[name] = Rule(name, is_sentence=source in self.sentence_rules)
            is_topical = source in self.topic_blocks
            rule.phrases = [self._phrase(entry, name[0].isupper(), is_topical) for entry in self.sources[source]]
        return self.rules[name]

    def _phrase(self, entry: str, is_capitalised: bool, is_topical: bool) -> Phrase:
        english, chinese, labels = _fields(entry)
        if is_capitalised:
            english = self._capitalise(english)
        sides = self._parts(english), self._parts(chinese)
        roles = [slot for slot in sides[ENGLISH] if isinstance(slot, Slot) and slot.role]
        brings = sum({slot.role.bit for slot in roles if slot.introduces})
        needs = sum({slot.role.bit for slot in roles}) & ~brings
        is_topical = is_topical or any(slot.role.is_topical for slot in roles)
        return Phrase(sides, english, needs, brings, is_topical=is_topical, **self._labels(labels))

    def _labels(self, source: str) -> dict:
        """`"lives_in hero home, positive, weight 2"` → the fields of a phrase."""
        labels = {"relations": (), "sentiment": None, "intent": None, "answer": None, "weight": 1.0}
        for words in [label.split() for label in source.split(",") if label.strip()]:
            if len(words) == 3:
                labels["relations"] += (tuple(words),)
            elif len(words) == 2:
                labels[words[0]] = float(words[1]) if words[0] == "weight" else words[1]
            else:
                labels["sentiment" if words[0] in ("positive", "negative") else "intent"] = words[0]
        return labels

    def _capitalise(self, english: str) -> str:
        slot = SLOT.match(english)
        if slot is None:
            return english[0].upper() + english[1:]
        name, form = slot[2], slot[4]
        if name not in self.roles:
            return english.replace(name, name[0].upper() + name[1:], 1)
        return english.replace(f".{form}", f".{form[0].upper()}{form[1:]}", 1) if form else english

    def _parts(self, template: str) -> tuple:
        template = template.replace("\\n", "\n")
        parts, position = [], 0
        for match in SLOT.finditer(template):
            parts += [template[position : match.start()], self._slot(match)]
            position = match.end()
        parts.append(template[position:])
        return tuple(part for part in parts if part != "")

    def _slot(self, match: re.Match) -> Slot:
        plus, name, digit, form, prefix, optional, optional_digit, suffix = match.groups()
        if optional:
            return Slot(optional + optional_digit, self.rule(optional), None, "", False, prefix, suffix, True)
        if name not in self.roles:
            return Slot(name[0].lower() + name[1:] + digit, self.rule(name), None, "", False, "", "", False)
        form = form or ("full" if plus else "")
        return Slot(name, None, self.roles[name], form, bool(plus), "", "", False)


# ---------------------------------------------------------------- from a derivation to a labelled document


class Span(NamedTuple):
    """Where a role is mentioned, in the characters of its sentence."""

    start: int
    text: str
    slot: Slot

    @property
    def is_name(self) -> bool:
        return self.slot.role.pool.entity_type is not None and self.slot.form in ("", "full")


def _plan(derivation: tuple) -> Iterator[str | tuple]:
    """The document's parts in order: separators as strings, sentences as derivations."""
    phrase, children = derivation
    for part in phrase.sides[ENGLISH]:
        if isinstance(part, str):
            yield part
        elif part.rule.is_sentence:
            yield children[part.key]
        else:
            yield from _plan(children[part.key])


def _spell(derivation: tuple, values: dict, language: int) -> tuple[str, list[Span]]:
    """The text of a derivation, and where it mentions roles."""
    pieces: list[str] = []
    mentions: list[tuple[int, Slot]] = []
    _write(derivation, values, language, pieces, mentions)
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    return "".join(pieces), [Span(starts[index], pieces[index], slot) for index, slot in mentions]


def _is_topical(derivation: tuple) -> bool:
    phrase, children = derivation
    return phrase.is_topical or any(_is_topical(child) for child in children.values() if child)


def _label(derivation: tuple, values: dict, start: int, topic: str) -> tuple[Sentence, list[Span]]:
    """One sentence in both languages, with its labels; and all its spans."""
    phrase = derivation[0]
    text, spans = _spell(derivation, values, ENGLISH)
    chinese, _ = _spell(derivation, values, CHINESE)
    entities, roles = [], []
    for span in spans:
        if span.is_name:
            role = span.slot.role
            translation = role.pool.spell(values[role.name], span.slot.form, CHINESE)
            end = span.start + len(span.text)
            entities.append(Entity(span.start, end, span.text, role.pool.entity_type, translation))
            roles.append(role.name)
    sentence = Sentence(
        text=text,
        chinese=chinese,
        start=start,
        entities=tuple(entities),
        relations=tuple(Relation(roles.index(h), roles.index(t), kind) for kind, h, t in phrase.relations),
        sentiment=phrase.sentiment,
        topic=topic if _is_topical(derivation) else None,
        intent=phrase.intent,
        template=phrase.template,
    )
    return sentence, spans


def _questions(quiz: Rule, bound: int, values: dict, mentions: list[tuple]) -> Iterator[QuestionAnswer]:
    """Every question of `quiz` whose answer the document has told."""
    for phrase in quiz.phrases:
        if phrase.needs & bound == phrase.needs:
            question, answer = _spell((phrase, {}), values, ENGLISH)[0].split("\nAnswer: ")
            question = question.removeprefix("Question: ")
            told = [place for place in mentions if place[0] == phrase.answer and answer in place[2]]
            _, offset, mention = told[0]
            yield QuestionAnswer(question, answer, offset + mention.index(answer))


# ---------------------------------------------------------------- the language


class TinyWorld:
    """The language of one split: sample from it, parse it, and know its entropy.

    Args:
        split: "train", "validation" or "test"; the three share the grammar and no name.
        topics, kinds: which of them the documents have; None for all. A smaller world is a language of its own, with
            its own probabilities and entropy: a small model learns it sooner.
    Raises:
        ValueError: if the split, a topic or a kind is unknown.
    """

    def __init__(
        self,
        split: str = "train",
        topics: tuple[str, ...] | None = None,
        kinds: tuple[str, ...] | None = None,
        new_names: bool = False,
    ):
        if split not in SPLITS:
            raise ValueError(f"split={split!r} must be one of {', '.join(SPLITS)}")
        self.split = split
        self.new_names = new_names
        self._root, self._quizzes = _grammar(split)
        if topics is not None or kinds is not None:
            self._root = _part_of(self._root, topics, kinds)

    def document(self, generator: random.Random) -> Document:
        """Draw one document, with all its labels."""
        draft = Draft(generator.random)
        derivation = _sample(self._root, draft)
        if self.new_names:
            self._rename(draft, generator)
        return self._document(derivation, draft.bound, draft.values, draft.log_probability)

    def documents(self, n: int, seed: int = 0) -> Iterator[Document]:
        """Draw `n` independent documents; document i depends only on the seed, the split and i."""
        for index in range(n):
            yield self.document(self._generator(seed, index))

    def texts(self, seed: int = 0) -> Iterator[str]:
        """The texts of `documents`, without end and without labels: several times as fast."""
        index = 0
        while True:
            generator = self._generator(seed, index)
            draft = Draft(generator.random)
            derivation = _sample(self._root, draft)
            if self.new_names:
                self._rename(draft, generator)
            pieces: list[str] = []
            _write(derivation, draft.values, ENGLISH, pieces)
            yield "".join(pieces)
            index += 1

    def parse(self, text: str) -> Document:
        """Recover the document, labels and log-probability, from the text alone.

        Raises:
            ValueError: if no derivation of this split's grammar yields the text.
        """
        derivations = self._derivations(text)
        if not derivations:
            raise ValueError(f"the text is not a document of the {self.split!r} language: {text[:60]!r}...")
        assert len(derivations) == 1, f"the grammar is ambiguous: {len(derivations)} derivations of {text!r}"
        reading, derivation = derivations[0]
        return self._document(derivation, reading.bound, reading.values, reading.log_probability)

    def log_probability(self, text: str) -> float:
        """Natural logarithm of the text's probability as one document; -inf outside the language."""
        derivations = self._derivations(text)
        return math.log(sum(math.exp(d.log_probability) for d, _ in derivations)) if derivations else -math.inf

    def knows_sentence(self, sentence: str) -> bool:
        """Whether some document could hold this sentence, wherever it stands: the form of each sentence for itself.

        A text whose sentences are all known is still no document if they do not agree: if a name changes on the way.
        The first call takes a tenth of a second for one topic and kind, and seconds for the whole world.
        """
        return self._sentences.fullmatch(sentence) is not None

    @cached_property
    def _sentences(self) -> re.Pattern:
        rules, seen = [self._root], {self._root}
        for rule in rules:
            inner = [slot.rule for phrase in rule.phrases for slot in phrase.sides[ENGLISH] if _leads_on(slot)]
            rules += [new for new in dict.fromkeys(inner) if new not in seen]
            seen.update(inner)
        return re.compile("|".join(_pattern(rule) for rule in rules if rule.is_sentence))

    def entropy(self) -> float:
        """Exact entropy of a document in nats: no model's expected loss per document is lower."""
        return _measure(self._root, 0).nats

    def expected_bytes(self) -> float:
        """Exact mean length of a document in UTF-8 bytes, without the blank line that `corpus_text` adds."""
        return _measure(self._root, 0).bytes

    def bits_per_byte(self, n_separator_bytes: int = 0) -> float:
        """Entropy per byte; for `corpus_text` pass 2, the blank line that costs bytes and no bits."""
        return self.entropy() / math.log(2) / (self.expected_bytes() + n_separator_bytes)

    def names(self) -> dict[str, frozenset[str]]:
        """The split's name parts by kind; none of them is in another split."""
        parts = lexicon.NAMES[self.split]
        return {kind: frozenset(entry[ENGLISH][""] for entry in _names(source)) for kind, source in parts.items()}

    def _rename(self, draft: Draft, generator: random.Random) -> None:
        """Invent other names for everyone and everything in a document."""
        taken = set()
        for role, entries in draft.values.items():
            entries = list(entries)
            for place, kinds in enumerate(NAME_KINDS.get(lexicon.ROLES[role], ())):
                alike = [name for kind in kinds for name in self._sorted_names[kind]]
                name = new_name(alike, _common_words(), lambda name: name not in taken | _all_names(), generator)
                taken.add(name)
                entries[place] = renamed(entries[place], name)
            draft.values[role] = tuple(entries)
        draft.log_probability = math.nan

    @cached_property
    def _sorted_names(self) -> dict[str, list[str]]:
        return {kind: sorted(names) for kind, names in self.names().items()}

    def _generator(self, seed: int, index: int) -> random.Random:
        return random.Random(f"tiny world, {self.split}, {seed}, {index}")

    def _derivations(self, text: str) -> list[tuple[Reading, tuple]]:
        readings = Reader(text).rule(self._root, Reading(0, 0, {}, 0.0))
        return [found for found in readings if found[0].position == len(text)]

    def _document(self, derivation: tuple, bound: int, values: dict, log_probability: float) -> Document:
        topic = derivation[0].template
        [(kind, body)] = derivation[1]["document"][1].items()
        texts, sentences, mentions, length = [], [], [], 0
        for part in _plan(body):
            if not isinstance(part, str):
                sentence, spans = _label(part, values, length, topic)
                mentions += [(span.slot.role.name, length + span.start, span.text) for span in spans]
                sentences.append(sentence)
                part = sentence.text
            texts.append(part)
            length += len(part)
        quiz = self._quizzes.get((topic, kind))
        return Document(
            text="".join(texts),
            sentences=tuple(sentences),
            questions=tuple(_questions(quiz, bound, values, mentions)) if quiz else (),
            topic=topic,
            kind=kind,
            sentiment=body[0].sentiment,
            log_probability=log_probability,
        )


@cache
def _all_names() -> frozenset[str]:
    """The name parts of all splits."""
    return frozenset().union(*(names for split in SPLITS for names in TinyWorld(split).names().values()))


@cache
def _common_words() -> list[str]:
    """Words of the language that stand in lower case, but those that are also somebody's name."""
    texts = TinyWorld("train").texts()
    words = {word for _ in range(500) for word in re.findall(r"\b[a-z]{4,}\b", next(texts))}
    return sorted(word for word in words if word.capitalize() not in _all_names())


@cache
def _grammar(split: str) -> tuple[Rule, dict[tuple[str, str], Rule]]:
    """The root rule of a split, which chooses a topic; and the questions of each topic and kind of document."""
    root = Rule("topic", is_sentence=False)
    quizzes = {}
    for topic in lexicon.TOPICS:
        builder = Builder(split, topic)
        slot = Slot("document", builder.rule("document"), None, "", False, "", "", False)
        root.phrases.append(Phrase(((slot,), ()), topic, 0, 0, 1.0, True, (), None, None, None))
        for kind, name in lexicon.QUIZZES.items():
            quizzes[topic, kind] = builder.rule(name)
    return root, quizzes


def _part_of(root: Rule, topics: tuple[str, ...] | None, kinds: tuple[str, ...] | None) -> Rule:
    """The root rule of a smaller world; what is left keeps its weights."""
    part = Rule(root.name, is_sentence=False)
    for phrase in _choose("topics", topics, {phrase.template: phrase for phrase in root.phrases}):
        [slot] = phrase.sides[ENGLISH]
        document = Rule(slot.rule.name, is_sentence=False)
        documents = {choice.sides[ENGLISH][0].key: choice for choice in slot.rule.phrases}
        document.phrases = _choose("kinds", kinds, documents)
        part.phrases.append(phrase._replace(sides=((slot._replace(rule=document),), ())))
    return part


def _choose(what: str, names: tuple[str, ...] | None, choices: dict[str, Phrase]) -> list[Phrase]:
    """The choices of these names, in their own order; all for None."""
    wanted = set(choices) if names is None else set(names)
    if not wanted or wanted - set(choices):
        raise ValueError(f"{what}={names!r} must name some of {', '.join(choices)}")
    return [choice for name, choice in choices.items() if name in wanted]


def corpus_text(n_bytes: int, seed: int = 0, split: str = "train") -> str:
    """Whole documents joined by blank lines, until they fill at least `n_bytes`: a corpus to pretrain on.

    Documents are independent and contain no blank line, so the text splits in one way only, and its log-probability,
    given the number of documents, is the sum of theirs: the separator is certain and costs nothing.

    Raises:
        ValueError: if n_bytes is negative, or the split unknown.
    """
    if n_bytes < 0:
        raise ValueError(f"n_bytes={n_bytes} must not be negative")
    texts, length = [], 0
    for text in TinyWorld(split).texts(seed):
        if length >= n_bytes:
            break
        texts.append(text)
        length += len(text.encode()) + len(SEPARATOR)
    return SEPARATOR.join(texts)
