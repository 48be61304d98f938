"""The grammar as a judge: it knows every sentence of the language, whoever is named, and what it says."""

import pytest

from minigpt.datasets.tiny_world import TinyWorld
from minigpt.datasets.world_judge import WorldJudge


@pytest.fixture(scope="module")
def judge():
    return WorldJudge()


@pytest.mark.parametrize(("split", "new_names"), [("train", False), ("train", True), ("test", False)])
def test_true_sentences_are_known_and_their_labels_found(judge, split, new_names):
    documents = TinyWorld(split, new_names=new_names).documents(60, seed=3)
    sentences = [sentence for document in documents for sentence in document.sentences]
    assert {sentence.sentiment for sentence in sentences} == {"positive", "negative", None}
    for sentence in sentences:
        verdict = judge(sentence.text)
        assert verdict.is_known, sentence.text
        assert verdict.sentiment == sentence.sentiment
        assert verdict.topic == sentence.topic


def test_what_the_grammar_cannot_write_is_unknown(judge):
    sentence = "Seldom has the humour been as bad as in The Silver Lantern."
    assert judge(sentence).sentiment == "negative"
    for wrong in ("", sentence[:-1], sentence.replace("The Silver", "Silver"), sentence.replace("Lantern", "lantern"),
                  f"{sentence} {sentence}", sentence.replace("bad", "bad bad")):  # fmt: skip
        verdict = judge(wrong)
        assert not verdict.is_known and verdict.sentiment is None and verdict.topic is None


def test_a_sentence_of_every_topic_has_none(judge):
    verdict = judge("Seldom has the humour been as bad as in The Silver Lantern.")
    assert len(verdict.topics) > 1 and verdict.topic is None
