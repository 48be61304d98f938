"""Prompting: scores by hand, one at a time as in a batch, and a prior that calibration takes away."""

import math

import numpy as np
import pytest
import torch
from tiny_models import VARIANTS, make_model

from minigpt.datasets.tasks import Labelled
from minigpt.prompting import (
    PromptedClassifier,
    Template,
    calibrate,
    draw_shown,
    fit_prompt,
    option_log_probabilities,
    option_scores,
    probabilities,
)
from minigpt.tokenizers import CharTokenizer

TEXT = "abcdefghij \n:+-"
TOKENIZER = CharTokenizer.train([TEXT])
TEMPLATE = Template("{text}: {label}", {"up": "+", "down": "--"}, separator="\n")
EXAMPLES = [Labelled("ab", "up"), Labelled("cde", "down"), Labelled("f", "up"), Labelled("ghij", "down")]


def classifier(how="calibrated", context_length=40, **changes):
    model = make_model(vocab_size=max(29, TOKENIZER.vocab_size), context_length=context_length)
    return PromptedClassifier(model, TOKENIZER, TEMPLATE, how=how, **changes)


class Table:
    """Stands in for a GPT: the next token depends on this one alone, by a table of logits (V, V)."""

    class config:
        context_length = 50

    def __init__(self, logits):
        self.logits = torch.tensor(logits)

    def parameters(self):
        return iter([self.logits])

    def eval(self):
        return self

    def positions(self, ids, mask):
        return None

    def embed(self, ids, positions):
        return ids

    def encode(self, ids, mask):
        return ids

    def to_logits(self, ids):
        return self.logits[ids]


def test_the_log_probability_of_an_option_by_hand():
    """After 0: 1 with 1/4, 2 with 3/4. After 1: 2 with 1/2. After 2: 1 with 1/8."""
    table = Table(np.log([[1e-9, 0.25, 0.75], [0.5, 1e-9, 0.5], [0.875, 0.125, 1e-9]]).tolist())
    ((short, long), (other,)) = option_log_probabilities(table, [[0], [1, 2]], [[[1], [2, 1]], [[1, 2]]])
    torch.testing.assert_close(short, torch.tensor([0.25]).log())
    torch.testing.assert_close(long, torch.tensor([0.75, 0.125]).log())
    torch.testing.assert_close(other, torch.tensor([0.125, 0.5]).log())
    assert option_scores([short, long]).tolist() == pytest.approx([math.log(0.25), math.log(0.75 * 0.125)])
    assert option_scores([short, long], "mean")[1] == pytest.approx(math.log(0.75 * 0.125) / 2)
    assert option_scores([short, long]).argmax() == 0  # the sum prefers the short one, the mean the long one
    assert option_scores([short, long], "mean").argmax() == 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_batch_gives_what_each_row_gives_alone(variant):
    model = make_model(**VARIANTS[variant])
    prompts, options = [[1, 2, 3], [4], [5, 6, 7, 8, 9]], [[[1], [2, 3]], [[4, 5, 6], [7]], [[8, 9], [1, 1, 1]]]
    together = option_log_probabilities(model, prompts, options, batch_size=4)
    for prompt, ours, found in zip(prompts, options, together):
        for option, log_p in zip(ours, found):
            ids = torch.tensor([prompt + option])
            log_p_all = model(ids).log_softmax(dim=-1)[0, len(prompt) - 1 : -1]
            expected = log_p_all[range(len(option)), option]
            torch.testing.assert_close(log_p, expected, atol=1e-5, rtol=1e-5)


def test_an_option_may_fill_the_context_to_its_last_token():
    model = make_model()  # a context of 11
    option_log_probabilities(model, [list(range(9))], [[[1, 2, 3]]])
    with pytest.raises(ValueError, match="9 tokens and 4 of an option are more than context_length=11"):
        option_log_probabilities(model, [list(range(9))], [[[1, 2, 3, 4]]])
    with pytest.raises(ValueError, match="at least one token each"):
        option_log_probabilities(model, [[]], [[[1]]])


def test_calibration_by_hand():
    """The options get 0.7 and 0.3 after nothing, so 0.6 for the first is less than it always gets."""
    got = calibrate([0.6, 0.4], [0.7, 0.3])
    assert got.tolist() == pytest.approx([0.6 / 0.7 / (0.6 / 0.7 + 0.4 / 0.3), 0.4 / 0.3 / (0.6 / 0.7 + 0.4 / 0.3)])
    assert got.argmax() == 1
    assert probabilities(np.log([[1.0, 3.0]])).tolist() == [pytest.approx([0.25, 0.75])]
    assert np.isfinite(probabilities([-1000.0, -1001.0])).all()


