"""Data sets by name: what they are, under which licence, and how to get them.

A few are embedded: their text comes with Python or is generated. The others are public files, known by address and
SHA-256. They are looked for in the folder that the environment variable MINIGPT_DATA names, then in the download cache,
then fetched.
"""

import hashlib
import itertools
import json
import os
import random
import re
import sysconfig
import urllib.parse
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minigpt.config import first_line, unknown
from minigpt.datasets.text import TextSource

DATA_FOLDER = "MINIGPT_DATA"


@dataclass(frozen=True)
class RemoteFile:
    """One public file at one commit of a public repository; `path` is its place below the data folder.

    Without a repository it cannot be fetched, as it is a selection: `source` then says where it comes from.

    A `source` such as "a.zip!b/c.txt" is a file in an archive. One such as "!b/[0-9]+.wav" is an archive of the
    repository's files whose names match; the server packs it anew each time, so `sha256` is that of the files' listing:
    a line for each, its hash, two spaces and its name.
    """

    path: str
    sha256: str
    repository: str
    commit: str
    source: str

    @property
    def url(self):
        """Where it can be downloaded."""
        if self.source.startswith("!"):
            return f"https://github.com/{self.repository}/archive/{self.commit}.zip"
        quoted = urllib.parse.quote(self.source.partition("!")[0])
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{quoted}"


@dataclass(frozen=True)
class DataSet:
    """An entry of the catalogue.

    Attributes:
        what: one line that says what it is.
        licence: under which licence.
        files: public files it consists of; none for an embedded one.
        to_text: makes one string of the files' paths (or of nothing, if embedded); None if it is not a text.
    """

    what: str
    licence: str
    files: tuple[RemoteFile, ...] = ()
    to_text: Callable[..., str] | None = None


def python_docs():
    """The language reference that comes with CPython for its help(): about 460 kB of English.

    Where an interpreter lacks it, as some slimmed-down builds do, text of the generated world stands in.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return _tiny_world()
    return "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n"


def _python_source():
    """The top-level modules of the standard library, one after another."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    return "\n\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))


def _tiny_world():
    from minigpt.datasets.tiny_world import corpus_text

    return corpus_text(1_000_000, seed=1)


def _base_text():
    """What the model that ships with the package has read, about 10 MB.

    Documents of the generated world, its sentences with their translations, CPython's documentation, and 2 MB of the
    standard library, cut to pieces and shuffled with a fixed seed, so that the text's last tenth is like the rest. Most
    documents have names that stand in no other, so that the model learns how names are used, not which there are.
    """
    from minigpt.datasets.tiny_world import TinyWorld

    known, new = TinyWorld("train"), TinyWorld("train", new_names=True)
    pieces = [*itertools.islice(known.texts(seed=101), 3000), *itertools.islice(new.texts(seed=104), 8000)]
    for document in itertools.chain(known.documents(1500, seed=102), new.documents(1000, seed=105)):
        pieces += [f"{sentence.text}\n{sentence.chinese}" for sentence in document.sentences]
    for text in (python_docs(), _python_source()[:2_000_000]):
        paragraphs = text.split("\n\n")
        pieces += ["\n\n".join(paragraphs[i : i + 20]) for i in range(0, len(paragraphs), 20)]
    random.Random(103).shuffle(pieces)
    return "\n\n".join(pieces) + "\n"


def _joined(*paths):
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def _stories(path):
    """The whole stories, a blank line between two; the last one in the file is cut off and left out."""
    stories = path.read_text(encoding="utf-8").split("<|endoftext|>")[:-1]
    return "\n\n".join(story.strip() for story in stories) + "\n"


def _poems(*paths):
    """Title, author and lines of each poem, a blank line between two."""
    poems = (poem for path in paths for poem in json.loads(path.read_text(encoding="utf-8")))
    return "\n\n".join("\n".join([p["title"], p["author"], *p["paragraphs"]]) for p in poems) + "\n"


