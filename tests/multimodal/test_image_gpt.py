"""Pictures as tokens: what is read, what is likely, what is drawn."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from minigpt.config import GPTConfig, SamplingConfig, TrainingConfig
from minigpt.datasets.images import LabelledImages
from minigpt.model import GPT
from minigpt.multimodal.image_gpt import (
    ImageBatches,
    ImageTokens,
    bits_per_dimension,
    class_log_likelihoods,
    complete,
    draw,
    image_gpt_config,
    one_seed_each,
    pixel_log_probabilities,
    shifted,
    train_image_gpt,
)

TOKENS = ImageTokens(height=3, width=2, n_levels=5, n_classes=4)


def make_gpt(tokens=TOKENS, seed=0):
    """A GPT whose probabilities differ much from pixel to pixel and from class to class."""
    torch.manual_seed(seed)
    gpt = GPT(image_gpt_config(tokens, n_layers=2, n_heads=3, d_model=12, dropout=0.1)).eval()
    with torch.no_grad():
        for parameter in gpt.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.6)
    return gpt


def pictures(n, tokens=TOKENS, seed=0):
    levels = np.random.default_rng(seed).integers(tokens.n_levels, size=(n, 1, tokens.height, tokens.width))
    return (2 * levels / (tokens.n_levels - 1) - 1).astype(np.float32)


# ------------------------------------------------------------------------------------------------------------- tokens


def test_a_picture_is_its_class_and_then_its_levels_row_by_row():
    pixels = torch.tensor([[[[-1.0, 1.0], [0.0, -0.5], [0.5, 1.0]]]])
    assert TOKENS.encode(pixels, [2]).tolist() == [[5 + 2, 0, 4, 2, 1, 3, 4]]
    assert TOKENS.encode(pixels).tolist() == [[9, 0, 4, 2, 1, 3, 4]]
    assert (TOKENS.start, TOKENS.vocab_size, TOKENS.n_pixels) == (9, 10, 6)


def test_an_untold_class_is_the_start():
    assert TOKENS.encode(pictures(3), np.array([0, -1, 3]))[:, 0].tolist() == [5, 9, 8]


def test_pixels_between_two_levels_go_to_the_nearest():
    pixels = torch.tensor([[[[-0.76, -0.74], [0.24, 0.26], [0.99, -0.99]]]])
    assert TOKENS.encode(pixels)[0, 1:].tolist() == [0, 1, 2, 3, 4, 0]


@given(height=st.integers(1, 5), width=st.integers(1, 5), n_levels=st.integers(2, 256), seed=st.integers(0, 99))
def test_encoding_then_decoding_gives_the_picture_back(height, width, n_levels, seed):
    tokens = ImageTokens(height, width, n_levels, n_classes=3)
    pixels = pictures(4, tokens, seed)
    ids = tokens.encode(pixels, np.array([0, 2, -1, 1]))
    np.testing.assert_allclose(tokens.decode(ids).numpy(), pixels, atol=1e-6)
    assert torch.equal(tokens.encode(tokens.decode(ids), np.array([0, 2, -1, 1])), ids)


@pytest.mark.parametrize("labels", [[4, 0], [0, -2], [0], [0.5, 1.0], [[0, 1]]])
def test_labels_out_of_range_or_of_another_shape_are_refused(labels):
    with pytest.raises(ValueError, match="label"):
        TOKENS.encode(pictures(2), labels)


@pytest.mark.parametrize("labels", [[4], [-2]])
def test_what_is_no_class_cannot_be_drawn(labels):
    with pytest.raises(ValueError, match="n_classes=4"):
        draw(make_gpt(), TOKENS, labels)


@pytest.mark.parametrize("shape", [(3, 2), (1, 2, 3), (1, 1, 2, 3), (1, 2, 3, 2)])
def test_pictures_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="must be"):
        TOKENS.encode(torch.zeros(shape))


@pytest.mark.parametrize("pixel", [1.01, -3.0, math.nan, math.inf])
def test_pixels_out_of_range_are_refused(pixel):
    with pytest.raises(ValueError, match="from -1 to 1"):
        TOKENS.encode(torch.full((1, 1, 3, 2), pixel))


@pytest.mark.parametrize("ids", [[[9, 0, 1, 2, 3, 4, 5]], [[9, 0, 1, 2, 3, 4, -1]], [[0, 1, 2, 3, 4, 0]], [0] * 7])
def test_ids_that_are_no_picture_are_not_decoded(ids):
    with pytest.raises(ValueError, match="must be"):
        TOKENS.decode(ids)


@pytest.mark.parametrize("sizes", [{"height": 0}, {"width": 0}, {"n_levels": 1}, {"n_classes": -1}])
def test_sizes_without_pictures_are_refused(sizes):
    with pytest.raises(ValueError, match="must be at least"):
        ImageTokens(**sizes)


# -------------------------------------------------------------------------------------------------------- likelihoods


def test_a_later_pixel_changes_no_earlier_prediction():
    gpt = make_gpt()
    ids = TOKENS.encode(pictures(3), [0, 1, 2])
    before = pixel_log_probabilities(gpt, TOKENS, ids)
    for place in range(1, 7):
        changed = ids.clone()
        changed[:, place] = (changed[:, place] + 1) % TOKENS.n_levels
        after = pixel_log_probabilities(gpt, TOKENS, changed)
        torch.testing.assert_close(after[:, : place - 1], before[:, : place - 1])
        assert not torch.allclose(after[:, place - 1 :], before[:, place - 1 :])


def test_the_class_changes_the_prediction_of_the_first_pixel():
    ids = TOKENS.encode(np.repeat(pictures(1), 5, axis=0), [0, 1, 2, 3, -1])
    first = pixel_log_probabilities(make_gpt(), TOKENS, ids)[:, 0]
    assert len(set(first.tolist())) == 5


@pytest.mark.parametrize("label", [-1, 0, 1, 2])
def test_the_probabilities_of_all_pictures_sum_to_one(label):
    tokens = ImageTokens(height=2, width=2, n_levels=2, n_classes=3)
    everything = np.array(list(itertools.product([-1.0, 1.0], repeat=4)), dtype=np.float32).reshape(16, 1, 2, 2)
    ids = tokens.encode(everything, np.full(16, label))
    total = pixel_log_probabilities(make_gpt(tokens), tokens, ids).sum(dim=1).exp().sum()
    assert float(total) == pytest.approx(1, abs=1e-9)


def test_a_model_that_knows_nothing_takes_the_logarithm_of_the_levels():
    gpt = make_gpt()
    with torch.no_grad():
        gpt.token_embedding.weight.zero_()  # the head, too: all logits 0
    assert bits_per_dimension(gpt, TOKENS, pictures(7), [0, 1, 2, 3, -1, 0, 1]) == pytest.approx(math.log2(5))
    assert bits_per_dimension(gpt, TOKENS, pictures(7)) == pytest.approx(math.log2(5))


def test_bits_are_those_of_the_model_read_pixel_by_pixel():
    gpt, pixels, labels = make_gpt(), pictures(4), [3, 0, -1, 2]
    nats = 0.0
    for row in TOKENS.encode(pixels, labels).tolist():
        for place in range(1, 7):
            logits = gpt(torch.tensor([row[:place]]))[0, -1, :5].detach().double()
            nats -= float(logits[row[place]] - logits.logsumexp(dim=0))
    assert bits_per_dimension(gpt, TOKENS, pixels, labels) == pytest.approx(nats / (4 * 6 * math.log(2)), rel=1e-6)


def test_the_number_of_pictures_at_once_does_not_matter():
    gpt, pixels = make_gpt(), pictures(300)
    together, chosen = pixel_log_probabilities(gpt, TOKENS, TOKENS.encode(pixels)), [0, 255, 256, 299]
    alone = [pixel_log_probabilities(gpt, TOKENS, TOKENS.encode(pixels[i : i + 1])) for i in chosen]
    torch.testing.assert_close(torch.cat(alone), together[chosen])


def test_no_images_have_no_bits():
    with pytest.raises(ValueError, match="at least one image"):
        bits_per_dimension(make_gpt(), TOKENS, pictures(0))


def test_the_likeliest_class_is_that_of_the_largest_sum_of_log_probabilities():
    gpt, pixels = make_gpt(), pictures(9)
    found = class_log_likelihoods(gpt, TOKENS, pixels)
    for label in range(4):
        ids = TOKENS.encode(pixels, np.full(9, label))
        logits = gpt(ids[:, :-1])[..., :5].detach().double()
        summed = -cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").sum(dim=1)
        torch.testing.assert_close(found[:, label], summed, rtol=1e-6, atol=1e-6)
    assert found.shape == (9, 4)
    assert len(set(found.argmax(dim=1).tolist())) > 1


def test_dropout_is_off_while_measuring_and_on_again_after():
    gpt = make_gpt().train()
    first, second = (class_log_likelihoods(gpt, TOKENS, pictures(2)) for _ in range(2))
    assert torch.equal(first, second)
    assert gpt.training


# ------------------------------------------------------------------------------------------------------------ drawing


def test_only_grey_levels_are_drawn():
    gpt = make_gpt()
    with torch.no_grad():  # a model that would rather write classes
        gpt.token_embedding.weight[5:] *= 4
    drawn = draw(gpt, TOKENS, [0, 1, 2, 3, -1] * 8, SamplingConfig(temperature=3.0))
    assert drawn.shape == (40, 1, 3, 2)
    assert set(drawn.unique().tolist()) == {-1, -0.5, 0, 0.5, 1}


def test_the_same_call_draws_the_same_pictures_and_another_seed_others():
    gpt, labels = make_gpt(), [1] * 12
    first, again = (draw(gpt, TOKENS, labels, SamplingConfig(temperature=1.0, seed=3)) for _ in range(2))
    other = draw(gpt, TOKENS, labels, SamplingConfig(temperature=1.0, seed=4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(first.flatten(1).unique(dim=0)) > 1  # equal labels, different pictures


def test_a_drawing_does_not_depend_on_how_many_follow():
    gpt = make_gpt()
    assert torch.equal(draw(gpt, TOKENS, [2, 0, 1])[:2], draw(gpt, TOKENS, [2, 0]))
    assert one_seed_each(5, 2) == one_seed_each(5, 9)[:2]


def test_drawings_follow_the_probabilities():
    tokens = ImageTokens(height=1, width=1, n_levels=3, n_classes=2)
    gpt = make_gpt(tokens)
    every = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1)
    expected = pixel_log_probabilities(gpt, tokens, tokens.encode(every, [1] * 3)).exp()[:, 0]
    drawn = draw(gpt, tokens, [1] * 4000, SamplingConfig(temperature=1.0)).flatten()
    shares = torch.stack([(drawn == value).double().mean() for value in (-1, 0, 1)])
    torch.testing.assert_close(shares, expected, rtol=0, atol=0.04)  # five standard errors
    assert expected.min() > 0.02


def test_a_completed_picture_keeps_its_first_rows():
    gpt, pixels = make_gpt(), pictures(6)
    for n_rows in range(3):
        whole = complete(gpt, TOKENS, pixels, n_rows, [0, 1, 2, 3, -1, 0])
        torch.testing.assert_close(whole[:, :, :n_rows], torch.from_numpy(pixels[:, :, :n_rows]))
        changed = pixels.copy()
        changed[:, :, n_rows:] = 1.0
        assert torch.equal(complete(gpt, TOKENS, changed, n_rows, [0, 1, 2, 3, -1, 0]), whole)
    for n_rows in (-1, 3):
        with pytest.raises(ValueError, match="height=3"):
            complete(gpt, TOKENS, pixels, n_rows)


# ----------------------------------------------------------------------------------------------------------- training


def test_a_moved_picture_has_its_pixels_elsewhere_and_paper_where_none_came():
    pixels = torch.tensor([[[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]]]).repeat(3, 1, 1, 1)
    moved = shifted(pixels, [1, 0, -2], [0, -1, 1])[:, 0]
    torch.testing.assert_close(moved, torch.tensor([[[-1, -1], [0.1, 0.2], [0.3, 0.4]],
                                                    [[0.2, -1], [0.4, -1], [0.6, -1]],
                                                    [[-1, 0.5], [-1, -1], [-1, -1]]]))  # fmt: skip


def batches(**settings):
    images = LabelledImages(pictures(20), np.arange(20) % 4, tuple("abcd"))
    return ImageBatches(TOKENS, images, **{"steps": 10, "batch_size": 40, **settings})


def test_a_batch_follows_from_seed_and_step():
    first, again = batches()(3), batches()(3)
    assert all(torch.equal(a, b) for a, b in zip(first[0], again[0]))
    assert not torch.equal(first[0][0], batches()(4)[0][0])
    assert not torch.equal(first[0][0], batches(seed=2)(3)[0][0])


def test_targets_are_the_next_pixels():
    ((inputs, targets),) = batches()(0)
    assert inputs.shape == targets.shape == (40, 6)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert (inputs[:, 0] >= 5).all()
    assert (targets < 5).all()


def test_pictures_are_moved_at_first_and_whole_in_the_last_fifth():
    whole = {tuple(row) for row in TOKENS.encode(pictures(20))[:, 1:].tolist()}

    def share_whole(step):
        targets = batches(moved=1.0, steps=100, batch_size=200)(step)[0][1].tolist()
        return sum(tuple(row) in whole for row in targets) / 200

    assert share_whole(0) < 0.25  # one move of nine is none
    assert 0.3 < share_whole(40) < 0.8
    assert share_whole(80) == share_whole(99) == 1


def test_labels_stay_with_their_pictures_unless_they_are_left_out():
    known = {tuple(row[1:]): row[0] for row in TOKENS.encode(pictures(20), np.arange(20) % 4).tolist()}

    def labels(untold):
        inputs, targets = batches(moved=0.0, untold=untold, batch_size=200)(0)[0]
        return inputs[:, 0].tolist(), [known[tuple(row)] for row in targets.tolist()]

    given_labels, true = labels(0.0)
    assert given_labels == true
    given_labels, true = labels(0.3)
    assert all(label in (9, right) for label, right in zip(given_labels, true))
    assert 0.15 < given_labels.count(9) / 200 < 0.45


def test_training_learns_what_each_class_looks_like():
    tokens = ImageTokens(height=2, width=3, n_levels=3, n_classes=2)
    kinds = np.array([[[[-1, 1, -1], [0, 1, 0]]], [[[1, -1, 1], [1, 0, -1]]]], dtype=np.float32)
    labels = np.arange(30) % 2
    images = LabelledImages(kinds[labels], labels, ("stroke", "corner"))
    config = GPTConfig(tokens.vocab_size, 6, n_layers=1, n_heads=2, d_model=16, dropout=0.0)
    training = TrainingConfig(steps=120, batch_size=16, learning_rate=1e-2, warmup_steps=5, evaluate_every=60)
    state, losses = torch.random.get_rng_state(), []
    gpt = train_image_gpt(tokens, images, images, config, training, on_step=lambda r: losses.append(r.validation_loss))
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's random numbers
    assert not gpt.training
    assert losses[-1] < 0.1 < losses[59]
    assert bits_per_dimension(gpt, tokens, images.pixels, labels) < 0.2
    assert class_log_likelihoods(gpt, tokens, kinds).argmax(dim=1).tolist() == [0, 1]
    assert torch.equal(draw(gpt, tokens, [1, 0], SamplingConfig(temperature=0)), torch.from_numpy(kinds[[1, 0]]))
