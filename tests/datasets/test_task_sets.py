"""Divisions that share nothing, the world's tasks, one's own files, and the public sets with their published counts."""

import collections
import functools
import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigpt.config import FinetuneConfig
from minigpt.datasets.catalog import CATALOG
from minigpt.datasets.formats import KINDS
from minigpt.datasets.splits import check_labels, input_of, notes_on, split_examples
from minigpt.datasets.task_catalog import LOADERS, TASKS, load_task, open_task
from minigpt.datasets.task_sets import BILINGUAL, FACTS, WORLD_TASKS, words_and_tags, world
from minigpt.datasets.tasks import Choice, Encoder, Labelled, Prompted, Question, Related, Scored, Tagged
from minigpt.datasets.tiny_world import TinyWorld
from minigpt.finetuning.run import TASKS as MODEL_TASKS
from minigpt.finetuning.run import make_task
from minigpt.tokenizers import BPETokenizer

PARTS = ("train", "validation", "test")
load_once = functools.cache(load_task)


def inputs(examples):
    return {input_of(example) for example in examples}


# ---------------------------------------------------------------------------------------------- dividing


def test_what_counts_as_the_same_input():
    same = [Labelled("A  b", "x"), Labelled("a B\n", "y"), Scored("a b", 1.0), Prompted("A b", ("c",))]
    same += [Tagged(("A", "b")), Related("A b", (0, 1), (2, 3), "x"), Question("a b", "?", ())]
    assert inputs(same) == {("a b", ""), ("a b",)}
    assert input_of(Labelled("a", "x", "b")) != input_of(Labelled("a", "x"))
    one, turned, other = Choice("a", ("b", "c"), 0), Choice("a", ("c", "b"), 1), Choice("a", ("b", "d"), 0)
    assert input_of(one) == input_of(turned) != input_of(other)


@given(st.lists(st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("xyz"), st.integers(0, 12)), min_size=3),
       st.integers(0, 3), st.sampled_from([(0.8, 0.1, 0.1), (0.9, 0.1), (1, 1, 1)]))  # fmt: skip
def test_parts_share_neither_inputs_nor_records_and_lose_nothing(drawn, seed, shares):
    examples, records = [Labelled(text, label) for text, label, _ in drawn], [record for *_, record in drawn]
    try:
        parts = split_examples(examples, shares, seed, records)
    except ValueError as error:
        assert "too few" in str(error)
        return
    assert all(parts) and len(parts) == len(shares)
    assert collections.Counter(itertools.chain(*parts)) == collections.Counter(examples)
    of_text, of_record = collections.defaultdict(set), collections.defaultdict(set)
    places = iter([next(p for p, part in enumerate(parts) if example in part) for example in examples])
    for example, record, place in zip(examples, records, places):
        of_text[example.text].add(place)
        of_record[record].add(place)
    assert all(len(found) == 1 for found in (*of_text.values(), *of_record.values()))


def test_the_shares_are_met_and_the_seed_decides():
    examples = [Labelled(str(number), "xy"[number % 2]) for number in range(1000)]
    parts = split_examples(examples, seed=5)
    assert [len(part) for part in parts] == [800, 100, 100]
    assert parts == split_examples(examples, seed=5) != split_examples(examples, seed=6)
    assert all(list(part) == sorted(part, key=examples.index) for part in parts)
    assert 30 < sum(example.label == "x" for example in parts[2]) < 70  # shuffled: not the first or last hundred
    assert [len(part) for part in split_examples(examples[:3])] == [1, 1, 1]
    with pytest.raises(ValueError, match="2 different examples are too few to make 3 parts"):
        split_examples([*examples[:2], examples[0]])


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_class_is_in_the_first_part(seed):
    examples = [Labelled(str(n), "common") for n in range(20)] + [Labelled(str(n), str(n)) for n in range(20, 26)]
    parts = split_examples([*examples, Labelled("26", "20")], (1, 1, 1), seed)
    check_labels(dict(zip(PARTS, parts)))
    tagged = [Tagged((str(n), "b"), ("O", f"B-{n % 13}")) for n in range(26)]
    check_labels(dict(zip(PARTS, split_examples(tagged, (1, 1, 1), seed))))