def _repository(repository, commit, folder, files):
    """Remote files of one repository: {source path: (name below `folder`, sha256)}."""
    return tuple(RemoteFile(f"{folder}/{name}", sha256, repository, commit, source)
                 for source, (name, sha256) in files.items())  # fmt: skip


# The seven intents of SNIPS: the hashes of train_…_full.json and validate_….json.
_SNIPS = {
    "AddToPlaylist": (
        "fee1b4645352e70ed8a40f1f87c3b53fc3bf75f8ebc82252a22b82c107e75b01",
        "14cc9ee49ae477b1452632a6e835498cf4c32da397b16967c82abb3e50403e83",
    ),
    "BookRestaurant": (
        "7677e82cd6e9a8191f0a4502568c786278c984900b4796d3628e46f1abf73ef4",
        "4f7258ccc768b777b2eb8916532db9aa50dbd058ddf1ffb0dc59218963e7442a",
    ),
    "GetWeather": (
        "86f414b2ad8a993134d85d16e25e5d337beae47cef993c0af2a5f440405c60f6",
        "60c095e193655d6ca92be220fed3926ca25e18cd70c85664145efe25d80993af",
    ),
    "PlayMusic": (
        "901ddbe9781d1fdb8196e789c543f80df3d29ca6e237da64947905adcc0312e4",
        "922212775e26259d5bffeaf79b6048d070ca017d229df00b2cc9800f71c75d20",
    ),
    "RateBook": (
        "bb43e4b74134300d5766f6b420d0357a63402987a225f6dc92c806c9c040ce04",
        "c1f8b4114da0bb5e8afd78a8062766e18b2eabb0e717539598db01b09d04619b",
    ),
    "SearchCreativeWork": (
        "87b3432de48c71c205aa5238b41d9e3f2d70bdfcd0bea2427544fb9e4bd5e5bb",
        "8a5e830eddb185d3e4a9d27ded140a145d04766bdce0e58834676ede32d13e77",
    ),
    "SearchScreeningEvent": (
        "5447e9440c02e2fb08c3ae16b9f58a4d1332b4bc77fd34691402b02aa4399765",
        "81e1445713e03c7c3e615353c5f3fee05f369fe9834100b9b9735900a96b9498",
    ),
}
_SNIPS_FILES = _repository("sonos/nlu-benchmark", "b86ac7f1577868c42158d0dec77db50956046696", "snips_slots", {
    f"2017-06-custom-intent-engines/{intent}/{name}": (name, sha256)
    for intent, hashes in _SNIPS.items()
    for name, sha256 in zip((f"train_{intent}_full.json", f"validate_{intent}.json"), hashes)
})  # fmt: skip

