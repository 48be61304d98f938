"""The tiny world keeps its promises: one derivation per text, exact probability and entropy, true labels."""

import math
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise

import pytest

from minigpt.datasets import tiny_world
from minigpt.datasets.tiny_world import SPLITS, Phrase, Pool, Reader, Reading, Role, Rule, Slot, TinyWorld, corpus_text

RELATIONS = {
    "lives_in": ("PER", "LOC"),
    "works_for": ("PER", "ORG"),
    "founded": ("PER", "ORG"),
    "knows": ("PER", "PER"),
    "visited": ("PER", "LOC"),
    "likes": ("PER", "WORK"),
    "created": ("PER", "WORK"),
    "located_in": ("ORG", "LOC"),
    "partner_of": ("ORG", "ORG"),
}


@pytest.fixture(scope="module")
def world():
    return TinyWorld("train")


@pytest.fixture(scope="module")
def documents(world):
    """About 1 MB of text."""
    return list(world.documents(2400, seed=1))


@pytest.fixture(scope="module")
def sentences(documents):
    return [sentence for document in documents for sentence in document.sentences]


# ---------------------------------------------------------------- probability


def assert_one_exact_derivation(world, n, seed):
    for document in world.documents(n, seed):
        derivations = world._derivations(document.text)
        assert len(derivations) == 1, document.text
        assert derivations[0][0].log_probability == pytest.approx(document.log_probability, abs=1e-9)


@pytest.mark.parametrize("split", SPLITS)
def test_a_text_has_one_derivation_with_the_recorded_log_probability(split):
    assert_one_exact_derivation(TinyWorld(split), 100, seed=2)


@pytest.mark.slow
@pytest.mark.parametrize("split", SPLITS)
def test_thousands_of_texts_have_one_derivation_each(split):
    assert_one_exact_derivation(TinyWorld(split), 3000, seed=3)


def test_parsing_recovers_every_label_from_the_text_alone(world, documents):
    for document in documents[:40]:
        parsed = world.parse(document.text)
        assert parsed.log_probability == pytest.approx(document.log_probability, abs=1e-9)
        for field in ("text", "sentences", "questions", "topic", "kind", "sentiment"):
            assert getattr(parsed, field) == getattr(document, field)


def test_a_text_outside_the_language_has_probability_zero(world, documents):
    story = next(d for d in documents if d.kind == "story" and "\nAnswer: " in d.text)
    for text in ("", "Hello.", story.text + " ", story.text[:-1], story.text.replace(".", "!", 1)):
        assert world.log_probability(text) == -math.inf
        with pytest.raises(ValueError, match="not a document"):
            world.parse(text)


def test_an_answer_that_contradicts_the_story_has_probability_zero(world, documents):
    towns = sorted(world.names()["towns"])
    asked = [document for document in documents if document.text.split()[-1] in towns][:40]
    assert len(asked) == 40
    for document in asked:
        told, right, _ = document.text.rpartition(document.text.split()[-1])
        wrong = towns[towns.index(right) - 1]
        assert world.log_probability(told + right) > -math.inf
        assert world.log_probability(told + wrong) == -math.inf


def hand_sized_rule():
    """Two people out of three meet, or one sleeps, perhaps somewhere; small enough to list every text."""
    pool = Pool([[({"": name}, {"": name}) for name in ("Ann", "Bo", "Cleo")]], "PER")
    first = Role("first", 1, pool, ((2, "second"),), False)
    second = Role("second", 2, pool, ((1, "first"),), False)

    def phrase(*parts, weight=1.0, needs=0, brings=0):
        return Phrase((parts, ()), "", needs, brings, weight, False, (), None, None, None)

    def name(role, introduces):
        return Slot(role.name, None, role, "full", introduces, "", "", False)

    place, rest, root = Rule("place", False), Rule("rest", False), Rule("root", False)
    place.phrases = [phrase("a bed", weight=3), phrase("a café")]
    rest.phrases = [phrase(name(second, False), " waves.", needs=2), phrase(name(first, False), " yawns.")]
    somewhere = Slot("place", place, None, "", False, " in ", " alone", True)
    after = Slot("rest", rest, None, "", False, "", "", False)
    root.phrases = [
        phrase(name(first, True), " meets ", name(second, True), ". ", after, weight=2, brings=3),
        phrase(name(first, True), " sleeps", somewhere, ". ", after, brings=1),
    ]
    return root


