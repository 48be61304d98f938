"""Heads: the same logits wherever the padding is, the losses of the formulas, predictions that fit the labels."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_models import make_model

from minigpt.config import MethodConfig
from minigpt.datasets.tasks import Choice, Encoder, Labelled, Prompted, Question, Related, Scored, Tagged
from minigpt.finetuning.heads import (
    Classification,
    MultipleChoice,
    Regression,
    SpanAnswer,
    Tagging,
    TaskModel,
    TextToText,
)
from minigpt.finetuning.methods import apply_method
from minigpt.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz .?")
CONTEXT = 40
ENCODER = Encoder(TOKENIZER, TOKENIZER.vocab_size, CONTEXT)


def make(task, method="full", seed=0, **changes):
    gpt = make_model(seed, vocab_size=TOKENIZER.vocab_size, context_length=CONTEXT, **changes)
    model = TaskModel(apply_method(gpt, MethodConfig(method=method)), task.n_outputs, task.causal).eval()
    if task.n_outputs:
        torch.nn.init.normal_(model.head.weight)
    return model


def encode(task, examples):
    return task.collate([task.encode(ENCODER, example) for example in examples])


CASES = {
    "classification": (Classification(("no", "yes")), [Labelled("a cat", "yes"), Labelled("it rains today", "no")]),
    "pair": (Classification(("no", "yes")), [Labelled("a cat", "yes", "a dog"), Labelled("it", "no", "rains today")]),
    "both orders": (
        Classification(("no", "yes"), both_orders=True),
        [Labelled("a cat", "yes", "a dog"), Labelled("it", "no", "rains today")],
    ),
    "relation": (Classification(("in", "of")), [Related("ann is in rome", (0, 3), (10, 14), "in"),
                                                Related("rome has ann in it", (9, 12), (0, 4), "of")]),
    "regression": (Regression(2.0, 3.0), [Scored("good", 5.0), Scored("rather bad", -1.0)]),
    "tagging": (Tagging(("O", "A", "B")), [Tagged(("ann", "saw", "it"), ("A", "O", "B")), Tagged(("hi",), ("O",))]),
    "read twice": (Tagging(("O", "A"), read_twice=True),
                   [Tagged(("ann", "saw", "it"), ("A", "O", "A")), Tagged(("hi",), ("O",))]),
    "no mask": (Tagging(("O", "A"), causal=False), [Tagged(("ann", "saw"), ("A", "O")), Tagged(("hi",), ("O",))]),
    "span": (SpanAnswer(), [Question("ann is in rome", "where?", (("rome", 10),)), Question("it rains", "who?", ())]),
    "choice": (MultipleChoice(), [Choice("a cat", ("meows", "barks"), 0), Choice("it", ("is", "are", "am"), 2)]),
    "text to text": (TextToText(), [Prompted("say hi", ("hi",)), Prompted("a", ("longer",))]),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request):
    task, examples = CASES[request.param]
    return task, make(task), encode(task, examples), examples


def padded_on_the_left(batch, task):
    """The same batch with the padding of each row moved to its left."""
    lengths = batch.padding_mask.sum(dim=1)
    width = batch.ids.shape[1]
    ids = torch.stack([row.roll(width - int(length)) for row, length in zip(batch.ids, lengths)])
    mask = torch.stack([row.roll(width - int(length)) for row, length in zip(batch.padding_mask, lengths)])
    return dataclasses.replace(batch, ids=ids, padding_mask=mask)


def test_a_batch_gives_each_example_what_it_gets_alone(case):
    task, model, batch, examples = case
    together, _ = task.loss(model, batch)
    alone = sum(task.loss(model, encode(task, [example]))[0] for example in examples)
    torch.testing.assert_close(together, alone)
    if task.n_outputs:
        assert task.predict(model, batch) == [p for e in examples for p in task.predict(model, encode(task, [e]))] or (
            isinstance(task, Regression)
        )


def test_the_number_of_losses_is_that_of_the_targets(case):
    task, model, batch, examples = case
    expected = len(examples)
    if isinstance(task, Tagging):
        expected = sum(len(example.words) for example in examples)
    if isinstance(task, TextToText):
        expected = sum(len(example.answers[0]) + 1 for example in examples)  # and the end
    assert task.loss(model, batch)[1] == expected


@pytest.mark.parametrize("name", ["classification", "pair", "relation", "regression", "choice"])
def test_padding_on_either_side_gives_the_same_outputs(name):
    task, examples = CASES[name]
    model, batch = make(task), encode(task, examples)
    assert not batch.padding_mask.all()
    left = padded_on_the_left(batch, task)
    torch.testing.assert_close(task.outputs(model, left), task.outputs(model, batch), atol=1e-5, rtol=1e-5)


def test_every_loss_reaches_head_and_model(case):
    task, model, batch, _ = case
    total, _ = task.loss(model.train(), batch)
    total.backward()
    assert model.gpt.blocks[0].attention.query.weight.grad.abs().max() > 0
    if task.n_outputs:
        assert model.head.weight.grad.abs().max() > 0


def test_the_classifier_reads_the_extract_mark_with_a_linear_layer():
    task, examples = CASES["classification"]
    model = make(task)
    ids = torch.tensor([[ENCODER.mark["start"], *TOKENIZER.encode("a cat"), ENCODER.mark["extract"]]])
    hidden = model.gpt.encode(model.gpt.embed(ids))[0, -1]
    logits = model.head.weight @ hidden + model.head.bias
    torch.testing.assert_close(task.outputs(model, encode(task, examples[:1]))[0], logits)
    expected = F.cross_entropy(logits[None], torch.tensor([1]))
    torch.testing.assert_close(task.loss(model, encode(task, examples[:1]))[0], expected)


def test_both_orders_add_up_and_do_not_see_which_came_first():
    task = CASES["both orders"][0]
    model = make(task)
    one, other = encode(task, [Labelled("a cat", "yes", "dogs")]), encode(task, [Labelled("dogs", "yes", "a cat")])
    torch.testing.assert_close(task.outputs(model, one), task.outputs(model, other))


def test_class_weights_multiply_the_losses_of_their_class():
    plain, weighted = Classification(("no", "yes")), Classification(("no", "yes"), weights=(1.0, 5.0))
    model = make(plain)
    for label, factor in (("no", 1.0), ("yes", 5.0)):
        batch = encode(plain, [Labelled("a cat", label)])
        torch.testing.assert_close(weighted.loss(model, batch)[0], factor * plain.loss(model, batch)[0])


def test_the_auxiliary_loss_is_lambda_times_the_mean_next_token_loss():
    plain, both = Classification(("no", "yes")), Classification(("no", "yes"), language_loss=0.5)
    model = make(plain)
    batch = encode(plain, [Labelled("a cat", "yes")])
    ids = batch.ids
    language = F.cross_entropy(model.gpt(ids)[0, :-1], ids[0, 1:])
    torch.testing.assert_close(both.loss(model, batch)[0], plain.loss(model, batch)[0] + 0.5 * language)


def test_regression_predicts_in_the_values_own_units():
    task, examples = CASES["regression"]
    model, batch = make(task), encode(task, examples)
    predicted = torch.tensor(task.predict(model, batch))
    true = torch.tensor([example.value for example in examples])
    expected = (((predicted - true) / 3.0) ** 2).sum()
    torch.testing.assert_close(task.loss(model, batch)[0], expected)


@pytest.mark.parametrize("piece", ["first", "last"])
def test_one_piece_of_each_word_is_scored(piece):
    task = Tagging(("O", "A"), labelled_piece=piece)
    batch = encode(task, [Tagged(("ann", "saw", "it"), ("A", "O", "A"))])
    # start a n n _ s a w _ i t: a word's separator belongs to its pieces
    places = [1, 4, 8] if piece == "first" else [3, 7, 10]
    assert (batch.targets[0] != -100).nonzero().flatten().tolist() == places
    assert batch.targets[0, places].tolist() == [1, 0, 1]


def test_without_the_mask_the_first_word_sees_the_last():
    changes = [("ann", "saw"), ("ann", "sat")]
    for causal in (True, False):
        task = Tagging(("O", "A"), causal=causal)
        model = make(task)
        one, other = (task.outputs(model, encode(task, [Tagged(words, ("A", "O"))]))[0, 1] for words in changes)
        assert torch.equal(one, other) == causal


def test_read_twice_the_first_word_is_labelled_after_the_last_was_read():
    task = Tagging(("O", "A"), read_twice=True)
    model = make(task)
    batches = [encode(task, [Tagged(words, ("A", "O"))]) for words in (("ann", "saw"), ("ann", "sat"))]
    place = batches[0].examples[0].places[0]
    one, other = (task.outputs(model, batch)[0, place] for batch in batches)
    assert not torch.allclose(one, other)


def test_words_without_tokens_and_words_cut_off_are_outside():
    task = Tagging(("A", "O"))
    words = ("", *("word",) * 9)
    batch = encode(task, [Tagged(words, ("A",) * 10)])
    (predicted,) = task.predict(make(task), batch)
    assert len(predicted) == 10 and predicted[0] == "O"  # its predicted tag would be either
    places = batch.examples[0].places
    assert places[0] == -1 and places[-1] == -1 and batch.examples[0].is_cut
    assert max(map(len, batch.examples[0].rows)) <= CONTEXT


def test_a_span_comes_back_in_characters():
    task, examples = CASES["span"]
    model, batch = make(task), encode(task, examples)
    for example in batch.examples:
        assert len(example.rows[0]) == len(example.places)

    def scores(first, last):
        table = torch.full((2, batch.ids.shape[1], 2), -10.0)
        table[:, first, 0] = table[:, last, 1] = 10.0
        return table

    start, end = batch.targets[0].tolist()
    model.at_each_token = lambda hidden: scores(start, end)
    (span, _), context = task.predict(model, batch), examples[0].context
    assert context[span[0] : span[1]] == "rome"
    extract = [len(example.rows[0]) - 1 for example in batch.examples]
    assert batch.targets[1].tolist() == [extract[1]] * 2
    model.at_each_token = lambda hidden: scores(extract[1], extract[1])
    assert task.predict(model, batch)[1] is None
    model.at_each_token = lambda hidden: scores(end, start)  # the last before the first: not a span
    span = task.predict(model, batch)[0]
    assert span is None or span[0] < span[1]


def test_the_question_and_the_marks_cannot_be_the_answer():
    task, examples = CASES["span"]
    batch = encode(task, examples[:1])
    outputs = task.outputs(make(task), batch)[0, :, 0]
    n_question = len(TOKENIZER.encode("where?"))
    assert outputs[: n_question + 2].eq(-math.inf).all() and outputs[n_question + 2 :].isfinite().all()


def test_an_option_that_is_not_there_has_no_probability():
    task, examples = CASES["choice"]
    outputs = task.outputs(make(task), encode(task, examples))
    assert outputs.shape == (2, 3) and outputs[0, 2] == -math.inf


def test_only_the_answer_is_scored():
    task, examples = CASES["text to text"]
    batch = encode(task, examples[:1])
    row = batch.examples[0].rows[0]
    n_prompt = 1 + len("say hi") + 1
    assert batch.targets[0].tolist() == [-100] * (n_prompt - 1) + row[n_prompt:] + [-100]
    model, batch = make(task), encode(task, examples)
    total, count = task.loss(model, batch)
    logits = task.outputs(model, batch)
    expected = [-logits[row, place].log_softmax(-1)[target] for (row, place), target in np.ndenumerate(batch.targets)
                if target != -100]  # fmt: skip
    assert count == len(expected) == len("hi") + len("longer") + 2
    torch.testing.assert_close(total, sum(expected), atol=1e-4, rtol=1e-5)


def test_unknown_labels_and_a_single_class_are_refused():
    with pytest.raises(ValueError, match="there is nothing to learn: all examples have the class 'yes'"):
        Classification(("yes",))
    with pytest.raises(ValueError, match="unknown class 'maybe': the model knows no, yes"):
        CASES["classification"][0].encode(ENCODER, Labelled("a", "maybe"))
    with pytest.raises(ValueError, match="unknown tag 'X': the model knows O, A, B"):
        CASES["tagging"][0].encode(ENCODER, Tagged(("a",), ("X",)))
