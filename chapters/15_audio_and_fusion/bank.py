"""Known answers of chapter 15: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# --------------------------------------------------------------------------------------------------------- aliased

ALIASED = """
def aliased(hz, rate):
    folded = hz % rate
    return np.minimum(folded, rate - folded)
"""
alias = wrong("aliased", ALIASED)
ALIASED_WRONG = [
    alias("as it is", "above half the rate a tone is heard lower", ("np.minimum(folded, rate - folded)", "hz")),
    alias(
        "cut off",
        "a tone above half the rate does not stop there: it is mirrored",
        ("np.minimum(folded, rate - folded)", "np.minimum(hz, rate / 2)"),
    ),
    alias(
        "silent",
        "a tone above half the rate is not silent: it comes back lower",
        ("np.minimum(folded, rate - folded)", "np.where(hz <= rate / 2, hz, 0.0)"),
    ),
    alias(
        "remainder of the rate",
        "a remainder from half the rate up is mirrored, too: heard is at most rate / 2",
        ("np.minimum(folded, rate - folded)", "folded"),
    ),
    alias(
        "remainder of half the rate",
        "it is mirrored at half the rate, it does not start again at 0",
        ("folded = hz % rate", "folded = hz % (rate / 2)"),
        ("np.minimum(folded, rate - folded)", "folded"),
    ),
    alias(
        "mirrored once",
        "m is any whole number: for tones far above the rate, too",
        ("folded = hz % rate", "folded = hz"),
    ),
    alias(
        "mirrored once, made positive",
        "m is any whole number: for tones far above the rate, too",
        ("np.minimum(folded, rate - folded)", "np.where(hz > rate / 2, np.abs(rate - hz), hz)"),
    ),
    alias("the larger", "heard is the lowest of them", ("np.minimum", "np.maximum")),
    alias(
        "mirrored at the rate",
        "the mirror stands at half the rate, not at the rate",
        ("hz % rate", "hz % (2 * rate)"),
        ("rate - folded", "2 * rate - folded"),
    ),
    alias(
        "negative",
        "a frequency has no sign: take the absolute value",
        ("np.minimum(folded, rate - folded)", "np.where(folded > rate / 2, folded - rate, folded)"),
    ),
]
ALIASED_RIGHT = [
    Answer(
        "aliased",
        "the nearest multiple",
        source="""
def aliased(hz, rate):
    return np.abs(hz - rate * np.round(hz / rate))
""",
    ),
    Answer(
        "aliased",
        "one by one",
        source="""
def aliased(hz, rate):
    heard = []
    for f in hz:
        while f > rate / 2:
            f = abs(f - rate)
        heard.append(f)
    return np.array(heard)
""",
    ),
]

# ------------------------------------------------------------------------------------------------------ cut_frames

FRAMES = """
def cut_frames(samples, window, hop):
    n_frames = math.ceil(len(samples) / hop)
    padded = np.concatenate([samples, np.zeros(window)])
    places = hop * np.arange(n_frames)[:, None] + np.arange(window)
    return padded[places] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window))
"""
frames = wrong("cut_frames", FRAMES)
FRAMES_WRONG = [
    frames(
        "no window",
        "each frame is faded in and out: multiply by the Hann window",
        (" * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window))", ""),
    ),
    frames(
        "symmetric window",
        "the window is periodic: divide by its length, not by one less",
        ("np.arange(window) / window))", "np.arange(window) / max(window - 1, 1)))"),
    ),
    frames("Hamming", "the window is Hann's: from 0, with 1/2 and 1/2", ("(0.5 - 0.5", "(0.54 - 0.46")),
    frames(
        "window upside down",
        "the window is 0 at the edge and 1 in the middle: a minus before the cosine",
        ("0.5 - 0.5", "0.5 + 0.5"),
    ),
    frames("half a wave", "the window is one whole wave of the cosine: 2π", ("2 * np.pi", "np.pi")),
    frames(
        "window squared",
        "the window is multiplied once",
        ("np.arange(window) / window))", "np.arange(window) / window)) ** 2"),
    ),
    frames(
        "full frames only",
        "there is a frame for each hop begun, also when the sound ends within it",
        ("math.ceil(len(samples) / hop)", "max(0, (len(samples) - window) // hop + 1)"),
    ),
    frames(
        "the last hop forgotten",
        "the number of frames is n / hop, rounded up",
        ("math.ceil(len(samples) / hop)", "len(samples) // hop"),
    ),
    frames(
        "one frame more",
        "the number of frames is n / hop, rounded up: none begins at or after the end",
        ("math.ceil(len(samples) / hop)", "len(samples) // hop + 1"),
        ("np.zeros(window)", "np.zeros(2 * window + 2 * hop)"),
    ),
    frames(
        "no overlap",
        "the next frame begins one hop later, not one window",
        ("hop * np.arange(n_frames)", "window * np.arange(n_frames)"),
        ("np.zeros(window)", "np.zeros(n_frames * window)"),
    ),
    frames(
        "wrapped round",
        "beyond the end is 0, not the sound's beginning",
        ("padded[places]", "samples[places % len(samples)]"),
    ),
    frames(
        "the end held", "beyond the end is 0, not the last sample", ("np.zeros(window)", "np.full(window, samples[-1])")
    ),
    frames(
        "centred",
        "frame i begins at sample i · hop, it does not have it in its middle",
        ("np.concatenate([samples, ", "np.concatenate([np.zeros(window // 2), samples, "),
    ),
    frames(
        "turned",
        "the shape is (frames, window)",
        ("np.arange(window) / window))", "np.arange(window) / window))).T"),
        ("return padded[places]", "return (padded[places]"),
    ),
]
FRAMES_RIGHT = [
    Answer(
        "cut_frames",
        "a loop",
        source="""
