"""Text in pieces, its split, its token ids, and windows."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt.datasets import text as text_module
from minigpt.datasets.text import NextTokenWindows, TextSource, token_ids
from minigpt.tokenizers import CharTokenizer

fixed = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture
def small_pieces(monkeypatch):
    """Pieces of five bytes, so that characters are cut in two."""
    monkeypatch.setattr(text_module, "PIECE", 5)


def source_of(data):
    return TextSource("note.txt", lambda: io.BytesIO(data), 0, len(data))


def test_pieces_join_to_the_whole_text(small_pieces):
    text = "añ語言😀 model, 日本\r\nend"
    assert "".join(TextSource.from_string("s", text).pieces()) == text


@pytest.mark.parametrize("data, offset", [
    (b"abcdefgh\xffij", 8),
    (b"abc\xe8\xaaz", 3),  # a character broken off, across two pieces
    (b"abcdefghi\xe8\xaa", 9),  # a character cut off by the end
])  # fmt: skip
def test_a_byte_that_is_not_utf8_is_named_by_its_offset(small_pieces, data, offset):
    with pytest.raises(ValueError, match=rf"note.txt is not UTF-8 text: byte 0x.. at offset {offset}$"):
        list(source_of(data).pieces())


def test_binary_data_is_named_as_such(small_pieces):
    with pytest.raises(ValueError, match="binary file, not text: a zero byte at offset 7"):
        list(source_of(b"abcdefg\0hi").pieces())


@fixed
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), st.floats(0.01, 0.99))
def test_the_split_loses_nothing_and_cuts_no_character(text, share):
    training, validation = TextSource.from_string("s", text).split(share)
    assert "".join(training.pieces()) + "".join(validation.pieces()) == text
    wanted = len(text.encode()) * (1 - share)
    assert -1 < training.n_bytes - wanted < 4


@pytest.mark.parametrize("make, message", [
    (lambda p: p / "absent.txt", "absent.txt does not exist"),
    (lambda p: p, "is not a file"),
    (lambda p: (p / "empty.txt").touch() or p / "empty.txt", "empty.txt is empty"),
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused(tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        TextSource.from_file(make(tmp_path))


def test_a_byte_order_mark_is_not_text(tmp_path):
    path = tmp_path / "windows.txt"
    path.write_text("naïve", encoding="utf-8-sig")
    assert "".join(TextSource.from_file(path).pieces()) == "naïve"
    path.write_text("", encoding="utf-8-sig")
    with pytest.raises(ValueError, match=r"windows\.txt is empty"):
        TextSource.from_file(path)


def test_long_texts_are_memory_mapped_with_the_same_ids(tmp_path, monkeypatch):
    text = "the quick brown fox. " * 50
    source, tokenizer = TextSource.from_string("s", text), CharTokenizer.train(text)
    in_memory = token_ids(source, tokenizer, tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(text_module, "IN_MEMORY", 100)
    mapped = token_ids(source, tokenizer, tmp_path)
    assert isinstance(mapped, np.memmap)
    assert mapped.dtype == in_memory.dtype == np.uint16
    assert np.array_equal(mapped, in_memory)
    (path,) = tmp_path.iterdir()
    before = path.stat().st_mtime_ns
    token_ids(source, tokenizer, tmp_path)
    assert path.stat().st_mtime_ns == before  # found, not made again


def test_a_failed_encoding_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "IN_MEMORY", 1)
    with pytest.raises(ValueError):
        token_ids(TextSource.from_string("s", "abcz"), CharTokenizer.train("abc"), tmp_path)
    assert not list(tmp_path.iterdir())


@fixed
@given(st.integers(2, 90), st.integers(1, 12), st.integers(0, 3))
def test_an_epoch_reads_every_window_once(length, context, seed):
    if length < context + 1:
        return
    windows = NextTokenWindows(np.arange(length), context)
    starts = [windows.batch(step, 1, seed)[0][0, 0].item() for step in range(windows.n_windows)]
    assert sorted(np.diff(sorted(starts))) == [context] * (windows.n_windows - 1)  # side by side, none twice
    assert windows.n_windows * context > length - 2 * context - 1  # and nearly all of the text


def test_targets_are_the_inputs_one_token_later():
    inputs, targets = NextTokenWindows(np.arange(100, dtype=np.uint16), 7).batch(3, 4, seed=1)
    assert inputs.shape == targets.shape == (4, 7)
    assert inputs.dtype == torch.int64
    assert torch.equal(targets, inputs + 1)


def test_a_batch_depends_on_step_and_seed_alone():
    windows = NextTokenWindows(np.arange(200), 7)
    in_order = [windows.batch(step, 5, 1)[0] for step in range(12)]
    backwards = [NextTokenWindows(np.arange(200), 7).batch(step, 5, 1)[0] for step in range(11, -1, -1)][::-1]
    assert all(torch.equal(a, b) for a, b in zip(in_order, backwards))
    assert not torch.equal(in_order[0], windows.batch(0, 5, 2)[0])
    per_epoch = windows.n_windows
    first, second = (torch.cat([windows.batch(e * per_epoch + i, 1, 1)[0] for i in range(per_epoch)]) for e in (0, 1))
    assert not torch.equal(first, second)  # another order in the next epoch


def test_micro_batches_are_the_batch_in_parts():
    windows = NextTokenWindows(np.arange(200), 7)
    parts = list(windows.micro_batches(2, 5, 3, seed=1))
    assert [len(inputs) for inputs, _ in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([inputs for inputs, _ in parts]), windows.batch(2, 5, 1)[0])


@fixed
@given(st.integers(2, 80), st.integers(1, 11), st.integers(1, 5))
def test_reading_in_order_scores_every_token_but_the_first_once(length, context, batch_size):
    if length < context + 1:
        return
    batches = list(NextTokenWindows(np.arange(length), context).in_order(batch_size))
    assert sorted(torch.cat([targets.flatten() for _, targets in batches]).tolist()) == list(range(1, length))
    assert all(torch.equal(inputs + 1, targets) for inputs, targets in batches)


def test_a_sample_of_windows_is_spread_over_the_text():
    batches = list(NextTokenWindows(np.arange(1001), 10).in_order(batch_size=3, at_most=5))
    assert torch.cat([inputs[:, 0] for inputs, _ in batches]).tolist() == [0, 250, 500, 740, 990]


def test_a_text_shorter_than_a_window_is_refused():
    NextTokenWindows(np.arange(8), 7)
    with pytest.raises(ValueError, match="poem has 7 tokens, too few for one window: context_length=7 needs 8"):
        NextTokenWindows(np.arange(7), 7, "poem")
