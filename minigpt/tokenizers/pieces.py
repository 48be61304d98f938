"""Cutting a long text into pieces that can be encoded one by one."""

from collections.abc import Callable, Iterable, Iterator


def pieces_between_cuts(
    chunks: Iterable[str], may_cut: Callable[[str, str], bool], size: int
) -> Iterator[str]:
    """Regroup a stream of text into pieces of about ``size`` characters that end where cutting is harmless.

    Args:
        chunks: the text, in parts of any length (a single str is one part).
        may_cut: says of two neighbouring characters whether the text may be cut between them.
        size: look for a cut once this many characters are held.
    Returns:
        an iterator over non-empty pieces which, joined, are the text. It holds about two ``size`` of text and one
        chunk, or twice the longest run without a harmless place where that is longer.
    """
    held, n_held, enough = [], 0, size
    for chunk in _slices(chunks, size):
        held.append(chunk)
        n_held += len(chunk)
        if n_held < enough:
            continue
        text = "".join(held)
        cut = _last_cut(text, may_cut)
        if cut:
            yield text[:cut]
        held, n_held = [text[cut:]], len(text) - cut
        # Without a cut, wait for twice the text: a run without cuts then costs linear, not quadratic, time.
        enough = n_held + (size if cut else n_held)
    if n_held:
        yield "".join(held)


def _slices(chunks: Iterable[str], size: int) -> Iterator[str]:
    for chunk in [chunks] if isinstance(chunks, str) else chunks:
        for start in range(0, len(chunk), size):
            yield chunk[start : start + size]


def _last_cut(text: str, may_cut: Callable[[str, str], bool]) -> int:
    """The last position at which ``text`` may be cut; 0 if there is none."""
    for position in range(len(text) - 1, 0, -1):
        if may_cut(text[position - 1], text[position]):
            return position
    return 0
