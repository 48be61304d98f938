import functools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from minigpt.by_hand import operations
from minigpt.config import GPTConfig
from minigpt.datasets.images import DIGIT_NAMES, digit_images
from minigpt.model import GPT
from minigpt.multimodal.contrastive import (
    Aligner,
    TextEncoder,
    binding_loss,
    contrastive_loss,
    cosines,
    mean_average_precision,
    recall_at_k,
    zero_shot_classify,
)
from minigpt.tokenizers import CharTokenizer

ONE = torch.tensor(1.0)


def normal(*shape, seed=3):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ------------------------------------------------------------------------------------------------ the loss


@settings(deadline=None, derandomize=True, max_examples=40)
@given(labels_a=st.lists(st.integers(0, 3), min_size=1, max_size=6), others=st.lists(st.integers(0, 5), max_size=5),
       seed=st.integers(0, 10**6))
def test_loss_and_gradients_are_those_derived_by_hand(labels_a, others, seed):
    labels_b = [labels_a[0], *others]  # something belongs together
    a, b = normal(len(labels_a), 4, seed=seed), normal(len(labels_b), 4, seed=seed + 1)
    scale = torch.tensor(0.7, dtype=torch.float64)
    tensors = [x.requires_grad_() for x in (a, b, scale)]
    loss = contrastive_loss(*tensors, torch.tensor(labels_a), torch.tensor(labels_b))

    positive = np.array(labels_a)[:, None] == np.array(labels_b)
    by_hand, cache = operations.contrastive_forward(*(x.detach().numpy() for x in tensors), positive)
    np.testing.assert_allclose(loss.item(), by_hand, rtol=1e-12, atol=1e-14)
    for ours, theirs in zip(operations.contrastive_backward(1.0, *cache), torch.autograd.grad(loss, tensors)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("n", [1, 2, 17])
def test_where_all_are_equally_similar_the_loss_is_log_n(n):
    assert contrastive_loss(torch.ones(n, 4), torch.ones(n, 4), 3 * ONE).item() == pytest.approx(math.log(n), abs=1e-6)


def test_without_labels_pairs_go_by_position_and_labels_of_b_are_those_of_a():
    a, b, labels = normal(5, 4), normal(5, 4, seed=4), torch.tensor([2, 0, 2, 1, 0])
    assert contrastive_loss(a, b, ONE) == contrastive_loss(a, b, ONE, torch.arange(5), torch.arange(5))
    assert contrastive_loss(a, b, ONE, labels) == contrastive_loss(a, b, ONE, labels, labels)
    assert contrastive_loss(a, b, ONE, labels) != contrastive_loss(a, b, ONE)


def test_two_of_a_class_are_no_mistake():
    """Pairs by position call a second "seven" wrong; labels call it right, and a perfect space costs log 2."""
    space = torch.eye(3)[[0, 0, 1, 1, 2, 2]]
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    wanted = math.log(2)  # two right answers, neither better
    assert contrastive_loss(space, space, torch.tensor(9.0), labels).item() == pytest.approx(wanted, abs=1e-6)
    moved = space.clone()
    moved[0, 2] = 0.5  # the two of one class drawn apart: only pairs by position reward it
    assert contrastive_loss(moved, moved, 2 * ONE) < contrastive_loss(space, space, 2 * ONE)
    assert contrastive_loss(moved, moved, 2 * ONE, labels) > contrastive_loss(space, space, 2 * ONE, labels)


def test_only_directions_count():
    a, b = normal(5, 4), normal(6, 4, seed=4)
    labels = (torch.tensor([0, 1, 2, 0, 1]), torch.tensor([2, 1, 0, 0, 1, 2]))
    stretched = a * torch.tensor([0.1, 1, 2, 30, 4])[:, None]
    torch.testing.assert_close(contrastive_loss(stretched, b, ONE, *labels), contrastive_loss(a, b, ONE, *labels))


def test_who_has_no_partner_is_not_asked_but_still_counts_as_wrong():
    a, b = normal(3, 4), normal(4, 4, seed=4)
    labels = torch.tensor([0, 1, 2])
    whole = contrastive_loss(a, b, ONE, labels, torch.tensor([0, 1, 2, 7]))
    without = contrastive_loss(a, b[:3], ONE, labels)
    assert whole > without  # one more wrong answer to choose from
    scores = math.e * cosines(a, b)
    rows = torch.nn.functional.cross_entropy(scores, labels)
    columns = torch.nn.functional.cross_entropy(scores.T[:3], labels)  # the fourth is not asked
    torch.testing.assert_close(whole, (rows + columns) / 2, check_dtype=False, rtol=1e-6, atol=1e-6)


A, B = torch.ones(3, 4), torch.ones(2, 4)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: contrastive_loss(A, B, ONE), r"labels_b must be one for each of 2 embeddings, got \(3,\)"),
    (lambda: contrastive_loss(A, B, ONE, torch.arange(2)), r"labels_a must be one for each of 3 .* \(2,\)"),
    (lambda: contrastive_loss(A, B, ONE, torch.arange(3), torch.tensor([7, 8])), "must share a class, got 3 and 2"),
    (lambda: contrastive_loss(A, B, ONE, None, torch.arange(2)), "labels_b needs labels_a"),
    (lambda: binding_loss({"image": A}, ONE), "pairs name '(text|audio)', but there are only embeddings of image"),
    (lambda: binding_loss({"a": torch.ones(2, 3), "b": torch.ones(2, 3)}, ONE, {"a": torch.arange(2)}, [("a", "b")]),
     "pairs name 'b', but there are only labels of a"),
    (lambda: binding_loss({}, ONE, pairs=[]), "at least one pair"),
    (lambda: recall_at_k(torch.ones(2, 3), torch.ones(3, 2, dtype=torch.bool), 1), r"one shape \(N, M\), got \(2, 3\)"),
    (lambda: recall_at_k(torch.ones(2, 3), torch.ones(2, 3), 1), "positive must hold booleans, got torch.float32"),
    (lambda: recall_at_k(torch.ones(2, 3), torch.ones(2, 3, dtype=torch.bool), 0), "k=0 must be at least 1"),
    (lambda: recall_at_k(torch.full((2, 3), math.nan), torch.ones(2, 3, dtype=torch.bool), 1), "got 6 NaN"),
    (lambda: mean_average_precision(torch.ones(2, 3), torch.tensor([[True] * 3, [False] * 3])), "1 of 2 queries have"),
    (lambda: mean_average_precision(torch.ones(0, 3), torch.ones(0, 3, dtype=torch.bool)), "0 of 0 queries"),
])  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ------------------------------------------------------------------------------------------------ retrieval


