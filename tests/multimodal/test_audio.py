"""From a file to vectors: reading, resampling, spectrograms and the encoder, each against another way to get there."""

import math
import tracemalloc

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minigpt.multimodal.audio import (
    AudioConfig,
    AudioEncoder,
    PictureStem,
    WhisperStem,
    add_noise,
    as_other_voices,
    change_speed,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
    one_second,
    read_wav,
    resample,
    sinusoids,
)


def sine(hz, rate=8000, seconds=0.5, level=0.5):
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


# ---------------------------------------------------------------------------------------------------- from a file


def test_samples_come_back_as_they_were_written(tmp_path):
    samples = np.array([0, 0.5, -1, 0.25, -0.125], np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    read, notes = read_wav(tmp_path / "a.wav")
    np.testing.assert_array_equal(read, samples)
    assert read.dtype == np.float32 and notes == ()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT", "DOUBLE", "ULAW"])
def test_other_ways_to_write_numbers_are_read(subtype, tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(440), 8000, subtype=subtype)
    read, notes = read_wav(tmp_path / "a.wav")
    assert notes == () and np.abs(read - sine(440)).max() < 0.02


@pytest.mark.parametrize("ending", ["flac", "ogg", "aiff"])
def test_other_formats_are_read(ending, tmp_path):
    soundfile.write(tmp_path / f"a.{ending}", sine(440), 8000)
    assert np.corrcoef(read_wav(tmp_path / f"a.{ending}")[0], sine(440))[0, 1] > 0.95


def test_channels_become_their_mean_and_another_rate_ours(tmp_path):
    left, right = sine(300, 22050), sine(900, 22050)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 22050, subtype="FLOAT")
    read, notes = read_wav(tmp_path / "a.wav")
    assert notes == ("2 channels, now their mean", "22050 samples a second, now 8000")
    expected = (sine(300) + sine(900)) / 2
    assert len(read) == len(expected)
    assert np.abs(read - expected)[200:-200].max() < 0.005


def refused(path, **arguments):
    with pytest.raises(ValueError) as caught:
        read_wav(path, **arguments)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message and len(message) < 400
    return message


def test_what_is_no_recording_is_refused_in_one_line(tmp_path):
    path = tmp_path / "a.wav"
    assert "does not exist" in refused(path)
    assert "is a folder" in refused(tmp_path)
    for content in (b"", b"RIFF", b"not a sound\nat all", b"RIFF\x24\x00\x00\x00WAVEfmt "):
        path.write_bytes(content)
        assert "cannot be read as sound" in refused(path)
    soundfile.write(path, np.zeros(0), 8000)
    assert "0 samples" in refused(path)
    for level in (0.0, 0.25):
        soundfile.write(path, np.full(800, level), 8000)
        assert "is silent" in refused(path)
    for rate in (999, 2_147_483_647):
        soundfile.write(path, sine(440), rate)
        assert f"{rate} samples a second" in refused(path)
    for bad in (np.nan, np.inf):
        soundfile.write(path, np.array([0.1, bad, 0.2]), 8000, subtype="DOUBLE")
        assert "not finite" in refused(path)


def test_a_cut_file_gives_what_is_there_or_one_line(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(440), 8000)
    whole = (tmp_path / "a.wav").read_bytes()
    for length in (20, 40, 44, 45, 1000):
        (tmp_path / "a.wav").write_bytes(whole[:length])
        try:
            samples, _ = read_wav(tmp_path / "a.wav")
            assert len(samples) <= (length - 44) // 2
        except ValueError as error:
            assert "\n" not in str(error)


