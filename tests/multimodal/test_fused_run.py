import numpy as np
import pytest
import torch
from small_fused import small_gpt

from minigpt.config import TrainingConfig
from minigpt.datasets.shown import Shown
from minigpt.multimodal.answering import share_right
from minigpt.multimodal.audio import AudioConfig
from minigpt.multimodal.contrastive import recall_at_k
from minigpt.multimodal.run import FusionConfig, Words, align, build, train
from minigpt.multimodal.vision import VisionConfig

NAMES = ("odd", "even", "seven")
SEES = VisionConfig(image_size=4, patch_size=2, d_model=12, n_heads=3)
HEARS = AudioConfig(n_mels=5, n_frames=8, n_halvings=2, d_model=12, n_heads=3)


def stacked(items, generator):
    return torch.stack([torch.as_tensor(item) for item in items])


PREPARE = {"image": stacked, "audio": stacked}


def items(n, generator):
    """Pictures and sounds of three classes, each class with a pattern of its own, and noise."""
    labels = generator.integers(3, size=n)
    patterns = {"image": np.random.default_rng(1).normal(size=(3, 1, 4, 4)),
                "audio": np.random.default_rng(2).normal(size=(3, 5, 8))}  # fmt: skip
    return {name: ([np.float32(p[label] + 0.3 * generator.normal(size=p[label].shape)) for label in labels], labels)
            for name, p in patterns.items()}  # fmt: skip


def setting(steps, learning_rate=5e-3):
    return TrainingConfig(steps=steps, batch_size=24, learning_rate=learning_rate, warmup_steps=5, precision="float32")


def test_what_learns_is_what_the_configuration_says():
    for train_text in (True, False):
        for fusion in ("projected", "cross-attention"):
            model = build(small_gpt(), FusionConfig(fusion=fusion, train_text=train_text, image=SEES, audio=HEARS))
            text = set(model.text_parameters())
            for name, parameter in model.named_parameters():
                assert parameter.requires_grad == (train_text or parameter not in text), name
            assert set(model.encoders) == {"image", "audio"}
    assert set(build(small_gpt(), FusionConfig(image=None, audio=HEARS)).encoders) == {"audio"}
    with pytest.raises(ValueError, match="both None"):
        FusionConfig(image=None)
    with pytest.raises(ValueError, match="every=0 must be at least 1"):
        FusionConfig(every=0)


def test_words_are_the_gpts_own_embeddings(tokenizer):
    gpt = small_gpt()
    words = Words(gpt, tokenizer, NAMES)
    vectors = words(torch.tensor([2, 0]))
    assert vectors.shape == (2, 1, 12) and not list(words.parameters())
    mean = gpt.token_embedding(torch.tensor(tokenizer.encode(" seven"))).mean(dim=0)
    torch.testing.assert_close(torch.nn.functional.cosine_similarity(vectors[0, 0], mean, dim=0), torch.tensor(1.0))


def test_pictures_bind_sounds_to_words_that_they_never_met(tokenizer):
    gpt, generator = small_gpt(), np.random.default_rng(0)
    model = build(gpt, FusionConfig(image=SEES, audio=HEARS))
    before = [parameter.clone() for parameter in model.text_parameters()]
    aligner = align(dict(model.encoders), gpt, tokenizer, items(300, generator), NAMES, setting(150), PREPARE,
                    pairs=(("image", "text"), ("image", "audio")))  # fmt: skip
    assert all(torch.equal(a, b) for a, b in zip(before, model.text_parameters()))
    fresh = items(60, np.random.default_rng(9))
    words = aligner.embed("text", torch.arange(3))
    for name in ("image", "audio"):
        of_modality, labels = fresh[name]
        similarity = aligner.embed(name, stacked(of_modality, None)) @ words.T
        positive = torch.as_tensor(labels)[:, None] == torch.arange(3)
        assert recall_at_k(similarity, positive, 1) > 0.9, name
        assert recall_at_k(similarity.T, positive.T, 1) > 0.9, name


def test_training_teaches_the_answers_and_is_reproducible(tokenizer):
    data = items(200, np.random.default_rng(0))["image"]
    shown = [Shown("<|image|>a", NAMES[label], (item,)) for item, label in zip(*data)]
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        gpt = small_gpt(n_layers=1, d_model=24)
        gpt.init_weights()
        model = build(gpt, FusionConfig(image=SEES))
        align(dict(model.encoders), gpt, tokenizer, {"image": data}, NAMES, setting(60), PREPARE)
        model.encoders["image"].requires_grad_(False)
        train(model, tokenizer, lambda generator, n: [shown[i] for i in generator.integers(len(shown), size=n)],
              setting(90, 2e-2), PREPARE)  # fmt: skip
        assert not model.training
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert share_right(model, tokenizer, shown[:50], PREPARE) > 0.9


def test_alignment_draws_other_items_and_other_changes_at_each_step(tokenizer):
    drawn, changes = [], []

    def noted(items, generator):
        drawn.append([float(item.sum()) for item in items])
        changes.append(int(torch.randint(2**31, (), generator=generator)))
        return stacked(items, generator)

    encoders = dict(build(small_gpt(), FusionConfig(image=SEES)).encoders)
    data = {"image": items(200, np.random.default_rng(0))["image"]}
    align(encoders, small_gpt(), tokenizer, data, NAMES, setting(4), {"image": noted})
    assert len(drawn) == 4 and len({tuple(batch) for batch in drawn}) == 4 and len(set(changes)) == 4
