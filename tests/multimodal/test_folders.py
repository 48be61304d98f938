import json
import shutil

import pytest
import torch
from small_fused import small_gpt

from minigpt.checkpoint import replacing_folder, save_model
from minigpt.config import GPTConfig
from minigpt.model import GPT
from minigpt.multimodal.audio import AudioConfig
from minigpt.multimodal.folders import load_painter, load_reader, save_painter, save_reader
from minigpt.multimodal.fusion import Media
from minigpt.multimodal.run import FusionConfig, build
from minigpt.multimodal.vision import VisionConfig
from minigpt.multimodal.vq_vae import VQVAE, TextToImage, VQVAEConfig
from minigpt.tokenizers import CharTokenizer

BOTH = FusionConfig(image=VisionConfig(d_model=16), audio=AudioConfig(n_mels=6, n_frames=10, d_model=8, n_heads=2))


def rounded(model):
    """The model with weights that bfloat16 can hold."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.bfloat16())
    return model.eval()


def outputs(model):
    ids = torch.tensor([[3, *[model.placeholder_ids["image"]] * model.placeholder_tokens("image"), 5]])
    return model(ids, {"image": Media(torch.linspace(-1, 1, 64).view(1, 1, 8, 8))})


@pytest.mark.parametrize("fusion", ["projected", "cross-attention"])
def test_a_reader_comes_back_with_the_same_outputs(tmp_path, tokenizer, fusion):
    config = FusionConfig(fusion=fusion, image=BOTH.image, audio=BOTH.audio)
    model = rounded(build(small_gpt(), config))
    save_reader(tmp_path / "run", model, tokenizer, config, steps=7)
    again, its_tokenizer, about = load_reader(tmp_path / "run")
    assert torch.equal(outputs(again), outputs(model)) and not again.training
    assert its_tokenizer.fingerprint == tokenizer.fingerprint and about == {"steps": 7}


def test_a_frozen_text_model_is_not_stored_and_must_be_the_same(tmp_path, tokenizer):
    base = tmp_path / "base"
    gpt = rounded(small_gpt())
    with replacing_folder(base) as folder:
        save_model(folder, gpt, tokenizer)
    config = FusionConfig(fusion="cross-attention", train_text=False, image=BOTH.image)
    model = rounded(build(gpt, config))
    save_reader(tmp_path / "run", model, tokenizer, config, str(base))
    whole = sum(p.numel() for p in model.parameters())
    text = sum(p.numel() for p in model.text_parameters())
    assert (tmp_path / "run" / "model.safetensors").stat().st_size < 2 * (whole - text) + 20_000
    assert torch.equal(outputs(load_reader(tmp_path / "run")[0]), outputs(model))
    with replacing_folder(base) as folder:
        save_model(folder, rounded(small_gpt()), tokenizer)
    with pytest.raises(ValueError, match="trained on another"):
        load_reader(tmp_path / "run")


def painter():
    tokenizer = CharTokenizer.train("a seven nine")
    vq_vae = VQVAE(VQVAEConfig())
    config = GPTConfig(TextToImage.vocab_size(tokenizer, vq_vae), 9 + vq_vae.config.n_positions - 1, n_layers=1,
                       n_heads=2, d_model=8, dropout=0.0)  # fmt: skip
    return TextToImage(rounded(GPT(config)), tokenizer, rounded(vq_vae))


def test_a_painter_comes_back_and_draws_the_same(tmp_path):
    model = painter()
    with torch.no_grad():
        for name, buffer in model.vq_vae.named_buffers():  # the codebook, too, was learned
            buffer.copy_((buffer + 0.25).bfloat16())
            assert buffer.is_floating_point(), name
    save_painter(tmp_path / "run", model, words="a seven")
    again, about = load_painter(tmp_path / "run")
    assert torch.equal(again.draw(["a seven"] * 2), model.draw(["a seven"] * 2)) and about == {"words": "a seven"}


def test_damaged_folders_get_one_clear_line(tmp_path, tokenizer):
    config = FusionConfig(image=BOTH.image)
    whole = tmp_path / "whole"
    save_reader(whole, rounded(build(small_gpt(), config)), tokenizer, config)
    save_painter(tmp_path / "painter", painter())

    def broken(change):
        shutil.rmtree(tmp_path / "broken", ignore_errors=True)
        shutil.copytree(whole, tmp_path / "broken")
        change(tmp_path / "broken")
        return tmp_path / "broken"

    def flip(folder):
        data = bytearray((folder / "model.safetensors").read_bytes())
        data[-5] ^= 8
        (folder / "model.safetensors").write_bytes(data)

    cases = [
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "painter", "another kind of model"),
        (broken(flip), "damaged or was changed"),
    ]
    for folder, message in cases:
        with pytest.raises(ValueError, match=message) as raised:
            load_reader(folder)
        assert "\n" not in str(raised.value)
    for change, message in ((lambda f: (f / "model.safetensors").unlink(), "is missing"),
                            (lambda f: (f / "config.json").write_text("{"), "not valid JSON"),
                            (lambda f: (f / "config.json").write_text('{"format": 3}'), "another kind")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            load_reader(broken(change))
    with pytest.raises(ValueError, match="does not hold a model that draws"):
        load_painter(whole)


@pytest.mark.parametrize("damage", ["drop", "wide", "kind", "extra"])
def test_settings_that_do_not_fit_are_refused_even_with_right_hashes(tmp_path, tokenizer, damage):
    config = FusionConfig(image=BOTH.image)
    model = rounded(build(small_gpt(), config))
    save_reader(tmp_path / "run", model, tokenizer, config)
    settings = json.loads((tmp_path / "run" / "config.json").read_text())
    if damage == "drop":
        del settings["fusion"]["image"]
    elif damage == "wide":
        settings["fusion"]["image"]["d_model"] = 20
    elif damage == "kind":
        settings["fusion"]["projector"] = "magic"
    else:
        settings["fusion"]["colour"] = 1
    tensors = (tmp_path / "run" / "model.safetensors").read_bytes()
    with replacing_folder(tmp_path / "run2") as folder:
        (folder / "config.json").write_text(json.dumps(settings))
        (folder / "model.safetensors").write_bytes(tensors)
        tokenizer.save(folder / "tokenizer.json")
    with pytest.raises(ValueError, match=r"damaged|does not belong") as raised:
        load_reader(tmp_path / "run2")
    assert "\n" not in str(raised.value)