def test_entropy_and_length_equal_the_sums_over_all_texts_of_a_hand_sized_grammar():
    rule = hand_sized_rule()
    generator = random.Random(0)
    texts = set()
    for _ in range(2000):
        draft, pieces = tiny_world.Draft(generator.random), []
        tiny_world._write(tiny_world._sample(rule, draft), draft.values, tiny_world.ENGLISH, pieces)
        texts.add("".join(pieces))
    assert len(texts) == 6 * 2 + 3 * 3
    logs = {text: Reader(text).rule(rule, Reading(0, 0, {}, 0.0))[0][0].log_probability for text in texts}
    measure = tiny_world._measure(rule, 0)
    assert sum(math.exp(log) for log in logs.values()) == pytest.approx(1, abs=1e-12)
    assert measure.nats == pytest.approx(-sum(math.exp(log) * log for log in logs.values()), abs=1e-12)
    assert measure.bytes == pytest.approx(sum(math.exp(log) * len(t.encode()) for t, log in logs.items()), abs=1e-12)
    assert measure.after == pytest.approx({1: 1 / 3, 3: 2 / 3})


def test_sampled_frequencies_follow_the_probabilities_of_a_hand_sized_grammar():
    rule, generator, n = hand_sized_rule(), random.Random(1), 20_000
    counts, logs = Counter(), {}
    for _ in range(n):
        draft, pieces = tiny_world.Draft(generator.random), []
        tiny_world._write(tiny_world._sample(rule, draft), draft.values, tiny_world.ENGLISH, pieces)
        counts["".join(pieces)] += 1
        logs["".join(pieces)] = draft.log_probability
    chi_squared = sum((counts[text] - n * math.exp(log)) ** 2 / (n * math.exp(log)) for text, log in logs.items())
    assert chi_squared < 45  # 20 degrees of freedom: 0.1 % of fair samples exceed 45


def test_the_mean_length_of_a_pool_is_that_of_its_values():
    first, second = (tiny_world._names(source) for source in ("Ann 安, Beatrice 比", "Fox 福, Underwood 安, Ash 阿"))
    pool = Pool([first, second], "PER", first_part_is_short_form=True)
    whole = [pool.spell((one, two), "full", tiny_world.ENGLISH) for one in first for two in second]
    assert "Beatrice Underwood" in whole
    assert pool.expected_bytes("full") == pytest.approx(sum(map(len, whole)) / 6)
    assert pool.expected_bytes("") == pytest.approx((len("Ann") + len("Beatrice")) / 2)
    assert pool.log_count(1) == pytest.approx(math.log(1 * 2))


def standard_errors_off(values, expected):
    return abs(statistics.mean(values) - expected) / (statistics.stdev(values) / math.sqrt(len(values)))


@pytest.mark.parametrize("split", SPLITS)
def test_entropy_and_length_match_their_monte_carlo_means(split):
    world = TinyWorld(split)
    sample = list(world.documents(1200, seed=4))
    surprise = [-document.log_probability for document in sample]
    lengths = [len(document.text.encode()) for document in sample]
    assert standard_errors_off(surprise, world.entropy()) < 3
    assert standard_errors_off(lengths, world.expected_bytes()) < 3
    bits = sum(surprise) / math.log(2) / sum(lengths)
    print(f"{split}: {world.bits_per_byte():.4f} bits per byte, sampled {bits:.4f}")
    assert world.bits_per_byte() == pytest.approx(world.entropy() / math.log(2) / world.expected_bytes())
    assert world.bits_per_byte(2) < world.bits_per_byte()


# ---------------------------------------------------------------- labels


def test_spans_cut_out_their_text(documents):
    for document in documents:
        for sentence in document.sentences:
            end = sentence.start + len(sentence.text)
            assert document.text[sentence.start : end] == sentence.text
            for entity in sentence.entities:
                assert sentence.text[entity.start : entity.end] == entity.text
                assert entity.type in {"PER", "LOC", "ORG", "WORK"}


