"""What every tokenizer does: text to ids and back, to a JSON file and back."""

import hashlib
import json
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from minigpt.tokenizers.pieces import pieces_between_cuts

FORMAT_VERSION = 1


class Tokenizer(ABC):
    """Turns text into a list of integer ids, each below ``vocab_size``, and back.

    A kind of tokenizer supplies the abstract methods below; everything else is here, once.
    """

    type: ClassVar[str]  # names the kind in the JSON file
    special_tokens: dict[str, int]  # text -> id, for marks such as the end of a document
    stream_size: int = 1 << 16  # characters that encode_stream gathers before it encodes a piece

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """Number of ids, special tokens included."""

    @abstractmethod
    def token_bytes(self, token_id: int) -> bytes:
        """The UTF-8 bytes a token stands for; for a special token, those of its name.

        Raises:
            ValueError: if there is no such id.
        """

    @abstractmethod
    def _encode_ordinary(self, text: str, start: int) -> list[int]:
        """Encode text without special tokens; ``start`` is its offset in the whole text, for error messages."""

    @abstractmethod
    def _may_cut(self, before: str, after: str) -> bool:
        """Whether encoding never depends on these two neighbouring characters standing together."""

    @abstractmethod
    def _fields(self) -> dict[str, Any]:
        """What ``to_json`` stores beside type, version and special tokens."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Rebuild a tokenizer from what ``to_json`` returned.

        Raises:
            ValueError: if the structure is not exactly what ``to_json`` writes.
        """

    def encode(self, text: str, allowed_special: Collection[str] | Literal["all"] = ()) -> list[int]:
        """Encode a text.

        Args:
            text: any str that is valid Unicode.
            allowed_special: special tokens to recognise in the text. By default none: what a user types is ordinary
                text and can never act as a mark of ours.
        Raises:
            ValueError: if the text holds half a surrogate pair, or a name in ``allowed_special`` is unknown.
        """
        check_text(text)
        allowed = self._allowed_special(allowed_special)
        if not allowed:
            return self._encode_ordinary(text, 0)
        ids, start = [], 0
        for part in split_at_special(text, allowed):
            ids += [self.special_tokens[part]] if part in allowed else self._encode_ordinary(part, start)
            start += len(part)
        return ids

    def _allowed_special(self, allowed: Collection[str] | Literal["all"]) -> Collection[str]:
        if isinstance(allowed, str):
            if allowed != "all":
                raise ValueError(f"allowed_special must be 'all' or a collection of names, not {allowed!r}")
            return self.special_tokens.keys()
        unknown = [name for name in allowed if name not in self.special_tokens]
        if unknown:
            raise ValueError(f"allowed_special names {unknown[0]!r}, but have {list(self.special_tokens)}")
        return allowed

    def encode_stream(self, chunks: Iterable[str]) -> Iterator[list[int]]:
        """Encode a text that arrives in chunks, in bounded memory.

        Args:
            chunks: parts of the text, cut anywhere, such as an open file.
        Returns:
            an iterator over lists of ids; joined, they are ``encode("".join(chunks))``.
        Raises:
            ValueError: as ``encode``, with the offset in the whole text.
        """
        start = 0
        for piece in pieces_between_cuts(chunks, self._may_cut, self.stream_size):
            check_text(piece, start)
            yield self._encode_ordinary(piece, start)
            start += len(piece)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of a sequence of ids; bytes that are not valid UTF-8 become U+FFFD.

        Raises:
            ValueError: if an id is out of range.
        """
        return b"".join(self.token_bytes(token_id) for token_id in ids).decode("utf-8", errors="replace")

    def to_json(self) -> dict[str, Any]:
        """All that defines this tokenizer, as plain JSON values."""
        header = {"type": self.type, "version": FORMAT_VERSION}
        return header | self._fields() | {"special_tokens": dict(self.special_tokens)}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON: equal for tokenizers that give equal ids to every text."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def save(self, path: str | os.PathLike) -> None:
        """Write the tokenizer to a JSON file, all of it or nothing."""
        write_json(path, self.to_json())

    def __len__(self) -> int:
        return self.vocab_size

    def __repr__(self) -> str:
        return f"{type(self).__name__}(vocab_size={self.vocab_size}, special_tokens={self.special_tokens})"


def load_tokenizer(path: str | os.PathLike) -> Tokenizer:
    """Read a tokenizer of any kind from the file that ``save`` wrote.

    The file is not trusted: it is plain JSON, and its structure is checked before use.

    Raises:
        ValueError: in one line, if the file is missing, damaged, of an unknown type or version, or inconsistent.
    """
    try:
        data = read_json(path)
        kinds = {kind.type: kind for kind in Tokenizer.__subclasses__()}
        kind = data.get("type") if isinstance(data, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            raise ValueError(f"its type is {kind!r}, not one of {sorted(kinds)}")
        return kinds[kind].from_json(data)
    except ValueError as error:
        raise ValueError(f"cannot load a tokenizer from {os.fspath(path)!r}: {error}") from None


def check_text(text: str, start: int = 0) -> None:
    """Raise ValueError if a str is not valid Unicode: a lone surrogate stands for no character and has no UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text has the lone surrogate U+{ord(text[error.start]):04X} at offset {start + error.start}; "
            "read the text with errors='replace'"
        ) from None