def test_calibration_makes_an_input_without_content_uniform():
    ours = classifier(content_free=("abc",), shown=tuple(EXAMPLES[:2]))
    np.testing.assert_allclose(ours.probabilities([Labelled("abc", None)]), [[0.5, 0.5]], atol=1e-6)
    plain = classifier("sum", shown=tuple(EXAMPLES[:2])).probabilities([Labelled("abc", None)])
    assert abs(plain[0, 0] - 0.5) > 0.01


def test_several_texts_without_content_are_averaged_as_probabilities():
    ours = classifier(content_free=("a", "bcd"))
    found = classifier("sum").probabilities([Labelled("a", None), Labelled("bcd", None)])
    np.testing.assert_allclose(ours.prior(), found.mean(axis=0), atol=1e-6)


def test_the_prompt_is_what_the_template_says():
    assert TEMPLATE.question(EXAMPLES[1]) == "cde:" and TEMPLATE.options() == [" +", " --"]
    assert TEMPLATE.shown(EXAMPLES[1]) == "cde: --"
    pair = Template("{text} / {second}\n{label}", {"a": "x", "b": "y"})
    assert pair.shown(Labelled("one", "b", "two")) == "one / two\ny"
    named = Template.for_labels(["a", "b"], words=["b=other words"])
    assert named.words == {"a": "a", "b": "other words"}
    assert named.question(Labelled("{text}", None)) == "{text}\nclass:"  # a text with braces is no pattern


@pytest.mark.parametrize("pattern", ["{label}", "{text}", "{label} {text}", "{text} {name} {label}", "{text} {"])
def test_a_template_without_its_slots_is_refused(pattern):
    with pytest.raises(ValueError, match="template"):
        Template(pattern, {"a": "x", "b": "y"})


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="words of its own"):
        Template("{text} {label}", {"a": "x", "b": "x"})
    with pytest.raises(ValueError, match="'c=z' must be CLASS=WORDS with one of the classes a, b"):
        Template.for_labels(["a", "b"], words=["c=z"])
    with pytest.raises(ValueError, match="how='best' must be one of sum, mean, calibrated"):
        classifier("best")
    with pytest.raises(ValueError, match="the class 'sideways', which the template does not know"):
        classifier(shown=(Labelled("a", "sideways"),))


def test_the_oldest_examples_are_dropped_and_counted():
    shown = ["abc\n", "de\n", "f\n"]  # 4, 3 and 2 tokens
    for room, kept, dropped, is_cut in [(20, "abc\nde\nf\nghi", 0, False), (12, "abc\nde\nf\nghi", 0, False),
                                        (11, "de\nf\nghi", 1, False), (7, "f\nghi", 2, False), (3, "ghi", 3, False),
                                        (2, "hi", 3, True)]:  # fmt: skip
        ids, n_dropped, cut = fit_prompt(TOKENIZER, shown, "ghi", room)
        assert (TOKENIZER.decode(ids), n_dropped, cut) == (kept, dropped, is_cut)


def test_a_prompt_beyond_the_context_equals_one_without_the_oldest_examples():
    long = classifier("sum", context_length=24, shown=tuple(EXAMPLES))
    found = long.scores([Labelled("jj", None)])
    assert long.notes["examples dropped"] >= 1 and long.notes["questions with dropped examples"] == 1
    short = classifier("sum", context_length=24, shown=tuple(EXAMPLES[long.notes["examples dropped"] :]))
    np.testing.assert_allclose(found, short.scores([Labelled("jj", None)]), atol=1e-6)
    assert short.notes["examples dropped"] == 0
    calibrated = classifier("calibrated", context_length=24, shown=tuple(EXAMPLES), content_free=("a", "b"))
    calibrated.probabilities([Labelled("jj", None)])
    assert calibrated.notes == long.notes  # the questions without content are not the user's


def test_a_shown_example_changes_the_answer_and_the_model_keeps_its_weights():
    zero, few = classifier("sum"), classifier("sum", shown=tuple(EXAMPLES))
    before = [parameter.clone() for parameter in few.model.parameters()]
    questions = [Labelled(text, None) for text in ("a", "jih")]
    assert np.abs(zero.scores(questions) - few.scores(questions)).max() > 0.1
    assert set(few.predict(questions)) <= {"up", "down"}
    assert all(torch.equal(one, other) for one, other in zip(before, few.model.parameters()))


def test_shown_examples_come_from_each_class_in_turn():
    train = [Labelled(str(number), label) for number, label in enumerate("aaaaaaabbc")]
    for n_shots, counts in {3: [1, 1, 1], 6: [3, 2, 1], 50: [7, 2, 1]}.items():
        drawn = draw_shown(train, n_shots, seed=1)
        assert [sum(e.label == label for e in drawn) for label in "abc"] == counts
        assert len(set(drawn)) == len(drawn)
    assert draw_shown(train, 6, seed=1) == draw_shown(train, 6, seed=1) != draw_shown(train, 6, seed=2)
