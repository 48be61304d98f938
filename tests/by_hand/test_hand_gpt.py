"""The whole GPT by hand against PyTorch's: gradients, training curve, bad input."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from minigpt.by_hand import gpt
from minigpt.by_hand.check_table import gpt_case, random_parameters
from minigpt.by_hand.gradient_check import check_gradient
from minigpt.by_hand.optimizers import warmup_cosine
from minigpt.config import GPTConfig, TrainingConfig
from minigpt.model import GPT

B, T, H, K, V, CONTEXT = 2, 5, 3, 4, 7, 6
VARIANTS = {
    "GPT-1": {"norm_position": "post"},
    "GPT-2": {"norm_position": "pre"},
    "GPT-3": {"norm_position": "pre", "attention_pattern": "dense,banded", "band_width": 2},
}
PADDINGS = {
    "no padding": None,
    "right": np.array([[True, True, True, False, False], [True] * 5]),
    "left": np.array([[True] * 5, [False, False, True, True, True]]),
}


def config_of(variant, tied, width=H * K, **changes):
    settings = {"vocab_size": V, "context_length": CONTEXT, "n_layers": 2, "n_heads": H, "d_model": width,
                "dropout": 0.0, **VARIANTS[variant], **changes}
    return GPTConfig(**settings, tied_head=tied)


def batch_of(padding, seed=0):
    generator = np.random.default_rng(seed)
    ids, targets = generator.integers(0, V, (2, B, T))
    targets[0, 1] = -100
    is_real = PADDINGS[padding]
    if is_real is not None:
        targets[~is_real] = -100
    return ids, targets, is_real


def torch_model_of(config, parameters):
    model = GPT(config).double()
    model.load_state_dict({name: torch.tensor(array) for name, array in parameters.items()})
    return model


def torch_loss(model, ids, targets, is_real):
    logits = model(torch.tensor(ids), None if is_real is None else torch.tensor(is_real))
    return F.cross_entropy(logits.flatten(0, 1), torch.tensor(targets).flatten())


@pytest.mark.parametrize(("variant", "tied", "padding"), [*itertools.product(VARIANTS, [True, False], PADDINGS)])
def test_loss_and_all_gradients_equal_pytorchs(variant, tied, padding):
    config = config_of(variant, tied)
    parameters = random_parameters(gpt.parameter_shapes(config), seed=1)
    model = torch_model_of(config, parameters)
    loss, gradients = gpt.loss_and_gradients(config, parameters, *batch_of(padding))
    theirs = torch_loss(model, *batch_of(padding))
    theirs.backward()

    assert loss == pytest.approx(theirs.item(), rel=1e-13)
    assert gpt.gpt_loss(config, parameters, *batch_of(padding)) == loss
    expected = {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}
    assert list(gradients) == list(expected)
    largest = max(np.abs(gradient).max() for gradient in expected.values())
    for name, gradient in gradients.items():
        # 1e-3: key biases have the gradient 0, of which only rounding is seen
        scale = max(np.abs(expected[name]).max(), 1e-3 * largest)
        assert np.abs(gradient - expected[name]).max() < 1e-10 * scale, name


@pytest.mark.parametrize(("variant", "tied"), [*itertools.product(VARIANTS, [True, False])])
def test_every_gradient_agrees_with_the_complex_step(variant, tied):
    case = gpt_case(variant, config_of(variant, tied, width=2 * H), PADDINGS["left"])
    report = check_gradient(case.loss, case.parameters, case.gradients, "complex", tolerance=1e-8)
    assert report.verdict == "right", str(report)
    assert sum(row.n_checked for row in report.rows) == gpt.n_parameters(case.parameters)


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "tied", "padding"), [*itertools.product(VARIANTS, [True, False], PADDINGS)])
def test_every_gradient_agrees_with_central_differences(variant, tied, padding):
    case = gpt_case(variant, config_of(variant, tied, width=2 * H), PADDINGS[padding])
    report = check_gradient(case.loss, case.parameters, case.gradients, tolerance=1e-6)
    assert report.verdict == "right", str(report)
    print(f"{variant}, {'tied' if tied else 'untied'}, {padding}: worst relative error {report.worst_error:.1e}")


def test_padding_changes_nothing_for_real_tokens():
    config = config_of("GPT-2", True)
    parameters = random_parameters(gpt.parameter_shapes(config), seed=2)
    ids = np.array([[1, 2, 3]])
    alone, _ = gpt.gpt_forward(config, parameters, ids)
    padded = np.array([[6, 6, 1, 2, 3]])
    beside, _ = gpt.gpt_forward(config, parameters, padded, np.array([[False, False, True, True, True]]))
    np.testing.assert_allclose(beside[:, 2:], alone, rtol=1e-12)


@pytest.mark.parametrize(("variant", "tied"), [*itertools.product(VARIANTS, [True, False])])
def test_parameters_have_the_torch_models_names_shapes_and_count(variant, tied):
    config = config_of(variant, tied)
    model = GPT(config)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert dict(gpt.parameter_shapes(config)) == shapes
    parameters = gpt.initial_parameters(config)
    assert {name: array.shape for name, array in parameters.items()} == shapes
    assert gpt.n_parameters(parameters) == model.n_parameters()
    copied = gpt.parameters_from(model.bfloat16(), dtype=np.float32)
    assert all(copied[name].dtype == np.float32 for name in shapes)
    np.testing.assert_array_equal(copied["token_embedding.weight"], model.token_embedding.weight.detach().float())


def test_initial_parameters_follow_the_torch_models_rule():
    config = GPTConfig(vocab_size=300, context_length=50, n_layers=8, n_heads=2, d_model=64)
    ours = gpt.initial_parameters(config, seed=3)
    theirs = gpt.parameters_from(GPT(config))
    for name, array in ours.items():
        assert array.std() == pytest.approx(theirs[name].std(), rel=0.1), name
        assert array.mean() == pytest.approx(theirs[name].mean(), abs=0.003), name


def test_loading_copies_into_the_type_that_is_asked_for():
    single = GPT(config_of("GPT-2", True))
    assert {array.dtype for array in gpt.parameters_from(single).values()} == {np.dtype(np.float64)}
    assert {array.dtype for array in gpt.parameters_from(single, np.float32).values()} == {np.dtype(np.float32)}
    model = GPT(config_of("GPT-2", True)).double()
    before = model.token_embedding.weight.detach().clone()
    gpt.parameters_from(model)["token_embedding.weight"][:] = 0
    assert torch.equal(model.token_embedding.weight, before)


@pytest.mark.parametrize(("variant", "tied"), [("GPT-1", True), ("GPT-2", True), ("GPT-3", False)])
def test_fifty_steps_of_training_lie_on_pytorchs_curve(variant, tied):
    config = config_of(variant, tied, context_length=8, vocab_size=11)
    training = TrainingConfig(steps=50, batch_size=4, learning_rate=1e-2, warmup_steps=5, weight_decay=0.1)
    corpus = np.arange(200) ** 2 % 11  # repeats itself, so that there is something to learn
    start = gpt.initial_parameters(config, seed=5)
    untouched = {name: array.copy() for name, array in start.items()}
    rates = []
    trained, ours = gpt.fit(config, start, gpt.random_windows(corpus, 8, 4, seed=6), training,
                            report=lambda step, loss, rate: rates.append(rate))

    model = torch_model_of(config, start)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW([{"params": matrices}, {"params": others, "weight_decay": 0.0}],
                                  betas=(training.beta1, training.beta2), weight_decay=training.weight_decay)
    theirs = []
    batches = gpt.random_windows(corpus, 8, 4, seed=6)
    for step in range(training.steps):
        for group in optimizer.param_groups:
            group["lr"] = warmup_cosine(step, 50, 1e-2, 1e-2 * training.final_learning_rate_share, 5)
        ids, targets = next(batches)
        optimizer.zero_grad()
        loss = torch_loss(model, ids, targets, None)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), training.gradient_clip)
        optimizer.step()
        theirs.append(loss.item())

    difference = np.abs(np.array(ours) - theirs).max()
    print(f"{variant}: loss {ours[0]:.4f} -> {ours[-1]:.4f}, largest difference from PyTorch's curve {difference:.1e}")
    assert difference < 1e-9
    assert ours[-1] < ours[0] - 0.5
    assert max(rates) == 1e-2 and rates[-1] == pytest.approx(5e-4)
    for name, array in start.items():
        np.testing.assert_array_equal(array, untouched[name])
    assert any(np.abs(trained[name] - start[name]).max() > 1e-3 for name in start)


def test_training_learns_a_tiny_text_in_float32():
    text = np.frombuffer(b"to be, or not to be: that is the question. " * 4, dtype=np.uint8)
    letters, ids = np.unique(text, return_inverse=True)
    config = GPTConfig(vocab_size=len(letters), context_length=16, n_layers=1, n_heads=2, d_model=32, dropout=0.0)
    start = gpt.initial_parameters(config, dtype=np.float32)
    training = TrainingConfig(steps=80, learning_rate=1e-2, warmup_steps=10)
    trained, losses = gpt.fit(config, start, gpt.random_windows(ids, 16, 8), training)
    assert losses[0] == pytest.approx(np.log(len(letters)), abs=0.2)
    assert losses[-1] < 0.7
    assert all(array.dtype == np.float32 for array in trained.values())


def test_windows_give_the_next_token_and_reach_both_ends():
    ids = np.arange(10)
    starts = set()
    for inputs, targets in itertools.islice(gpt.random_windows(ids, 4, 3), 50):
        assert inputs.shape == targets.shape == (3, 4)
        np.testing.assert_array_equal(targets, inputs + 1)
        starts.update(inputs[:, 0].tolist())
    assert starts == set(range(6))


CONFIG = config_of("GPT-2", True)
PARAMETERS = gpt.initial_parameters(CONFIG)
IDS = np.zeros((2, 5), dtype=int)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: gpt.gpt_forward(CONFIG, {}, IDS), "missing: blocks.0.attention.key.bias"),
    (lambda: gpt.gpt_forward(CONFIG, {**PARAMETERS, "extra": np.ones(1)}, IDS), "unexpected: extra"),
    (lambda: gpt.gpt_forward(CONFIG, {**PARAMETERS, "final_norm.bias": np.ones(3)}, IDS),
     r"'final_norm.bias' must have shape \(12,\), got \(3,\)"),
    (lambda: gpt.gpt_forward(CONFIG, PARAMETERS, np.zeros((1, 7), int)), "context_length=6 tokens a row, got 7"),
    (lambda: gpt.gpt_forward(CONFIG, PARAMETERS, IDS[0]), r"ids must have shape \(B, T\), got \(5,\)"),
    (lambda: gpt.gpt_forward(CONFIG, PARAMETERS, IDS + 7), "ids must be from 0 to 6, got 7"),
    (lambda: gpt.gpt_forward(CONFIG, PARAMETERS, IDS, np.ones((2, 5))), "padding_mask must hold booleans"),
    (lambda: gpt.loss_and_gradients(CONFIG, PARAMETERS, IDS, IDS[:1]), r"targets must have shape \(2, 5\)"),
    (lambda: gpt.fit(CONFIG, PARAMETERS, [(IDS, IDS)], TrainingConfig(steps=2)), "last for steps=2, got 1"),
    (lambda: gpt.fit(config_of("GPT-2", True, dropout=0.1), PARAMETERS, [], TrainingConfig(steps=1)),
     "dropout=0.1 must be 0"),
    (lambda: next(gpt.random_windows(np.arange(4), 4, 1)), "more than length=4 tokens, got 4"),
])
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