def split_at_special(text: str, special: Collection[str]) -> list[str]:
    """Cut a text around special tokens, the longest first where several fit, and keep them as parts."""
    longest_first = sorted(special, key=len, reverse=True)
    return [part for part in re.split(f"({'|'.join(map(re.escape, longest_first))})", text) if part]


def check_special_tokens(special_tokens: Collection[str]) -> None:
    """Raise ValueError unless these are distinct, non-empty texts."""
    if isinstance(special_tokens, str):
        raise ValueError(f"special_tokens must be a collection of texts, not the text {special_tokens!r}")
    for name in special_tokens:
        if not isinstance(name, str) or not name:
            raise ValueError(f"a special token must be a non-empty text, not {name!r}")
        check_text(name)
    if len(set(special_tokens)) < len(special_tokens):
        raise ValueError(f"special tokens must differ, got {list(special_tokens)}")


def check_fields(data: Any, kind: str, fields: dict[str, type]) -> None:
    """Raise ValueError unless ``data`` is what ``to_json`` of this kind writes, field by field."""
    expected = {"type": str, "version": int, "special_tokens": dict} | fields
    if not isinstance(data, dict) or data.keys() != expected.keys():
        found = sorted(map(str, data)) if isinstance(data, dict) else type(data).__name__
        raise ValueError(f"expected the fields {sorted(expected)}, found {found}")
    for name, wanted in expected.items():
        if type(data[name]) is not wanted:
            raise ValueError(f"{name} must be a {wanted.__name__}, not a {type(data[name]).__name__}")
    if data["type"] != kind or data["version"] != FORMAT_VERSION:
        raise ValueError(
            f"expected type {kind!r} version {FORMAT_VERSION}, found {data['type']!r} version {data['version']}"
        )
    check_special_tokens(data["special_tokens"])
    for name, token_id in data["special_tokens"].items():
        if type(token_id) is not int:
            raise ValueError(f"the id of special token {name!r} must be an int, not {token_id!r}")


def check_id(token_id: int, vocab_size: int) -> None:
    """Raise ValueError unless ``token_id`` is an id; a negative one would quietly count from the end."""
    if not 0 <= token_id < vocab_size:
        raise ValueError(f"token id {token_id} is not in 0..{vocab_size - 1}")


def read_json(path: str | os.PathLike) -> Any:
    """Parse a UTF-8 JSON file; any failure is a ValueError that says what is wrong."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"it is not UTF-8 JSON ({error})") from None


def write_json(path: str | os.PathLike, data: Any, indent: int | None = None) -> None:
    """Write a JSON file through a temporary one beside it, so that a reader never meets half a file."""
    path = Path(path)
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the temporary file's name
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, error.strerror, str(path)) from None  # a full disk does not say where
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
