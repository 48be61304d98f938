"""Text to ids and back: characters, byte-level BPE as in GPT-2, and GPT-1's own BPE."""

from minigpt.tokenizers.base import Tokenizer, load_tokenizer
from minigpt.tokenizers.bpe import BPETokenizer
from minigpt.tokenizers.char import CharTokenizer

__all__ = ["BPETokenizer", "CharTokenizer", "Tokenizer", "load_tokenizer"]