def test_a_large_group_does_not_fill_a_small_part():
    examples = [Labelled(str(n), "x") for n in range(50)]
    records = [0] * 30 + list(range(1, 21))
    for seed in range(10):
        assert [len(part) for part in split_examples(examples, seed=seed, records=records)] == [40, 5, 5]


def test_notes_count_shared_inputs_and_conflicts():
    train = [Labelled("a", "x"), Labelled("b", "x"), Labelled("B ", "y")]
    parts = {"training": train, "validation": [Labelled("c", "x")], "test": [Labelled("A", "y"), Labelled("d", "x")]}
    assert notes_on(parts)[0] == "1 of 2 test inputs also stand in the training part"
    assert notes_on(parts)[1:] == ("inputs with conflicting labels: 2",)
    related = [Related("a b", (0, 1), (2, 3), "x"), Related("a b", (2, 3), (0, 1), "y")]  # no conflict: other entities
    assert notes_on({"training": related, "test": [Prompted("c", ("d",)), Prompted("c", ("e",))]}) == ()
    with pytest.raises(ValueError, match="'z' is a label of the test part, but of no training example"):
        check_labels(parts | {"test": [Labelled("e", "z")]})


# ---------------------------------------------------------------------------------------------- the world's tasks


@pytest.mark.parametrize("task", WORLD_TASKS)
def test_the_worlds_tasks_have_their_kind_and_share_nothing(task):
    task_set = world(task, 60, 20)
    parts = [set(getattr(task_set, part)) for part in PARTS]
    assert [len(part) for part in parts] == [60, 20, 20]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert task_set.kind in MODEL_TASKS and task_set == world(task, 60, 20) != world(task, 60, 20, seed=1)
    if task != "pairs":  # whose two texts are an example of their own each time
        assert not inputs(task_set.train) & inputs(task_set.test)


def test_training_names_are_new_unless_asked_otherwise():
    known = {name for names in TinyWorld("train").names().values() for name in names}

    def names(new_names):
        examples = world("entities", 600, 20, new_names=new_names).train
        return {word for example in examples for word, tag in zip(example.words, example.tags) if tag.endswith("PER")}

    assert names(False) <= known and not names(True) & known
    assert len(names(True)) > 2 * len(names(False))
    for task in BILINGUAL:
        assert world(task, 60, 20) == world(task, 60, 20, new_names=False)


def test_words_are_cut_at_entities():
    text = "Ann Lee's car-park: O'Neil saw it."
    words, tags = words_and_tags(text, [(0, 7, "PER"), (20, 26, "PER")])
    assert words == ("Ann", "Lee", "'s", "car-park", ":", "O'Neil", "saw", "it", ".")
    assert tags == ("B-PER", "I-PER", "O", "O", "O", "B-PER", "O", "O", "O")
    assert words_and_tags("ab", [(0, 1, "X"), (1, 2, "X")]) == (("a", "b"), ("B-X", "B-X"))


def test_the_right_end_alone_names_someone_of_the_beginning():
    names = TinyWorld("train").names()
    people = names["women"] | names["men"]
    examples = world("choice", 60, 20, new_names=False).train
    for example in examples:
        known = people & set(re.findall(r"\w+", example.text))
        fits = [bool(known & set(re.findall(r"\w+", option))) for option in example.options]
        assert fits == [place == example.answer for place in range(4)], example
        assert "Question:" not in " ".join(example.options)
    assert len({example.answer for example in examples}) == 4


def test_questions_are_about_many_documents():
    contexts = collections.Counter(example.context for example in world("questions", 60, 30).train)
    assert len(contexts) >= 30 and max(contexts.values()) == 2


