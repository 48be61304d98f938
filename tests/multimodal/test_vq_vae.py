"""Pictures as codes, and pictures from texts."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigpt.config import GPTConfig, SamplingConfig, TrainingConfig
from minigpt.datasets.images import LabelledImages
from minigpt.model import GPT
from minigpt.multimodal.vq_vae import (
    VQVAE,
    Codebook,
    PromptedBatches,
    TextToImage,
    VQVAEConfig,
    code_perplexity,
    reconstruction_error,
    train_text_to_image,
    train_vq_vae,
    vq_vae_loss,
)
from minigpt.tokenizers import CharTokenizer

CONFIG = VQVAEConfig(image_size=6, n_halvings=1, n_codes=11, code_width=4, width=8)
NAMES = ("bar", "dot", "ring")


def make_vq_vae(seed=0, **changes):
    torch.manual_seed(seed)
    return VQVAE(replace(CONFIG, **changes)).eval()


def pictures(n, size=6, channels=1, seed=0):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def kinds(n=60):
    """Three simple pictures with a little noise, and what they show."""
    clean = -np.ones((3, 1, 6, 6), dtype=np.float32)
    clean[0, 0, :, 2:4] = 1
    clean[1, 0, 2:4, 2:4] = 1
    clean[2, 0, 1:5, 1:5], clean[2, 0, 2:4, 2:4] = 1, -1
    labels = np.arange(n) % 3
    noise = np.random.default_rng(0).normal(0, 0.05, (n, 1, 6, 6))
    return LabelledImages(np.clip(clean[labels] + noise, -1, 1).astype(np.float32), labels, NAMES)


# ----------------------------------------------------------------------------------------------------------- codebook


@given(seed=st.integers(0, 999), n_codes=st.integers(1, 40), width=st.integers(1, 6))
def test_the_nearest_code_is_the_one_at_the_smallest_distance(seed, n_codes, width):
    torch.manual_seed(seed)
    codebook, vectors = Codebook(n_codes, width, 0.9), 3 * torch.randn(5, 3, width)
    for place in np.ndindex(5, 3):
        distances = [float(((vectors[place] - code).double() ** 2).sum()) for code in codebook.vectors]
        assert distances[int(codebook.nearest(vectors)[place])] == pytest.approx(min(distances), rel=1e-4, abs=1e-6)


def test_quantised_vectors_are_the_codes():
    codebook, vectors = Codebook(7, 4, 0.9).eval(), torch.randn(2, 3, 4)
    quantised, codes = codebook(vectors)
    assert codes.shape == (2, 3)
    torch.testing.assert_close(quantised, codebook.vectors[codes])


def test_the_gradient_passes_straight_through():
    model, pixels = make_vq_vae(), pictures(3)
    vectors = model.encode(pixels).detach().requires_grad_()
    weights = torch.randn(3, 1, 6, 6)
    (model.decode(model.codebook(vectors)[0]) * weights).sum().backward()
    at_the_codes = model.codebook.vectors[model.codebook.nearest(vectors)].requires_grad_()
    (model.decode(at_the_codes) * weights).sum().backward()
    torch.testing.assert_close(vectors.grad, at_the_codes.grad)
    assert vectors.grad.abs().min() > 0


def test_codes_are_the_moving_means_of_what_chose_them():
    codebook = Codebook(2, 2, decay=0.75)
    codebook.vectors.copy_(torch.tensor([[0.0, 0.0], [10.0, 10.0]]))
    codebook.counts.copy_(torch.tensor([4.0, 2.0]))
    codebook.sums.copy_(codebook.vectors * codebook.counts[:, None])
    codebook.train()(torch.tensor([[1.0, 0.0], [0.0, 2.0], [9.0, 7.0]]))
    # counts: 0.75 · 4 + 0.25 · 2 = 3.5 and 0.75 · 2 + 0.25 · 1 = 1.75
    torch.testing.assert_close(codebook.counts, torch.tensor([3.5, 1.75]))
    expected = [[0.25 * 1 / 3.5, 0.25 * 2 / 3.5], [(15 + 0.25 * 9) / 1.75, (15 + 0.25 * 7) / 1.75]]
    torch.testing.assert_close(codebook.vectors, torch.tensor(expected))


def test_a_dead_code_starts_again_at_a_vector_of_the_batch():
    codebook = Codebook(3, 2, decay=0.5)
    codebook.vectors.copy_(torch.tensor([[0.0, 0.0], [500.0, 500.0], [5.0, 5.0]]))
    codebook.counts.copy_(torch.tensor([8.0, 0.15, 8.0]))
    codebook.sums.copy_(codebook.vectors * codebook.counts[:, None])
    batch = torch.tensor([[0.5, 0.1], [4.0, 5.0], [0.2, -0.3]])
    codebook.train()(batch)
    assert any(torch.equal(codebook.vectors[1], vector) for vector in batch)
    assert codebook.vectors[0].abs().max() < 1 and codebook.vectors[2].min() > 4  # those in use stay
    assert codebook.counts[1] == 1


def test_codes_do_not_move_in_evaluation():
    model = make_vq_vae()
    before = model.codebook.vectors.clone()
    model(pictures(4))
    assert torch.equal(model.codebook.vectors, before)
    model.train()(pictures(4))
    assert not torch.equal(model.codebook.vectors, before)


def test_quantising_works_beside_half_precision():
    codebook = Codebook(5, 4, 0.9).train()
    quantised, _ = codebook(torch.randn(6, 4, dtype=torch.bfloat16))
    assert quantised.dtype == codebook.vectors.dtype == torch.float32


# ------------------------------------------------------------------------------------------------------------- VQ-VAE


@pytest.mark.parametrize("size, halvings, channels, grid", [(6, 1, 1, 3), (8, 2, 1, 2), (28, 2, 1, 7), (5, 0, 3, 5)])
def test_a_picture_becomes_a_grid_of_codes_and_a_picture_again(size, halvings, channels, grid):
    model = make_vq_vae(image_size=size, n_halvings=halvings, channels=channels)
    pixels = pictures(2, size, channels)
    codes = model.encode_codes(pixels)
    assert codes.shape == (2, grid**2) == (2, model.config.n_positions)
    assert model.decode_codes(codes).shape == pixels.shape
    torch.testing.assert_close(model.decode_codes(codes), model(pixels)[0].detach().clamp(-1, 1))
    assert torch.equal(codes.view(2, grid, grid), model(pixels)[2])


def test_codes_come_back_from_what_they_stand_for():
    model = make_vq_vae()
    codes = torch.arange(11).repeat(9)[:36].view(4, 9)
    vectors = model.codebook.vectors[codes.view(4, 3, 3)]
    assert torch.equal(model.codebook.nearest(vectors).flatten(1), codes)


def test_codes_stand_row_by_row():
    model = make_vq_vae()
    model.encoder = torch.nn.AvgPool2d(2)  # what a code stands for is now its own four pixels
    model.codebook.vectors = torch.arange(9.0)[:, None]
    grid = torch.tensor([[[[3.0, 1.0, 2.0], [0.0, 8.0, 7.0], [4.0, 5.0, 6.0]]]])
    pixels = grid.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert model.encode_codes(pixels).tolist() == [[3, 1, 2, 0, 8, 7, 4, 5, 6]]


def test_the_loss_is_the_squared_error_and_the_commitment():
    model, pixels = make_vq_vae(commitment=0.5), pictures(4)
    total, n = vq_vae_loss(model, pixels)
    vectors = model.encode(pixels)
    chosen = model.codebook.vectors[model.codebook.nearest(vectors)]
    expected = (model.decode(chosen) - pixels).pow(2).mean() + 0.5 * (vectors - chosen).pow(2).mean()
    assert n == 4
    torch.testing.assert_close(total / n, expected)


def test_the_commitment_draws_the_encoder_to_its_codes():
    model, pixels = make_vq_vae(commitment=1e6), pictures(4)
    vq_vae_loss(model, pixels)[0].backward()
    found = model.encoder[-1].bias.grad
    vectors = model.encode(pixels).detach()
    chosen = model.codebook.vectors[model.codebook.nearest(vectors)]
    direction = (vectors - chosen).sum(dim=(0, 1, 2))
    assert torch.nn.functional.cosine_similarity(found, direction, dim=0) > 0.999


@pytest.mark.parametrize("shape", [(6, 6), (2, 6, 6), (2, 3, 6, 6), (2, 1, 8, 8), (2, 1, 6, 8)])
def test_pictures_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"must be \(B, 1, 6, 6\)"):
        make_vq_vae().encode_codes(torch.zeros(shape))


@pytest.mark.parametrize("codes", [torch.zeros(9).long(), torch.zeros(2, 8).long(), torch.full((1, 9), 11),
                                   torch.full((1, 9), -1)])  # fmt: skip
def test_codes_that_are_none_are_refused(codes):
    with pytest.raises(ValueError, match="must be"):
        make_vq_vae().decode_codes(codes)


@pytest.mark.parametrize("changes", [{"n_codes": 0}, {"image_size": 6, "n_halvings": 2}, {"n_halvings": -1},
                                     {"decay": 1}])  # fmt: skip
def test_sizes_that_do_not_work_are_refused(changes):
    with pytest.raises(ValueError, match="must"):
        replace(CONFIG, **changes)


def test_the_perplexity_of_a_uniform_use_is_the_number_of_codes():
    assert code_perplexity(torch.arange(13).repeat(4).view(2, 26), 13) == pytest.approx(13)
    assert code_perplexity(torch.full((3, 5), 6), 13) == pytest.approx(1)
    assert code_perplexity(torch.tensor([0, 0, 0, 5]), 13) == pytest.approx(4 / 3**0.75)
    with pytest.raises(ValueError, match="at least one"):
        code_perplexity(torch.zeros(0).long(), 13)


def test_drawn_pixels_stay_between_paper_and_ink():
    model = make_vq_vae()
    with torch.no_grad():
        model.decoder[-1].bias.fill_(2.0)
    assert torch.equal(model.decode_codes(torch.zeros(1, 9).long()), torch.ones(1, 1, 6, 6))


def test_the_error_of_reconstruction_is_per_pixel():
    model, pixels = make_vq_vae(), pictures(5)
    expected = np.mean((model.decode_codes(model.encode_codes(pixels)).numpy() - pixels.numpy()) ** 2)
    assert reconstruction_error(model, pixels) == pytest.approx(float(expected), rel=1e-5)


@pytest.fixture(scope="module")
def trained():
    """A small VQ-VAE that has learned the three kinds, and its reports."""
    reports, images = [], kinds()
    training = TrainingConfig(steps=150, batch_size=30, learning_rate=5e-3, warmup_steps=5, evaluate_every=50,
                              weight_decay=0.0)  # fmt: skip
    state = torch.random.get_rng_state()
    model = train_vq_vae(images, images, CONFIG, training, on_step=reports.append)
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's random numbers
    return model, reports


def test_training_lowers_the_error_and_uses_several_codes(trained):
    model, reports = trained
    pixels = torch.from_numpy(kinds().pixels)
    before = reconstruction_error(make_vq_vae(), pixels)
    assert reconstruction_error(model, pixels) < 0.1 * before
    assert reports[-1].validation_loss < reports[49].validation_loss
    assert code_perplexity(model.encode_codes(pixels), 11) > 3
    assert not model.training


# ------------------------------------------------------------------------------------------------------- text to image

TOKENIZER = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz ")


def make_text_to_image(text_length=7, seed=0):
    vq_vae = make_vq_vae(seed)
    n_ids = TextToImage.vocab_size(TOKENIZER, vq_vae)
    torch.manual_seed(seed)
    gpt = GPT(GPTConfig(n_ids, text_length + 8, n_layers=1, n_heads=2, d_model=8, dropout=0.0)).eval()
    return TextToImage(gpt, TOKENIZER, vq_vae)


def test_a_text_stands_right_before_the_codes():
    model = make_text_to_image()
    assert model.text_length == 7
    # codes 0..10, then the text's: " " is 11, "a" 12; 38 is no text
    assert model.text_ids(["a b", " C"]).tolist() == [[38, 38, 38, 38, 12, 11, 13], [38] * 6 + [14]]
    inputs, targets = model.sequences(["a b", "c"], torch.arange(18).view(2, 9) % 11)
    assert inputs.tolist() == [[38, 38, 38, 38, 12, 11, 13, 0, 1, 2, 3, 4, 5, 6, 7],
                               [38, 38, 38, 38, 38, 38, 14, 9, 10, 0, 1, 2, 3, 4, 5]]  # fmt: skip
    assert targets.tolist() == [[-100] * 6 + [0, 1, 2, 3, 4, 5, 6, 7, 8], [-100] * 6 + [9, 10, 0, 1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize("text", ["", "   ", "abcdefgh", "a7", "é"])
def test_texts_that_cannot_be_read_are_refused(text):
    with pytest.raises(ValueError, match=r"tokens|alphabet"):
        make_text_to_image().draw([text])


def test_no_token_of_the_text_is_drawn_among_the_codes():
    model = make_text_to_image()
    with torch.no_grad():  # a GPT that would rather go on writing
        model.gpt.token_embedding.weight[11:] *= 50
    codes = model.draw_codes(["abc"] * 40, SamplingConfig(temperature=2.0))
    assert codes.shape == (40, 9)
    assert int(codes.min()) >= 0 and int(codes.max()) < 11
    pixels = model.draw(["abc"] * 3)
    assert pixels.shape == (3, 1, 6, 6)
    assert pixels.abs().max() <= 1


def test_the_same_call_draws_the_same_and_equal_texts_differ():
    model = make_text_to_image()
    first, again = (model.draw_codes(["ab"] * 6, SamplingConfig(seed=5)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, model.draw_codes(["ab"] * 6, SamplingConfig(seed=6)))
    assert len(first.unique(dim=0)) > 1
    assert torch.equal(model.draw_codes(["ab", "c"], SamplingConfig(seed=5))[0], first[0])


def test_the_codes_that_are_drawn_are_the_picture_that_comes():
    model = make_text_to_image()
    assert torch.equal(model.draw(["ab", "c"]), model.vq_vae.decode_codes(model.draw_codes(["ab", "c"])))


def test_a_gpt_of_other_sizes_is_refused():
    model = make_text_to_image()
    for changes in ({"vocab_size": 40}, {"context_length": 8}):
        gpt = GPT(replace(model.gpt.config, **changes))
        with pytest.raises(ValueError, match=next(iter(changes))):
            TextToImage(gpt, TOKENIZER, model.vq_vae)


def test_every_prompt_names_its_picture():
    model, images = make_text_to_image(10), kinds(9)
    codes = torch.arange(81).view(9, 9) % 11
    batches = PromptedBatches(model, images, codes, 50, prompts=("{}", "one {}"))
    inputs, targets = batches(4)[0]
    assert torch.equal(inputs, batches(4)[0][0])
    assert not torch.equal(inputs, batches(5)[0][0])
    wanted = {tuple(codes[i].tolist()): images.names[images.labels[i]] for i in range(9)}
    seen = set()
    for row, target in zip(inputs.tolist(), targets.tolist()):
        text = TOKENIZER.decode([token - 11 for token in row[:10] if token != 38])
        assert text.split()[-1] == wanted[tuple(target[9:])]
        seen.add(text)
    assert seen == {start + name for start in ("", "one ") for name in NAMES}


def test_training_draws_what_the_text_asks_for(trained):
    model, images = trained[0], kinds()
    training = TrainingConfig(steps=120, batch_size=24, learning_rate=5e-3, warmup_steps=5, evaluate_every=60)
    losses = []
    drawer = train_text_to_image(model, images, images, ("{}", "a {}"), training,
                                 on_step=lambda report: losses.append(report.validation_loss))  # fmt: skip
    assert losses[-1] < 0.7 * math.log(11)
    drawn = drawer.draw(["dot", "a bar", "a ring", "A DOT"], SamplingConfig(temperature=0))
    clean = torch.stack([torch.from_numpy(images.pixels[images.labels == k]).mean(dim=0) for k in range(3)])
    distances = (drawn[:, None] - clean).pow(2).mean(dim=(2, 3, 4))
    assert distances.argmin(dim=1).tolist() == [1, 0, 2, 1]
    assert distances.amin(dim=1).max() < 0.1
