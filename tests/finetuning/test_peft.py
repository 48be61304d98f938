"""LoRA as the library peft computes it: the same A and B in the same GPT-2 give the same logits, merged or not."""

import pytest
import torch

from minigpt.config import GPTConfig
from minigpt.finetuning.lora import add_lora, merge_lora
from minigpt.model import GPT
from minigpt.pretrained import to_hugging_face

RANK, ALPHA, WIDTH = 3, 7.0, 12


@pytest.fixture(scope="module")
def pair():
    """Our GPT-2 with LoRA on queries, keys, values and the feed-forward layer, and peft's with the same numbers.

    GPT-2 has one matrix for queries, keys and values together, and so one A (3 × D) and one B (3D × 3). Ours are three
    layers: they share A, and each takes its third of B.
    """
    transformers = pytest.importorskip("transformers")
    peft = pytest.importorskip("peft", reason="peft is not installed: pip install -c constraints.txt peft")
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=29, context_length=11, n_layers=2, n_heads=2, d_model=WIDTH, dropout=0.0)
    ours = GPT(config).eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    shape = transformers.GPT2Config(vocab_size=29, n_positions=11, n_layer=2, n_head=2, n_embd=WIDTH)
    theirs = transformers.GPT2LMHeadModel(shape).eval()
    theirs.load_state_dict(to_hugging_face(config, ours.state_dict()), strict=False)
    theirs.tie_weights()
    settings = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["c_attn", "c_fc"], fan_in_fan_out=True,
                               lora_dropout=0.0)  # fmt: skip
    theirs = peft.get_peft_model(theirs, settings).eval()
    add_lora(ours, RANK, ALPHA, layers=("query", "key", "value", "up"))
    with torch.no_grad():
        for index, block in enumerate(ours.blocks):
            their_block = theirs.base_model.model.transformer.h[index]
            packed, wide = their_block.attn.c_attn, their_block.mlp.c_fc
            for layer in (packed, wide):
                layer.lora_A["default"].weight.normal_(0, 0.3)
                layer.lora_B["default"].weight.normal_(0, 0.3)
            attention = block.attention
            thirds = packed.lora_B["default"].weight.chunk(3)
            for layer, up in zip((attention.query, attention.key, attention.value), thirds):
                layer.down.copy_(packed.lora_A["default"].weight)
                layer.up.copy_(up)
            block.feed_forward.up.down.copy_(wide.lora_A["default"].weight)
            block.feed_forward.up.up.copy_(wide.lora_B["default"].weight)
    return ours.double(), theirs.double()


IDS = torch.randint(29, (2, 7), generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def test_the_logits_are_pefts(pair):
    ours, theirs = pair
    torch.testing.assert_close(ours(IDS), theirs(IDS).logits, atol=1e-6, rtol=0)
    with theirs.disable_adapter():
        assert (ours(IDS) - theirs(IDS).logits).abs().max() > 0.1  # the product does matter


@torch.no_grad()
def test_merged_they_are_still_pefts(pair):
    ours, theirs = pair
    before = ours(IDS)
    merge_lora(ours)
    torch.testing.assert_close(ours(IDS), before, atol=1e-6, rtol=0)
    torch.testing.assert_close(ours(IDS), theirs.merge_and_unload()(IDS).logits, atol=1e-6, rtol=0)