def test_labels_of_pairs_numbers_and_summaries_are_true():
    documents = list(itertools.islice(TinyWorld("train").documents(60), 60))
    translations = {s.text: s.chinese for document in documents for s in document.sentences}
    pairs = world("pairs", 60, 20).train
    known = [pair for pair in pairs if pair.text in translations]
    assert len(known) > 30
    assert all((translations[pair.text] == pair.second) == (pair.label == "same") for pair in known)
    assert collections.Counter(pair.label for pair in pairs) == {"same": 30, "other": 30}
    by_text = {document.context: document for document in documents}
    for example in world("regression", 60, 20).train:
        document = by_text.get(example.text)
        if document:
            named = {e.text for s in document.sentences for e in s.entities if e.type != "PER"}
            people = {e.text.split()[0] for s in document.sentences for e in s.entities if e.type == "PER"}
            assert example.value == len(named) + len(people)
    for example in world("summary", 60, 20).train:
        first, *facts = re.split(r"(?<=\.) ", example.answers[0])
        assert re.fullmatch(r"A (positive |negative )?(story|review|news|dialogue) about \w+\.", first)
        for fact in facts:
            names = re.split(f" (?:{'|'.join(FACTS.values())}) ", fact[:-1])
            assert len(names) == 2 and all(name in example.prompt for name in names), fact


# ---------------------------------------------------------------------------------------------- one's own files


def reviews(n, label="xy"):
    return "text,label\n" + "".join(f"review {i},{label[i % len(label)]}\n" for i in range(n))


def test_a_single_file_is_divided(tmp_path):
    path = tmp_path / "reviews.csv"
    path.write_text(reviews(50) + "REVIEW  3,x\n")
    found = open_task("sentiment", str(path))
    assert [len(getattr(found, part)) for part in PARTS] == [41, 5, 5]
    assert not inputs(found.train) & inputs(found.validation) | inputs(found.test) & inputs(found.validation)
    assert found.name == str(path) and found.notes == (
        "reviews.csv: 51 examples",
        "reviews.csv was divided with seed 0: 5 of them for validation and 5 of them for test",
        "inputs with conflicting labels: 1",
    )  # fmt: skip
    assert open_task("sentiment", str(path), seed=1).test != found.test


def test_a_folder_keeps_its_files_apart(tmp_path):
    (tmp_path / "train.csv").write_text(reviews(80))
    (tmp_path / "Dev.tsv").write_text("text\tlabel\nfine\tx\n")
    (tmp_path / "test.jsonl").write_text('{"text": "Review 7", "label": "y"}\n{"text": "new", "label": "x"}')
    (tmp_path / "README.md").write_text("about")
    found = open_task("sentiment", str(tmp_path))
    assert (len(found.train), found.validation, len(found.test)) == (80, (Labelled("fine", "x"),), 2)
    assert found.notes[3:] == ("1 of 2 test inputs also stand in the training part",)
    (tmp_path / "Dev.tsv").unlink()
    found = open_task("sentiment", str(tmp_path))
    assert (len(found.train), len(found.validation), len(found.test)) == (72, 8, 2)
    (tmp_path / "train.jsonl").write_text("{}")
    with pytest.raises(ValueError, match=r"has 2 training files: train\.csv, train\.jsonl"):
        open_task("sentiment", str(tmp_path))
    (tmp_path / "train.jsonl").unlink()
    (tmp_path / "test.jsonl").write_text('{"text": "a", "label": "z"}')
    with pytest.raises(ValueError, match=f"{tmp_path}: 'z' is a label of the test part"):
        open_task("sentiment", str(tmp_path))
    (tmp_path / "train.csv").unlink()
    with pytest.raises(ValueError, match=r"has no file called train\.\*"):
        open_task("sentiment", str(tmp_path))


def test_a_dialogue_is_not_torn_and_its_end_is_kept(tmp_path):
    path = tmp_path / "chats.jsonl"
    chats = [[{"role": role, "content": f"{number}{role}{turn}"} for turn in "abc" for role in ("user", "assistant")]
             for number in range(10)]  # fmt: skip
    path.write_text("\n".join(json.dumps({"messages": chat}) for chat in chats))
    found = open_task("dialogue", str(path))
    numbers = [{example.answers[0][0] for example in getattr(found, part)} for part in PARTS]
    assert [len(part) for part in numbers] == [8, 1, 1] and len(set.union(*numbers)) == 10
    task, tokenizer = make_task(found, FinetuneConfig()), BPETokenizer.train("abc", 257)
    encoder = Encoder(tokenizer, tokenizer.vocab_size, 40)
    for encoded in (task.encode(encoder, found.train[2]), task.encode_input(encoder, found.train[2])):
        shown = tokenizer.decode([token for token in encoded.rows[0] if token < tokenizer.vocab_size])
        assert encoded.is_cut and "userc" in shown and "usera" not in shown and len(encoded.rows[0]) <= 40


