"""Text to ids and back: characters, byte-level BPE as in GPT-2, and GPT-1's own BPE."""

from minigpt.tokenizers.base import Tokenizer, load_tokenizer
from minigpt.tokenizers.bpe import BPETokenizer
from minigpt.tokenizers.char import CharTokenizer
from minigpt.tokenizers.gpt1 import GPT1Tokenizer

__all__ = ["BPETokenizer", "CharTokenizer", "GPT1Tokenizer", "Tokenizer", "load_tokenizer"]
