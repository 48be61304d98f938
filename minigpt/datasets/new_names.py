"""Names that nobody has read before, for documents of the generated world.

A model that meets the same eighty people in every story learns the people: on other names it is lost. Names drawn anew
for each document leave nothing to remember but the words around them. A new name is one of three: two halves of names
of its kind (Birch-mere), a few syllables (Trocka), or a word with a capital (Lantern). The recipe is ours.
"""

import random as random_module
import re
from collections.abc import Callable

ONSETS = ("", *"bcdfghjklmnprstvwz", "br", "ch", "cr", "dr", "fl", "gr", "pl", "qu", "sh", "st", "th", "tr")
VOWELS = (*"aeiouy", "ai", "ea", "ie", "oo")
CODAS = ("", "", "", *"lmnrstx", "ck", "ll", "nd", "rt")
LENGTHS = range(3, 13)

CORE = re.compile(r"[^《》·]+")  # a Chinese name without the signs around it


def new_name(names: list[str], words: list[str], is_free: Callable[[str], bool], random: random_module.Random) -> str:
    """Invent a name.

    Args:
        names: others of its kind, whose halves may be used.
        words: in lower case, which may become names.
        is_free: whether nobody else is called so.
        random: where chance comes from.
    """
    while True:
        kind = random.choice(("halves", "halves", "syllables", "word"))
        if kind == "halves":
            first, second = random.choice(names), random.choice(names)
            name = first[: random.randint(2, max(2, len(first) - 2))] + second[random.randint(1, len(second) - 2) :]
        elif kind == "syllables":
            parts = [random.choice(ONSETS) + random.choice(VOWELS) + random.choice(CODAS) for _ in range(3)]
            name = "".join(parts[: random.choice((1, 2, 2, 3))])
        else:
            name = random.choice(words)
        name = name.capitalize()
        if len(name) in LENGTHS and is_free(name):
            return name


def renamed(entry, name):
    """An entry of the world's lexicon with another name: the same in both languages, as nobody has translated it."""
    english, chinese = entry
    *article, _ = english[""].split()  # "The" of a title
    core = f" {name}" if chinese[""].endswith("》") else name  # the second word of a title
    return {**english, "": " ".join([*article, name])}, {**chinese, "": CORE.sub(core, chinese[""], count=1)}