def test_questions_on_one_paragraph_stay_together(tmp_path):
    paragraphs = [{"context": f"It is {number}.", "qas": [
        {"id": f"{number}{word}", "question": word, "answers": [{"text": str(number), "answer_start": 6}]}
        for word in ("What?", "How much?")]} for number in range(20)]  # fmt: skip
    (tmp_path / "qa.json").write_text(json.dumps({"data": [{"title": "one article", "paragraphs": paragraphs}]}))
    found = open_task("questions", str(tmp_path / "qa.json"))
    assert [len(getattr(found, part)) for part in PARTS] == [32, 4, 4]
    assert all(len(inputs(getattr(found, part))) == len(getattr(found, part)) / 2 for part in PARTS)


def test_chinese_words_stand_without_spaces(tmp_path):
    for name, word, separator in (("zh.conll", "北京", ""), ("en.conll", "Rome", " ")):
        (tmp_path / name).write_text("".join(f"{word}\tB-LOC\n{number}\tO\n\n" for number in range(10)))
        assert open_task("entities", str(tmp_path / name)).separator == separator


@pytest.mark.parametrize(("task", "data", "message"), [
    ("sentimnt", "", "unknown task 'sentimnt': did you mean 'sentiment'"),
    ("sentiment", "sentence-polaity", "no such file, and unknown data set .*: did you mean 'sentence-polarity'"),
    ("sentiment", "reviews.csv", "reviews.csv does not exist"),
    ("sentiment", "wnut17", "'wnut17' is not for the task 'sentiment'; for that there is: sentence-polarity"),
    ("spam", "tiny-world", "the generated world has no examples for 'spam'"),
    ("classification", "", "the task 'classification' has no data of its own"),
])  # fmt: skip
def test_a_wrong_name_is_told(task, data, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        open_task(task, data)


def test_tasks_and_data_sets_fit_together():
    assert all(named.reads in KINDS and named.what for named in TASKS.values())
    assert all(named.data in ("", "tiny-world", *LOADERS) for named in TASKS.values())
    assert set(WORLD_TASKS) <= set(TASKS) and set(LOADERS) <= set(CATALOG)
    assert all(name in WORLD_TASKS for name, named in TASKS.items() if named.data == "tiny-world")
    with pytest.raises(ValueError, match="unknown data set 'wnut': did you mean 'wnut17'"):
        load_task("wnut")


def test_a_task_without_data_is_the_worlds():
    assert open_task("translation", seed=1) == open_task("translation", "tiny-world", seed=1)
    assert open_task("translation").name == "world translation"


# ---------------------------------------------------------------------------------------------- public sets

# Training, validation and test examples, and how many test inputs also stand in training: none where we divided.
SIZES = {
    "sentence-polarity": (8530, 1066, 1066, 0),
    "sms-spam": (4127, 516, 516, 0),
    "snips-intent": (12406, 1378, 700, 8),
    "snips-slots": (12406, 1378, 700, 8),
    "snli-small": (8858, 984, 9824, 0),
    "semeval2010-task8": (7200, 800, 2717, 15),
    "wnut17": (3394, 1009, 1287, 0),
    "uner-zh": (3997, 500, 500, 0),
    "xquad-en": (811, 89, 290, 0),
    "xquad-zh": (811, 89, 290, 0),
    "tatoeba-en-zh": (23323, 2775, 2767, 0),
    "scitldr-a": (1992, 619, 618, 2),
    "instruction": (935, 55, 110, 2),
    "sgd-dialogue": (586, 499, 392, 0),
}


@pytest.mark.parametrize("name", LOADERS)
def test_a_public_set_has_its_size_and_fits_a_model(name, real_data):
    found = load_once(name)
    known = inputs(found.train)
    n_shared = sum(input_of(example) in known for example in found.test)
    assert (len(found.train), len(found.validation), len(found.test), n_shared) == SIZES[name]
    assert any("test inputs" in note for note in found.notes) == (n_shared > 0)
    tokenizer = BPETokenizer.train("the cat sat on the mat", 260)
    task, encoder = make_task(found, FinetuneConfig()), Encoder(tokenizer, tokenizer.vocab_size, 128)
    for part in PARTS:
        for example in getattr(found, part)[::7]:
            encoded = task.encode(encoder, example)
            assert all(0 < len(row) <= 128 for row in encoded.rows)


def test_the_counts_of_the_papers(real_data):
    def count(name, of):
        found = load_once(name)
        return tuple(sum(map(of, getattr(found, part))) for part in PARTS)

    def entities(example):
        return sum(tag.startswith("B-") for tag in example.tags)

    assert count("wnut17", entities) == (1975, 836, 1079)
    assert count("wnut17", lambda example: len(example.words)) == (62730, 15733, 23394)
    assert count("uner-zh", entities) == (6118, 753, 763)
    assert count("uner-zh", lambda example: len(example.words)) == (98616, 12663, 12012)


def test_the_traps_of_the_public_sets(real_data):
    sms = load_once("sms-spam")
    assert sum(SIZES["sms-spam"]) == 5574 - 415 and "415 duplicates were left out" in sms.notes
    assert {e.label for e in sms.train} == {"ham", "spam"}
    polarity = load_once("sentence-polarity")
    everything = [*polarity.train, *polarity.validation, *polarity.test]
    assert collections.Counter(e.label for e in everything) == {"positive": 5331, "negative": 5331}
    assert any(e.text.startswith("the rock is destined") and e.label == "positive" for e in everything)
    snli = load_once("snli-small")
    classes = collections.Counter(e.label for e in snli.test)
    assert classes == {"neutral": 3219, "entailment": 3368, "contradiction": 3237}
    assert not {e.text.casefold() for e in snli.train} & {e.text.casefold() for e in snli.validation}  # one premise
    relations = load_once("semeval2010-task8")
    assert len({e.label for e in relations.train}) == 19
    first = next(e for e in relations.train if e.text.startswith("The author of a keygen"))
    assert first.label == "Instrument-Agency(e2,e1)"
    assert [first.text[slice(*place)] for place in (first.first, first.second)] == ["author", "disassembler"]
    english, chinese = load_once("xquad-en"), load_once("xquad-zh")
    assert len(inputs(english.train) | inputs(english.validation) | inputs(english.test)) == 240
    assert not inputs(english.train) & inputs(english.validation) and not inputs(english.train) & inputs(english.test)
    assert all(bool(re.search("[一-鿿]", e.question)) for e in chinese.test)
    pairs = load_once("tatoeba-en-zh")
    everything = [*pairs.train, *pairs.validation, *pairs.test]
    n_repeated = 12  # lines of the held-out parts that stand there twice
    assert sum(len(e.answers) for e in everything) == 29155 - n_repeated
    assert len({e.prompt for e in everything}) == 27661
    written = [{answer for e in getattr(pairs, part) for answer in e.answers} for part in PARTS]
    assert not written[0] & (written[1] | written[2]) and not written[1] & written[2]
    assert not any("\ufeff" in e.prompt for e in everything)
    slots, intents = load_once("snips-slots"), load_once("snips-intent")
    assert collections.Counter(e.label for e in intents.test) == dict.fromkeys({e.label for e in intents.test}, 100)
    assert any("🍕" in e.text for e in (*intents.train, *intents.validation))  # written as two halves
    assert not any("Ã" in word for e in slots.train for word in e.words)  # read as Latin-1, é would be Ã©
    chat = load_once("sgd-dialogue").test[1]
    assert [line.split(": ")[0] for line in chat.prompt.split("\n")] == ["User", "System", "User"]
    tldr = load_once("scitldr-a")
    assert {len(e.answers) for e in tldr.train} == {1} and {len(e.answers) for e in tldr.test} == {2, 3, 4}
    assert load_once("instruction").train[0].prompt.endswith("it into the spelling given.\nfreind --> friend")