def cut_frames(samples, window, hop):
    rows = []
    fade = np.sin(np.pi * np.arange(window) / window) ** 2
    for start in range(0, len(samples), hop):
        row = np.zeros(window)
        piece = samples[start : start + window]
        row[: len(piece)] = piece
        rows.append(row * fade)
    return np.array(rows)
""",
    ),
    Answer(
        "cut_frames",
        "sliding windows",
        source="""
def cut_frames(samples, window, hop):
    padded = np.pad(samples, (0, window))
    views = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    views = views[: -(-len(samples) // hop)]
    return views * np.hanning(window + 1)[:-1]
""",
    ),
]

# -------------------------------------------------------------------------------------------------- power_spectrum

POWER = """
def power_spectrum(frames):
    n_samples = frames.shape[1]
    turns = np.outer(np.arange(n_samples), np.arange(n_samples // 2 + 1)) / n_samples
    return (frames @ np.cos(2 * np.pi * turns)) ** 2 + (frames @ np.sin(2 * np.pi * turns)) ** 2
"""
power = wrong("power_spectrum", POWER)
POWER_WRONG = [
    power(
        "cosines only",
        "the sine part is missing: a tone has to be found whatever its phase",
        (" + (frames @ np.sin(2 * np.pi * turns)) ** 2", ""),
    ),
    power(
        "sines only",
        "the cosine part is missing: a tone has to be found whatever its phase",
        ("(frames @ np.cos(2 * np.pi * turns)) ** 2 + ", ""),
    ),
    power(
        "magnitude",
        "power is the square of the magnitude",
        ("return (frames", "return np.sqrt((frames"),
        ("turns)) ** 2 + ", "turns)) ** 2 + "),
        ("np.sin(2 * np.pi * turns)) ** 2", "np.sin(2 * np.pi * turns)) ** 2)"),
    ),
    power(
        "sum squared",
        "square the two parts before adding them",
        (
            "(frames @ np.cos(2 * np.pi * turns)) ** 2 + (frames @ np.sin(2 * np.pi * turns)) ** 2",
            "(frames @ np.cos(2 * np.pi * turns) + frames @ np.sin(2 * np.pi * turns)) ** 2",
        ),
    ),
    power(
        "mean",
        "a sum over the samples, not a mean: nothing is divided by N",
        ("np.sin(2 * np.pi * turns)) ** 2", "np.sin(2 * np.pi * turns)) ** 2) / n_samples"),
        ("return (frames", "return ((frames"),
    ),
    power(
        "mean squared",
        "a sum over the samples, not a mean: nothing is divided by N",
        ("np.sin(2 * np.pi * turns)) ** 2", "np.sin(2 * np.pi * turns)) ** 2) / n_samples**2"),
        ("return (frames", "return ((frames"),
    ),
    power(
        "all N",
        "keep k from 0 to N / 2: the others are mirror images",
        ("np.arange(n_samples // 2 + 1)", "np.arange(n_samples)"),
    ),
    power(
        "without the last",
        "k = N / 2 belongs to it: there are N // 2 + 1 of them",
        ("n_samples // 2 + 1", "n_samples // 2"),
    ),
    power("half turns", "frequency k makes k whole turns in N samples: 2π k n / N", ("2 * np.pi", "np.pi")),
    power("N - 1", "the turns are divided by N, not by N - 1", ("/ n_samples\n", "/ max(n_samples - 1, 1)\n")),
    power(
        "from one", "both n and k begin at 0", ("np.arange(n_samples // 2 + 1)", "1 + np.arange(n_samples // 2 + 1)")
    ),
    power(
        "mean taken away",
        "the frames are taken as they are: k = 0 holds their mean",
        (
            "n_samples = frames.shape[1]",
            "n_samples = frames.shape[1]\n    frames = frames - frames.mean(axis=1, keepdims=True)",
        ),
    ),
    power(
        "doubled",
        "each k once: the mirror images are left out, not added",
        ("return (frames", "return 2 * ((frames"),
        ("np.sin(2 * np.pi * turns)) ** 2", "np.sin(2 * np.pi * turns)) ** 2)"),
    ),
    power(
        "windowed again",
        "no window here: the frames are taken as they are",
        ("n_samples = frames.shape[1]", "n_samples = frames.shape[1]\n    frames = frames * np.hanning(n_samples)"),
    ),
]
POWER_RIGHT = [
    Answer(
        "power_spectrum",
        "complex numbers",
        source="""
def power_spectrum(frames):
    n = frames.shape[1]
    k = np.arange(n // 2 + 1)[:, None]
    matrix = np.exp(-2j * np.pi * k * np.arange(n) / n)
    return np.abs(frames @ matrix.T) ** 2
""",
    ),
    Answer(
        "power_spectrum",
        "loops",
        source="""
def power_spectrum(frames):
    count, n = frames.shape
    result = np.zeros((count, n // 2 + 1))
    for i in range(count):
        for k in range(n // 2 + 1):
            real = sum(frames[i, t] * math.cos(2 * math.pi * k * t / n) for t in range(n))
            imaginary = -sum(frames[i, t] * math.sin(2 * math.pi * k * t / n) for t in range(n))
            result[i, k] = real**2 + imaginary**2
    return result
""",
    ),
]

# ------------------------------------------------------------------------------------------------------- mel_bands

MEL = """
def mel_bands(n_mels, n_fft, rate):
    frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, n_mels + 2) / 2595) - 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    return np.maximum(np.minimum(rising, falling), 0)
"""
mel = wrong("mel_bands", MEL)
MEL_WRONG = [
    mel(
        "steps in hertz",
        "the corners lie at equal steps in mel, not in hertz",
        ("700 * (10 ** (np.linspace(0, top, n_mels + 2) / 2595) - 1)", "np.linspace(0, rate / 2, n_mels + 2)"),
    ),
    mel("natural logarithm", "the mel formula has the logarithm to base 10", ("np.log10", "np.log")),
    mel("up to the rate", "the last corner is half the rate", ("rate / 2 / 700", "rate / 700")),
    mel(
        "too few corners",
        "n_mels + 2 corners, the first at 0 and the last at half the rate",
        ("np.linspace(0, top, n_mels + 2)", "np.linspace(0, top, n_mels + 3)[:-1]"),
    ),
    mel(
        "no corner at 0",
        "n_mels + 2 corners, the first at 0 and the last at half the rate",
        ("np.linspace(0, top, n_mels + 2)", "np.linspace(0, top, n_mels + 3)[1:]"),
    ),
    mel(
        "rectangles",
        "a band is a triangle, not a rectangle",
        ("np.maximum(np.minimum(rising, falling), 0)", "(np.minimum(rising, falling) > 0) * 1.0"),
    ),
    mel(
        "rising only",
        "a band falls again from its middle to its right corner",
        ("np.maximum(np.minimum(rising, falling), 0)", "np.where(falling >= 0, np.maximum(rising, 0), 0)"),
    ),
    mel(
        "not cut off",
        "outside of its corners a band's weight is 0",
        ("np.maximum(np.minimum(rising, falling), 0)", "np.minimum(rising, falling)"),
    ),
    mel(
        "areas of one",
        "the triangles are as high as 1: they are not divided by their width",
        (
            "return np.maximum(np.minimum(rising, falling), 0)",
            "return np.maximum(np.minimum(rising, falling), 0) * 2 / (right - left)",
        ),
    ),
    mel(
        "rows that sum to one",
        "the triangles are as high as 1: rows are not divided by their sum",
        (
            "return np.maximum(np.minimum(rising, falling), 0)",
            "bands = np.maximum(np.minimum(rising, falling), 0)\n"
            "    return bands / np.maximum(bands.sum(axis=1, keepdims=True), 1e-9)",
        ),
    ),
    mel(
        "straight in mel",
        "the sides are straight over the frequency in hertz, not in mel",
        (
            "frequencies = np.arange(n_fft // 2 + 1) * rate / n_fft",
            "frequencies = 2595 * np.log10(1 + np.arange(n_fft // 2 + 1) * rate / n_fft / 700)",
        ),
        ("700 * (10 ** (np.linspace(0, top, n_mels + 2) / 2595) - 1)", "np.linspace(0, top, n_mels + 2)"),
    ),
    mel(
        "turned",
        "the shape is (n_mels, N / 2 + 1)",
        ("np.maximum(np.minimum(rising, falling), 0)", "np.maximum(np.minimum(rising, falling), 0).T"),
    ),
    mel(
        "frequencies off by one",
        "frequency k lies at k · rate / N, from k = 0",
        ("np.arange(n_fft // 2 + 1) * rate", "(1 + np.arange(n_fft // 2 + 1)) * rate"),
    ),
    mel(
        "side by side",
        "the bands overlap: one begins where the one before has its middle",
        ("n_mels + 2", "2 * n_mels + 1"),
        (
            "corners[:-2, None], corners[1:-1, None], corners[2:, None]",
            "corners[:-2:2, None], corners[1:-1:2, None], corners[2::2, None]",
        ),
    ),
    mel(
        "to the nearest frequency",
        "the corners are not rounded to the transform's frequencies",
        (
            "    left, middle",
            "    corners = np.round(corners * n_fft / rate) * rate / n_fft + np.arange(n_mels + 2) * 1e-6\n"
            "    left, middle",
        ),
    ),
]
MEL_RIGHT = [
    Answer(
        "mel_bands",
        "np.interp",
        source="""
def mel_bands(n_mels, n_fft, rate):
    mels = np.linspace(0, 2595 * math.log10(1 + rate / 1400), n_mels + 2)
    corners = 700 * (np.power(10, mels / 2595) - 1)
    corners[-1] = rate / 2
    hz = np.linspace(0, rate / 2, n_fft // 2 + 1)
    return np.stack([np.interp(hz, corners[i : i + 3], [0.0, 1.0, 0.0]) for i in range(n_mels)])
""",
    ),
    Answer(
        "mel_bands",
        "case by case",
        source="""
def mel_bands(n_mels, n_fft, rate):
    def to_hz(mel):
        return 700 * (10 ** (mel / 2595) - 1)

    top = 2595 * math.log10(1 + rate / 2 / 700)
    bands = np.zeros((n_mels, n_fft // 2 + 1))
    for i in range(n_mels):
        a, b, c = (to_hz(top * (i + j) / (n_mels + 1)) for j in range(3))
        for k in range(n_fft // 2 + 1):
            f = k * rate / n_fft
            if a < f <= b:
                bands[i, k] = (f - a) / (b - a)
            elif b < f < c:
                bands[i, k] = (c - f) / (c - b)
    return bands
""",
    ),
]

# ------------------------------------------------------------------------------------------------------ log_scaled

LOG = """
def log_scaled(power, decades):
    loudness = np.log10(np.maximum(power, 1e-10))
    loudness = loudness - loudness.max(axis=(1, 2), keepdims=True)
    return np.maximum(loudness, -decades) * 2 / decades + 1
"""
log = wrong("log_scaled", LOG)
LOG_WRONG = [
    log("natural logarithm", "the logarithm is that to base 10", ("np.log10", "np.log")),
    log("decibels", "no factor of 10: `decades` counts powers of ten", ("np.log10(", "10 * np.log10(")),
    log(
        "loudest of all",
        "each recording has its own loudest value",
        ("loudness.max(axis=(1, 2), keepdims=True)", "loudness.max()"),
    ),
    log("loudest of each band", "the loudest of the whole recording, not of each band", ("axis=(1, 2)", "axis=2")),
    log("loudest of each frame", "the loudest of the whole recording, not of each frame", ("axis=(1, 2)", "axis=1")),
    log("mean taken away", "measured from the loudest value, not from the mean", ("loudness.max(", "loudness.mean(")),
    log(
        "not measured from the loudest",
        "subtract the recording's largest logarithm first",
        (" - loudness.max(axis=(1, 2), keepdims=True)", ""),
    ),
    log("no floor", "power below 1e-10 counts as 1e-10", ("np.maximum(power, 1e-10)", "power")),
    log("floor added", "1e-10 is a floor, it is not added", ("np.maximum(power, 1e-10)", "power + 1e-10")),
    log("another floor", "power below 1e-10 counts as 1e-10", ("1e-10", "1e-5")),
    log(
        "not cut off",
        "what is more than `decades` below the loudest is put at -decades",
        ("np.maximum(loudness, -decades)", "loudness"),
    ),
    log("from 0 to 1", "the scale goes from -1 to 1", ("* 2 / decades + 1", "/ decades + 1")),
    log("from -1 to 0", "the loudest becomes 1", ("* 2 / decades + 1", "/ decades")),
    log("upside down", "the loudest becomes 1, the softest -1", ("* 2 / decades + 1", "* -2 / decades - 1")),
    log(
        "stretched",
        "0 becomes 1 and -decades becomes -1, whatever the softest value is",
        (
            "    return np.maximum(loudness, -decades) * 2 / decades + 1",
            "    kept = np.maximum(loudness, -decades)\n"
            "    return kept * 2 / np.maximum(-kept.min(axis=(1, 2), keepdims=True), 1e-9) + 1",
        ),
    ),
]
LOG_RIGHT = [
    Answer(
        "log_scaled",
        "np.clip",
        source="""
def log_scaled(power, decades):
    logs = np.log10(power.clip(min=1e-10))
    below = logs.reshape(len(power), -1).max(axis=1)[:, None, None] - logs
    return 1 - 2 * np.clip(below / decades, 0, 1)
""",
    ),
    Answer(
        "log_scaled",
        "a ratio first",
        source="""
def log_scaled(power, decades):
    floored = np.where(power < 1e-10, 1e-10, power)
    ratio = floored / floored.max(axis=(1, 2), keepdims=True)
    logs = np.log(ratio) / np.log(10)
    logs[logs < -decades] = -decades
    return (logs + decades / 2) / (decades / 2)
""",
    ),
]

# ------------------------------------------------------------------------------------------------------- add_noise

NOISE = """
def add_noise(samples, noise, decibels):
    wanted = (samples**2).mean(axis=1, keepdims=True) / 10 ** (decibels / 10)
    return samples + noise * np.sqrt(wanted / (noise**2).mean(axis=1, keepdims=True))
"""
noise = wrong("add_noise", NOISE)
NOISE_WRONG = [
    noise(
        "decibels of amplitude",
        "decibels are of power: 10 of them are a factor of 10 in power",
        ("decibels / 10", "decibels / 20"),
    ),
    noise("no root", "samples are multiplied by the root of a ratio of powers", ("np.sqrt(", "(")),
    noise("turned round", "many decibels mean little noise", ("/ 10 ** (decibels", "* 10 ** (decibels")),
    noise(
        "the noise's own power forgotten",
        "the noise has a power of its own: divide by it",
        ("wanted / (noise**2).mean(axis=1, keepdims=True)", "wanted"),
    ),
    noise(
        "the recording's power forgotten",
        "the noise is measured against the recording's power",
        ("(samples**2).mean(axis=1, keepdims=True) / 10", "1 / 10"),
    ),
    noise(
        "one ratio for all",
        "each recording has its own power",
        ("(samples**2).mean(axis=1, keepdims=True)", "(samples**2).mean()"),
    ),
    noise(
        "one power of noise for all",
        "each recording's noise has its own power",
        ("(noise**2).mean(axis=1, keepdims=True)", "(noise**2).mean()"),
    ),
    noise(
        "standard deviation of the samples",
        "power is the mean of the squares: the mean is not taken away first",
        ("(samples**2).mean(axis=1, keepdims=True)", "samples.var(axis=1, keepdims=True)"),
    ),
    noise(
        "standard deviation of the noise",
        "power is the mean of the squares: the mean is not taken away first",
        ("(noise**2).mean(axis=1, keepdims=True)", "noise.var(axis=1, keepdims=True)"),
    ),
    noise(
        "peaks",
        "power is the mean of the squares, not the largest",
        ("(samples**2).mean(axis=1, keepdims=True)", "(samples**2).max(axis=1, keepdims=True)"),
        ("(noise**2).mean(axis=1, keepdims=True)", "(noise**2).max(axis=1, keepdims=True)"),
    ),
    noise("natural exponential", "decibels are powers of ten", ("10 ** (decibels / 10)", "np.exp(decibels / 10)")),
    noise("the noise alone", "the recording itself belongs to it", ("samples + noise", "noise")),
    noise("taken away", "the noise is added", ("samples + noise", "samples - noise")),
    noise(
        "the recording scaled",
        "the recording keeps its loudness: the noise is scaled",
        (
            "return samples + noise * np.sqrt(wanted / (noise**2).mean(axis=1, keepdims=True))",
            "return samples / np.sqrt(wanted / (noise**2).mean(axis=1, keepdims=True)) + noise",
        ),
    ),
    noise(
        "mean of absolute values",
        "power is the mean of the squares",
        ("(samples**2)", "np.abs(samples)"),
        ("(noise**2)", "np.abs(noise)"),
    ),
]
NOISE_RIGHT = [
    Answer(
        "add_noise",
        "by roots of mean squares",
        source="""
def add_noise(samples, noise, decibels):
    loud = np.linalg.norm(samples, axis=1) / np.linalg.norm(noise, axis=1)
    return samples + (loud * 10 ** (-decibels / 20))[:, None] * noise
""",
    ),
    Answer(
        "add_noise",
        "one by one",
        source="""
def add_noise(samples, noise, decibels):
    result = []
    for clean, draw in zip(samples, noise):
        unit = draw / math.sqrt(np.mean(draw * draw))
        result.append(clean + unit * math.sqrt(np.mean(clean * clean) * 10 ** (-decibels / 10)))
    return np.array(result)
""",
    ),
]

# -------------------------------------------------------------------------------------------------- through_images

THROUGH = """
def through_images(sounds, images, words, scale):
    sounds, images, words = (vectors / vectors.norm(dim=1, keepdim=True) for vectors in (sounds, images, words))
    return (scale * sounds @ images.T).softmax(dim=1) @ (scale * images @ words.T).softmax(dim=1)
"""
through = wrong("through_images", THROUGH)
THROUGH_WRONG = [
    through(
        "directly",
        "the way leads over the pictures: sounds and words are not compared",
        (
            "(scale * sounds @ images.T).softmax(dim=1) @ (scale * images @ words.T).softmax(dim=1)",
            "(scale * sounds @ words.T).softmax(dim=1) + 0 * images.sum()",
        ),
    ),
    through(
        "not of length 1",
        "the scores are cosines: make the vectors of length 1 first",
        (
            "    sounds, images, words = (vectors / vectors.norm(dim=1, keepdim=True) "
            "for vectors in (sounds, images, words))\n",
            "",
        ),
    ),
    through(
        "sounds not of length 1",
        "the scores are cosines: make all three of length 1",
        ("for vectors in (sounds, images, words))", "for vectors in (sounds, images, words))"),
        ("sounds, images, words = (", "_, images, words = ("),
    ),
    through(
        "pictures not of length 1",
        "the scores are cosines: make all three of length 1",
        ("sounds, images, words = (", "sounds, _, words = ("),
    ),
    through(
        "words not of length 1",
        "the scores are cosines: make all three of length 1",
        ("sounds, images, words = (", "sounds, images, _ = ("),
    ),
    through(
        "divided by the scale",
        "the scale multiplies",
        ("scale * sounds", "sounds / scale"),
        ("scale * images", "images / scale"),
    ),
    through("no scale for the pictures", "both softmaxes have the scale", ("scale * sounds", "sounds")),
    through("no scale for the words", "both softmaxes have the scale", ("scale * images", "images")),
    through(
        "softmax over sounds",
        "each sound chooses among the pictures: softmax over the pictures",
        ("(scale * sounds @ images.T).softmax(dim=1)", "(scale * sounds @ images.T).softmax(dim=0)"),
    ),
    through(
        "softmax over pictures twice",
        "each picture chooses among the words: softmax over the words",
        ("(scale * images @ words.T).softmax(dim=1)", "(scale * images @ words.T).softmax(dim=0)"),
    ),
    through(
        "the nearest picture only",
        "all pictures count, each with its probability",
        (
            "(scale * sounds @ images.T).softmax(dim=1)",
            "torch.nn.functional.one_hot((sounds @ images.T).argmax(dim=1), len(images)).to(sounds)"
            " + 0 * (sounds @ images.T)",
        ),
    ),
    through(
        "one softmax at the end",
        "two choices, each with a softmax of its own",
        (
            "(scale * sounds @ images.T).softmax(dim=1) @ (scale * images @ words.T).softmax(dim=1)",
            "(scale * sounds @ images.T @ images @ words.T).softmax(dim=1)",
        ),
    ),
    through(
        "logarithms summed",
        "probabilities are averaged, not their logarithms",
        ("@ (scale * images @ words.T).softmax(dim=1)", "@ (scale * images @ words.T).log_softmax(dim=1)"),
        ("return (", "return (("),
        ("log_softmax(dim=1)", "log_softmax(dim=1)).softmax(dim=1)"),
    ),
    through(
        "exponentials by hand",
        "large scores overflow: subtract the largest, or use softmax",
        (
            "(scale * sounds @ images.T).softmax(dim=1)",
            "(lambda e: e / e.sum(dim=1, keepdim=True))((scale * sounds @ images.T).exp())",
        ),
    ),
    through(
        "all pictures alike",
        "a picture counts by its probability, not all the same",
        ("(scale * sounds @ images.T).softmax(dim=1)", "(0 * sounds @ images.T).softmax(dim=1)"),
    ),
    through("sounds detached", "gradients must flow to sounds, too", ("(scale * sounds", "(scale * sounds.detach()")),
    through(
        "pictures detached",
        "gradients must flow to pictures on both ways",
        ("scale * images @", "scale * images.detach() @"),
    ),
    through(
        "length detached",
        "the length depends on the vector, too: its gradient belongs to it",
        ("vectors.norm(dim=1, keepdim=True)", "vectors.norm(dim=1, keepdim=True).detach()"),
    ),
]
THROUGH_RIGHT = [
    Answer(
        "through_images",
        "normalize and einsum",
        source="""
def through_images(sounds, images, words, scale):
    unit = torch.nn.functional.normalize
    images = unit(images, dim=1)
    first = torch.softmax(scale * torch.einsum("ad,id->ai", unit(sounds, dim=1), images), dim=-1)
    second = torch.softmax(scale * torch.einsum("id,wd->iw", images, unit(words, dim=1)), dim=-1)
    return torch.einsum("ai,iw->aw", first, second)
""",
    ),
    Answer(
        "through_images",
        "by logarithms",
        source="""
def through_images(sounds, images, words, scale):
    def cosines(a, b):
        return torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=2)

    first = (scale * cosines(sounds, images)).log_softmax(dim=1)
    second = (scale * cosines(images, words)).log_softmax(dim=1)
    return (first[:, :, None] + second[None]).logsumexp(dim=1).exp()
""",
    ),
]

# ---------------------------------------------------------------------------------------------- product_of_experts

EXPERTS = """
def product_of_experts(log_probabilities, log_prior, present):
    evidence = torch.where(present[:, :, None], log_probabilities - log_prior, 0.0)
    return (log_prior + evidence.sum(dim=0)).log_softmax(dim=1)
"""
product = wrong("product_of_experts", EXPERTS)
EXPERTS_WRONG = [
    product(
        "the prior counted each time",
        "each expert has the prior in it already: divide by it",
        ("log_probabilities - log_prior", "log_probabilities"),
    ),
    product(
        "no prior", "the prior itself is a factor, once", ("(log_prior + evidence.sum(dim=0))", "evidence.sum(dim=0)")
    ),
    product(
        "divided by the prior once",
        "each expert is divided by the prior, not the product once",
        ("(log_prior + evidence.sum(dim=0))", "(evidence.sum(dim=0) - log_prior)"),
        ("log_probabilities - log_prior", "log_probabilities"),
    ),
    product(
        "prior of two experts",
        "the prior's exponent depends on how many are present",
        ("log_probabilities - log_prior", "log_probabilities"),
        ("(log_prior + evidence.sum(dim=0))", "(evidence.sum(dim=0) - (len(present) - 1) * log_prior)"),
    ),
    product(
        "mean of the evidence",
        "evidence is multiplied: add the logarithms, do not average them",
        ("evidence.sum(dim=0)", "evidence.mean(dim=0)"),
    ),
    product(
        "mean of those present",
        "evidence is multiplied: add the logarithms, do not average them",
        ("evidence.sum(dim=0)", "evidence.sum(dim=0) / present.sum(dim=0).clamp(min=1)[:, None]"),
    ),
    product(
        "mixture",
        "a product of the probabilities, not their mean",
        (
            "    return (log_prior + evidence.sum(dim=0)).log_softmax(dim=1)",
            "    shares = torch.where(present[:, :, None], log_probabilities, -torch.inf).logsumexp(dim=0)\n"
            "    return torch.where(present.any(dim=0)[:, None], shares, log_prior).log_softmax(dim=1)",
        ),
    ),
    product("not normalised", "the result must sum to 1: normalise over the classes", (".log_softmax(dim=1)", "")),
    product(
        "normalised over the batch",
        "normalise over the classes, not over the batch",
        ("log_softmax(dim=1)", "log_softmax(dim=0)"),
    ),
    product("probabilities", "return logarithms", ("log_softmax", "softmax")),
    product(
        "missing ones multiplied by 0",
        "NaN times 0 is NaN: choose with torch.where",
        (
            "torch.where(present[:, :, None], log_probabilities - log_prior, 0.0)",
            "(log_probabilities - log_prior) * present[:, :, None]",
        ),
    ),
    product(
        "missing ones counted",
        "a missing modality has no factor",
        (
            "torch.where(present[:, :, None], log_probabilities - log_prior, 0.0)",
            "(log_probabilities - log_prior).nan_to_num(0.0, 0.0, 0.0) - 0.5 * ~present[:, :, None] * log_prior",
        ),
    ),
    product(
        "missing ones as evidence against",
        "a missing modality says nothing: its factor is 1",
        ("log_probabilities - log_prior, 0.0)", "log_probabilities - log_prior, -log_prior)"),
    ),
    product(
        "missing wherever one is",
        "what is present still counts when another is missing",
        ("evidence.sum(dim=0)", "evidence.sum(dim=0) * present.all(dim=0)[:, None]"),
    ),
    product(
        "uniform where nothing is present",
        "where nothing is present it is the prior",
        (
            "    return (log_prior",
            "    log_prior = torch.where(present.any(dim=0)[:, None], log_prior, 0.0)\n    return (log_prior",
        ),
    ),
    product(
        "the surest only",
        "all that is present counts, not only the surest",
        ("evidence.sum(dim=0)", "evidence.amax(dim=0)"),
    ),
    product("detached", "", ("log_probabilities - log_prior", "log_probabilities.detach() - log_prior")),
    product(
        "NaN in the gradient",
        "0 · NaN is NaN in the gradient: replace missing ones before you compute with them",
        ("    evidence =", "    kept = log_probabilities.exp().log()\n    evidence ="),
        ("log_probabilities - log_prior, 0.0)", "kept - log_prior, 0.0)"),
    ),
]
EXPERTS_RIGHT = [
    Answer(
        "product_of_experts",
        "masked_fill",
        source="""
def product_of_experts(log_probabilities, log_prior, present):
    missing = ~present[..., None]
    kept = log_probabilities.masked_fill(missing, 0.0).sum(dim=0)
    count = present.sum(dim=0)[:, None]
    scores = kept + (1 - count) * log_prior
    return scores - scores.logsumexp(dim=1, keepdim=True)
""",
    ),
    Answer(
        "product_of_experts",
        "one after the other",
        source="""
def product_of_experts(log_probabilities, log_prior, present):
    rows = []
    for b in range(present.shape[1]):
        belief = log_prior
        for m in range(present.shape[0]):
            if present[m, b]:
                belief = belief + log_probabilities[m, b] - log_prior
        rows.append(belief - torch.logsumexp(belief, dim=0))
    return torch.stack(rows)
""",
    ),
]

# ----------------------------------------------------------------------------------------------------- fill_absent

FILL = """
def fill_absent(features, present, absent):
    return torch.where(present[:, None, None], features, absent)
"""
fill = wrong("fill_absent", FILL)
FILL_WRONG = [
    fill("the other way round", "absent stands where `present` is False", ("features, absent)", "absent, features)")),
    fill("zeros", "the learned vectors stand in, not zeros", ("features, absent)", "features, 0.0) + 0 * absent")),
    fill(
        "multiplied",
        "NaN times 0 is NaN: choose with torch.where",
        (
            "torch.where(present[:, None, None], features, absent)",
            "features * present[:, None, None] + absent * ~present[:, None, None]",
        ),
    ),
    fill(
        "nothing filled",
        "missing items must be filled",
        ("torch.where(present[:, None, None], features, absent)", "features.clone() + 0 * absent"),
    ),
    fill(
        "NaN replaced only",
        "an item is missing where `present` says so, not where there is a NaN",
        ("torch.where(present[:, None, None], features, absent)", "torch.where(features.isfinite(), features, absent)"),
    ),
    fill(
        "first vector for all tokens", "each token has its own vector", ("features, absent)", "features, absent[:1])")
    ),
    fill("mean vector", "each token has its own vector", ("features, absent)", "features, absent.mean(dim=0))")),
    fill(
        "added everywhere",
        "where the item is present it stays as it is",
        ("features, absent)", "features + absent, absent)"),
    ),
    fill(
        "tokens turned round", "row n of absent belongs to token n", ("features, absent)", "features, absent.flip(0))")
    ),
    fill(
        "in place",
        "",
        (
            "    return torch.where(present[:, None, None], features, absent)",
            "    with torch.no_grad():\n        features[~present] = absent\n    return features + 0 * absent",
        ),
    ),
    fill("features detached", "gradients must flow to features", ("features, absent)", "features.detach(), absent)")),
    fill(
        "absent detached",
        "gradients must flow to absent: it is learned",
        ("features, absent)", "features, absent.detach())"),
    ),
    fill(
        "mask of the tokens",
        "`present` has one value per item, along the first axis",
        ("present[:, None, None]", "present[: features.shape[1], None].expand(features.shape[1:])"),
        ("features, absent)", "features, absent)"),
    ),
    fill(
        "NaN in the gradient",
        "a NaN where an item is missing must not reach the gradient",
        ("    return torch.where", "    features = features.exp().log1p().expm1().log()\n    return torch.where"),
    ),
    fill(
        "only the present ones",
        "all B items come back, the missing ones filled",
        (
            "torch.where(present[:, None, None], features, absent)",
            "torch.cat([features[present], absent[None].expand(int((~present).sum()), *absent.shape)])",
        ),
    ),
    fill(
        "the first missing item only",
        "every missing item is filled",
        (
            "    return",
            "    present = present.clone()\n    gone = (~present).nonzero()[1:]\n    present[gone] = True\n"
            "    features = features.nan_to_num(0.0, 0.0, 0.0)\n    return",
        ),
    ),
]
FILL_RIGHT = [
    Answer(
        "fill_absent",
        "by indices",
        source="""
def fill_absent(features, present, absent):
    filled = absent.expand(len(features), *absent.shape).clone()
    filled[present] = features[present]
    return filled
""",
    ),
    Answer(
        "fill_absent",
        "a stack",
        source="""
def fill_absent(features, present, absent):
    return torch.stack([item if there else absent for item, there in zip(features, present.tolist())])
""",
    ),
]

# -------------------------------------------------------------------------------------------------------- drop_one

DROP = """
def drop_one(present, draws, which, probability):
    left = present.copy()
    for row, draw, place in zip(left, draws, which):
        has = np.flatnonzero(row)
        if draw < probability and len(has) > 1:
            row[has[int(place * len(has))]] = False
    return left
"""
drop = wrong("drop_one", DROP)
DROP_WRONG = [
    drop(
        "the last one too", "none loses its last: an example with one keeps it", (" and len(has) > 1", " and len(has)")
    ),
    drop("three or more", "two are enough to lose one", ("len(has) > 1", "len(has) > 2")),
    drop(
        "up to the probability",
        "lost if the draw is *below* the probability: with 0 none is lost",
        ("draw < probability", "draw <= probability"),
    ),
    drop(
        "above the probability",
        "lost if the draw is below the probability",
        ("draw < probability", "draw >= probability"),
    ),
    drop("always", "only examples whose draw is below the probability lose one", ("draw < probability and ", "")),
    drop("never", "examples whose draw is below the probability lose one", ("= False", "= True")),
    drop(
        "place among all",
        "the place is counted among those that the example has",
        ("row[has[int(place * len(has))]] = False", "row[int(place * len(row))] = False"),
    ),
    drop("always the first", "which one is lost is drawn", ("int(place * len(has))", "0")),
    drop("always the last", "which one is lost is drawn", ("int(place * len(has))", "-1")),
    drop(
        "rounded",
        "rounded down, so that each is as likely as the others",
        ("int(place * len(has))", "min(round(place * len(has)), len(has) - 1)"),
    ),
    drop("from the end", "counted from the first", ("int(place * len(has))", "-1 - int(place * len(has))")),
    drop(
        "among n - 1", "the last of those that it has can be lost, too", ("place * len(has)", "place * (len(has) - 1)")
    ),
    drop(
        "all but one",
        "one is lost, not all but one",
        (
            "row[has[int(place * len(has))]] = False",
            "kept = has[int(place * len(has))]\n            row[:] = False\n            row[kept] = True",
        ),
    ),
    drop("in place", "", ("present.copy()", "present")),
    drop("the same for all", "each example has its own draw", ("if draw < probability", "if draws[0] < probability")),
    drop(
        "the draws mixed up",
        "draws says whether, which says which one",
        ("zip(left, draws, which)", "zip(left, which, draws)"),
    ),
    drop("what is lost", "returned is what is left", ("return left", "return present & ~left")),
]
DROP_RIGHT = [
    Answer(
        "drop_one",
        "without a loop",
        source="""
def drop_one(present, draws, which, probability):
    has = present.sum(axis=1)
    target = np.floor(which * has).astype(int)
    ordinal = present.cumsum(axis=1) - 1
    loses = (draws < probability) & (has >= 2)
    return present & ~(loses[:, None] & (ordinal == target[:, None]))
""",
    ),
    Answer(
        "drop_one",
        "lists",
        source="""
def drop_one(present, draws, which, probability):
    result = []
    for b, row in enumerate(present):
        has = [m for m, there in enumerate(row) if there]
        if len(has) >= 2 and draws[b] < probability:
            del has[math.floor(which[b] * len(has))]
        result.append([m in has for m in range(len(row))])
    return np.array(result, dtype=bool)
""",
    ),
]

WRONG = [
    *ALIASED_WRONG,
    *FRAMES_WRONG,
    *POWER_WRONG,
    *MEL_WRONG,
    *LOG_WRONG,
    *NOISE_WRONG,
    *THROUGH_WRONG,
    *EXPERTS_WRONG,
    *FILL_WRONG,
    *DROP_WRONG,
]
RIGHT = [
    *ALIASED_RIGHT,
    *FRAMES_RIGHT,
    *POWER_RIGHT,
    *MEL_RIGHT,
    *LOG_RIGHT,
    *NOISE_RIGHT,
    *THROUGH_RIGHT,
    *EXPERTS_RIGHT,
    *FILL_RIGHT,
    *DROP_RIGHT,
]
