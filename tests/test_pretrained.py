"""Hugging Face's GPT-1 and GPT-2, tiny and random: the same logits in both directions."""

import json
import shutil

import pytest
import torch
from tiny_models import VARIANTS, make_model

from minigpt.checkpoint import load_tensors, save_tensors
from minigpt.pretrained import read_hugging_face, write_hugging_face

transformers = pytest.importorskip("transformers")

SIZES = dict(vocab_size=29, n_positions=11, n_layer=3, n_head=2, n_embd=14)


def theirs(kind, **changes):
    config_class, model_class = {
        "gpt1": (transformers.OpenAIGPTConfig, transformers.OpenAIGPTLMHeadModel),
        "gpt2": (transformers.GPT2Config, transformers.GPT2LMHeadModel),
    }[kind]
    torch.manual_seed(0)
    model = model_class(config_class(**SIZES, bos_token_id=0, eos_token_id=0, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("kind, changes", [
    ("gpt1", {}), ("gpt2", {}), ("gpt2", {"tie_word_embeddings": False}), ("gpt2", {"layer_norm_epsilon": 0.1}),
])  # fmt: skip
def test_their_model_gives_the_same_logits_here(tmp_path, kind, changes):
    model = theirs(kind, **changes)
    model.save_pretrained(tmp_path)
    ours = read_hugging_face(tmp_path)
    ids = torch.randint(29, (2, 9))
    torch.testing.assert_close(ours(ids), model(ids).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["gpt1", "gpt2", "untied"])
def test_our_model_gives_the_same_logits_there(tmp_path, name):
    ours = make_model(**VARIANTS[name])
    write_hugging_face(tmp_path, ours)
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    ids = torch.randint(29, (2, 9))
    torch.testing.assert_close(model(ids).logits, ours(ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["gpt1", "gpt2", "untied"])
def test_out_and_in_again_changes_no_bit(tmp_path, name):
    model = make_model(**VARIANTS[name])
    write_hugging_face(tmp_path, model)
    again = read_hugging_face(tmp_path)
    assert again.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_weights_in_several_files_and_without_prefix(tmp_path):
    model = theirs("gpt2")
    model.save_pretrained(tmp_path, max_shard_size="5kB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    ids = torch.randint(29, (2, 9))
    torch.testing.assert_close(read_hugging_face(tmp_path)(ids), model(ids).logits, atol=1e-5, rtol=1e-5)
    # GPT-2's first published files have no "transformer." in their names, and the causal mask among them.
    for path in tmp_path.glob("model*"):
        path.unlink()
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in model.state_dict().items()}
    tensors = {name: tensor.clone() for name, tensor in tensors.items()} | {"h.0.attn.bias": torch.ones(1, 1, 11, 11)}
    save_tensors(tmp_path / "model.safetensors", tensors)
    torch.testing.assert_close(read_hugging_face(tmp_path)(ids), model(ids).logits, atol=1e-5, rtol=1e-5)


def edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("change, message", [
    ({"model_type": "llama"}, "model_type='llama' is not supported"),
    ({"activation_function": "relu"}, "activation 'relu' is not supported"),
    ({"n_inner": 20}, "n_inner=20 is not supported"),
    ({"n_embd": 12}, "has shape"),
    ({"n_layer": 4}, "lack 'transformer.h.3.ln_1.weight'"),
    ({"n_layer": 2}, "hold 'transformer.h.2.attn.c_attn.bias'"),
    ({"n_layer": 10**6}, "lack 'transformer.h.3.ln_1.weight'"),
    ({"n_layer": 2.0}, "n_layers=2.0 must be of type int"),
    ({"vocab_size": 10**30}, "below 2"),
    ({"tie_word_embeddings": "no"}, "tied_head='no' must be of type bool"),
    ({"n_embd": "14"}, "config.json"),
])  # fmt: skip
def test_a_model_of_another_kind_is_refused(tmp_path, change, message):
    write_hugging_face(tmp_path, make_model())
    edit(tmp_path, **change)
    with pytest.raises(ValueError, match=message):
        read_hugging_face(tmp_path)


@pytest.mark.parametrize("edit, message", [
    (lambda t: t.update({"transformer.h.3.ln_1.weight": torch.ones(14)}), "hold 'transformer.h.3.ln_1.weight'"),
    (lambda t: t.update({"lm_head.weight": torch.ones(29, 14)}), "'lm_head.weight' is not the token embedding"),
    (lambda t: t.update({"transformer.wte.weight": torch.ones(29, 14, dtype=torch.int32)}), "not floating-point"),
])  # fmt: skip
def test_weights_that_do_not_belong_are_refused(tmp_path, edit, message):
    write_hugging_face(tmp_path, make_model())
    tensors = load_tensors(tmp_path / "model.safetensors")
    edit(tensors)
    save_tensors(tmp_path / "model.safetensors", tensors)
    with pytest.raises(ValueError, match=message):
        read_hugging_face(tmp_path)


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json"):
        read_hugging_face(tmp_path)
    write_hugging_face(tmp_path, make_model())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        read_hugging_face(tmp_path)
    shutil.move(weights, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="a pickle"):
        read_hugging_face(tmp_path)


def test_banded_layers_cannot_be_exported(tmp_path):
    with pytest.raises(ValueError, match="attention_pattern='dense,banded' has no place"):
        write_hugging_face(tmp_path / "out", make_model(**VARIANTS["gpt3"]))
    assert not (tmp_path / "out").exists()


def test_published_gpt2_vocabulary_comes_with_the_model(tmp_path, real_data):
    from minigpt.pretrained import read_hugging_face_tokenizer

    model = make_model(vocab_size=50_257)
    write_hugging_face(tmp_path, model)
    for name, theirs in (("encoder.json", "vocab.json"), ("vocab.bpe", "merges.txt")):
        shutil.copy(real_data / "gpt2_bpe" / name, tmp_path / theirs)
    tokenizer = read_hugging_face_tokenizer(tmp_path, model.config)
    assert tokenizer.encode("Hello world") == [15496, 995]
    with pytest.raises(ValueError, match="50257 tokens, the model has 29"):
        read_hugging_face_tokenizer(tmp_path, make_model().config)


def test_published_gpt1_vocabulary_comes_with_the_model(tmp_path, real_data):
    from minigpt.pretrained import read_hugging_face_tokenizer

    model = make_model(vocab_size=40_478, norm_position="post")
    write_hugging_face(tmp_path, model)
    for name, theirs in (("encoder_bpe_40000.json", "vocab.json"), ("vocab_40000.bpe", "merges.txt")):
        shutil.copy(real_data / "gpt1_bpe" / name, tmp_path / theirs)
    tokenizer = read_hugging_face_tokenizer(tmp_path, model.config)
    assert tokenizer.decode(tokenizer.encode("Hello World")) == "hello world"