def test_an_hour_is_refused_without_being_read(tmp_path):
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 8000, 1) as file:
        for _ in range(60):
            file.write(np.full(8000 * 60, 0.1, np.float32))
    tracemalloc.start()
    assert "3600 seconds long" in refused(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()
    soundfile.write(path, sine(440, seconds=2), 8000)
    assert "at most 1" in refused(path, most_seconds=1)
    assert len(read_wav(path, most_seconds=2)[0]) == 16000


# -------------------------------------------------------------------------------------------------------- resampling


@pytest.mark.parametrize(("rate_from", "rate_to"), [(16000, 8000), (44100, 8000), (22050, 16000), (8000, 11025)])
def test_resampling_agrees_with_scipy_and_with_the_sine_itself(rate_from, rate_to):
    from scipy.signal import resample_poly

    samples = sine(700, rate_from) + sine(2900, rate_from, level=0.3)
    ours = resample(samples, rate_from, rate_to)
    divisor = math.gcd(rate_from, rate_to)
    theirs = resample_poly(samples, rate_to // divisor, rate_from // divisor)
    assert ours.dtype == np.float32 and len(ours) == len(theirs)
    middle = slice(len(ours) // 4, -len(ours) // 4)
    assert np.abs(ours - theirs)[middle].max() < 0.02
    seconds = np.arange(len(ours)) / rate_to
    expected = 0.5 * np.sin(2 * np.pi * 700 * seconds) + 0.3 * np.sin(2 * np.pi * 2900 * seconds)
    assert np.abs(ours - expected)[middle].max() < 2e-3


@pytest.mark.parametrize(("rate_from", "rate_to", "hz"), [(16000, 8000, 5000), (44100, 8000, 4400), (8000, 5000, 3100)])
def test_what_the_lower_rate_cannot_hold_disappears(rate_from, rate_to, hz):
    resampled = resample(sine(hz, rate_from), rate_from, rate_to)
    assert np.abs(resampled[len(resampled) // 4 : -len(resampled) // 4]).max() < 0.005


@given(n=st.integers(1, 60), up=st.integers(1, 12), down=st.integers(1, 12))
@settings(max_examples=60)
def test_any_length_can_be_resampled(n, up, down):
    assert len(resample(np.ones(n), down * 100, up * 100)) == math.ceil(n * up / math.gcd(up, down)
                                                                       / (down / math.gcd(up, down)))  # fmt: skip


def test_the_same_rate_changes_nothing_and_odd_rates_are_refused():
    np.testing.assert_array_equal(resample(sine(440), 8000, 8000), sine(440))
    for rates in ((0, 8000), (8000, -1), (8000.5, 8000)):
        with pytest.raises(ValueError, match="must be positive whole numbers"):
            resample(sine(440), *rates)


# ------------------------------------------------------------------------------------------------------ spectrogram


def test_mel_and_its_inverse():
    assert hz_to_mel(1000) == pytest.approx(1000, abs=0.1)  # where the scale is anchored
    assert hz_to_mel(0) == 0
    np.testing.assert_allclose(mel_to_hz(hz_to_mel([0, 31.25, 700, 4000])), [0, 31.25, 700, 4000], atol=1e-9)


@pytest.mark.parametrize(("n_mels", "n_fft", "rate"), [(40, 256, 8000), (23, 400, 16000), (80, 512, 8000)])
def test_filters_agree_with_transformers(n_mels, n_fft, rate):
    from transformers.audio_utils import mel_filter_bank

    theirs = mel_filter_bank(n_fft // 2 + 1, n_mels, 0, rate / 2, rate, norm=None, mel_scale="htk")
    np.testing.assert_allclose(mel_filters(n_mels, n_fft, rate), theirs.T, atol=1e-6)


def test_filters_and_spectrogram_agree_with_librosa():
    librosa = pytest.importorskip("librosa")
    theirs = librosa.filters.mel(sr=8000, n_fft=256, n_mels=40, htk=True, norm=None)
    np.testing.assert_allclose(mel_filters(40, 256, 8000), theirs, atol=1e-6)
    samples = noise(8000)
    mel = librosa.feature.melspectrogram(y=np.pad(samples, (48, 48)), sr=8000, n_fft=256, hop_length=160, center=False,
                                         n_mels=40, htk=True, norm=None)  # fmt: skip
    torch.testing.assert_close(log_mel(samples), expected_scale(mel), atol=1e-4, rtol=1e-4)


def test_a_band_that_no_frequency_falls_into_is_refused():
    with pytest.raises(ValueError, match="n_mels=128 is too many for n_fft=256 at 8000"):
        mel_filters(128, 256, 8000)


def noise(n):
    return 0.1 * np.random.default_rng(4).standard_normal(n).astype(np.float32)


def expected_scale(mel, decades=5):
    loudness = np.log10(np.maximum(mel, 1e-10))
    return torch.from_numpy(np.maximum(loudness - loudness.max(), -decades) * 2 / decades + 1).float()


def test_log_mel_agrees_with_transformers():
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    samples = noise(8000) + sine(600, seconds=1)
    filters = mel_filter_bank(129, 30, 0, 4000, 8000, norm=None, mel_scale="htk")
    theirs = spectrogram(np.pad(samples, (48, 48)), window_function(256, "hann"), 256, 160, fft_length=256, power=2.0,
                         center=False, mel_filters=filters)  # fmt: skip
    ours = log_mel(samples, n_mels=30)
    assert ours.shape == (30, 50) and ours.dtype == torch.float32
    torch.testing.assert_close(ours, expected_scale(theirs), atol=1e-4, rtol=1e-4)


def test_log_mel_agrees_with_the_sums_that_define_it():
    """Windows, a naive Fourier transform and triangles, spelled out with loops."""
    samples, rate, n_mels, window, hop = noise(130).astype(np.float64), 4000, 5, 64, 24
    n_frames, before = math.ceil(130 / hop), (window - hop) // 2
    padded = np.concatenate([np.zeros(before), samples, np.zeros(200)])
    corners = [700 * (10 ** (mel / 2595) - 1)
               for mel in np.linspace(0, 2595 * math.log10(1 + 2000 / 700), n_mels + 2)]  # fmt: skip
    mel = np.zeros((n_mels, n_frames))
    for frame in range(n_frames):
        for k in range(window // 2 + 1):
            total = 0
            for n in range(window):
                hann = 0.5 - 0.5 * math.cos(2 * math.pi * n / window)
                total += hann * padded[frame * hop + n] * np.exp(-2j * math.pi * k * n / window)
            hz = k * rate / window
            for band in range(n_mels):
                left, top, right = corners[band : band + 3]
                weight = min((hz - left) / (top - left), (right - hz) / (right - top))
                mel[band, frame] += max(0.0, weight) * abs(total) ** 2
    ours = log_mel(samples, rate, n_mels, window, hop, decades=3.0)
    torch.testing.assert_close(ours, expected_scale(mel, 3), atol=2e-5, rtol=1e-4)


def test_a_batch_is_its_recordings_one_by_one():
    samples = torch.from_numpy(np.stack([noise(8000), sine(500, seconds=1), 0.01 * noise(8000)[::-1]]))
    batch = log_mel(samples)
    assert batch.shape == (3, 40, 50)
    for row, recording in zip(batch, samples):
        torch.testing.assert_close(row, log_mel(recording))


@given(gain=st.floats(0.01, 1.0), n=st.integers(1, 2000))
@settings(max_examples=30)
def test_loudness_runs_from_minus_one_to_one_whatever_the_microphone(gain, n):
    mel = log_mel(noise(2000)[:n])
    assert mel.shape == (40, math.ceil(n / 160))
    assert mel.max() == 1 and mel.min() >= -1
    if n > 500:
        torch.testing.assert_close(log_mel(gain * noise(2000)[:n]), mel, atol=1e-2, rtol=0)


def test_a_low_tone_lights_a_low_band_when_it_sounds():
    samples = np.zeros(8000, np.float32)
    samples[3200:4800] = sine(400, seconds=0.2)
    mel = log_mel(samples)
    band, frame = divmod(int(mel.argmax()), 50)
    centres = mel_to_hz(np.linspace(0, hz_to_mel(4000), 42))[1:-1]
    assert abs(centres[band] - 400) < 40 and 20 <= frame < 30
    assert (mel[:, :18] == -1).all() and (mel[:, 32:] == -1).all()


def test_one_second_is_the_loudest_or_filled_with_silence():
    np.testing.assert_array_equal(one_second(np.array([1.0, 2]), 5), [1, 2, 0, 0, 0])
    np.testing.assert_array_equal(one_second(np.array([9.0, 0, 0, 5, -8, 1, 0]), 3), [5, -8, 1])
    np.testing.assert_array_equal(one_second(np.array([0.0, 0, 3, 4]), 2), [3, 4])
    np.testing.assert_array_equal(one_second(np.array([0.0, 5, -8, 1, 0, 0, 2, 2]), 3), [5, -8, 1])
    word = sine(500, seconds=0.4)
    late = np.concatenate([np.zeros(30_000, np.float32), word, np.zeros(10_000, np.float32)])
    kept = one_second(late)
    assert kept.dtype == np.float32 and len(kept) == 8000
    assert np.square(kept).sum() == pytest.approx(np.square(word).sum())


# ---------------------------------------------------------------------------------------------------- changed voices


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 20.0])
def test_noise_is_as_strong_as_asked(snr_db):
    samples = torch.from_numpy(np.stack([sine(500, seconds=4), 0.1 * sine(1500, seconds=4)]))
    samples[:, 20_000:] = 0  # padding, which is not counted
    added = add_noise(samples, snr_db, torch.Generator().manual_seed(1)) - samples
    power = samples[:, :20_000].square().mean(dim=1)
    measured = 10 * torch.log10(power / added.square().mean(dim=1))
    torch.testing.assert_close(measured, torch.full((2,), snr_db), atol=0.2, rtol=0)


def test_each_recording_has_its_own_noise():
    samples = torch.from_numpy(np.stack([sine(500), sine(500)]))
    noisy = add_noise(samples, torch.tensor([[0.0], [30.0]]), torch.Generator().manual_seed(1)) - samples
    assert noisy[0].std() / noisy[1].std() == pytest.approx(10**1.5, rel=0.1)


def test_a_faster_recording_is_higher_and_starts_where_asked():
    samples = torch.from_numpy(np.stack([sine(400, seconds=1)] * 3))
    changed = change_speed(samples, torch.tensor([[1.0], [1.25], [0.8]]), torch.tensor([[0.0], [0.0], [800.0]]))
    torch.testing.assert_close(changed[0, :-1], samples[0, :-1])
    for row, hz, start in ((1, 500, 0), (2, 320, 800)):
        np.testing.assert_allclose(changed[row, start : start + 3000], sine(hz, seconds=1)[:3000], atol=0.02)
    assert (changed[1, 6401:] == 0).all() and (changed[2, :800] == 0).all()


def test_other_voices_follow_from_the_generator_and_differ():
    samples = torch.from_numpy(np.stack([sine(400, seconds=1)] * 4))
    first, again, other = (as_other_voices(samples, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == samples.shape and torch.isfinite(first).all()
    assert not torch.allclose(first[0], first[1], atol=0.1)


# ---------------------------------------------------------------------------------------------------------- encoder


@pytest.mark.parametrize("stem", ["picture", "whisper"])
@pytest.mark.parametrize(("n_frames", "n_halvings", "n_tokens"), [(50, 3, 7), (48, 2, 12), (9, 1, 5), (7, 3, 1)])
def test_each_halving_leaves_half_the_frames(stem, n_frames, n_halvings, n_tokens):
    config = AudioConfig(n_mels=11, n_frames=n_frames, stem=stem, n_halvings=n_halvings, d_model=12, n_heads=3)
    encoder = AudioEncoder(config)
    assert config.n_tokens == encoder.n_tokens == n_tokens and encoder.d_model == 12
    assert encoder(torch.randn(2, 11, n_frames)).shape == (2, n_tokens, 12)


def test_whispers_stem_is_its_two_convolutions():
    stem, mel = WhisperStem(5, 1, 6), torch.randn(2, 5, 8)
    first, second = stem.layers[0], stem.layers[2]

    def convolve(layer, values, stride):
        padded = torch.nn.functional.pad(values, (1, 1))
        columns = [(padded[:, None, :, at : at + 3] * layer.weight[None]).sum(dim=(2, 3)) + layer.bias
                   for at in range(0, values.shape[2], stride)]  # fmt: skip
        return torch.nn.functional.gelu(torch.stack(columns, dim=2))

    expected = convolve(second, convolve(first, mel, 1), 2).transpose(1, 2)
    torch.testing.assert_close(stem(mel), expected, atol=1e-5, rtol=1e-4)


def test_a_column_of_the_picture_becomes_a_token():
    """What happens at the end of a spectrogram is seen by the last tokens alone."""
    stem, mel = PictureStem(10, 2, 6), torch.randn(1, 10, 16)
    changed = mel.clone()
    changed[:, 3, 15] += 2
    differs = (stem(mel) - stem(changed)).abs().amax(dim=(0, 2)) > 1e-6
    assert differs.tolist() == [False, False, False, True]


def test_positions_are_those_of_the_first_transformer():
    positions = sinusoids(7, 6)
    for place in range(7):
        for pair in range(3):
            angle = place / 10_000 ** (2 * pair / 6)
            assert positions[place, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-6)
            assert positions[place, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def small(**changes):
    return AudioEncoder(AudioConfig(n_mels=11, n_frames=48, d_model=12, n_heads=3, **changes)).eval()


def with_tokens(encoder, tokens):
    """What the encoder makes of these tokens, whatever its stem would have made."""
    encoder.stem.forward = lambda mel: tokens
    return encoder(torch.randn(1, 11, 48))


def test_every_token_hears_every_other():
    encoder, tokens = small(), torch.randn(1, 6, 12)
    before = with_tokens(encoder, tokens)
    for place in range(6):
        changed = tokens.clone()
        changed[0, place, 0] += 3
        assert ((with_tokens(encoder, changed) - before).abs().amax(dim=-1) > 1e-6).all()


def test_without_positions_a_recording_would_be_a_bag_of_sounds():
    encoder, tokens = small(), torch.randn(1, 6, 12)
    for positions, matters in ((encoder.positions, True), (torch.zeros(6, 12), False)):
        encoder.positions = positions
        pooled = [with_tokens(encoder, order).mean(dim=1) for order in (tokens, tokens.roll(2, dims=1))]
        assert torch.allclose(*pooled, atol=1e-5) != matters


def test_the_microphones_balance_of_bands_is_not_heard():
    encoder, mel = small(), torch.randn(2, 11, 48)
    balance = torch.linspace(-2, 3, 11)[:, None]
    torch.testing.assert_close(encoder(1.7 * mel + balance), encoder(mel), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(encoder(mel)[:1], encoder(mel[:1]), atol=1e-5, rtol=1e-4)  # each by itself
    assert torch.isfinite(encoder(torch.zeros(1, 11, 48))).all()


def test_another_shape_is_refused():
    for shape in ((2, 12, 48), (2, 11, 50), (11, 48)):
        with pytest.raises(ValueError, match=r"must be \(B, 11, 48\)"):
            small()(torch.randn(shape))


def test_every_weight_learns():
    for stem in ("picture", "whisper"):
        encoder = small(stem=stem)
        encoder(torch.randn(2, 11, 48)).square().sum().backward()
        encoder(torch.randn(2, 11, 48)).sin().sum().backward()
        # a key's bias shifts all scores of a query alike: softmax does not see it
        silent = {name for name, p in encoder.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-7}
        assert {name for name in silent if not name.endswith("key.bias")} == set()


def test_an_encoder_learns_the_telephones_tones():
    from minigpt.datasets.sounds import spoken_digits

    train, test = (spoken_digits(part, "tones") for part in ("train", "test"))
    mel, unseen = (log_mel(np.stack([one_second(s) for s in part.samples])) for part in (train, test))
    torch.manual_seed(0)
    encoder, head = AudioEncoder(AudioConfig(d_model=24, n_heads=2, dropout=0.0)), torch.nn.Linear(24, 10)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=4e-3)
    for _ in range(60):
        chosen = torch.randint(len(train), (32,))
        loss = torch.nn.functional.cross_entropy(head(encoder(mel[chosen]).mean(dim=1)),
                                                 torch.from_numpy(train.labels)[chosen])  # fmt: skip
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (head(encoder.eval()(unseen).mean(dim=1)).argmax(dim=1).numpy() == test.labels).mean()
    assert right > 0.9
