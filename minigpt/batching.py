"""Many texts read side by side, each of which joins and leaves between two tokens: continuous batching.

`generate` reads a batch whose texts begin together, and gets room for the next batch when the last of them ends. A
server cannot wait for that: requests come at any time. Here a text that is new is read whole once, takes a free row of
the cache, and from then on adds one token a step like its neighbours; when it is done, its row is free at once. Each
text sees its own tokens only, so it gets the same continuation as alone.

Source: Yu et al. (2022), Orca, section 3.1 (iteration-level scheduling).
"""

import itertools

import torch

from minigpt.generation import window_start
from minigpt.model import KVCache


class RowCache(KVCache):
    """A KV cache whose rows come and go.

    Every row's newest token stands in the same column, the one before `end`, so a shorter row begins further to the
    right, and what is left of it is masked:

        a row of 5   ....abcde
        a row of 3   ......xyz|end

    When the last column is taken, all rows move back to the left; the columns beyond the context length are there so
    that this is rare.

    Args:
        config: the model's.
        n_rows: most texts at a time.
        device, dtype: of the model's weights.
    """

    def __init__(self, config, n_rows, device=None, dtype=torch.float32):
        super().__init__(config, n_rows, config.context_length + config.context_length // 8 + 1, device, dtype)
        self.first_end = self.end = config.context_length  # a whole context fits to the left of it
        self.lengths = []  # tokens of each row in use

    def extend(self, layer, key, value):
        """Store one new token of each row (B, H, 1, K); return keys and values of all columns in use (B, H, S, K)."""
        rows, columns = slice(len(key)), slice(self.end - self.length, self.end + 1)
        self.keys[layer, rows, :, self.end : self.end + 1] = key
        self.values[layer, rows, :, self.end : self.end + 1] = value
        return self.keys[layer, rows, :, columns], self.values[layer, rows, :, columns]

    def extend_padding(self, padding_mask, n_new):
        """Which columns each row really has, the new one included: (B, S), or None if they are all alike."""
        if all(length == self.length for length in self.lengths):
            return None
        begins = torch.tensor([self.length - length for length in self.lengths], device=self.keys.device)
        return torch.arange(self.length + n_new, device=self.keys.device) >= begins[:, None]

    def make_room(self):
        """See to it that there is a column for the next token."""
        if self.end < self.capacity:
            return
        old = slice(self.end - self.length, self.end)
        new = slice(self.first_end - self.length, self.first_end)
        for store in (self.keys, self.values):
            store[:, : len(self.lengths), :, new] = store[:, : len(self.lengths), :, old].clone()
        self.end = self.first_end

    def step(self):
        """Count the token that `extend` has stored in every layer."""
        self.end += 1
        self.lengths = [length + 1 for length in self.lengths]

    def join(self, cache, lengths):
        """Add rows that were read into a cache of their own, padded on the left."""
        first, width = len(self.lengths), cache.length
        rows, columns = slice(first, first + len(lengths)), slice(self.end - width, self.end)
        self.keys[:, rows, :, columns] = cache.keys[:, :, :, :width]
        self.values[:, rows, :, columns] = cache.values[:, :, :, :width]
        self.lengths += lengths
        self.length = max(self.lengths)

    def leave(self, row):
        """Free a row: the last one takes its place."""
        last = len(self.lengths) - 1
        if row < last:
            columns = slice(self.end - self.lengths[last], self.end)
            self.keys[:, row, :, columns] = self.keys[:, last, :, columns]
            self.values[:, row, :, columns] = self.values[:, last, :, columns]
            self.lengths[row] = self.lengths[last]
        self.lengths.pop()
        self.length = max(self.lengths, default=0)


class JoiningReader:
    """Gives the logits after each of several texts, and reads only what is new in them.

    Args:
        model: a `GPT`; it is put into evaluation mode.
        n_rows: most texts at a time.
    """

    def __init__(self, model, n_rows):
        self.model, self.weight = model.eval(), model.token_embedding.weight
        self.cache = RowCache(model.config, n_rows, self.weight.device, self.weight.dtype)
        self.rows = []  # whose text is in which row of the cache

    @torch.inference_mode()
    def next_logits(self, texts):
        """The logits after each text.

        Args:
            texts: {anything that names the text: its token ids}, at most `n_rows`. A text that is one token longer
                than at the last call costs one token; a new one is read whole, and so is one whose window has moved
                (see `window_start`); one that is not named any more has left.
        Returns:
            (B, V) logits on the CPU, in the order of the texts.
        """
        seen = {name: ids[window_start(len(ids), self.model.config.context_length) :] for name, ids in texts.items()}
        for row in reversed(range(len(self.rows))):
            name = self.rows[row]
            if name not in seen or len(seen[name]) != self.cache.lengths[row] + 1:
                self.cache.leave(row)
                last = self.rows.pop()
                if row < len(self.rows):
                    self.rows[row] = last
        new = sorted((name for name in seen if name not in self.rows), key=lambda name: len(seen[name]))
        hidden = self._read_newest(seen)
        # Padding costs as much as tokens do: only texts of like lengths are read together.
        for _, names in itertools.groupby(new, key=lambda name: len(seen[name]).bit_length()):
            hidden |= self._read_whole({name: seen[name] for name in names})
        if not hidden:
            return torch.empty(0, self.model.config.vocab_size)
        return self.model.to_logits(torch.stack([hidden[name] for name in texts])).float().cpu()

    def _read_newest(self, seen):
        """One token of every text that is in the cache: {name: its hidden state (D,)}."""
        if not self.rows:
            return {}
        self.cache.make_room()
        ids = self._tensor([seen[name][-1:] for name in self.rows])
        positions = self._tensor([[length] for length in self.cache.lengths])
        hidden = self.model.encode(self.model.embed(ids, positions), cache=self.cache)
        self.cache.step()
        return dict(zip(self.rows, hidden[:, -1]))

    def _read_whole(self, texts):
        """All tokens of texts that are new, which then join the cache: {name: hidden state of the last token (D,)}."""
        lengths = [len(ids) for ids in texts.values()]
        width = max(lengths)
        cache = KVCache(self.model.config, len(texts), width, self.weight.device, self.weight.dtype)
        ids = self._tensor([[0] * (width - len(ids)) + ids for ids in texts.values()])
        real = None
        if min(lengths) < width:
            real = self._tensor([[column >= width - length for column in range(width)] for length in lengths])
        hidden = self.model.encode(self.model.embed(ids, self.model.positions(ids, real)), real, cache)
        self.cache.join(cache, lengths)
        self.rows += texts
        return dict(zip(texts, hidden[:, -1]))

    def _tensor(self, values):
        return torch.tensor(values, device=self.weight.device)
