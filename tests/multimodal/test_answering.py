import math

import numpy as np
import pytest
import torch
from small_fused import Ear, Eye, small_gpt

from minigpt.config import TrainingConfig
from minigpt.datasets.shown import Shown, without
from minigpt.generation import generate
from minigpt.multimodal.answering import (
    AnswerBatches,
    answer_loss,
    collate,
    end_of,
    fused_optimizer,
    likeliest_answer,
    media_of,
    share_right,
    write_answers,
)
from minigpt.multimodal.fusion import CrossAttentionGPT, ProjectedGPT
from minigpt.training.trainer import Trainer

PREPARE = {"image": lambda items, generator: torch.stack([torch.as_tensor(item) for item in items]),
           "audio": lambda items, generator: torch.stack([torch.as_tensor(item) for item in items])}  # fmt: skip


def projected(**changes):
    return ProjectedGPT(small_gpt(**changes), {"image": Eye(), "audio": Ear()}).eval()


def picture(value=1.0):
    return np.full((2, 3), value, np.float32)


def sound(value=1.0):
    return np.full(5, value, np.float32)


@pytest.fixture
def examples():
    return [Shown("<|image|>a", "seven", (picture(1),)), Shown("<|image|><|image|>odd", " 3", (picture(2), picture(3))),
            Shown("even<|audio|>", "=9 ", (), (sound(),))]  # fmt: skip


def test_targets_are_the_answers_tokens_and_their_end(tokenizer, examples):
    model = projected()
    batch = collate(model, tokenizer, examples, PREPARE)
    for row, example in enumerate(examples):
        answer = [*tokenizer.encode(example.answer), end_of(tokenizer)]
        prompt = model.text_ids(tokenizer, example.prompt)
        length = len(prompt) + len(answer) - 1
        assert batch.padding_mask[row].tolist() == [place < length for place in range(batch.ids.shape[1])]
        assert batch.ids[row, :length].tolist() == [*prompt, *answer[:-1]]
        scored = batch.targets[row] != -100
        assert batch.targets[row][scored].tolist() == answer
        assert scored.nonzero().flatten().tolist() == list(range(len(prompt) - 1, length))
    assert [len(batch.media[name].items) for name in ("image", "audio")] == [3, 1]
    assert [float(item.flatten()[0]) for item in batch.media["image"].items] == [1, 2, 3]


def test_the_loss_is_each_answers_own_whatever_stands_beside_it(tokenizer, examples):
    model = projected()
    total, count = answer_loss(model, collate(model, tokenizer, examples, PREPARE))
    alone = [answer_loss(model, collate(model, tokenizer, [example], PREPARE)) for example in examples]
    assert count == sum(n for _, n in alone)
    torch.testing.assert_close(total, sum(loss for loss, _ in alone), atol=1e-4, rtol=1e-4)


def test_the_loss_is_the_log_probability_of_the_answer(tokenizer):
    model, example = projected(), Shown("<|image|>a", "odd", (picture(),))
    ids = torch.tensor([model.text_ids(tokenizer, example.prompt) + tokenizer.encode("odd") + [end_of(tokenizer)]])
    log_probabilities = model(ids[:, :-1], media_of([example], PREPARE)).log_softmax(dim=-1)[0]
    n_answer = len(tokenizer.encode("odd")) + 1
    places = range(ids.shape[1] - 1 - n_answer, ids.shape[1] - 1)
    expected = -sum(log_probabilities[place, ids[0, place + 1]] for place in places)
    torch.testing.assert_close(answer_loss(model, collate(model, tokenizer, [example], PREPARE))[0], expected)


def test_a_text_too_long_for_the_context_is_refused(tokenizer):
    model = projected(context_length=8)
    with pytest.raises(ValueError, match="longer than context_length=8"):
        collate(model, tokenizer, [Shown("<|image|>a", "seven even odd nine" * 9, (picture(),))], PREPARE)


def test_missing_items_keep_their_place(tokenizer):
    missing = [Shown("<|image|>a", "odd", (None,)), Shown("<|image|>a", "odd", (picture(4),)),
               Shown("<|image|><|image|>", "odd", (picture(5), None))]  # fmt: skip
    media = media_of(missing, PREPARE)["image"]
    assert media.present.tolist() == [False, True, True, False]
    assert media.items[1].unique() == 4 and media.items[2].unique() == 5
    nothing = media_of(without(missing, "images"), PREPARE)["image"]
    assert nothing.present.tolist() == [False] * 4
    model = projected()
    batch = collate(model, tokenizer, without(missing, "images"), PREPARE)
    assert answer_loss(model, batch)[0].isfinite()
    assert media_of(missing[1:2], PREPARE)["image"].present is None