CATALOG: dict[str, DataSet] = {
    "python-docs": DataSet(
        "CPython's own documentation, as its help() shows it (embedded)", "PSF-2.0", to_text=python_docs
    ),
    "python-source": DataSet("source of the standard library (embedded)", "PSF-2.0", to_text=_python_source),
    "tiny-world": DataSet(
        "1 MB of stories and dialogues from a generated world (embedded)", "MIT", to_text=_tiny_world
    ),
    "minigpt-base-text": DataSet(
        "generated world in two languages, CPython's documentation and source, 10 MB (embedded)", "MIT, PSF-2.0",
        to_text=_base_text,
    ),
    "tinyshakespeare": DataSet(
        "Shakespeare's plays in one file, 1.1 MB", "public domain",
        _repository("karpathy/char-rnn", "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e", "tinyshakespeare", {
            "data/tinyshakespeare/input.txt": (
                "input.txt", "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
        }), _joined),
    "names": DataSet(
        "32,033 first names, one a line", "facts of the US government; collection MIT",
        _repository("karpathy/makemore", "988aa59e4d8fefa526d06f3b453ad116258398d4", "names", {
            "names.txt": ("names.txt", "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"),
        }), _joined),
    "the-verdict": DataSet(
        "a short story by Edith Wharton (1908), 20 kB", "public domain",
        _repository("rasbt/LLMs-from-scratch", "28c65cdfbc3338e2e040016eea4b7fdf556e4d57", "the_verdict", {
            "ch02/01_main-chapter-code/the-verdict.txt": (
                "the-verdict.txt", "b41e41a68f0398a3154ae69e2e4c0e2694e17fe0d66730536837f1b01935b31f"),
        }), _joined),
    "tinystories": DataSet(
        "4,948 short stories in a small child's words (Eldan & Li 2023), 4.2 MB", "CDLA-Sharing-1.0",
        _repository("thesophiaxu/CrowdGPT", "856079a7f909438661c31f9bf72715fb1d44f1f9", "tinystories", {
            "datasets/tinystories/train_0.txt": (
                "tinystories_slice.txt", "64b0f2d6230a84059c7dccbf3e9f7a0d61d2a5426b2776b46aef70c47aa92307"),
        }), _stories),
    "wikitext2": DataSet(
        "WikiText-2, the published validation part (Merity et al. 2016), 1.1 MB", "CC BY-SA 3.0",
        _repository("pytorch/examples", "77f55b912142e11fcfdf5b530231fb9c52f181e8", "wikitext2", {
            "word_language_model/data/wikitext-2/valid.txt": (
                "valid.txt", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8"),
        }), _joined),
    "wikitext2-test": DataSet(
        "WikiText-2, the published test part (Merity et al. 2016), 1.3 MB", "CC BY-SA 3.0",
        _repository("pytorch/examples", "77f55b912142e11fcfdf5b530231fb9c52f181e8", "wikitext2", {
            "word_language_model/data/wikitext-2/test.txt": (
                "test.txt", "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0"),
        }), _joined),
    "tang-poems": DataSet(
        "poems of the Tang dynasty, in Chinese, 0.5 MB", "public domain; collection MIT",
        _repository("chinese-poetry/chinese-poetry", "99ebbef7e1345c0985c44b9fd96a3f9e776f117b", "tang_poems", {
            "全唐诗/唐诗三百首.json": (
                "tang300.json", "d77a145f7470da2ed2f79515944563c062ffc43fceda07f195a36ead66b7e5c7"),
            "全唐诗/poet.tang.0.json": (
                "poet.tang.0.json", "4f88f429938082523cdc72a1612bd7a7c3e3f7a33f8192c61ae51340efc3c92d"),
            "全唐诗/poet.tang.1000.json": (
                "poet.tang.1000.json", "6e703b8d8dcedbd6110f6d48d043665ca2131db2035a5bfcef5e59a19aeb6d75"),
        }), _poems),
    "gpt2-bpe": DataSet(
        "GPT-2's published vocabulary and merges", "Modified MIT",
        _repository("rasbt/LLMs-from-scratch", "28c65cdfbc3338e2e040016eea4b7fdf556e4d57", "gpt2_bpe", {
            "ch02/02_bonus_bytepair-encoder/gpt2_model/encoder.json": (
                "encoder.json", "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"),
            "ch02/02_bonus_bytepair-encoder/gpt2_model/vocab.bpe": (
                "vocab.bpe", "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"),
        })),
    "gpt1-bpe": DataSet(
        "GPT-1's published vocabulary and merges", "MIT",
        _repository("openai/finetune-transformer-lm", "a69b5c43b0452462890bca8ff92fb75dee9290cf", "gpt1_bpe", {
            "model/encoder_bpe_40000.json": (
                "encoder_bpe_40000.json", "fdf49b19e7de236852091da09b84a7a3cd5e7b0e79916376cf45f6b8127b8078"),
            "model/vocab_40000.bpe": (
                "vocab_40000.bpe", "0ea9b51ae695073cd871e0358f7016311d671a7ff3963e367d5236522f294725"),
        })),
    "sentence-polarity": DataSet(
        "sentiment: 10,662 sentences from film reviews (Pang & Lee 2005)",
        "CC BY 4.0",
        _repository("nltk/nltk_data", "5db857e6f7df11eabb5e5665836db9ec8df07e28", "sentence_polarity", {
            "packages/corpora/sentence_polarity.zip!sentence_polarity/rt-polarity.pos": (
                "rt-polarity.pos", "c2dc6b2f55bcf725725372916287cc3f8f9b19402edaa9167de5287cb3ade421"),
            "packages/corpora/sentence_polarity.zip!sentence_polarity/rt-polarity.neg": (
                "rt-polarity.neg", "614274f81185a850e5a88d533d4679f916d6f62e9af6f0b4ec71fb94bf466ea5"),
        })),
    "sms-spam": DataSet(
        "spam: 5,574 text messages, 13 % of them spam (Almeida et al. 2011)",
        "CC BY 4.0",
        _repository("learn-co-students/dsc-document-classification-with-naive-bayes-lab-online-ds-pt-051319",
                    "2f98ca443ecd26e1088b369260f1e9782e2e36fc", "sms_spam", {
            "SMSSpamCollection": (
                "SMSSpamCollection", "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"),
        })),
    "snli-small": DataSet(
        "entailment: the published development and test parts of SNLI, 19,666 pairs (Bowman et al. 2015)",
        "CC BY-SA 4.0",
        _repository("OanaMariaCamburu/e-SNLI", "7b585a3f077fdea899780eb0473940522ae44a2e", "snli_small", {
            "dataset/eSNLI/s1.dev": (
                "s1.dev", "28a398b5478b10b4b851d4bb5b2e5767171519add6586015ed50b9436df11d00"),
            "dataset/eSNLI/s2.dev": (
                "s2.dev", "a8c59709630b64ba103f7784c0cb7104a6baf23234562487264d9634714f5d2b"),
            "dataset/eSNLI/labels.dev": (
                "labels.dev", "d164d72435c3289fe53cb01e983f7c06e104bf192c0cae9caf2e99bf2e15f974"),
            "dataset/eSNLI/s1.test": (
                "s1.test", "62cb8107dc3c56a4376e5e521842be24e0d61c92c346b94917da2bbf2a47d8be"),
            "dataset/eSNLI/s2.test": (
                "s2.test", "1174f3ad30a3c30fc0f9eeffc1b3b6a79e0514026c5a658968a8e2a324b311a1"),
            "dataset/eSNLI/labels.test": (
                "labels.test", "e25c363e5cc70d5494d6e6555d8053eced22dca836e0f03067530eaad3d4f5f5"),
        })),
    "wnut17": DataSet(
        "entities in tweets and comments, six types (Derczynski et al. 2017)",
        "CC BY 4.0",
        _repository("leondz/emerging_entities_17", "e52a2d2a71ac1a051ca2d532eef28653c5c02603", "wnut17", {
            "wnut17train.conll": (
                "wnut17train.conll", "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5"),
            "emerging.dev.conll": (
                "emerging.dev.conll", "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8"),
            "emerging.test.annotated": (
                "emerging.test.annotated", "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0"),
        })),
    "uner-zh": DataSet(
        "entities in Chinese: people, places, organisations (Mayhew et al. 2024)",
        "CC BY-SA 4.0",
        _repository("UniversalNER/UNER_Chinese-GSDSIMP", "1f0307599dece7b83f4cba90ce9b63ef37a7b162", "uner_zh", {
            "zh_gsdsimp-ud-train.iob2": (
                "zh_gsdsimp-ud-train.iob2", "a03b5260c3d960aa711ff5f12b797de5c7d7f412563593c173cd0e7135001db5"),
            "zh_gsdsimp-ud-dev.iob2": (
                "zh_gsdsimp-ud-dev.iob2", "8aeab3ac662468e258a65f887844c50cee8311cb080b60a421ff7aa8a05e8032"),
            "zh_gsdsimp-ud-test.iob2": (
                "zh_gsdsimp-ud-test.iob2", "f1d8faa790d914fe01a24627874c8e7fad9c40b54742f5aefab5ba3f7c8edede"),
        })),
    "semeval2010-task8": DataSet(
        "relations: how two marked nouns of a sentence are related, 19 classes (Hendrickx et al. 2010)",
        "CC BY 3.0",
        _repository("sahitya0000/Relation-Classification",
                    "8eebbf2727013aaaa5ecd18b1f4732bd848e1e1c", "semeval2010_task8", {
            "corpus/SemEval2010_task8_training/TRAIN_FILE.TXT": (
                "TRAIN_FILE.TXT", "c22fee88957d245a4b1650c6743eb8c594dcdeffc6a2aa1fa6cced059eebf0e3"),
            "corpus/SemEval2010_task8_testing_keys/TEST_FILE_FULL.TXT": (
                "TEST_FILE_FULL.TXT", "9ec7a35d5582b4da0fb72aa55a6121bc414ade573459e1dcf68bf189f8c18ae8"),
        })),
    "xquad-en": DataSet(
        "questions: 1,190 on 48 articles (Artetxe et al. 2020)",
        "CC BY-SA 4.0",
        _repository("deepmind/xquad", "60cac411649156efb6aab9dd4c9cde787a2c0345", "xquad", {
            "xquad.en.json": (
                "xquad.en.json", "e4c57d1c9143aaa1c5d265ba5987a65f4e69528d2a98f29d6e75019b10344f29"),
        })),
    "xquad-zh": DataSet(
        "questions: the same in Chinese",
        "CC BY-SA 4.0",
        _repository("deepmind/xquad", "60cac411649156efb6aab9dd4c9cde787a2c0345", "xquad", {
            "xquad.zh.json": (
                "xquad.zh.json", "691d0b3359bc6b8faa8de931dfdfe21d50a65861ae348e32a0d1a0190b0c8835"),
        })),
    "tatoeba-en-zh": DataSet(
        "translation: 29,155 sentences into Chinese (Tatoeba project)",
        "CC BY 2.0 FR",
        _repository("13luoyu/Transformer-machine-translation",
                    "aa43963320ccfacebd1d3542deae559bbca58d03", "tatoeba_en_zh", {
            "cmn.txt": (
                "cmn.txt", "aa264a2447b26ab7c9d413f8321f9e2a779fd134b5118306b6e26a3499b3926e"),
        })),
    "scitldr-a": DataSet(
        "summary: 3,229 abstracts, each in one sentence (Cachola et al. 2020)",
        "Apache-2.0",
        _repository("allenai/scitldr", "5ccad9c00a60ad75c9e04abf7f27d0f53f983b20", "scitldr_a", {
            "SciTLDR-Data/SciTLDR-A/train.jsonl": (
                "train.jsonl", "b222771d387be585cfdf5ae957b36757138415a352e0a3e3b23f73f87c3b1119"),
            "SciTLDR-Data/SciTLDR-A/dev.jsonl": (
                "dev.jsonl", "3191fa98ccc09521332b7a1cd63b1930be4e8df125a235ccd31e40329709525e"),
            "SciTLDR-Data/SciTLDR-A/test.jsonl": (
                "test.jsonl", "fb42dd6cd4f4a1928ae8a01a189456fbfe994a07e938bd49f68653933f6503c9"),
        })),
    "sgd-dialogue": DataSet(
        "dialogue: 247 dialogues with an assistant, a part of SGD (Rastogi et al. 2020)",
        "CC BY-SA 4.0",
        _repository("google-research-datasets/dstc8-schema-guided-dialogue",
                    "e852981ae34990f4358979625854259302feaa78", "sgd_dialogue", {
            "train/dialogues_033.json": (
                "train_dialogues_033.json", "74c23ae93203ed5672015ce13d01c01d80d4f3a3ccd64c8f62f52e0b7c411871"),
            "dev/dialogues_007.json": (
                "dev_dialogues_007.json", "d9af6ffcb69257ab3ce10e4637fc4d45d268094e55693b170a9b5b9d914dc611"),
            "test/dialogues_011.json": (
                "test_dialogues_011.json", "1c2e312ce653bdd4ba1fe74b44ef20b36bab74b8ccf7bc2e591c632d5492a21b"),
        })),
    "instruction": DataSet(
        "instructions: 1,100 with answers (Raschka 2024)",
        "Apache-2.0",
        _repository("rasbt/LLMs-from-scratch", "28c65cdfbc3338e2e040016eea4b7fdf556e4d57", "instruction", {
            "ch07/01_main-chapter-code/instruction-data.json": (
                "instruction-data.json", "7e09a9af353722ca15c18bc580f093f9c39d3178335a75177319cb1e1d163944"),
        })),
    "snips-intent": DataSet(
        "intent: 14,484 requests to a voice assistant, seven intents (Coucke et al. 2018)", "CC0 1.0", _SNIPS_FILES),
    "snips-slots": DataSet(
        "slots: the parts of the same requests, such as an artist or a city", "CC0 1.0", _SNIPS_FILES),
    "optdigits": DataSet(
        "handwritten digits of 30 writers, 3,823 images of 8 × 8 pixels (Alpaydin & Kaynak 1998)", "CC BY 4.0",
        _repository("yupinghuang/optical_digits", "e20bac46f63c368613b24b2ff6b24259d791ae51", "optdigits", {
            "data/optdigits.tra": (
                "optdigits.tra", "a6d20dd0016ea85e8e207860d7b59411b07ddd18981ab250fa0ce37525570ab7"),
            "data/optdigits.hol": (
                "optdigits.hol", "4e93dfa93f501c29e4b6e1db417db68be20a7acafd85e52939e04369ecde386a"),
        })),
    "mnist-t10k": DataSet(
        "handwritten digits, the 10,000 test images of MNIST, 28 × 28 pixels (LeCun et al. 1998)", "CC BY-SA 3.0",
        _repository("dlsyscourse/hw0", "64862053e2d82ca465307a76b25ef0bd30dd08fb", "mnist_t10k", {
            "data/t10k-images-idx3-ubyte.gz": (
                "t10k-images-idx3-ubyte.gz", "8be8d0bbf1280248939ffa7126e45f0af5476d9b7e23398415c58ac9976591df"),
            "data/t10k-labels-idx1-ubyte.gz": (
                "t10k-labels-idx1-ubyte.gz", "dea1acd74f516a7fe5404d4f2afa815fd3da07dceb42585f6a240c3a81bf1b85"),
        })),
    "fsdd": DataSet(
        "spoken digits of 6 people, 1,200 recordings of 8,000 samples a second (Jackson et al. 2018)", "CC BY-SA 4.0",
        _repository("Jakobovski/free-spoken-digit-dataset", "26eb9aaf76e81b692f806f9140c2d2777410d7a1", "fsdd", {
            r"!recordings/\d_[a-z]+_1?\d\.wav": (
                "recordings.zip", "1d4e78283c4eafdd1d6d226ee767a6f0cf5d05c4536d620d541f57246b395503"),
        })),
    "twemoji-captions": DataSet(
        "1,906 emoji of 64 × 64 pixels in colour, with names and categories (Twemoji)", "CC BY 4.0; names MIT",
        _repository("", "16.0.0", "twemoji_captions", {
            "emoji.json of the npm package emoji-datasource-twitter": (
                "emoji.json", "1d602e65be88772bf8cc368ce16b855d719eeddbafe128d471b80203f494d29f"),
            "img/twitter/64 of the npm package emoji-datasource-twitter, without skin tones": (
                "twemoji64.zip", "69b095515d27bcbf42add715953d54582b3bb3d2ff7a2241ae64e60b7379c31a"),
        })),
}  # fmt: skip


def open_text(name_or_path):
    """A text by its name in the catalogue, or a text file.

    Raises:
        ValueError: if there is neither; suggests the nearest name.
    """
    name = str(name_or_path)
    if Path(name).is_file() or (Path(name).exists() and name not in CATALOG):
        return TextSource.from_file(name)
    if name in CATALOG:
        entry = CATALOG[name]
        if entry.to_text is None:
            raise ValueError(f"the data set {name!r} is not a text")
        return TextSource.from_string(name, entry.to_text(*locate(name)))
    if re.fullmatch(r"[\w-]+", name):
        texts = [known for known, entry in CATALOG.items() if entry.to_text]
        raise ValueError(f"no such file, and {unknown('data set', name, texts)}")
    raise ValueError(f"{name} does not exist")


def locate(name):
    """Local paths of a data set's files, fetched and checked first if need be.

    Raises:
        ValueError: if the name is unknown, a file's hash is wrong, or a file cannot be had; says what to do.
    """
    if name not in CATALOG:
        raise ValueError(unknown("data set", name, CATALOG))
    return [_locate_file(file) for file in CATALOG[name].files]


def _locate_file(file):
    folder = os.environ.get(DATA_FOLDER)
    if folder and (path := Path(folder) / file.path).is_file():
        if _hash(path, file) != file.sha256:
            raise ValueError(f"{path} is not the file it should be: its SHA-256 differs from the catalogue's")
        return path
    if not file.repository:
        origin = f"{file.source} {file.commit}"
        raise ValueError(f"{file.path} cannot be fetched: make it of {origin}, and set {DATA_FOLDER} to its folder")
    return _fetch(file)


def _hash(path, file):
    """What `file.sha256` is compared with: the hash of a file, or of an archive's listing."""
    if not file.source.startswith("!"):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    lines = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if found := re.search(f"(?:^|/)({file.source[1:]})$", name):
                    lines.append((found[1], hashlib.sha256(archive.read(name)).hexdigest()))
    except zipfile.BadZipFile:
        return "not an archive"
    return hashlib.sha256("".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines)).encode()).hexdigest()