@settings(deadline=None, derandomize=True, max_examples=25)
@given(n_items=st.integers(1, 9), n_levels=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_average_precision_is_scikit_learns_with_and_without_ties(n_items, n_levels, seed):
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(seed)
    similarity = generator.integers(0, n_levels, (3, n_items)) / n_levels
    positive = generator.random((3, n_items)) < 0.4
    positive[:, generator.integers(n_items)] = True
    expected = np.mean([metrics.average_precision_score(*row) for row in zip(positive, similarity)])
    ours = mean_average_precision(torch.from_numpy(similarity), torch.from_numpy(positive))
    assert ours == pytest.approx(expected, rel=1e-12)


def test_retrieval_of_four_items_worked_out_on_paper():
    similarity = torch.tensor([[0.9, 0.8, 0.7, 0.6], [0.1, 0.4, 0.2, 0.3]])
    positive = torch.tensor([[False, True, False, True], [False, False, True, False]])
    # first: right at ranks 2 and 4; second: at rank 3
    assert [recall_at_k(similarity, positive, k) for k in (1, 2, 3, 4)] == [0, 0.5, 1, 1]
    assert mean_average_precision(similarity, positive) == pytest.approx(((1 / 2 + 2 / 4) / 2 + 1 / 3) / 2)


def test_a_constant_similarity_is_no_perfect_score():
    positive = torch.eye(20, dtype=torch.bool)
    assert recall_at_k(torch.ones(20, 20), positive, 1) == recall_at_k(torch.ones(20, 20), positive, 19) == 0
    assert recall_at_k(torch.ones(20, 20), positive, 20) == 1
    assert mean_average_precision(torch.ones(20, 20), positive) == pytest.approx(1 / 20)


def test_perfect_and_reversed_rankings():
    positive = torch.arange(6)[:, None] % 3 == torch.arange(9) % 3
    assert recall_at_k(positive.float(), positive, 1) == mean_average_precision(positive.float(), positive) == 1
    assert recall_at_k(-positive.float(), positive, 6) == 0 and recall_at_k(-positive.float(), positive, 7) == 1


@settings(deadline=None, derandomize=True, max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_recall_grows_with_k_and_follows_the_items_when_they_are_reordered(seed):
    similarity, generator = normal(4, 7, seed=seed), np.random.default_rng(seed)
    positive = torch.from_numpy(generator.random((4, 7)) < 0.4)
    positive[:, 0] = True
    recalls = [recall_at_k(similarity, positive, k) for k in range(1, 8)]
    assert recalls == sorted(recalls) and recalls[-1] == 1
    hits = [positive[i, similarity[i].topk(3).indices].any().item() for i in range(4)]
    assert recalls[2] == np.mean(hits)
    order = torch.from_numpy(generator.permutation(7))
    assert recall_at_k(similarity[:, order], positive[:, order], 3) == recalls[2]
    assert mean_average_precision(similarity[:, order], positive[:, order]) == pytest.approx(
        mean_average_precision(similarity, positive))  # fmt: skip


def test_zero_shot_takes_the_most_similar_class_whatever_the_lengths():
    classes = torch.tensor([[100.0, 0.0], [0.0, 0.01]])
    assert zero_shot_classify(torch.tensor([[1.0, 2.0], [5.0, 4.0], [-9.0, -1.0]]), classes).tolist() == [1, 0, 1]


# ------------------------------------------------------------------------------------------------ modules


class Strokes(nn.Module):
    """A small network of convolutions: 8 × 8 pixels to four tokens."""

    def __init__(self, d_model=32):
        super().__init__()
        self.d_model = d_model
        self.layers = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.GELU(),
                                    nn.Conv2d(16, d_model, 3, stride=2, padding=1), nn.GELU())  # fmt: skip

    def forward(self, pixels):
        return self.layers(pixels).flatten(2).mT


class Numbers(nn.Module):
    """Items that are already vectors: one token each."""

    def __init__(self, d_in, d_model=12):
        super().__init__()
        self.d_model, self.linear = d_model, nn.Linear(d_in, d_model)

    def forward(self, items):
        return self.linear(items)[:, None]


def name_encoder(**changes):
    tokenizer = CharTokenizer.train("".join(DIGIT_NAMES))
    config = {"vocab_size": tokenizer.vocab_size, "context_length": 6, "n_layers": 1, "n_heads": 2, "d_model": 16,
              "dropout": 0.0}  # fmt: skip
    return TextEncoder(GPT(GPTConfig(**config | changes)), tokenizer)


def test_a_text_is_the_same_alone_and_beside_longer_ones():
    encoder = name_encoder(attention_pattern="dense,banded", band_width=2, n_layers=2).eval()
    together = encoder(["six", "seven", "one"])
    assert together.shape == (3, 1, 16)
    for i, text in enumerate(["six", "seven", "one"]):
        torch.testing.assert_close(encoder([text])[0], together[i], atol=1e-6, rtol=1e-5)


def test_a_text_is_read_to_its_end():
    encoder = name_encoder().eval()
    first, second, start = encoder(["nine", "nins", "nin"])[:, 0]
    assert (first - second).abs().max() > 1e-4 and (first - start).abs().max() > 1e-4


@pytest.mark.parametrize(("texts", "message"), [
    ("seven", "texts must be a list with at least one text, got 'seven'"), ([], r"got \[\]"),
    (["one", ""], "text 1 is empty"), (["seventeen"], "9 tokens are more than context_length=6")])  # fmt: skip
def test_texts_that_cannot_be_read_are_named(texts, message):
    with pytest.raises(ValueError, match=message):
        name_encoder()(texts)


def test_embeddings_have_length_one_and_do_not_depend_on_their_neighbours():
    aligner = Aligner({"image": Strokes(), "text": name_encoder(), "audio": Numbers(5)}, d_shared=7)
    batches = {"image": torch.randn(3, 1, 8, 8), "text": ["one", "seven"], "audio": torch.randn(4, 5)}
    embeddings = aligner(batches)
    assert [(name, *x.shape) for name, x in embeddings.items()] == [("image", 3, 7), ("text", 2, 7), ("audio", 4, 7)]
    for name, embedded in embeddings.items():
        torch.testing.assert_close(embedded.norm(dim=1), torch.ones(len(embedded)))
        torch.testing.assert_close(aligner.embed(name, batches[name][1:2])[0], embedded[1], atol=1e-6, rtol=1e-5)
    with pytest.raises(ValueError, match="modality 'smell' must be one of image, text, audio"):
        aligner.embed("smell", None)


def test_the_order_of_an_encoders_tokens_does_not_count():
    aligner = Aligner({"image": Strokes()}, 5)
    pixels = torch.randn(2, 1, 8, 8)
    whole = aligner.embed("image", pixels)
    aligner.encoders["image"].layers.register_forward_hook(lambda module, given, output: output.flip(-1))
    torch.testing.assert_close(aligner.embed("image", pixels), whole)


def test_the_scale_starts_at_a_temperature_of_0_07_and_is_cut_at_100_without_getting_stuck():
    aligner = Aligner({"image": Numbers(4), "text": Numbers(5)}, 3)
    assert aligner.log_scale.exp().item() == pytest.approx(1 / 0.07)
    with torch.no_grad():
        aligner.log_scale.fill_(9.0)
    aligner.eval()({"image": torch.randn(6, 4)})
    assert aligner.log_scale.item() == 9  # evaluating changes nothing
    embeddings = aligner.train()({"image": torch.randn(6, 4), "text": torch.randn(6, 5)})
    assert aligner.log_scale.exp().item() == pytest.approx(100)
    contrastive_loss(embeddings["image"], embeddings["text"], aligner.log_scale).backward()
    assert aligner.log_scale.grad.item() > 0  # random pairs want a softer choice, and can have it


# ------------------------------------------------------------------------------------------------ learning


@functools.cache
def digits(part):
    pytest.importorskip("sklearn")
    data = digit_images(part, "digits")
    return torch.from_numpy(data.pixels), torch.from_numpy(data.labels)


def learn_digits(shuffled=False, n_steps=150):
    """Pictures of digits and their names in one space; shuffled: each picture gets the name of another."""
    torch.manual_seed(0)
    pixels, labels = digits("train")
    if shuffled:
        labels = labels[torch.randperm(len(labels))]
    aligner = Aligner({"image": Strokes(), "text": name_encoder()}, 24)
    optimizer = torch.optim.AdamW(aligner.parameters(), lr=4e-3)
    for _ in range(n_steps):
        rows = torch.randint(len(pixels), (64,))
        embeddings = aligner({"image": pixels[rows], "text": DIGIT_NAMES})
        classes = {"image": labels[rows], "text": torch.arange(10)}
        loss = binding_loss(embeddings, aligner.log_scale, classes, [("image", "text")])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return aligner.eval()


@torch.no_grad()
def scores(aligner, pixels, labels):
    """Zero-shot accuracy; recall at 1 and mean average precision of pictures found by their names."""
    images, names = aligner({"image": pixels, "text": DIGIT_NAMES}).values()
    accuracy = (zero_shot_classify(images, names) == labels).double().mean().item()
    similarity, positive = cosines(names, images), torch.arange(10)[:, None] == labels
    return accuracy, recall_at_k(similarity, positive, 1), mean_average_precision(similarity, positive)


def test_digits_are_recognised_by_name_and_not_once_the_pairs_are_shuffled():
    pixels, labels = digits("validation")
    learned = learn_digits()
    accuracy, recall, precision = scores(learned, pixels, labels)
    assert accuracy > 0.85 and recall > 0.85 and precision > 0.85

    torch.manual_seed(1)
    other_pictures = scores(learned, pixels[torch.randperm(len(pixels))], labels)
    wrongly_taught = scores(learn_digits(shuffled=True), pixels, labels)
    for accuracy, _, precision in (other_pictures, wrongly_taught):  # chance is 0.1; 250 pictures: ± 0.02
        assert accuracy < 0.2 and precision < 0.2


def learn_to_bind(pairs, audio_order=None, n_steps=150):
    """Three views of the same hidden vectors; how well unseen sounds find their texts: recall at 1 of 50."""
    torch.manual_seed(0)
    hidden = torch.randn(550, 6)
    views = {name: torch.tanh(hidden @ torch.randn(6, width) / 2) + 0.05 * torch.randn(550, width)
             for name, width in (("image", 15), ("text", 13), ("audio", 11))}  # fmt: skip
    aligner = Aligner({name: Numbers(view.shape[1]) for name, view in views.items()}, 10)
    optimizer = torch.optim.AdamW(aligner.parameters(), lr=1e-2)
    for _ in range(n_steps):
        rows = torch.randint(500, (64,))
        batches = {name: view[rows] for name, view in views.items()}
        if audio_order is not None:
            batches["audio"] = batches["audio"][audio_order]
        optimizer.zero_grad()
        binding_loss(aligner(batches), aligner.log_scale, {name: rows for name in views}, pairs).backward()
        optimizer.step()
    with torch.no_grad():
        embeddings = aligner.eval()({name: view[500:] for name, view in views.items()})
    return recall_at_k(cosines(embeddings["audio"], embeddings["text"]), torch.eye(50, dtype=torch.bool), 1)


def test_sounds_find_texts_that_they_never_met_through_images():
    bound = learn_to_bind((("image", "text"), ("image", "audio")))
    loose = learn_to_bind((("image", "text"),))  # nothing ties sounds to anything
    shuffled = learn_to_bind((("image", "text"), ("image", "audio")), torch.arange(64).roll(1))
    assert bound > 0.6 and loose < 0.15 and shuffled < 0.15  # chance: 0.02


def test_binding_is_the_mean_over_the_pairs_and_leaves_the_others_alone():
    names = ("image", "text", "audio")
    embeddings = {name: normal(5, 4, seed=seed).requires_grad_() for seed, name in enumerate(names)}
    expected = [contrastive_loss(embeddings["image"], embeddings[name], ONE) for name in ("text", "audio")]
    torch.testing.assert_close(binding_loss(embeddings, ONE), sum(expected) / 2)
    (gradient,) = torch.autograd.grad(binding_loss(embeddings, ONE, pairs=[("image", "text")]), [embeddings["audio"]],
                                      allow_unused=True)  # fmt: skip
    assert gradient is None
