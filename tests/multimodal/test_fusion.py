import copy
import dataclasses

import pytest
import torch
from small_fused import CONTEXT, D, Ear, Eye, V, small_gpt

from minigpt.generation import generate
from minigpt.multimodal.fusion import (
    PROJECTORS,
    CrossAttention,
    CrossAttentionGPT,
    LinearProjector,
    Media,
    MLPProjector,
    PerceiverResampler,
    PixelShuffleProjector,
    ProjectedGPT,
    product_of_experts,
)

IMAGE_ID, AUDIO_ID = V, V + 1


def projected(projector="mlp"):
    return ProjectedGPT(small_gpt(), {"image": Eye(), "audio": Ear()}, projector).eval()


def crossed(open_gates=True, every=1, **changes):
    model = CrossAttentionGPT(small_gpt(**changes), {"image": Eye(), "audio": Ear()}, "mlp", every).eval()
    for name, parameter in model.named_parameters():
        if name.endswith("_gate") and open_gates:
            torch.nn.init.constant_(parameter, 0.7)
    return model


def images(n):
    return Media(torch.randn(n, 2, 3))


def sounds(n):
    return Media(torch.randn(n, 5))


BOTH = [projected, crossed]


def ids_for(model, rows):
    """Rows of words (ids) and "i", "a" for items, all of one length in ids."""
    return torch.tensor([[token for item in row for token in (
        [item] if isinstance(item, int) else
        [model.placeholder_ids[item]] * model.placeholder_tokens(item))] for row in rows])  # fmt: skip


# ------------------------------------------------------------------------------------------------ projectors


def test_projectors_give_tokens_of_the_gpts_width():
    features = torch.randn(2, 16, 5)
    sizes = {"linear": 16, "mlp": 16, "pixel-shuffle": 4, "resampler": 4}
    for name, n_tokens in sizes.items():
        projector = PROJECTORS[name](16, 5, D)
        assert projector(features).shape == (2, n_tokens, D) and projector.n_tokens == n_tokens


def test_linear_and_mlp_projectors_treat_each_token_alone():
    for kind in (LinearProjector, MLPProjector):
        projector, features = kind(4, 5, D), torch.randn(2, 4, 5)
        order = torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(projector(features[:, order]), projector(features)[:, order])