def _fetch(file):
    import pooch  # here, so that nothing is imported for data that is at hand

    cache = Path(pooch.os_cache("minigpt"))
    pooch.get_logger().setLevel("WARNING")
    target = cache / file.path
    archive, _, member = file.source.partition("!")
    try:
        if file.source.startswith("!"):
            return _fetch_archive(pooch, file, target)
        if member:
            return _fetch_member(pooch, file.url, target, Path(archive).name, member, file.sha256)
        return Path(pooch.retrieve(file.url, f"sha256:{file.sha256}", target.name, target.parent))
    except Exception as error:  # whatever the network, the server, or the hash brings
        advice = f"download it by hand to {file.path} in a folder, and set {DATA_FOLDER} to that folder"
        raise ValueError(f"cannot fetch {file.url} ({first_line(error)}): {advice}") from None


def _fetch_member(pooch, url, target, archive, member, sha256):
    """One file of an archive; it is the file's hash that counts, not the archive's."""
    if not target.is_file() or hashlib.sha256(target.read_bytes()).hexdigest() != sha256:
        with zipfile.ZipFile(pooch.retrieve(url, None, archive, target.parent)) as opened:
            data = opened.read(member)
        if hashlib.sha256(data).hexdigest() != sha256:
            (target.parent / archive).unlink()  # so that the next attempt does not find it again
            raise ValueError(f"the hash of {member} is not that of the catalogue")
        target.write_bytes(data)
    return target


def _fetch_archive(pooch, file, target):
    """A repository's archive; it is the listing's hash that counts."""
    path = Path(pooch.retrieve(file.url, None, target.name, target.parent))
    if _hash(path, file) != file.sha256:
        path.unlink()  # so that the next attempt does not find it again
        raise ValueError("the hash of its files is not that of the catalogue")
    return path
