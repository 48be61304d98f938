"""Tasks that arrive in turn: what is measured, and what each strategy keeps."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from small_fused import Eye, small_gpt

from minigpt.config import TrainingConfig
from minigpt.continual import EWC, AccuracyMatrix, PartsPerTask, Replay, Strategy, _gradients, learn_in_turn
from minigpt.datasets.shown import Shown
from minigpt.finetuning.lora import add_lora
from minigpt.multimodal.answering import answer_loss, collate, fused_optimizer, share_known, share_right
from minigpt.multimodal.fusion import CrossAttentionGPT, ProjectedGPT

PREPARE = {"image": lambda items, generator: torch.stack([torch.as_tensor(item) for item in items])}


def setting(steps=12, rate=0.02):
    return TrainingConfig(steps=steps, batch_size=6, learning_rate=rate, weight_decay=0.0, warmup_steps=0, seed=3,
                          precision="float32")  # fmt: skip


def text_task(name, answer):
    examples = tuple(Shown(f"{name} {word}", answer) for word in ("a", "b", "c", "d", "e", "f", "g"))
    return SimpleNamespace(name=name, train=examples, validation=examples[:3], test=examples[2:])


def in_text(**changes):
    torch.manual_seed(1)
    return ProjectedGPT(small_gpt(**changes), {}).eval()


def loss_on(model, tokenizer, task):
    batch = collate(model, tokenizer, task.train, PREPARE)
    with torch.no_grad():
        total, count = answer_loss(model, batch)
    return float(total) / count


TASKS = [text_task("sum", "9"), text_task("even", " yes"), text_task("odd", "=7")]


def test_measures_of_a_matrix_worked_by_hand():
    matrix = AccuracyMatrix(np.array([0.1, 0.2, 0.3]),
                            np.array([[0.8, 0.5, 0.2], [0.9, 0.7, 0.6], [0.4, 0.8, 0.5]]))  # fmt: skip
    assert matrix.average_accuracy == pytest.approx((0.4 + 0.8 + 0.5) / 3)
    assert matrix.backward_transfer == pytest.approx(((0.4 - 0.8) + (0.8 - 0.7)) / 2)
    assert matrix.forward_transfer == pytest.approx(((0.5 - 0.2) + (0.6 - 0.3)) / 2)
    assert matrix.forgetting == pytest.approx(((0.9 - 0.4) + (0.7 - 0.8)) / 2)


def test_the_share_known_is_the_share_written(tokenizer):
    model = in_text()
    learn_in_turn(model, tokenizer, TASKS, Replay(6), setting(12))
    model.train()
    examples = [*TASKS[0].test, *TASKS[1].test, *TASKS[2].train, Shown("odd a", "=7 "), Shown("odd b", "=")]
    written = share_right(model, tokenizer, examples)
    assert 0 < written < 1  # the last two are never right
    assert share_known(model, tokenizer, examples, batch_size=7) == written
    assert model.training


def test_naive_fine_tuning_learns_the_last_task_and_forgets(tokenizer):
    told = []
    matrix = learn_in_turn(in_text(), tokenizer, TASKS, Strategy(), setting(60), on_task=lambda *a: told.append(a))
    assert np.diag(matrix.after).min() == 1 and matrix.forgetting > 0.3
    assert [index for index, _ in told] == [0, 1, 2] and np.array_equal([a for _, a in told], matrix.after)
    assert matrix.before.shape == (3,)


def test_replay_remembers(tokenizer):
    matrix = learn_in_turn(in_text(), tokenizer, TASKS, Replay(9), setting(60))
    assert matrix.forgetting < 0.1 and matrix.average_accuracy > 0.9


def test_what_is_measured_is_the_part_that_was_asked_for(tokenizer):
    tasks = [SimpleNamespace(name=t.name, train=t.train, test=t.test, validation=(Shown("never", "met"),))
             for t in TASKS]  # fmt: skip
    parts = {part: learn_in_turn(in_text(), tokenizer, tasks, Replay(9), setting(60), part=part).average_accuracy
             for part in ("test", "validation")}  # fmt: skip
    assert parts["validation"] == 0 < parts["test"]


def test_one_task_cannot_be_forgotten(tokenizer):
    with pytest.raises(ValueError, match="it takes two"):
        learn_in_turn(in_text(), tokenizer, TASKS[:1], Strategy(), setting())


def test_a_memory_is_shared_equally_and_never_exceeded():
    replay = Replay(7, seed=1)
    for index in range(4):
        replay.end(None, index, [(index, k) for k in range(20)], None)
        sizes = [len(of_task) for of_task in replay.kept]
        assert sum(sizes) == 7 and max(sizes) - min(sizes) <= 1
        assert all(task == place for place, of_task in enumerate(replay.kept) for task, _ in of_task)
        assert all(len(set(of_task)) == len(of_task) for of_task in replay.kept)
    assert [k for _, k in kept_of(20)] != list(range(7))  # not just the first ones
    with pytest.raises(ValueError, match="capacity=0 must be at least 1"):
        Replay(0)


def kept_of(n):
    replay = Replay(7, seed=1)
    replay.end(None, 0, [(0, k) for k in range(n)], None)
    return replay.memory


def test_half_of_a_batch_is_old_and_its_size_stays():
    replay, generator = Replay(4), np.random.default_rng(0)
    assert len(replay.draw(generator, ["new"], 9)) == 9
    replay.end(None, 0, ["old"] * 10, None)
    drawn = replay.draw(generator, ["new"], 9)
    assert drawn.count("new") == 5 and drawn.count("old") == 4


def test_ewc_holds_each_number_by_its_fisher_information():
    model = torch.nn.Linear(2, 1, bias=False)
    ewc = EWC(strength=10.0, n_examples=2)
    assert ewc.penalty(model) is None
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, 2.0]]))
    of_each = [{"weight": torch.tensor([[1.0, 0.0]])}, {"weight": torch.tensor([[3.0, 2.0]])}]
    ewc.end(model, 0, ["a", "b", "c"], lambda examples: of_each[: len(examples)])  # F = (1 + 9) / 2, 4 / 2
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.5, 1.0]]))
    penalty = ewc.penalty(model)
    assert penalty.item() == pytest.approx(10 / 2 * (5 * 0.5**2 + 2 * 1**2))
    penalty.backward()
    assert model.weight.grad.tolist() == [pytest.approx([10 * 5 * 0.5, 10 * 2 * -1])]
    ewc.end(model, 1, ["d"], lambda examples: of_each[:1])  # a second task, and its own penalty
    assert len(ewc.anchors) == 2 and ewc.penalty(model).item() == pytest.approx(penalty.item())
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[2.5, 1.0]]))
    assert ewc.penalty(model).item() == pytest.approx(5 * (5 * 1.5**2 + 2 * 1**2) + 5 * 1 * 1**2)


def test_ewcs_gradients_are_those_of_answers_that_the_model_draws(tokenizer):
    """Such gradients are zero on average, as no others are; and each is of one example."""
    model, n = in_text(), 600
    sums, squares, count = 0, 0, 0
    for of_one in _gradients(model, tokenizer, [Shown("odd", " 9")] * n, {}, seed=1):
        flat = torch.cat([g.flatten() for g in of_one.values()]).double()
        sums, squares, count = sums + flat, squares + flat @ flat, count + 1
    assert count == n
    assert float(sums @ sums) < 2 * float(squares)  # a mean of m ≠ 0 would give n² m², 600 times as much
    assert float(squares) > 0


def test_a_penalty_counts_once_for_each_mean_loss(tokenizer):
    from minigpt.continual import _with_penalty

    model, strategy = in_text(), Strategy()
    batch = collate(model, tokenizer, TASKS[0].train[:3])
    total, count = answer_loss(model, batch)
    strategy.penalty = lambda model: torch.tensor(0.25)
    penalised, same_count = _with_penalty(strategy)(model, batch)
    assert same_count == count
    assert (penalised / count).item() == pytest.approx((total / count).item() + 0.25)


def test_ewc_keeps_what_matters_where_it_was(tokenizer):
    """What naive training moves by much, weighted with the Fisher information of the first task."""
    moved = {}
    for strength in (1e-9, 1e4):
        ewc, model = EWC(strength, 7), in_text()
        learn_in_turn(model, tokenizer, TASKS[:2], ewc, setting(8))
        fisher, old = ewc.anchors[0]
        moved[strength] = sum(float((f * (p.detach() - old[name]) ** 2).sum())
                              for name, p in model.named_parameters() for f in [fisher[name]])  # fmt: skip
    assert 0 < moved[1e4] < moved[1e-9] / 10


def test_a_lora_for_each_task_forgets_exactly_nothing(tokenizer):
    model = in_text()
    torch.manual_seed(2)
    add_lora(model.gpt, rank=3, alpha=6.0, layers=("query", "value", "key", "output"))
    for name, parameter in model.gpt.named_parameters():
        parameter.requires_grad_(name.endswith((".up", ".down")))
    frozen = {name: p.clone() for name, p in model.named_parameters() if not p.requires_grad}
    parts = PartsPerTask(lambda index, name: name.endswith((".up", ".down")))
    seen = {}

    def remember(index, accuracies):
        parts.use(model, index)
        seen[index] = model(ids, {}).clone()

    ids = torch.tensor([[5, 7, 11, 2]])
    start = model(ids, {})
    matrix = learn_in_turn(model, tokenizer, TASKS, parts, setting(60, rate=0.2), on_task=remember)
    assert matrix.forgetting == 0 and matrix.backward_transfer == 0 and matrix.forward_transfer == 0
    for index, task in enumerate(TASKS):
        parts.use(model, 3)
        loss_before = loss_on(model, tokenizer, task)
        parts.use(model, index)
        assert loss_on(model, tokenizer, task) < 0.8 * loss_before
        assert torch.equal(model(ids, {}), seen[index])  # the same bits
        assert not torch.equal(seen[index], start)
    assert all(torch.equal(frozen[name], p) for name, p in model.named_parameters() if name in frozen)
    parts.use(model, 3)  # a task that it never met finds the parts as they once started
    assert torch.equal(model(ids, {}), start)


def test_layers_that_look_leave_the_text_model_as_it_was(tokenizer):
    torch.manual_seed(4)
    model = CrossAttentionGPT(small_gpt(), {"image": Eye()}, every=1).eval()
    model.encoders.requires_grad_(False)  # what they know was learned before
    text = {name for name, p in model.named_parameters() if any(p is q for q in model.text_parameters())}
    pictures = tuple(Shown("<|image|>a", f" {k}", (np.full((2, 3), k - 1.0, np.float32),)) for k in (0, 2, 1))
    seen = SimpleNamespace(name="seen", train=pictures, validation=pictures, test=pictures)
    after_text = {}

    def remember(index, accuracies):
        after_text[index] = model(ids, {}).clone()
        losses.append(loss_on(model, tokenizer, seen))

    ids, losses = torch.tensor([[5, 7, 11, 2]]), []
    parts = PartsPerTask(lambda index, name: (name in text) == (index == 0))
    matrix = learn_in_turn(model, tokenizer, [TASKS[0], seen], parts, setting(150), PREPARE, on_task=remember,
                           optimizer=fused_optimizer)  # fmt: skip
    assert torch.equal(after_text[0], after_text[1])
    assert matrix.after[0, 0] == matrix.after[1, 0] == 1 and matrix.forgetting == 0
    assert losses[1] < 0.8 * losses[0]  # and it has learned to see


def test_a_task_without_parts_is_refused(tokenizer):
    with pytest.raises(ValueError, match="task 1 has no parts"):
        learn_in_turn(in_text(), tokenizer, TASKS, PartsPerTask(lambda index, name: index == 0), setting(1))


def test_the_same_seed_gives_the_same_matrix(tokenizer):
    one, other = (learn_in_turn(in_text(), tokenizer, TASKS[:2], Replay(4), setting(8)) for _ in range(2))
    assert np.array_equal(one.after, other.after) and not math.isnan(one.average_accuracy)