def test_every_name_in_a_sentence_is_marked(world, sentences):
    single_words = world.names()["towns"] | world.names()["women"] | world.names()["men"]
    for sentence in sentences:
        marked = set(" ".join(entity.text for entity in sentence.entities).split())
        assert single_words & set(re.findall(r"\w+", sentence.text)) <= marked, sentence.text


def test_relations_join_entities_of_the_right_types(sentences):
    seen = Counter()
    for sentence in sentences:
        for relation in sentence.relations:
            head, tail = sentence.entities[relation.head], sentence.entities[relation.tail]
            assert (head.type, tail.type) == RELATIONS[relation.type], sentence.text
            assert head != tail
            seen[relation.type] += 1
    assert set(seen) == set(RELATIONS)


def test_a_person_lives_in_one_place(documents):
    for document in documents:
        homes = [s.entities[r.tail].text for s in document.sentences for r in s.relations if r.type == "lives_in"]
        answers = [q.answer for q in document.questions if q.question.endswith(" live?")]
        assert len({*homes, *answers}) <= 1, document.text


def test_answers_stand_at_their_offsets_in_the_context(documents):
    for document in documents:
        assert bool(document.questions) == (document.kind in ("story", "news"))
        for question in document.questions:
            end = question.answer_start + len(question.answer)
            assert document.context[question.answer_start : end] == question.answer
        if "\nQuestion: " in document.text:
            question, answer = document.text.split("\nQuestion: ")[1].split("\nAnswer: ")
            assert (question, answer) in {(q.question, q.answer) for q in document.questions}


def test_labels_are_complete_and_varied(documents, sentences):
    assert {document.topic for document in documents} == {"sport", "music", "science", "food", "travel", "business"}
    assert {document.kind for document in documents} == {"story", "news", "review", "dialogue"}
    intents = {sentence.intent for sentence in sentences}
    assert intents >= {"greet", "ask_place", "ask_time", "ask_price", "book", "order", "thank", "goodbye", None}
    for document in documents:
        assert all((s.intent is not None) == (document.kind == "dialogue") for s in document.sentences)
        assert {s.topic for s in document.sentences} - {None} == {document.topic}
        sentiments = {s.sentiment for s in document.sentences} - {None}
        if document.kind == "review":
            assert sentiments == {document.sentiment}
        else:
            assert document.sentiment is None


def test_a_speaker_never_answers_himself(documents):
    for document in documents:
        if document.kind == "dialogue":
            speakers = [sentence.text.split(":")[0] for sentence in document.sentences]
            assert all(one != next_one for one, next_one in pairwise(speakers)), document.text


def test_pronouns_and_articles_agree(world, documents):
    women, men = world.names()["women"], world.names()["men"]
    for document in documents:
        first_names = {e.text.split()[0] for s in document.sentences for e in s.entities if e.type == "PER"}
        words = set(re.findall(r"\w+", document.text.lower()))
        if document.kind == "story" and first_names <= women:
            assert not words & {"he", "him", "his"}, document.text
        if document.kind == "story" and first_names <= men:
            assert not words & {"she", "her"}, document.text
        assert not re.search(r"\b[Aa] [aeio]|\b[Aa]n (?!hour|honest)[^aeiou]", document.text), document.text
        assert not re.search(r"[{}<>|+]|  |[.!?] [a-z]", document.text), document.text


# ---------------------------------------------------------------- translation


def test_the_translation_contains_every_name_and_no_english(sentences):
    for sentence in sentences:
        for entity in sentence.entities:
            assert entity.chinese in sentence.chinese, sentence
        assert not re.search(r"[A-Za-z{}<>|]", sentence.chinese), sentence.chinese


def test_both_languages_of_a_phrase_have_the_same_fillers():
    builder = tiny_world.Builder("train", "food")
    for name in builder.sources:
        if name.upper() in tiny_world.lexicon.WORD_POOLS or name in ("kind", "document"):
            continue
        for phrase in builder.rule(name).phrases:
            english, chinese = ([part for part in side if isinstance(part, Slot)] for side in phrase.sides)
            if chinese:
                fillers = [{slot.key for slot in side if slot.rule} for side in (english, chinese)]
                assert fillers[0] == fillers[1], phrase.template
                told = {slot.key for slot in english if slot.role and slot.form in ("", "full")}
                assert told <= {slot.key for slot in chinese if slot.role}, phrase.template


