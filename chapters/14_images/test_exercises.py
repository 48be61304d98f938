"""What passes in chapter 14. Expected values come from PyTorch's own layers, `minigpt`, autograd, or from counting."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from minigpt.by_hand.operations import contrastive_forward
from minigpt.grading import check_close, check_equal, check_gradients, check_raises, check_that, exercise
from minigpt.multimodal.fusion import _in_rows
from minigpt.multimodal.vision import PatchEmbedding


def draws(seed, *shapes):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def with_autograd(function, tensors, upstream):
    """The value, and the gradients of (value · upstream).sum()."""
    tensors = [tensor.clone().requires_grad_() for tensor in tensors]
    value = function(*tensors)
    (value * upstream).sum().backward()
    return value.detach(), [tensor.grad for tensor in tensors]


@exercise("to_patches", points=2, minutes=15, difficulty=2, forbids=("torch.nn.functional.unfold",))
def test_patches_are_those_that_a_convolution_reads(answers, rng):
    for channels, size, n_down, n_across in ((1, 2, 2, 3), (3, 2, 3, 2), (2, 3, 1, 4), (2, 1, 3, 2), (4, 2, 1, 1)):
        picture = rng.normal(size=(channels, n_down * size, n_across * size))
        cut = F.unfold(torch.from_numpy(picture)[None], kernel_size=size, stride=size)  # (1, C · P · P, N)
        check_close(answers.to_patches(picture, size), cut[0].T.numpy())


@exercise("embed_patches", points=1, minutes=5, difficulty=1)
def test_tokens_are_those_of_the_package(answers, seed):
    for batch, channels, size, n_side, width in ((2, 1, 2, 3, 5), (1, 3, 2, 2, 4), (3, 2, 1, 3, 9)):
        n_numbers, n_patches = channels * size**2, n_side**2
        patches, weight, bias, positions, upstream = draws(
            seed, (batch, n_patches, n_numbers), (width, n_numbers), (width,), (n_patches, width),
            (batch, n_patches, width))  # fmt: skip
        stem = PatchEmbedding(channels, size, width).double()
        with torch.no_grad():
            stem.linear.weight.copy_(weight.view(width, channels, size, size))
            stem.linear.bias.copy_(bias)
        pixels = F.fold(patches.mT, (n_side * size,) * 2, kernel_size=size, stride=size)
        value, gradients = answers.call_with_gradients("embed_patches", patches, weight, bias, positions,
                                                       upstream=upstream)  # fmt: skip
        check_close(value, (stem(pixels) + positions).detach())
        expected = [upstream @ weight, torch.einsum("bnd,bnm->dm", upstream, patches), upstream.sum(dim=(0, 1)),
                    upstream.sum(dim=0)]  # fmt: skip
        names = ("patches", "weight", "bias", "positions")
        check_gradients(dict(zip(names, gradients)), dict(zip(names, expected)))


@exercise("expand_placeholders", points=1, minutes=10, difficulty=1)
def test_each_picture_holds_its_places(answers, rng):
    for n_tokens in (1, 3, int(rng.integers(4, 9))):
        image_id = int(rng.integers(100, 200))
        words = [[int(i) for i in rng.integers(99, size=rng.integers(1, 5))] for _ in range(4)]
        for pieces in (
            [None, words[0]],
            [words[0], None, words[1], None, None, words[2]],
            [words[0], words[1]],
            [],
            [None],
            [[], words[3], None, [], None],
        ):
            text = []
            for piece in pieces:
                text += ["picture"] if piece is None else piece
            ids, before = [], []
            for index, item in enumerate(text):
                n = n_tokens if item == "picture" else 1
                ids += [image_id if item == "picture" else item] * n
                before += [text[: index + 1].count("picture")] * n
            got = answers.expand_placeholders(pieces, image_id, n_tokens)
            check_that(isinstance(got, (tuple, list)) and len(got) == 2, "return both lists: the ids and the counts")
            check_equal([list(got[0]), list(got[1])], [ids, before])


@exercise("put_features", points=2, minutes=15, difficulty=2)
def test_features_stand_where_places_were(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for shape, share in (((3, 6, 4), 0.5), ((1, 3, 3), 0.9), ((4, 5, 1), 0.3), ((2, 3, 5), 0.0)):
        is_place = torch.rand(shape[:2], generator=generator) < share
        if share:  # rows with different numbers of places, and at least one
            is_place[0, 0], is_place[-1, -1], is_place[0, 1] = True, False, not is_place[-1, 0]
        words, features, upstream = draws(seed, shape, (int(is_place.sum()), shape[2]), shape)
        value, gradients = answers.call_with_gradients("put_features", words, is_place, features, upstream=upstream,
                                                       wrt=(0, 2))  # fmt: skip
        expected, for_words, for_features, number = words.clone(), upstream.clone(), torch.zeros_like(features), 0
        for row, column in is_place.nonzero().tolist():
            expected[row, column] = features[number]
            for_words[row, column], for_features[number] = 0, upstream[row, column]
            number += 1
        check_close(value, expected)
        if number:
            check_gradients(dict(zip(("words", "features"), gradients)),
                            {"words": for_words, "features": for_features})  # fmt: skip


@exercise("put_features")
def test_another_number_of_places_is_refused(answers, seed):
    words, fewer, more = draws(seed, (2, 3, 4), (2, 4), (5, 4))
    is_place = torch.tensor([[True, False, True], [False, True, False]])
    for features in (fewer, more, more[:1], more[:0]):
        check_raises("ValueError", answers.put_features, words, is_place, features)
    check_raises("ValueError", answers.put_features, words, torch.zeros(2, 3, dtype=torch.bool), fewer)


@exercise("look_mask", points=2, minutes=10, difficulty=2)
def test_each_token_sees_its_latest_picture(answers, rng):
    cases = [([0, 0, 1, 1, 2, 3, 3], 3, 2), ([0], 1, 3), ([1, 1, 1], 1, 1), ([1, 2, 2, 4], 4, 3)]
    for _ in range(4):
        n_pictures = int(rng.integers(1, 5))
        cases.append((np.sort(rng.integers(n_pictures + 1, size=9)).tolist(), n_pictures, int(rng.integers(1, 5))))
    for n_before, n_pictures, n_tokens in cases:
        got = answers.look_mask(np.array(n_before), n_pictures, n_tokens)
        _, mask = _in_rows(torch.zeros(n_pictures, n_tokens, 1), torch.tensor([n_pictures]), torch.tensor([n_before]))
        check_equal(np.asarray(got), mask[0, 0].numpy())


@exercise("gated_look", points=3, minutes=25, difficulty=3,
          forbids=("torch.nn.functional.scaled_dot_product_attention",))  # fmt: skip
def test_the_text_looks_through_its_gate(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for n_text, n_media, width, gate in ((4, 3, 5, 0.7), (2, 6, 3, -2.0), (1, 1, 4, 0.3), (5, 4, 2, 0.0)):
        text, media, *weights, upstream = draws(seed, (n_text, width), (n_media, width), *[(width, width)] * 4,
                                                (n_text, width))  # fmt: skip
        mask = torch.rand(n_text, n_media, generator=generator) < 0.6
        mask[0, 0] = True
        if n_text > 1:
            mask[1] = False  # looks nowhere
        if n_text > 3:
            mask[2] = True

        def ours(text, media, gate, weights=weights, mask=mask):
            query, key, value, output = weights
            rows = []
            for own, allowed in zip(text, mask):
                looked = media[allowed]
                scores = (looked @ key.T) @ (query @ own) / math.sqrt(len(own))
                seen = output @ (value @ (looked.T @ scores.softmax(dim=0)))
                rows.append(own + gate.tanh() * seen if allowed.any() else own)
            return torch.stack(rows)

        gate = torch.tensor(gate, dtype=torch.float64)
        expected, gradients = with_autograd(ours, [text, media, gate], upstream)
        value, found = answers.call_with_gradients("gated_look", text, media, weights, gate, mask, upstream=upstream,
                                                   wrt=(0, 1, 3))  # fmt: skip
        check_close(value, expected)
        names = ("text", "media", "gate")
        check_gradients(dict(zip(names, found)), dict(zip(names, gradients)))


@exercise("gated_look")
def test_a_closed_gate_changes_nothing(answers, seed):
    text, media, *weights = draws(seed, (3, 4), (2, 4), *[(4, 4)] * 4)
    mask = torch.tensor([[True, False], [False, False], [True, True]])
    got = answers.gated_look(text, media, weights, torch.tensor(0.0, dtype=torch.float64), mask)
    check_close(got, text, atol=0, rtol=0, hint="a gate of 0 leaves the text bit for bit as it was")


@exercise("contrastive_loss", points=3, minutes=25, difficulty=3,
          forbids=("torch.nn.functional.cross_entropy", "torch.cosine_similarity"))  # fmt: skip
def test_the_loss_is_that_by_hand(answers, seed):
    generator = torch.Generator().manual_seed(seed)
    for n, m, width, scale in ((5, 3, 4, 2.0), (3, 3, 2, 14.0), (4, 6, 3, 0.5), (4, 3, 2, 5000.0)):
        pictures, texts, upstream = draws(seed, (n, width), (m, width), ())
        pictures, texts = 3 * pictures, 0.2 * texts  # lengths that are not 1
        together = torch.rand(n, m, generator=generator) < 0.3
        together[torch.arange(n), torch.arange(n) % m] = True  # each picture has a text,
        together[torch.arange(m) % n, torch.arange(m)] = True  # and each text a picture,
        together[0, :2], together[1, 0] = True, True  # and some have two
        if n == m:
            together = torch.eye(n, dtype=torch.bool)

        def ours(pictures, texts, scale=scale, together=together):
            scores = scale * F.normalize(pictures, dim=1) @ F.normalize(texts, dim=1).T
            directions = [torch.stack([-row.log_softmax(dim=0)[wanted].mean() for row, wanted in zip(table, marks)])
                          for table, marks in ((scores, together), (scores.T, together.T))]  # fmt: skip
            return (directions[0].mean() + directions[1].mean()) / 2

        expected, gradients = with_autograd(ours, [pictures, texts], upstream)
        by_hand, _ = contrastive_forward(pictures.numpy(), texts.numpy(), np.float64(math.log(scale)), together.numpy())
        assert abs(float(expected) - by_hand) < 1e-8 * max(1.0, by_hand)
        value, found = answers.call_with_gradients("contrastive_loss", pictures, texts, scale, together,
                                                   upstream=upstream, wrt=(0, 1))  # fmt: skip
        check_close(value, expected)
        check_gradients(dict(zip(("pictures", "texts"), found)), dict(zip(("pictures", "texts"), gradients)))


@exercise("bits_per_pixel", points=2, minutes=15, difficulty=2)
def test_bits_are_those_of_pytorch(answers, rng):
    for shape, n_levels, size in (((3, 5, 9), 6, 1.0), ((1, 2, 4), 4, 3.0), ((2, 3, 7), 2, 1000.0)):
        logits = size * rng.normal(size=shape)
        levels = rng.integers(n_levels, size=shape[:2])
        likeliest = logits[..., :n_levels].argmax(axis=-1)
        levels[0] = likeliest[0] if size > 100 else levels[0]
        scores = torch.from_numpy(logits[..., :n_levels]).reshape(-1, n_levels)
        nats = F.cross_entropy(scores, torch.from_numpy(levels).flatten())
        check_close(float(answers.bits_per_pixel(logits, levels, n_levels)), float(nats) / math.log(2))


@exercise("what_it_shows", points=2, minutes=10, difficulty=1)
def test_bayes_rule(answers, rng):
    for n_pictures, n_classes, level in ((4, 3, -100.0), (1, 2, -2000.0), (6, 10, 0.0), (3, 3, 900.0)):
        log_likelihoods = level + 2 * rng.normal(size=(n_pictures, n_classes))
        counts = rng.permutation(np.arange(1, n_classes + 1) * int(rng.integers(2, 9)))
        relative = [[math.exp(value - level) * int(n) for value, n in zip(row, counts)] for row in log_likelihoods]
        expected = np.array([[part / sum(row) for part in row] for row in relative])
        check_close(answers.what_it_shows(log_likelihoods, counts), expected)


@exercise("what_it_shows")
def test_likelihoods_far_apart_do_not_overflow(answers):
    log_likelihoods = np.array([[-20.0, -3000.0], [-3000.0, -20.0], [-5000.0, -5000.0]])  # the rows lie far apart, too
    expected = np.array([[1.0, 0.0], [0.0, 1.0], [0.25, 0.75]])
    check_close(answers.what_it_shows(log_likelihoods, np.array([1, 3])), expected)


@exercise("nearest_codes", points=3, minutes=20, difficulty=2)
def test_the_nearest_code_comes_out_and_gradients_pass(answers, seed):
    for shape, n_codes, width in (((4, 3), 5, 2), ((7,), 1, 3), ((2, 2, 2), 6, 4), ((1,), 9, 1)):
        vectors, codebook, upstream = draws(seed, (*shape, width), (n_codes, width), (*shape, width))
        codebook = codebook * torch.linspace(0.3, 3, n_codes)[:, None].double()  # of different lengths
        nearest = torch.cdist(vectors.reshape(-1, width), codebook, compute_mode="donot_use_mm_for_euclid_dist")
        expected = codebook[nearest.argmin(dim=1)].view(vectors.shape)
        value, (gradient, for_codes) = answers.call_with_gradients("nearest_codes", vectors, codebook,
                                                                   upstream=upstream)  # fmt: skip
        check_close(value, expected)
        check_gradients(gradient, upstream)
        check_that(for_codes is None or not for_codes.any(), "no gradient may arrive at the codebook")


@exercise("nearest_codes")
def test_a_worked_case(answers):
    codebook = torch.tensor([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0], [0.0, 3.0]]).double()
    vectors = torch.tensor([[0.4, 0.5], [0.6, 0.6], [2.0, 2.0], [3.5, 2.6], [9.0, 0.0], [0.5, 0.5]]).double()
    expected = codebook[[0, 1, 1, 2, 2, 0]]  # the last is as near to the second
    check_close(answers.nearest_codes(vectors, codebook), expected, hint="of codes that are equally near, the first")
