"""The model that ships with the package: small, found by its name, and as good as its card says."""

import json
import re

import pytest

from minigpt import GPT, load_model
from minigpt.checkpoint import SHIPPED, find_checkpoint
from minigpt.datasets.catalog import open_text
from minigpt.datasets.text import NextTokenWindows, token_ids
from minigpt.datasets.tiny_world import TinyWorld
from minigpt.training.losses import mean_loss, next_token_loss


@pytest.fixture(scope="module")
def base():
    return load_model("minigpt-base")


def test_it_is_found_by_its_name_from_anywhere(base, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_checkpoint("minigpt-base") == SHIPPED / "minigpt-base"
    assert GPT.from_pretrained("minigpt-base").n_parameters() == base[0].n_parameters()
    with pytest.raises(ValueError, match="does not exist"):
        GPT.from_pretrained("minigpt-bass")


def test_it_is_at_most_six_megabytes():
    assert (SHIPPED / "minigpt-base" / "model.safetensors").stat().st_size <= 6e6


def test_its_loss_is_that_of_its_card(base):
    model, tokenizer = base
    about = json.loads((SHIPPED / "minigpt-base" / "config.json").read_text(encoding="utf-8"))["about"]
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert float(re.search(r"([\d.]+) nats a token", card)[1]) == pytest.approx(about["loss"], abs=0.001)
    _, validation = open_text(about["text"]).split(0.1)
    windows = NextTokenWindows(token_ids(validation, tokenizer), model.config.context_length)
    loss = mean_loss(model, next_token_loss, windows.in_order(at_most=100))
    assert loss == pytest.approx(about["loss"], rel=0.06)  # 100 windows of about a thousand; other Pythons, other docs


def test_it_prefers_the_worlds_sentences_to_the_same_words_in_another_order(base):
    model, tokenizer = base
    preferred = []
    for document in TinyWorld("train").documents(20, seed=999):
        words = document.sentences[0].text.split()
        losses = []
        for text in (" ".join(words), " ".join(reversed(words))):
            windows = NextTokenWindows(tokenizer.encode("\n\n" + text), len(tokenizer.encode("\n\n" + text)) - 1)
            losses.append(mean_loss(model, next_token_loss, windows.in_order()))
        preferred.append(losses[0] < losses[1])
    assert all(preferred)