# ---------------------------------------------------------------- splits and seeds


def test_no_name_occurs_in_two_splits():
    for kind in TinyWorld("train").names():
        parts = [TinyWorld(split).names()[kind] for split in SPLITS]
        assert sum(map(len, parts)) == len(frozenset().union(*parts)), kind
    everyone = [frozenset().union(*TinyWorld(split).names().values()) for split in SPLITS]
    assert not everyone[0] & everyone[1] and not everyone[0] & everyone[2] and not everyone[1] & everyone[2]


def test_the_test_split_names_only_what_the_train_split_never_does(sentences):
    train_words = {word for sentence in sentences for word in re.findall(r"\w+", sentence.text)}
    for document in TinyWorld("test").documents(300):
        for sentence in document.sentences:
            for entity in sentence.entities:
                name = entity.text.removeprefix("The ").split()
                assert name[0] not in train_words, entity


def test_translations_of_names_are_unique_within_their_kind():
    for kind in TinyWorld("train").names():
        chinese = [z for split in SPLITS for _, z in tiny_world._names(tiny_world.lexicon.NAMES[split][kind])]
        assert len({entry[""] for entry in chinese}) == len(chinese), kind


def test_the_corpus_is_the_same_in_another_process():
    code = "from minigpt.datasets.tiny_world import corpus_text; import sys; sys.stdout.write(corpus_text(3000, 7))"
    environment = {**os.environ, "PYTHONHASHSEED": "123", "PYTHONUTF8": "1"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert other.stdout.decode() == corpus_text(3000, 7)


def test_a_document_depends_only_on_seed_split_and_place(world):
    three, five = list(world.documents(3, seed=5)), list(world.documents(5, seed=5))
    assert three == five[:3]
    assert len({document.text for document in three}) == 3
    assert three != list(world.documents(3, seed=6))
    assert corpus_text(600, 5).startswith(three[0].text + "\n\n" + three[1].text)


def test_the_corpus_fills_its_size_and_splits_into_documents(world):
    text = corpus_text(5000, seed=8)
    assert 5000 <= len(text.encode()) + 2 < 7000
    assert corpus_text(0) == ""
    assert all(world.log_probability(part) > -math.inf for part in text.split("\n\n"))


def test_a_smaller_world_has_its_own_documents_probability_and_entropy(world):
    small = TinyWorld(topics=("travel", "music"), kinds=("news",))
    documents = list(small.documents(300, seed=4))
    assert {(document.topic, document.kind) for document in documents} == {("travel", "news"), ("music", "news")}
    assert_one_exact_derivation(small, 30, seed=5)
    mean = statistics.fmean(-document.log_probability for document in documents)
    deviation = statistics.stdev(document.log_probability for document in documents) / math.sqrt(len(documents))
    assert abs(mean - small.entropy()) < 4 * deviation
    # Two of six topics, and news has 2 of 11 parts of the weight: knowing that saves the rest.
    n_topics = len(tiny_world.lexicon.TOPICS)
    saved = world.log_probability(documents[0].text) - documents[0].log_probability
    assert saved == pytest.approx(math.log(2 / n_topics) + math.log(2 / 11))
    other = next(document for document in world.documents(99, seed=6) if document.kind == "story")
    assert small.log_probability(other.text) == -math.inf


def test_a_smaller_world_leaves_the_whole_one_alone(world):
    before = world.entropy()
    TinyWorld(kinds=("review",)).entropy()
    assert TinyWorld("train").entropy() == before
    assert TinyWorld(topics=tuple(tiny_world.lexicon.TOPICS)).entropy() == pytest.approx(before)


def test_each_sentence_is_known_whatever_stands_before_it():
    small = TinyWorld(topics=("travel",), kinds=("review", "dialogue"))
    documents = list(small.documents(60, seed=7))
    assert all(small.knows_sentence(sentence.text) for document in documents for sentence in document.sentences)
    sentences = [sentence for document in documents for sentence in document.sentences]
    works = {entity.text for sentence in sentences for entity in sentence.entities if entity.type == "WORK"}
    one, other = sorted(works)[:2]
    named = [sentence.text for sentence in sentences if one in sentence.text]
    assert named and all(small.knows_sentence(text.replace(one, other)) for text in named)  # names need not agree
    first = documents[0].sentences[0].text
    for wrong in (first + ".", first[:-1], first.lower(), first.replace(" ", "  ", 1), ""):
        assert not small.knows_sentence(wrong)
    assert not small.knows_sentence(f"{first} {documents[1].sentences[0].text}")


@pytest.mark.parametrize("part", [{"topics": ("weather",)}, {"kinds": ("novel",)}, {"topics": ()}])
def test_an_unknown_part_is_an_error(part):
    with pytest.raises(ValueError, match=f"{next(iter(part))}=.* must name some of"):
        TinyWorld(**part)


def test_unknown_split_and_negative_size_are_errors():
    with pytest.raises(ValueError, match="split='dev' must be one of train"):
        TinyWorld("dev")
    with pytest.raises(ValueError, match="n_bytes=-1"):
        corpus_text(-1)


# ---------------------------------------------------------------- richness


def test_a_megabyte_hardly_repeats_itself(sentences):
    templates = Counter(sentence.template for sentence in sentences)
    share = templates.most_common(1)[0][1] / len(sentences)
    duplicates = 1 - len({sentence.text for sentence in sentences}) / len(sentences)
    print(f"{len(templates)} templates, largest share {share:.2%}, duplicate sentences {duplicates:.2%}")
    assert share < 0.02
    assert duplicates < 0.03


def bigram_bits_per_byte(train, test, pattern):
    """Witten-Bell bigram model, backing off to an add-one unigram, over the pieces that `pattern` finds."""
    pieces = re.findall(pattern, train, re.S)
    unigrams, bigrams, starts = Counter(pieces), Counter(pairwise(pieces)), Counter(pieces[:-1])
    followers = Counter(first for first, _ in bigrams)
    bits = 0.0
    for first, second in pairwise(re.findall(pattern, test, re.S)):
        alone = (unigrams[second] + 1) / (len(pieces) + len(unigrams) + 1)
        total = starts[first] + followers[first]
        p = (bigrams[first, second] + followers[first] * alone) / total if total else alone
        bits -= math.log2(p)
    return bits / len(test.encode())


def test_bigrams_stay_far_above_the_floor(world):
    train, test = corpus_text(1_000_000, seed=1), corpus_text(100_000, seed=9)
    floor = world.bits_per_byte(n_separator_bytes=2)
    words = bigram_bits_per_byte(train, test, r"\s?\w+|\s?[^\w\s]|\s")
    characters = bigram_bits_per_byte(train, test, r".")
    print(f"bits per byte: floor {floor:.3f}, word bigram {words:.3f}, character bigram {characters:.3f}")
    assert words > 2.5 * floor
    assert characters > 10 * floor


def test_speed_is_worth_knowing(world):
    world.entropy()
    start = time.process_time()
    n_bytes = len(corpus_text(1_000_000))
    print(f"{n_bytes / (time.process_time() - start) / 1e6:.1f} MB/s of processor time")


# ---------------------------------------------------------------- new names


def test_new_names_are_nobodys_and_each_documents_own():
    known = {name for split in SPLITS for names in TinyWorld(split).names().values() for name in names}
    people = Counter()
    for document in TinyWorld("train", new_names=True).documents(100, seed=1):
        found = {entity.text.split()[0] for s in document.sentences for entity in s.entities if entity.type == "PER"}
        assert not found & known
        people.update(found)
        assert math.isnan(document.log_probability)
    assert len(people) > 100 and people.most_common(1)[0][1] <= 3


def test_a_document_with_new_names_keeps_its_grammar_and_its_labels():
    for own, new in zip(TinyWorld("train").documents(60, seed=4), TinyWorld("train", new_names=True).documents(60, 4)):
        assert [s.template for s in new.sentences] == [s.template for s in own.sentences]
        assert [s.relations for s in new.sentences] == [s.relations for s in own.sentences]
        for sentence in new.sentences:
            for entity in sentence.entities:
                assert sentence.text[entity.start : entity.end] == entity.text
                assert entity.chinese in sentence.chinese
        for asked in new.questions:
            assert new.text[asked.answer_start :].startswith(asked.answer)
        texts = next(TinyWorld("train", new_names=True).texts(seed=4))
    assert texts == next(TinyWorld("train", new_names=True).documents(1, seed=4)).text
