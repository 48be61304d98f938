"""Codes as prompts: what is learned is written, what is written is whole, and what is trusted is the surest."""

import itertools

import pytest
from tiny_models import make_model

from minigpt.checkpoint import replacing_folder, save_model
from minigpt.config import FinetuneConfig
from minigpt.datasets.task_sets import TaskSet
from minigpt.datasets.tasks import Labelled, Prompted
from minigpt.finetuning.control import confidences, trusted, turned_round, write
from minigpt.finetuning.run import start
from minigpt.tokenizers import BPETokenizer

TEXTS = {"animal": ("a cat", "a dog", "the cat"), "place": ("in rome", "in oslo", "to rome")}
EXAMPLES = tuple(Labelled(text, label) for label, texts in TEXTS.items() for text in texts)
WORDS = TaskSet("words", "classification", EXAMPLES, EXAMPLES, EXAMPLES)
TOKENIZER = BPETokenizer.train(" ".join([*itertools.chain(*TEXTS.values()), *TEXTS]), 280)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base") / "base"
    model = make_model(0, vocab_size=TOKENIZER.vocab_size, context_length=32, d_model=16)
    with replacing_folder(folder) as new:
        save_model(new, model, TOKENIZER)
    return str(folder)


def learned(base, task_set):
    run = start(FinetuneConfig(base=base, epochs=100, batch_size=3, learning_rate=1e-2, dropout=0.0,
                               precision="float32"), task_set)  # fmt: skip
    run.train()
    return run.finetuned


@pytest.fixture(scope="module")
def writer(base):
    return learned(base, turned_round(WORDS))


def test_the_class_becomes_the_prompt_and_the_text_the_answer():
    turned = turned_round(WORDS)
    assert turned.kind == "text"
    assert turned.train[0] == Prompted("animal", ("a cat",))
    with pytest.raises(ValueError, match="only single texts with a class"):
        turned_round(TaskSet("pairs", "classification", (Labelled("a", "x", "b"),), EXAMPLES, EXAMPLES))


def test_a_code_gives_texts_of_its_class_and_equal_codes_different_ones(writer):
    codes = ["animal", "place"] * 20
    texts = write(writer, codes, temperature=0.7)
    right = sum(text in TEXTS[code] for code, text in zip(codes, texts))
    assert right >= 36
    assert len(set(texts)) >= 4


def test_what_is_written_does_not_depend_on_the_batch(writer):
    codes = ["animal", "place", "animal", "place", "place"]
    assert write(writer, codes, seed=5, batch_size=2) == write(writer, codes, seed=5)
    assert write(writer, codes[3:], seed=8) == write(writer, codes, seed=5)[3:]


def test_a_text_without_an_end_is_none(writer):
    assert write(writer, ["animal"], longest=1) == [None]
    hot = write(writer, ["animal"] * 64, temperature=50.0, longest=6)  # marks are drawn too
    assert None in hot and all(isinstance(text, str) for text in hot if text is not None)


def test_confidence_is_the_probability_of_the_label_itself(base):
    classifier = learned(base, WORDS)
    flipped = [Labelled(e.text, {"animal": "place", "place": "animal"}[e.label]) for e in EXAMPLES]
    own, other = confidences(classifier, EXAMPLES, batch_size=4), confidences(classifier, flipped)
    assert [a + b for a, b in zip(own, other)] == pytest.approx([1] * 6)
    assert min(own) > 0.9


def test_the_surest_of_each_class_are_kept_once_and_none_that_was_read():
    examples = [Labelled(text, label) for text, label in
                [("a", "x"), ("b", "x"), ("b", "x"), ("c", "x"), (None, "x"), ("d", "y"), ("old", "y")]]  # fmt: skip
    confidence = [0.2, 0.9, 0.8, 0.5, 1.0, 0.1, 1.0]
    kept = trusted(examples, confidence, n_each=2, read=["old"])
    assert kept == [Labelled("b", "x"), Labelled("c", "x"), Labelled("d", "y")]
    with pytest.raises(ValueError, match="7 examples need as many confidences, not 1"):
        trusted(examples, [0.5], n_each=2)
