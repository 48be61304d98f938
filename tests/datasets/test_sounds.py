"""Recordings: who says what and when, the telephone's tones, a synthetic voice, and real speakers by name."""

import hashlib
import io
import wave
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from minigpt.datasets import catalog
from minigpt.datasets.sounds import KEY_TONES, Recordings, spoken_digits
from minigpt.datasets.voice import FRAME, PHONEMES, RATE, WORDS, Voice, _resonate, say_digit


def power_at(samples, hz):
    """Power of one frequency, by the sum that defines it."""
    turns = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    return abs(samples @ turns) ** 2


def spectrogram(recordings):
    """A plain log spectrogram, independent of the package's: (N, features)."""
    rows = []
    for samples in recordings.samples:
        padded = np.zeros(RATE)
        padded[: min(len(samples), RATE)] = samples[:RATE]
        spectrum = np.abs(np.fft.rfft(padded.reshape(-1, 250) * np.hanning(250))) ** 2
        loudness = np.log10(spectrum.reshape(len(spectrum), 18, 7).mean(axis=2) + 1e-9)
        rows.append(np.maximum(loudness - loudness.max(), -4).ravel())
    return np.stack(rows)


@pytest.mark.parametrize("data", ["voices", "tones"])
def test_what_is_embedded_needs_no_file_and_is_the_same_each_time(data, monkeypatch):
    monkeypatch.delenv("MINIGPT_DATA", raising=False)
    first, second = spoken_digits("validation", data), spoken_digits("validation", data)
    assert len(first) == len(first.labels) == len(first.speakers) == len(first.takes) >= 160
    assert (np.bincount(first.labels) == len(first) // 10).all()
    for a, b in zip(first.samples, second.samples):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.float32 and 0 < np.abs(a).max() <= 1 and np.isfinite(a).all()
    assert first.labels.dtype == first.takes.dtype == np.int64 and first.rate == 8000


def test_chosen_recordings_keep_what_belongs_to_them():
    samples = tuple(np.full(n, n, np.float32) for n in (3, 5, 4))
    all_three = Recordings(samples, 8000, np.array([7, 2, 5]), ("ann", "bob", "ann"), np.array([0, 0, 1]))
    last_two = all_three[np.array([2, 1])]
    assert [len(s) for s in last_two.samples] == [4, 5]
    assert last_two.labels.tolist() == [5, 2] and last_two.speakers == ("ann", "bob")
    assert last_two.takes.tolist() == [1, 0] and last_two.names == all_three.names
    assert len(all_three[1:]) == 2 and len(all_three[0]) == 1
    assert all_three[all_three.by("ann")].labels.tolist() == [7, 5]
    assert all_three[~all_three.by("ann")].labels.tolist() == [2]
    assert len(all_three[all_three.by("nobody")]) == 0


def test_a_digits_two_tones_are_those_of_the_telephone():
    """The standard's eight frequencies, spelled out: 1209, 1336, 1477 across, 697, 770, 852, 941 down."""
    assert KEY_TONES == ((941, 1336), (697, 1209), (697, 1336), (697, 1477), (770, 1209), (770, 1336), (770, 1477),
                         (852, 1209), (852, 1336), (852, 1477))  # fmt: skip
    recordings = spoken_digits("test", "tones")
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    for samples, label in zip(recordings.samples, recordings.labels):
        heard = tuple(max(tones, key=lambda hz: power_at(samples, hz)) for tones in (rows, columns))
        assert heard == KEY_TONES[label]
    assert len({len(samples) for samples in recordings.samples}) == 1 and len(recordings.samples[0]) == 4000


def test_no_voice_speaks_in_two_parts():
    parts = [set(spoken_digits(part).speakers) for part in ("validation", "test")]
    train = {f"voice-{number:02}" for number in range(40)}
    assert len(parts[0]) == 8 and len(parts[1]) == 12
    assert not parts[0] & parts[1] and not (parts[0] | parts[1]) & train


@pytest.fixture(scope="module")
def synthetic():
    return spoken_digits("train"), spoken_digits("test")


def test_the_digits_of_unknown_synthetic_voices_can_be_told_apart_unless_it_is_noisy(synthetic):
    from sklearn.svm import SVC

    train, test = synthetic
    machine = SVC(C=10).fit(spectrogram(train), train.labels)
    assert machine.score(spectrogram(test), test.labels) > 0.95
    generator = np.random.default_rng(0)
    noisy = tuple(s + np.float32(s.std() * 10**0.25) * generator.standard_normal(len(s)) for s in test.samples)
    assert machine.score(spectrogram(replace(test, samples=noisy)), test.labels) < 0.8


def test_speakers_differ_and_no_two_takes_are_alike(synthetic):
    train, _ = synthetic
    sevens = train[train.labels == 7]
    assert len({len(samples) for samples in sevens.samples}) > 20
    first, second = sevens[sevens.by("voice-00")].samples
    n = min(len(first), len(second))
    assert not np.allclose(first[:n], second[:n], atol=0.01)


def test_a_vowel_has_its_peaks_at_its_formants():
    """A voice with low, even pulses says "two": late in the word, the spectrum peaks near F1 of UW."""
    man = Voice(pitch=80, size=1.0, tempo=0.8, breath=0.0, tilt=0.8)
    heights = []
    for seed in range(6):
        sound = say_digit(2, man, np.random.default_rng(seed))
        vowel = sound[-1200:-400]
        power = np.array([power_at(vowel, hz) for hz in range(150, 1500, 10)])
        heights.append(np.arange(150, 1500, 10)[np.argmax(power)])
    assert abs(np.median(heights) - PHONEMES["UW"].formants[0]) < 80


def test_a_smaller_mouth_has_higher_formants():
    centroids = []
    for size in (1.0, 0.75):
        voice = Voice(pitch=100, size=size, tempo=1.0, breath=0.02, tilt=0.8)
        power = np.zeros(2001)
        for seed in range(8):
            sound = say_digit(1, voice, np.random.default_rng(seed))
            power += np.abs(np.fft.rfft(sound, 4000)) ** 2
        centroids.append((power * np.arange(2001)).sum() / power.sum())
    assert centroids[1] > 1.1 * centroids[0]


@pytest.mark.parametrize("hz", [500.0, 1250.0])
def test_a_resonator_rings_at_its_frequency_and_passes_a_constant(hz):
    impulse = np.zeros(50 * FRAME)
    impulse[0] = 1
    rung = _resonate(impulse, np.full(50, hz), 80)
    frequencies = np.arange(100, 3000, 10)
    assert abs(frequencies[np.argmax([power_at(rung, f) for f in frequencies])] - hz) <= 10
    assert rung.sum() == pytest.approx(1, abs=1e-3)  # gain 1 at 0 Hz, as Klatt's


def test_the_state_of_a_resonator_goes_on_from_frame_to_frame():
    """Against the recursion written out, while the frequency changes."""
    sound, frequencies = np.random.default_rng(3).standard_normal(5 * FRAME), np.array([300.0, 500, 900, 400, 1000])
    decay = np.exp(-np.pi * 90 / RATE)
    last, before, expected = 0.0, 0.0, []
    for index, value in enumerate(sound):
        b = 2 * decay * np.cos(2 * np.pi * frequencies[index // FRAME] / RATE)
        last, before = (1 - b + decay**2) * value + b * last - decay**2 * before, last
        expected.append(last)
    np.testing.assert_allclose(_resonate(sound, frequencies, 90), expected, atol=1e-9)


def test_only_digits_can_be_said():
    voice = Voice.random(np.random.default_rng(1))
    with pytest.raises(ValueError, match="digit=10 must be from 0 to 9"):
        say_digit(10, voice, np.random.default_rng(1))
    assert len(WORDS) == 10 and {name for word in WORDS for name in word} == set(PHONEMES)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'fsdd'"):
        spoken_digits("test", "fsd")
    with pytest.raises(ValueError, match="unknown part 'tests': did you mean 'test'"):
        spoken_digits("tests")


def test_real_speakers_by_the_official_rule(real_data):
    parts = {part: spoken_digits(part, "fsdd") for part in ("train", "validation", "test")}
    assert {part: len(parts[part]) for part in parts} == {"train": 780, "validation": 120, "test": 300}
    assert set(parts["test"].takes) == set(range(5)) and set(parts["validation"].takes) == {5, 6}
    for recordings in parts.values():
        assert set(recordings.speakers) == {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"}
        assert (np.bincount(recordings.labels) == len(recordings) // 10).all()
    seconds = sum(len(s) for recordings in parts.values() for s in recordings.samples) / 8000
    assert seconds == pytest.approx(524.4, abs=0.1)  # as the data's manifest says


# ------------------------------------------------------------------------------- the archive of a repository


def wav(*numbers):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.array(numbers, "<i2").tobytes())
    return buffer.getvalue()


FILES = {"recordings/3_ann_0.wav": wav(0, 16384, -32768), "recordings/4_ann_19.wav": wav(1, 2)}
OTHERS = {"recordings/3_ann_20.wav": wav(9), "README.md": b"free", "old/recordings/3_ann_0.wav.txt": b"no"}


def write_archive(path, files, prefix="free-spoken-digit-dataset-26eb9aa/"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files, reverse=True):  # the order in an archive does not matter
            archive.writestr(prefix + name, files[name])
    return path


@pytest.fixture
def small_set(monkeypatch):
    """The catalogue's entry, whose listing is that of two recordings."""
    listing = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in sorted(FILES))
    (file,) = catalog.CATALOG["fsdd"].files
    file = replace(file, sha256=hashlib.sha256(listing.encode()).hexdigest())
    monkeypatch.setitem(catalog.CATALOG, "fsdd", replace(catalog.CATALOG["fsdd"], files=(file,)))
    monkeypatch.delenv("MINIGPT_DATA", raising=False)


def test_the_archive_of_a_repository_is_fetched_and_its_files_are_checked(small_set, tmp_path, monkeypatch):
    fetched = []

    def retrieve(url, known_hash, fname, path):
        fetched.append((url, known_hash))
        return str(write_archive(path / fname, FILES | OTHERS))

    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr("pooch.retrieve", retrieve)
    test, train = (spoken_digits(part, "fsdd") for part in ("test", "train"))
    assert fetched[0] == ("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
                          "26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip", None)  # fmt: skip
    np.testing.assert_array_equal(test.samples[0], np.array([0, 0.5, -1], np.float32))
    assert test.labels.tolist() == [3] and test.speakers == ("ann",) and test.takes.tolist() == [0]
    assert len(train) == 1 and train.takes.tolist() == [19]  # take 20 is not of the listing


@pytest.mark.parametrize("files", [
    FILES | {"recordings/4_ann_19.wav": wav(1, 3)},  # changed
    {"recordings/3_ann_0.wav": FILES["recordings/3_ann_0.wav"]},  # one lacks
    FILES | {"recordings/5_ann_1.wav": wav(5)},  # one more
    None,
])  # fmt: skip
def test_an_archive_with_other_files_is_not_kept(files, small_set, tmp_path, monkeypatch):
    def retrieve(url, known_hash, fname, path):
        write_archive(path / fname, files or {})
        if files is None:
            (path / fname).write_bytes(b"<html>not found</html>")
        return str(path / fname)

    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(ValueError, match=r"cannot fetch https://github\.com.* is not that of the catalogue.*fsdd/rec"):
        spoken_digits("test", "fsdd")
    assert not list(tmp_path.rglob("*.zip"))


def test_an_archive_at_hand_is_checked_too(small_set, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGPT_DATA", str(tmp_path))
    write_archive(tmp_path / "fsdd" / "recordings.zip", FILES, prefix="")
    assert len(spoken_digits("test", "fsdd")) == 1
    (tmp_path / "fsdd" / "recordings.zip").write_bytes(b"PK damaged")
    with pytest.raises(ValueError, match=r"recordings\.zip is not the file it should be"):
        spoken_digits("test", "fsdd")