def test_batches_follow_from_seed_and_step_alone(tokenizer, examples):
    def draw(generator, n):
        return [examples[index] for index in generator.integers(len(examples), size=n)]

    def noisy(items, generator):
        stacked = torch.stack([torch.as_tensor(item) for item in items])
        return stacked + torch.randn(stacked.shape, generator=generator)

    model = projected()
    make = lambda seed: AnswerBatches(model, tokenizer, draw, {"image": noisy, "audio": noisy}, 6, seed)  # noqa: E731
    (first,), (again,), (later,), (other,) = make(1)(3), make(1)(3), make(1)(4), make(2)(3)
    assert torch.equal(first.ids, again.ids) and torch.equal(first.media["image"].items, again.media["image"].items)
    for changed in (later, other):
        assert changed.media["image"].items.flatten()[:4].tolist() != first.media["image"].items.flatten()[:4].tolist()


@pytest.mark.parametrize("kind", [ProjectedGPT, CrossAttentionGPT])
def test_a_fused_gpt_learns_which_picture_is_which_and_loses_it_when_they_are_shuffled(tokenizer, kind):
    gpt = small_gpt(n_layers=1, d_model=24)
    gpt.init_weights()
    model = kind(gpt, {"image": Eye()}, "mlp")
    shown = [Shown("<|image|>a", name, (picture(value),)) for name, value in (("odd", -1.0), ("even", 1.0))]
    config = TrainingConfig(steps=80, learning_rate=2e-2, warmup_steps=5, precision="float32")

    def draw(generator, n):
        return [shown[index] for index in generator.integers(2, size=n)]

    batches = AnswerBatches(model, tokenizer, draw, PREPARE, 16)
    Trainer(model, answer_loss, batches, config, optimizer=fused_optimizer(model, config)).run()
    assert write_answers(model, tokenizer, shown, PREPARE) == ["odd", "even"]
    text, probability = likeliest_answer(model, tokenizer, shown[0], PREPARE)
    assert text == "odd" and probability > 0.6
    loss, _ = answer_loss(model.eval(), collate(model, tokenizer, [shown[0]], PREPARE))
    assert probability == pytest.approx(math.exp(-loss.item()), rel=1e-4)
    assert share_right(model, tokenizer, shown, PREPARE) == 1.0
    swapped = [Shown(e.prompt, e.answer, o.images) for e, o in zip(shown, reversed(shown))]
    assert share_right(model, tokenizer, swapped, PREPARE) == 0.0
    hidden = without(shown, "images")
    assert share_right(model, tokenizer, hidden, PREPARE) <= 0.5  # both get the same answer


@pytest.mark.parametrize("training", [True, False])
def test_writing_answers_leaves_the_model_in_its_mode(tokenizer, examples, training):
    model = projected().train(training)
    write_answers(model, tokenizer, examples, PREPARE)
    assert model.training == model.encoders["image"].training == training
    generate(model.seeing({}), [[3]], max_new_tokens=2)
    assert model.training == model.encoders["image"].training == training


def test_each_kind_of_parameter_has_its_learning_rate():
    model = CrossAttentionGPT(small_gpt(), {"image": Eye()}, "mlp")
    model.encoders["image"].requires_grad_(False)
    config = TrainingConfig(learning_rate=1e-3, weight_decay=0.2)
    optimizer = fused_optimizer(model, config)
    groups = optimizer.param_groups
    scale = {id(p): (group["scale"], group["weight_decay"]) for group in groups for p in group["params"]}
    text = {id(p) for p in model.text_parameters()}
    for name, parameter in model.named_parameters():
        if name.startswith("encoders"):
            assert id(parameter) not in scale
        elif name.endswith("_gate"):
            assert scale[id(parameter)] == (10.0, 0.0)
        else:
            expected = 0.3 if id(parameter) in text else 1.0
            assert scale[id(parameter)] == (expected, 0.2 if parameter.ndim > 1 else 0.0), name
