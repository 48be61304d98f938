"""Checkpoint folders: whole or not at all, and checked when read."""

import json
import pickle
import shutil

import pytest
import torch
from tiny_models import VARIANTS, make_model

from minigpt.checkpoint import find_checkpoint, load_model, replacing_folder, save_model, save_tensors
from minigpt.tokenizers import BPETokenizer, CharTokenizer

TOKENIZER = CharTokenizer.train("abcdefghijklmnopqrstuvwxyz .\n")


def save(folder, model=None, tokenizer=TOKENIZER):
    with replacing_folder(folder) as new:
        save_model(new, model or make_model(), tokenizer)
    return folder


@pytest.mark.parametrize("name", VARIANTS)
def test_a_saved_model_is_read_back_bit_for_bit(tmp_path, name):
    model = make_model(**VARIANTS[name])
    again, tokenizer = load_model(save(tmp_path / "a", model))
    assert again.config == model.config
    assert not again.training
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters()))
    assert all(p.requires_grad and not p.is_meta for p in again.parameters())
    assert tokenizer.encode("abc") == TOKENIZER.encode("abc")


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)


def edit_config(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["model"] |= changes
    path.write_text(json.dumps(config))


DAMAGES = {
    "weights missing": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors is missing"),
    "weights cut short": (lambda f: cut(f / "model.safetensors"), "model.safetensors is damaged or was changed"),
    "one bit of the weights": (lambda f: flip(f / "model.safetensors"), "model.safetensors is damaged or was changed"),
    "config missing": (lambda f: (f / "config.json").unlink(), "config.json or checksums.json is missing"),
    "config cut short": (lambda f: cut(f / "config.json"), "config.json is damaged: not valid JSON"),
    "another number of heads": (lambda f: edit_config(f, n_heads=7), "config.json is damaged or was changed"),
    "an unknown setting": (lambda f: edit_config(f, n_head=7), "did you mean 'model.n_heads'"),
    "a setting of another type": (lambda f: edit_config(f, n_heads="2"), "must be of type int"),
    "checksums missing": (lambda f: (f / "checksums.json").unlink(), "config.json or checksums.json is missing"),
    "checksums not a table": (lambda f: (f / "checksums.json").write_text("[]"), "checksums.json is damaged"),
    "tokenizer missing": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "tokenizer cut short": (lambda f: cut(f / "tokenizer.json"), "tokenizer.json"),
    "another tokenizer": (
        lambda f: BPETokenizer.train("some text", 260).save(f / "tokenizer.json"),
        "tokenizer.json is not the tokenizer that this model was trained with",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_refused_in_one_line_that_names_the_file(tmp_path, name):
    damage, message = DAMAGES[name]
    damage(save(tmp_path / "a"))
    with pytest.raises(ValueError) as caught:
        load_model(tmp_path / "a")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name, value", [
    ("n_layers", 100_000), ("n_layers", 2), ("d_model", 2**40), ("d_model", 2**30), ("vocab_size", 10**30),
])  # fmt: skip
def test_absurd_sizes_are_refused_at_once(tmp_path, name, value):
    folder = save(tmp_path / "a")
    edit_config(folder, **{name: value})
    rehash(folder)
    with pytest.raises(ValueError):
        load_model(folder)


def test_a_file_without_a_hash_is_refused(tmp_path):
    folder = save(tmp_path / "a")
    (folder / "training_state.safetensors").write_bytes(b"from elsewhere")
    with pytest.raises(ValueError, match=r"training_state\.safetensors is damaged or was changed"):
        load_model(folder)


def rehash(folder):
    """Make the checksums agree again, as somebody who edits a checkpoint on purpose would."""
    import hashlib

    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.name != "checksums.json"}
    (folder / "checksums.json").write_text(json.dumps(sums))


@pytest.mark.parametrize("edit, message", [
    (lambda t: t.pop("final_norm.bias"), "lacks the weights 'final_norm.bias'"),
    (lambda t: t.update(extra=torch.zeros(1)), "holds the weights 'extra'"),
    (lambda t: t.update({"final_norm.bias": torch.zeros(3)}), r"'final_norm.bias' has shape \(3,\), the model needs"),
])  # fmt: skip
def test_weights_of_another_model_are_refused(tmp_path, edit, message):
    model = make_model()
    folder = save(tmp_path / "a", model)
    tensors = dict(model.state_dict())
    edit(tensors)
    save_tensors(folder / "model.safetensors", tensors)
    rehash(folder)
    with pytest.raises(ValueError, match=message):
        load_model(folder)


def test_a_pickle_in_place_of_the_weights_is_not_executed(tmp_path):
    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    folder = save(tmp_path / "a")
    (folder / "model.safetensors").write_bytes(pickle.dumps(Attack()))
    rehash(folder)
    with pytest.raises(ValueError, match="damaged or not a safetensors file"):
        load_model(folder)
    assert not (tmp_path / "owned").exists()


def test_a_failed_save_leaves_the_old_checkpoint_and_nothing_else(tmp_path):
    folder = save(tmp_path / "a")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RuntimeError), replacing_folder(folder) as new:
        save_model(new, make_model(seed=1), TOKENIZER)
        raise RuntimeError("the power fails")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_a_process_killed_between_the_two_renames_loses_nothing(tmp_path):
    folder = save(tmp_path / "run" / "last")
    folder.rename(tmp_path / "run" / ".last.old")
    shutil.copytree(tmp_path / "run" / ".last.old", tmp_path / "run" / ".last.new")
    load_model(tmp_path / "run" / "last")
    load_model(tmp_path / "run")
    save(folder, make_model(seed=1))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["last"]


def test_a_run_folder_prefers_the_best(tmp_path):
    save(tmp_path / "last")
    assert find_checkpoint(tmp_path).name == "last"
    save(tmp_path / "best")
    assert find_checkpoint(tmp_path).name == "best"
    assert find_checkpoint(tmp_path, prefer=("last",)).name == "last"