def test_pixel_shuffle_puts_each_two_by_two_neighbours_into_one_token():
    projector = PixelShuffleProjector(16, 3, D)
    features = torch.randn(1, 16, 3)
    whole = projector(features)
    for place in range(16):
        changed = features.clone()
        changed[:, place] += 1
        moved = (projector(changed) - whole).abs().sum(dim=-1)[0] > 1e-6
        row, column = divmod(place, 4)
        assert moved.nonzero().flatten().tolist() == [row // 2 * 2 + column // 2]
    with pytest.raises(ValueError, match="square of an even number"):
        PixelShuffleProjector(9, 3, D)


def test_the_resampler_reads_any_number_of_tokens_in_any_order():
    resampler = PerceiverResampler(6, 5, D, n_latents=3)
    for n_tokens in (1, 6, 11):
        features = torch.randn(2, n_tokens, 5)
        assert resampler(features).shape == (2, 3, D)
        torch.testing.assert_close(resampler(features.flip(1)), resampler(features), atol=1e-5, rtol=1e-4)


# ------------------------------------------------------------------------------------------------ cross-attention


def test_cross_attention_is_the_formula():
    config = small_gpt().config
    layer = CrossAttention(config)
    hidden, media = torch.randn(2, 5, D), torch.randn(2, 7, D)
    heads = []
    for head in range(3):
        part = slice(4 * head, 4 * head + 4)
        query, key, value = layer.query(hidden)[..., part], layer.key(media)[..., part], layer.value(media)[..., part]
        heads.append((query @ key.mT / 2).softmax(dim=-1) @ value)
    torch.testing.assert_close(layer(hidden, media), layer.output(torch.cat(heads, dim=-1)))


def test_a_query_that_may_look_nowhere_gets_zero_and_gradients_are_finite():
    layer = CrossAttention(small_gpt().config)
    hidden, media = torch.randn(2, 5, D, requires_grad=True), torch.randn(2, 7, D, requires_grad=True)
    mask = torch.rand(2, 1, 5, 7) < 0.5
    mask[0, 0, 3] = False
    mask[1, 0, 2, 0] = True
    output = layer(hidden, media, mask)
    assert (output[0, 3] == 0).all() and (output[1, 2] != 0).any()
    output.square().sum().backward()
    assert hidden.grad.isfinite().all() and media.grad.isfinite().all()
    assert (hidden.grad[0, 3] == 0).all()


def test_zero_gates_leave_the_text_models_logits_bit_for_bit():
    model = crossed(open_gates=False)
    text = copy.deepcopy(model.gpt)
    ids = torch.randint(V, (2, 9))
    before = small_gpt()
    before.load_state_dict({name.replace(".block.", "."): value for name, value in text.state_dict().items()
                            if ".look." not in name})  # fmt: skip
    assert torch.equal(model(ids, {}), before(ids))
    # With an item, the placeholder is a token without a word, and the rest of the text does not notice the item.
    shown = ids.clone()
    shown[:, 2] = IMAGE_ID
    with torch.no_grad():
        before.token_embedding.weight[7] = 0
        as_word = shown.where(shown != IMAGE_ID, 7)
        expected = before.to_logits(before.encode(before.embed(as_word)))
    shown_logits = model(shown, {"image": images(2)})
    kept = torch.arange(V) != 7
    assert torch.equal(shown_logits[..., kept], expected[..., kept])
    opened = crossed(open_gates=True)
    opened.load_state_dict({name: torch.full_like(value, 0.5) if name.endswith("_gate") else value
                            for name, value in model.state_dict().items()})  # fmt: skip
    assert not torch.allclose(opened(shown, {"image": images(2)}), shown_logits)


def test_only_the_new_layers_learn_and_at_zero_gates_only_the_gates():
    model = crossed(open_gates=False)
    shapes = [parameter.shape for parameter in small_gpt().parameters()]
    assert [parameter.shape for parameter in model.text_parameters()] == shapes
    ids = ids_for(model, [["image", 3, 4, 5]])
    model(ids, {"image": images(1)}).square().sum().backward()
    moved = {name for name, p in model.named_parameters() if ".look." in name and p.grad is not None and p.grad.any()}
    assert moved and all(name.endswith("_gate") for name in moved)


def test_a_token_looks_at_the_last_item_before_it_and_at_none_after_it():
    model = crossed()
    ids = ids_for(model, [[1, 2, "image", 3, 4, "image", 5], ["image", 6, 7, 8, 9, 10, 11]])
    media = images(3)
    before = model(ids, {"image": media})
    for item, (row, first, last) in enumerate(((0, 2, 4), (0, 5, 6), (1, 0, 6))):
        changed = media.items.clone()
        changed[item] += 1
        after = model(ids, {"image": Media(changed)})
        moved = (after - before).abs().amax(dim=-1) > 1e-6
        others = torch.ones(2, 7, dtype=torch.bool)
        others[row, first:] = False
        assert not moved[others].any(), item
        assert moved[row, first : last + 1].all(), item


def test_the_looks_are_weights_over_the_last_item_of_each_modality():
    model = crossed()
    ids = ids_for(model, [[1, "image", 3, "audio", "image"], ["image", 6, "audio", 7, 8]])
    layers = model.looks(ids, {"image": images(3), "audio": sounds(2)})
    assert len(layers) == 2 and model.view.collected is None
    first, second, sound = slice(0, 2), slice(2, 4), 4  # of the row's vectors: two of each image, one of the sound
    for weights in layers:
        assert weights.shape == (2, 3, 5, 5)  # room for two images of two vectors, and one sound
        seen = weights.sum(dim=1) > 0  # (B, T, S)
        expected = torch.zeros_like(seen)
        expected[0, 1:4, first] = True
        expected[0, 4, second] = True
        expected[0, 3:, sound] = True
        expected[1, :, first] = True
        expected[1, 2:, sound] = True
        assert torch.equal(seen, expected)
        torch.testing.assert_close(weights.sum(dim=-1), expected.any(dim=-1)[:, None].expand(2, 3, 5).float())


def test_nothing_of_an_item_stays_behind():
    model, ids = crossed(), torch.randint(V, (2, 6))
    before = model(ids, {})
    model(ids_for(model, [["image", 3]]), {"image": images(1)})
    assert torch.equal(model(ids, {}), before)
    assert torch.equal(model.gpt(ids), before)


def test_every_says_how_many_blocks_stand_between_two_looks():
    model = crossed(every=2, n_layers=5)
    assert [hasattr(block, "look") for block in model.gpt.blocks] == [True, False, True, False, True]


# ------------------------------------------------------------------------------------------------ both models


def test_text_ids_put_placeholders_between_the_words(tokenizer):
    text = "a<|image|><|image|>seven<|audio|>"
    a, seven = tokenizer.encode("a"), tokenizer.encode("seven")
    assert projected().text_ids(tokenizer, text) == [*a, *[IMAGE_ID] * 4, *seven, AUDIO_ID]
    assert crossed().text_ids(tokenizer, text) == [*a, *[IMAGE_ID] * 2, *seven, AUDIO_ID]
    assert projected().text_ids(tokenizer, "") == []
    with pytest.raises(ValueError, match="reads no audio"):
        ProjectedGPT(small_gpt(), {"image": Eye()}).text_ids(tokenizer, text)


def test_projected_vectors_stand_where_the_placeholders_stood():
    model = projected()
    ids = ids_for(model, [[5, "image", 6], ["image", 7, 8]])
    media = images(2)
    vectors = model.features("image", media)  # (2, 2, D)
    words = model.gpt.token_embedding.weight
    rows = torch.stack([torch.stack([words[5], vectors[0, 0], vectors[0, 1], words[6]]),
                        torch.stack([vectors[1, 0], vectors[1, 1], words[7], words[8]])])  # fmt: skip
    by_hand = model.gpt.encode(rows + model.gpt.position_embedding.weight[:4])
    torch.testing.assert_close(model(ids, {"image": media}), model.gpt.to_logits(by_hand))


def test_a_text_without_items_gives_the_text_models_logits():
    model, ids = projected(), torch.randint(V, (2, 6))
    assert torch.equal(model(ids, {}), model.gpt(ids))


@pytest.mark.parametrize("make", BOTH)
def test_each_item_matters_and_only_in_its_own_row(make):
    model = make()
    ids = ids_for(model, [["image", 3, "audio", 4, "image"], ["audio", 5, "image", 6, "image"]])
    media = {"image": images(4), "audio": sounds(2)}
    before = model(ids, media)[:, -1]
    for name, owner in (("image", (0, 0, 1, 1)), ("audio", (0, 1))):
        for item, row in enumerate(owner):
            changed = media[name].items.clone()
            changed[item] += 1
            after = model(ids, media | {name: Media(changed)})[:, -1]
            moved = (after - before).abs().amax(dim=-1) > 1e-7
            assert moved[row] and not moved[1 - row], (name, item)


@pytest.mark.parametrize("make", BOTH)
def test_later_tokens_and_later_items_change_nothing_before_them(make):
    model = make()
    ids = ids_for(model, [[2, "image", 3, 4, "image", 5]])
    media = images(2)
    before = model(ids, {"image": media})
    changed_ids, changed_items = ids.clone(), media.items.clone()
    changed_ids[:, -1] = 9
    changed_items[1] += 1
    after = model(changed_ids, {"image": Media(changed_items)})
    first_changed = int((ids == IMAGE_ID).nonzero()[model.placeholder_tokens("image"), 1])
    torch.testing.assert_close(after[:, :first_changed], before[:, :first_changed])
    assert not torch.allclose(after[:, -1], before[:, -1])


@pytest.mark.parametrize("make", BOTH)
def test_a_missing_item_cannot_change_anything_and_is_not_even_read(make):
    model = make()
    ids = ids_for(model, [["image", 3], ["image", 4]])
    present = torch.tensor([True, False])
    items = torch.randn(2, 2, 3)
    items[1] = torch.nan
    output = model(ids, {"image": Media(items, present)})
    items = items.clone()
    items[1] = 1e30
    assert torch.equal(model(ids, {"image": Media(items, present)}), output) and output.isfinite().all()
    assert all(len(read) == 1 for read in model.encoders["image"].read)
    output.square().sum().backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert model.absent["image"].grad.any()
    nothing = Media(torch.full((2, 2, 3), torch.nan), torch.tensor([False, False]))
    torch.testing.assert_close(model(ids, {"image": nothing})[1], output[1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("make", BOTH)
def test_placeholders_and_items_must_match_in_number(make):
    model = make()
    ids = ids_for(model, [["image", 3], ["image", 4]])
    for n_items in (0, 1, 3):
        with pytest.raises(ValueError, match=r"2 <\|image\|> in the text, but \d of its items given"):
            model(ids, {"image": images(n_items)} if n_items else {})
    with pytest.raises(ValueError, match=r"0 <\|audio\|> in the text, but 1"):
        model(ids, {"image": images(2), "audio": sounds(1)})
    with pytest.raises(ValueError, match="reads no video"):
        model(ids, {"image": images(2), "video": images(1)})
    with pytest.raises(ValueError, match="1 marks of presence for 2 items"):
        model(ids, {"image": Media(torch.randn(2, 2, 3), torch.tensor([True]))})


@pytest.mark.parametrize("make", BOTH)
def test_cached_generation_gives_the_tokens_of_uncached(make):
    model = make()
    rows = [[3, "image", 4, "audio", 5], ["image", 6, "image", 7]]  # of different lengths: padded on the left
    prompts = [[t for row in ids_for(model, [row]).tolist() for t in row] for row in rows]
    seeing = model.seeing({"image": images(3), "audio": sounds(1)})
    settings = {"max_new_tokens": 12, "temperature": 1.0, "seed": 3, "n_tokens": V}
    cached = generate(seeing, prompts, **settings)
    assert cached == generate(seeing, prompts, use_cache=False, **settings)
    other = model.seeing({"image": images(3), "audio": sounds(1)})
    assert generate(other, prompts, **settings) != cached
    for row, (n_images, n_sounds) in enumerate(((1, 1), (2, 0))):  # each row alone, with its own items
        parts = {"image": Media(seeing_items(seeing, "image", row)), "audio": Media(seeing_items(seeing, "audio", row))}
        assert len(parts["image"].items) == n_images and len(parts["audio"].items) == n_sounds
        alone = copy.copy(seeing)
        alone.features = {name: part.items for name, part in parts.items() if len(part.items)}
        assert generate(alone, [prompts[row]], **settings) == [cached[row]]


def seeing_items(seeing, name, row):
    first = {"image": (0, 1, 3), "audio": (0, 1, 1)}[name]
    return seeing.features[name][first[row] : first[row + 1]]


@pytest.mark.parametrize("make", BOTH)
def test_no_placeholder_is_ever_written(make):
    model = make()
    seeing = model.seeing({"image": images(1)})
    prompt = ids_for(model, [["image", 4]])[0].tolist()
    (row,) = generate(seeing, [prompt], max_new_tokens=30, temperature=5.0)
    assert max(row) < V
    assert seeing.to_logits(torch.randn(1, 1, D)).shape[-1] == V


def test_a_text_longer_than_the_context_is_refused():
    model = projected()
    ids = ids_for(model, [["image", *range(CONTEXT)]])
    with pytest.raises(ValueError, match="context_length=40"):
        model(ids, {"image": images(1)})
    assert model.config == dataclasses.replace(model.gpt.config, vocab_size=V + 2)


@pytest.mark.parametrize("make", BOTH)
def test_padding_changes_nothing(make):
    model = make()
    ids = ids_for(model, [["image", 3, 4]])
    media = {"image": images(1)}
    padded = torch.cat([ids, torch.zeros(1, 2, dtype=torch.long)], dim=1)
    mask = torch.arange(padded.shape[1])[None] < ids.shape[1]
    length = ids.shape[1]
    torch.testing.assert_close(model(padded, media, mask)[:, :length], model(ids, media), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("make", BOTH)
def test_gradients_reach_encoder_projector_and_words(make):
    model = make()
    ids = ids_for(model, [["image", 3], ["image", 4]])
    model(ids, {"image": images(2)}).square().sum().backward()
    for part in (model.encoders["image"], model.projectors["image"], model.gpt.token_embedding):
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in part.parameters())


# ------------------------------------------------------------------------------------------------ late fusion


def test_the_product_of_experts_is_bayes_rule():
    torch.manual_seed(2)
    prior = torch.rand(4).softmax(dim=0).double()
    eye, ear = torch.rand(6, 4).double().softmax(dim=0), torch.rand(5, 4).double().softmax(dim=0)  # p(x | y), columns
    a, b = torch.tensor([0, 3]), torch.tensor([4, 1])
    joint = prior * eye[a] * ear[b]
    expected = joint / joint.sum(dim=1, keepdim=True)
    experts = {"image": (prior * eye[a]).log().log_softmax(1), "audio": (prior * ear[b]).log().log_softmax(1)}
    torch.testing.assert_close(product_of_experts(experts, prior.log()).exp(), expected)
    present = {"image": torch.tensor([True, False]), "audio": torch.tensor([True, False])}
    with_one = product_of_experts(experts, prior.log(), {"audio": torch.tensor([False, True])})
    torch.testing.assert_close(with_one[0], experts["image"][0])
    torch.testing.assert_close(product_of_experts(experts, prior.log(), present)[1].exp(), prior)
