"""A fine-tuned model behind HTTP says what `minigpt predict` says."""

import json

import pytest
from http_server import serving
from tiny_models import make_model

from minigpt.checkpoint import replacing_folder, save_model
from minigpt.cli import main
from minigpt.finetuning.run import load_finetuned
from minigpt.tokenizers import BPETokenizer


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A classifier, hardly trained."""
    folder = tmp_path_factory.mktemp("finetuned")
    rows = [(f"{word} {other} {more}", "positive" if word == "good" else "negative")
            for word in ("good", "bad") for other in "abcdefgh" for more in "ijkl"]  # fmt: skip
    tokenizer = BPETokenizer.train(" ".join(text for text, _ in rows), 270)
    with replacing_folder(folder / "base") as new:
        save_model(new, make_model(0, vocab_size=tokenizer.vocab_size, context_length=24), tokenizer)
    (folder / "rows.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    assert main(["finetune", "--task", "sentiment", "--data", str(folder / "rows.csv"), "--from", str(folder / "base"),
                 "--out", str(folder / "run"), "--epochs", "1", "--precision", "float32"]) == 0  # fmt: skip
    return folder / "run"


def test_predictions_are_those_of_the_command(run, tmp_path, capsys):
    texts = ["good a i", "bad b j", "c good k"]
    (tmp_path / "texts").write_text("\n".join(texts))
    capsys.readouterr()
    assert main(["predict", str(run), "--data", str(tmp_path / "texts")]) == 0
    expected = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    finetuned = load_finetuned(run)
    with serving(finetuned.model, finetuned.encoder.tokenizer, finetuned=finetuned) as (http, _):
        made = http.post("/predict", json={"inputs": [texts[0], {"text": texts[1]}, texts[2]]})
        assert made.json()["predictions"] == expected
        assert http.get("/healthz").json()["task"] == "Classification"
        for inputs in ([], [{}], [{"text": 5}], [{"text": None}], [{"text": "a", "first": 3}], ["\ud800"], [7],
                       ["a"] * 65, [{"text": "abc", "first": [0, 1], "second": [2]}],
                       [{"text": "a", "second": 5}]):  # fmt: skip
            refused = http.post("/predict", content=json.dumps({"inputs": inputs}),
                                headers={"Content-Type": "application/json"})  # fmt: skip
            assert refused.status_code == 400, (inputs, refused.text)
            assert refused.json()["error"]["message"]
        writes = http.post("/v1/completions", json={"prompt": "a"})
        assert writes.status_code == 404
        assert "ask /predict" in writes.json()["error"]["message"]


def test_a_model_that_writes_has_no_predictions(served):
    refused = served[0].post("/predict", json={"inputs": ["a"]})
    assert refused.status_code == 404
    assert "not fine-tuned" in refused.json()["error"]["message"]
