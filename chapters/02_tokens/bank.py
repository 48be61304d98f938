"""Known answers of chapter 02: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ---------------------------------------------------------------------------------------------------- utf8_encode

UTF8 = '''
def utf8_encode(code_point):
    if code_point < 0 or code_point > 0x10FFFF or 0xD800 <= code_point <= 0xDFFF:
        raise ValueError("no such character")
    if code_point <= 0x7F:
        return bytes([code_point])
    if code_point <= 0x7FF:
        return bytes([0xC0 | code_point >> 6, 0x80 | code_point & 0x3F])
    if code_point <= 0xFFFF:
        return bytes([0xE0 | code_point >> 12, 0x80 | code_point >> 6 & 0x3F, 0x80 | code_point & 0x3F])
    return bytes([0xF0 | code_point >> 18, 0x80 | code_point >> 12 & 0x3F, 0x80 | code_point >> 6 & 0x3F,
                  0x80 | code_point & 0x3F])
'''
utf8 = wrong("utf8_encode", UTF8)
UTF8S = [
    utf8("markers forgotten", "a byte that continues a character begins with the bits 10: add 0x80",
         ("0x80 | code_point & 0x3F", "code_point & 0x3F"), ("0x80 | code_point >>", "code_point >>")),
    utf8("first marker forgotten", "the first byte says how many bytes there are: 110, 1110 or 11110 in front",
         ("0xC0 | ", ""), ("0xE0 | ", ""), ("0xF0 | code_point >> 18", "code_point >> 18")),
    utf8("low bits first", "the highest bits come first, right after the first marker",
         ("0xC0 | code_point >> 6, 0x80 | code_point & 0x3F", "0xC0 | code_point & 0x1F, 0x80 | code_point >> 5"),
         ("0x80 | code_point >> 6 & 0x3F, 0x80 | code_point & 0x3F]",
          "0x80 | code_point & 0x3F, 0x80 | code_point >> 6 & 0x3F]")),
    utf8("edges one too low", "0x7F still takes one byte, 0x7FF two and 0xFFFF three: each range holds its last number",
         ("<= 0x7F:", "< 0x7F:"), ("<= 0x7FF:", "< 0x7FF:"), ("<= 0xFFFF:", "< 0xFFFF:")),
    utf8("two bytes from 256", "a single byte holds 7 bits: from 0x80 on it takes two bytes",
         ("<= 0x7F:", "<= 0xFF:")),
    utf8("two bytes up to 12 bits", "two bytes hold 5 + 6 bits: from 0x800 on it takes three",
         ("<= 0x7FF:", "<= 0xFFF:"), ("0xC0 | code_point >> 6", "0xC0 | code_point >> 6 & 0x1F")),
    utf8("four bytes missing", "numbers above 0xFFFF take four bytes",
         ("    if code_point <= 0xFFFF:\n        return bytes([0xE0 | code_point >> 12,",
          "    if True:\n        return bytes([0xE0 | code_point >> 12 & 0x0F,")),
    utf8("five bits in a byte", "a continuation byte carries six bits: the mask is 0x3F",
         ("& 0x3F", "& 0x1F")),
    utf8("surrogates written", "the surrogates 0xD800 to 0xDFFF are no characters: raise ValueError",
         (" or 0xD800 <= code_point <= 0xDFFF", "")),
    utf8("last surrogate written", "0xDFFF is a surrogate, too", ("<= 0xDFFF", "< 0xDFFF")),
    utf8("no limits", "below 0 and above 0x10FFFF there are no characters: raise ValueError",
         ("code_point < 0 or code_point > 0x10FFFF or ", ""), ("code_point >> 18", "code_point >> 18 & 7"),
         ("bytes([code_point])", "bytes([code_point & 0x7F])")),
    utf8("UTF-16", "this is UTF-16: two bytes for each number",
         ("    if code_point <= 0x7F:\n        return bytes([code_point])\n",
          "    if code_point <= 0xFFFF:\n        return bytes([code_point >> 8, code_point & 0xFF])\n")),
    Answer("utf8_encode", "ready-made", source='''
def utf8_encode(code_point):
    return chr(code_point).encode("utf-8")
'''),
    Answer("utf8_encode", "ready-made through bytes", source='''
def utf8_encode(code_point):
    if code_point < 0 or code_point > 0x10FFFF or 0xD800 <= code_point <= 0xDFFF:
        raise ValueError("no such character")
    return bytes(chr(code_point), "utf-8")
'''),
]
RIGHT_UTF8S = [
    Answer("utf8_encode", "loop", source='''
def utf8_encode(code_point):
    if not 0 <= code_point < 0x110000 or code_point >> 11 == 0b11011:
        raise ValueError("no such character")
    if code_point < 128:
        return bytes([code_point])
    tail = []
    while code_point >= 64 >> len(tail):
        tail.insert(0, 128 + code_point % 64)
        code_point //= 64
    return bytes([(0xFF00 >> len(tail) + 1) % 256 + code_point] + tail)
'''),
    Answer("utf8_encode", "strings of bits", source='''
def utf8_encode(code_point):
    if code_point < 0 or code_point > 0x10FFFF or code_point in range(0xD800, 0xE000):
        raise ValueError("no such character")
    for n_bits, pattern in ((7, "0{}"), (11, "110{}10{}"), (16, "1110{}10{}10{}"), (21, "11110{}10{}10{}10{}")):
        if code_point < 2**n_bits:
            break
    digits = format(code_point, f"0{n_bits}b")
    first = n_bits - 6 * (pattern.count("{}") - 1)
    parts = [digits[:first]] + [digits[i:i + 6] for i in range(first, n_bits, 6)]
    whole = pattern.format(*parts)
    return int(whole, 2).to_bytes(len(whole) // 8, "big")
'''),
]

# ---------------------------------------------------------------------------------------------------- stream_text

STREAM = '''
def stream_text(tokens):
    shown, held = [], b""
    for token in tokens:
        held += token
        keep = 0
        for back in range(1, min(3, len(held)) + 1):
            byte = held[-back]
            if byte >= 0xC0:
                length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
                keep = back if length > back else 0
                break
            if byte < 0x80:
                break
        cut = len(held) - keep
        shown.append(held[:cut].decode("utf-8", errors="replace"))
        held = held[cut:]
    shown.append("\\ufffd" if held else "")
    return shown
'''
stream = wrong("stream_text", STREAM)
STREAMS = [
    stream("each token alone", "a token may end within a character: its first bytes must wait for the next token",
           ("        keep = 0\n        for back in range(1, min(3, len(held)) + 1):",
            "        keep = 0\n        for back in ():")),
    stream("unfinished bytes dropped", "errors='ignore' throws unfinished bytes away: keep them for the next token",
           ("        keep = 0\n        for back in range(1, min(3, len(held)) + 1):",
            "        keep = 0\n        for back in ():"), ('"replace"', '"ignore"')),
    stream("all held back", "only the unfinished character waits: show the whole ones before it at once",
           ("        shown.append(held[:cut].decode(\"utf-8\", errors=\"replace\"))\n        held = held[cut:]",
            "        shown.append(\"\" if keep else held.decode(\"utf-8\", errors=\"replace\"))\n"
            "        held = held if keep else b\"\"")),
    stream("nothing for the end", "one more string for the end is missing",
           ("    shown.append(\"\\ufffd\" if held else \"\")\n", "")),
    stream("leftover not told", "bytes that are left over at the end become one U+FFFD",
           ("\"\\ufffd\" if held else \"\"", "\"\"")),
    stream("one sign for each leftover byte",
           "what is left over is one unfinished character: one U+FFFD, not one a byte",
           ("\"\\ufffd\" if held else \"\"", "\"\\ufffd\" * len(held)")),
    stream("always a sign at the end", "U+FFFD only if bytes are left over",
           ("\"\\ufffd\" if held else \"\"", "\"\\ufffd\"")),
    stream("empty strings left out", "one string for each token, an empty one where there is nothing to show",
           ("    return shown", "    return [text for text in shown[:-1] if text] + shown[-1:]")),
    stream("joined", "a list is wanted, a string for each token: not the whole text",
           ("    return shown", "    return ''.join(shown)")),
    stream("only two-byte characters", "characters may have three or four bytes: the first byte says how many",
           ("length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4", "length = 2")),
    Answer("stream_text", "waits for valid bytes by looking for the sign",
           hint="U+FFFD may stand in the text itself: then it is a whole character, and no sign that one is cut",
           source='''
def stream_text(tokens):
    shown, held = [], b""
    for token in tokens:
        held += token
        text = held.decode("utf-8", errors="replace")
        if text.endswith("\\ufffd"):
            whole = text[:-1]
            shown.append(whole)
            held = held[len(whole.encode("utf-8")):]
        else:
            shown.append(text)
            held = b""
    return [*shown, "\\ufffd" if held else ""]
'''),
]
RIGHT_STREAMS = [
    Answer("stream_text", "Python's incremental decoder", source='''
def stream_text(tokens):
    import codecs
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    shown = [decoder.decode(token) for token in tokens]
    return shown + [decoder.decode(b"", True)]
'''),
    Answer("stream_text", "tries to decode less and less", source='''
def stream_text(tokens):
    shown, held = [], b""
    for token in tokens:
        held = held + token
        for n in range(len(held), -1, -1):
            try:
                text = held[:n].decode()
            except UnicodeDecodeError:
                continue
            shown.append(text)
            held = held[n:]
            break
    shown.append("\\N{REPLACEMENT CHARACTER}" if held else "")
    return shown
'''),
]

# ---------------------------------------------------------------------------------------------------- count_pairs

PAIRS = '''
def count_pairs(word_counts):
    pairs = {}
    for word, count in word_counts.items():
        for i in range(len(word) - 1):
            pair = (word[i], word[i + 1])
            pairs[pair] = pairs.get(pair, 0) + count
    return pairs
'''
pairs = wrong("count_pairs", PAIRS)
PAIRS_WRONG = [
    pairs("each word once", "a word counts as often as it occurs: add its count, not 1", ("+ count", "+ 1")),
    pairs("overwritten", "the same pair in another word or place must be added up, not overwritten",
          ("pairs.get(pair, 0) + count", "count")),
    pairs("no overlaps", "(7, 7, 7) holds the pair (7, 7) twice: pairs may overlap",
          ("range(len(word) - 1)", "range(0, len(word) - 1, 2)")),
    pairs("last pair lost", "the last pair of each word is missing", ("range(len(word) - 1)", "range(len(word) - 2)")),
    pairs("order lost", "(1, 2) and (2, 1) are different pairs",
          ("(word[i], word[i + 1])", "tuple(sorted((word[i], word[i + 1])))")),
    pairs("across words", "no pair reaches from one word to the next",
          ("    return pairs", "    words = list(word_counts)\n    for a, b in zip(words, words[1:]):\n"
           "        if a and b:\n            pairs[a[-1], b[0]] = pairs.get((a[-1], b[0]), 0) + 1\n    return pairs")),
    pairs("once a word", "a pair that stands twice in a word counts twice",
          ("        for i in range(len(word) - 1):\n            pair = (word[i], word[i + 1])\n",
           "        for pair in {(word[i], word[i + 1]) for i in range(len(word) - 1)}:\n")),
    pairs("round the corner", "the last id and the first are no neighbours",
          ("        for i in range(len(word) - 1):\n            pair = (word[i], word[i + 1])",
           "        for i in range(len(word)):\n            pair = (word[i - 1], word[i])")),
    pairs("a list", "a dictionary is wanted: {pair: count}", ("    return pairs", "    return sorted(pairs.items())")),
]
RIGHT_PAIRS = [
    Answer("count_pairs", "zip and Counter", source='''
def count_pairs(word_counts):
    pairs = Counter()
    for word in word_counts:
        for pair in zip(word, word[1:]):
            pairs[pair] += word_counts[word]
    return dict(pairs)
'''),
    Answer("count_pairs", "every occurrence written out", source='''
def count_pairs(word_counts):
    found = [pair for word, count in word_counts.items() for _ in range(count) for pair in pairwise(word)]
    return {pair: found.count(pair) for pair in set(found)}
'''),
]

# ----------------------------------------------------------------------------------------------------- merge_pair

MERGE = '''
def merge_pair(ids, pair, new_id):
    merged = []
    i = 0
    while i < len(ids):
        if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged
'''
merging = wrong("merge_pair", MERGE)
MERGES = [
    merging("one step after a pair", "both ids of the pair are used up: go on two places further",
            ("            i += 2", "            i += 1")),
    merging("first one only", "replace the pair everywhere, not only the first time",
            ("            i += 2", "            return merged + ids[i + 2:]")),
    merging("last id lost", "the last id is lost where it is no part of a pair",
            ("while i < len(ids):", "while i < len(ids) - 1:")),
    merging("either order", "the order counts: (2, 1) is not (1, 2)",
            ("ids[i] == pair[0] and ids[i + 1] == pair[1]", "{ids[i], ids[i + 1]} == set(pair)")),
    merging("anywhere apart", "both ids must be neighbours",
            ("        if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]:\n            "
             "merged.append(new_id)\n"
             "            i += 2",
             "        if ids[i] == pair[0] and pair[1] in ids[i + 1:]:\n            merged.append(new_id)\n          "
             "  i += 2")),
    merging("from the right", "go from left to right: in a run of three equal ids the last one stays",
            ("    return merged", "    merged, i = [], len(ids) - 1\n    while i >= 0:\n"
             "        if i > 0 and (ids[i - 1], ids[i]) == tuple(pair):\n            merged.insert(0, new_id)\n"
             "            i -= 2\n        else:\n            merged.insert(0, ids[i])\n            i -= 1\n    "
             "return merged")),
    merging("what was made is merged again", "what was made is not looked at again",
            ("            merged.append(new_id)\n            i += 2",
             "            ids = ids[:i] + [new_id] + ids[i + 2:]"),),
    merging("the pair is kept, too", "the new id stands instead of the pair, not beside it",
            ("merged.append(new_id)", "merged.extend([ids[i], ids[i + 1], new_id])")),
    merging("in place", "", ("    merged = []\n    i = 0\n    while i < len(ids):",
                             "    i = 0\n    while i + 1 < len(ids):\n        if (ids[i], ids[i + 1]) == tuple(pair):\n"
                             "            ids[i:i + 2] = [new_id]\n        i += 1\n    return ids\n    while i < "
                             "len(ids):")),
    Answer("merge_pair", "digits in a string", hint="compare ids, not digits", source='''
def merge_pair(ids, pair, new_id):
    text = " ".join(map(str, ids)).replace(f"{pair[0]} {pair[1]}", str(new_id))
    return [int(word) for word in text.split()]
'''),
]
RIGHT_MERGES = [
    Answer("merge_pair", "looks back", source='''
def merge_pair(ids, pair, new_id):
    merged, fresh = [], False
    for token in ids:
        if merged and not fresh and (merged[-1], token) == tuple(pair):
            merged[-1] = new_id
            fresh = True
        else:
            merged.append(token)
            fresh = False
    return merged
'''),
    Answer("merge_pair", "an iterator", source='''
def merge_pair(ids, pair, new_id):
    merged, places = [], iter(range(len(ids)))
    for i in places:
        if ids[i:i + 2] == list(pair):
            merged.append(new_id)
            next(places)
        else:
            merged.append(ids[i])
    return merged
'''),
]

# ---------------------------------------------------------------------------------------------------- split_words

SPLIT = '''
def split_words(text):
    words, i = [], 0
    while i < len(text):
        j = i
        if text[j] == " " and j + 1 < len(text):
            j += 1
        if text[j].isalpha():
            while j < len(text) and text[j].isalpha():
                j += 1
        elif text[j].isdecimal():
            while j < len(text) and text[j].isdecimal():
                j += 1
        else:
            j = i + 1
        words.append(text[i:j])
        i = j
    return words
'''
split = wrong("split_words", SPLIT)
SPLITS = [
    split("blanks alone", "a blank belongs to the run of letters or digits right after it",
          ('        if text[j] == " " and j + 1 < len(text):\n            j += 1\n', "")),
    split("any white space taken along", "only the blank ' ' joins the next word: a tab or a line feed stands alone",
          ('text[j] == " "', "text[j].isspace()")),
    split("letters and digits together", "letters and digits are different kinds: a run holds one kind",
          ("text[j].isalpha()", "text[j].isalnum()")),
    split("other digits", "decimal digits only (isdecimal): a sign such as ² stands alone",
          ("isdecimal", "isdigit")),
    split("numeric signs", "decimal digits only (isdecimal): signs such as ² and ½ stand alone",
          ("isdecimal", "isnumeric")),
    split("runs of signs", "other characters stand alone, each of them",
          ("            j = i + 1",
          "            while j < len(text) and not text[j].isalpha() and not text[j].isdecimal() "
           "and not text[j].isspace():\n                j += 1\n            j = max(j, i + 1)")),
    split("blank before a sign", "a blank joins letters and digits only, not other signs",
          ("            j = i + 1", "            j += 1")),
    split("all blanks taken along", "only one blank belongs to a word: those before it stand alone",
          ('        if text[j] == " " and j + 1 < len(text):', '        while text[j] == " " and j + 1 < len(text):')),
    split("ASCII only", "letters of all languages are letters: isalpha, not a to z",
          ("text[j].isalpha()", "(text[j].isalpha() and text[j].isascii())")),
    Answer("split_words", "str.split", hint="nothing may be lost: the words joined are the text, with its white space",
           source='''
def split_words(text):
    return text.split()
'''),
    Answer("split_words", "regular expression with \\\\w",
           hint="\\\\w is more than letters: also digits and the underscore",
           source='''
def split_words(text):
    import re
    return re.findall(r" ?\\w+|[\\s\\S]", text)
'''),
]
RIGHT_SPLITS = [
    Answer("split_words", "one character at a time, looking back", source='''
def split_words(text):
    def kind(character):
        if character.isalpha():
            return "letter"
        return "digit" if character.isdecimal() else "other"

    words = []
    for character in text:
        now = kind(character)
        if words and now != "other" and (words[-1] == " " or kind(words[-1][-1]) == now):
            words[-1] += character
        else:
            words.append(character)
    return words
'''),
    Answer("split_words", "itertools.groupby", source='''
def split_words(text):
    from itertools import groupby

    def kind(character):
        return 1 if character.isalpha() else 2 if character.isdecimal() else 0

    words = []
    for which, run in groupby(text, kind):
        run = "".join(run)
        if which == 0:
            words.extend(run)
        elif words and words[-1] == " ":
            words[-1] = " " + run
        else:
            words.append(run)
    return words
'''),
]

# ------------------------------------------------------------------------------------------------------ train_bpe

TRAIN = '''
def train_bpe(word_counts, n_merges):
    words = [([word[i:i + 1] for i in range(len(word))], count) for word, count in word_counts.items()]
    merges = []
    while len(merges) < n_merges:
        pairs = {}
        for tokens, count in words:
            for pair in zip(tokens, tokens[1:]):
                pairs[pair] = pairs.get(pair, 0) + count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(best)
        for tokens, _ in words:
            i = 0
            while i + 1 < len(tokens):
                if (tokens[i], tokens[i + 1]) == best:
                    tokens[i:i + 2] = [best[0] + best[1]]
                i += 1
    return merges
'''
train = wrong("train_bpe", TRAIN)
TRAINS = [
    train("each word once", "a word counts as often as it occurs: add its count, not 1", ("+ count", "+ 1")),
    train("first of a tie", "a tie goes to the greatest pair, by its left part, then its right: not to the first",
          ("key=lambda pair: (pairs[pair], pair)", "key=pairs.get")),
    train("smallest of a tie", "of equally frequent pairs take the greatest, not the smallest",
          ("max(pairs, key=lambda pair: (pairs[pair], pair))", "min(pairs, key=lambda pair: (-pairs[pair], pair))")),
    train("ties by the joined bytes",
          "compare pairs by their left part, then the right: not by what they spell together",
          ("(pairs[pair], pair)", "(pairs[pair], pair[0] + pair[1])")),
    train("ties by the length", "a tie is settled by the byte strings alone, not by their length",
          ("(pairs[pair], pair)", "(pairs[pair], len(pair[0] + pair[1]), pair)")),
    train("never stops early", "stop when no pair occurs at least twice",
          ("        if pairs[best] < 2:\n            break\n", "")),
    train("stops at two", "a pair that occurs twice is still merged", ("pairs[best] < 2", "pairs[best] < 3")),
    train("rarest pair", "take the most frequent pair, not the rarest",
          ("(pairs[pair], pair))", "(-pairs[pair], pair))"), ("pairs[best] < 2", "max(pairs.values()) < 2")),
    train("counted once", "count again after each merge: a merge makes new pairs and takes others away",
          ("        pairs = {}\n        for tokens, count in words:",
           "        first = not merges\n        pairs = {} if first else {p: n for p, n in pairs.items() if p != "
           "best}\n"
           "        for tokens, count in words if first else ():")),
    train("nothing replaced", "after a merge the words hold the new token: replace the pair",
          ("tokens[i:i + 2] = [best[0] + best[1]]", "pass"),
          ("        if pairs[best] < 2:", "        if best in merges or pairs[best] < 2:")),
    train("first place in each word only", "replace the pair everywhere in a word, not only the first time",
          ("                    tokens[i:i + 2] = [best[0] + best[1]]\n",
           "                    tokens[i:i + 2] = [best[0] + best[1]]\n                    break\n")),
    train("characters instead of bytes", "begin with single bytes: a character may be several",
          ("[word[i:i + 1] for i in range(len(word))]",
           "[c.encode() for c in word.decode('utf-8', 'ignore')]")),
    train("joined tokens returned", "the pairs are wanted, (left, right), not the joined tokens",
          ("merges.append(best)", "merges.append(best[0] + best[1])")),
    train("no overlaps counted", "pairs may overlap: b'aaa' holds (b'a', b'a') twice",
          ("            for pair in zip(tokens, tokens[1:]):\n                pairs[pair] = pairs.get(pair, 0) + count",
           "            last = None\n            for pair in zip(tokens, tokens[1:]):\n"
           "                if pair == last and pair[0] == pair[1]:\n                    last = None\n"
           "                    continue\n                last = pair\n"
           "                pairs[pair] = pairs.get(pair, 0) + count")),
    train("one too many", "it learns one merge too many: at most n_merges", ("len(merges) < n_merges",
          "len(merges) <= n_merges")),
]
RIGHT_TRAINS = [
    Answer("train_bpe", "sorted and split", source='''
def train_bpe(word_counts, n_merges):
    words = {tuple(bytes([byte]) for byte in word): count for word, count in word_counts.items()}
    merges = []
    for _ in range(n_merges):
        counts = Counter()
        for tokens, count in words.items():
            for pair in pairwise(tokens):
                counts[pair] += count
        frequent = sorted((count, pair) for pair, count in counts.items() if count > 1)
        if not frequent:
            return merges
        left, right = frequent[-1][1]
        merges.append((left, right))
        after = {}
        for tokens, count in words.items():
            new = []
            for token in tokens:
                if new and new[-1] == (left,) and token == right:
                    new[-1] = (left + right, "done")
                else:
                    new.append((token,))
            after[tuple(item[0] for item in new)] = count
        words = after
    return merges
'''),
    Answer("train_bpe", "numbers for tokens", source='''
def train_bpe(word_counts, n_merges):
    spelled = [bytes([n]) for n in range(256)]
    words = [(list(word), count) for word, count in word_counts.items()]
    merges = []
    for _ in range(n_merges):
        counts = {}
        for ids, count in words:
            for i in range(1, len(ids)):
                pair = ids[i - 1], ids[i]
                counts[pair] = counts.get(pair, 0) + count
        most = max(counts.values(), default=0)
        if most < 2:
            break
        tied = [pair for pair, count in counts.items() if count == most]
        best = max(tied, key=lambda pair: [spelled[pair[0]], spelled[pair[1]]])
        merges.append((spelled[best[0]], spelled[best[1]]))
        spelled.append(spelled[best[0]] + spelled[best[1]])
        words = [(merge_pair(ids, best, len(spelled) - 1), count) for ids, count in words]
    return merges
'''),
]

# ---------------------------------------------------------------------------------------------------- encode_word

ENCODE = '''
def encode_word(word, merges):
    tokens = [word[i:i + 1] for i in range(len(word))]
    for left, right in merges:
        i = 0
        while i + 1 < len(tokens):
            if tokens[i] == left and tokens[i + 1] == right:
                tokens[i:i + 2] = [left + right]
            i += 1
    ids = {bytes([n]): n for n in range(256)}
    for n, (left, right) in enumerate(merges):
        ids[left + right] = 256 + n
    return [ids[token] for token in tokens]
'''
encoding = wrong("encode_word", ENCODE)
ENCODES = [
    encoding("latest merge first", "the merge that was learned first comes first, not last",
             ("    for left, right in merges:", "    for left, right in reversed(merges):")),
    encoding("ids from 0", "the bytes take the ids 0 to 255: merges begin at 256", ("256 + n", "n")),
    encoding("ids from 257", "merge number 0 has the id 256", ("256 + n", "257 + n")),
    encoding("first place only", "join the pair wherever it stands, not only the first time",
             ("                tokens[i:i + 2] = [left + right]\n",
              "                tokens[i:i + 2] = [left + right]\n                break\n")),
    encoding("bytes only", "the merges are not applied: these are single bytes",
             ("            if tokens[i] == left and tokens[i + 1] == right:", "            if False:")),
    encoding("joined bytes returned", "ids are wanted, not byte strings", ("[ids[token] for token in tokens]",
             "tokens")),
    Answer("encode_word", "longest token first",
           hint="apply merges in the order learned: the longest token that fits may "
           "be another one", source='''
def encode_word(word, merges):
    ids = {bytes([n]): n for n in range(256)}
    for n, (left, right) in enumerate(merges):
        ids[left + right] = 256 + n
    result, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            if word[start:end] in ids:
                result.append(ids[word[start:end]])
                start = end
                break
    return result
'''),
    Answer("encode_word", "leftmost pair first",
           hint="of all pairs that fit, join the one learned first, not the leftmost",
           source='''
def encode_word(word, merges):
    ids = {bytes([n]): n for n in range(256)}
    for n, (left, right) in enumerate(merges):
        ids[left + right] = 256 + n
    tokens = [word[i:i + 1] for i in range(len(word))]
    i = 0
    while i + 1 < len(tokens):
        if (tokens[i], tokens[i + 1]) in merges:
            tokens[i:i + 2] = [tokens[i] + tokens[i + 1]]
            i = 0
        else:
            i += 1
    return [ids[token] for token in tokens]
'''),
    Answer("encode_word", "one pass over neighbours",
           hint="go on joining until no two neighbours are a merge: a joined token "
           "may be joined again", source='''
def encode_word(word, merges):
    tokens, i = [], 0
    while i < len(word):
        pair = (word[i:i + 1], word[i + 1:i + 2])
        if pair in merges:
            tokens.append(256 + merges.index(pair))
            i += 2
        else:
            tokens.append(word[i])
            i += 1
    return tokens
'''),
    Answer("encode_word", "replaces in the bytes",
           hint="a pair must stand as two tokens: do not search for its spelling in "
           "the raw bytes", source='''
def encode_word(word, merges):
    tokens = [word]
    ids = {bytes([n]): n for n in range(256)}
    for n, (left, right) in reversed(list(enumerate(merges))):
        ids[left + right] = 256 + n
        after = []
        for token in tokens:
            if token in ids and ids[token] > 255:
                after.append(token)
                continue
            parts = token.split(left + right)
            for number, part in enumerate(parts):
                if number:
                    after.append(left + right)
                if part:
                    after.append(part)
        tokens = after
    return [i for token in tokens for i in ([ids[token]] if token in ids else list(token))]
'''),
]
RIGHT_ENCODES = [
    Answer("encode_word", "lowest rank again and again", source='''
def encode_word(word, merges):
    ids = list(word)
    number_of = {bytes([n]): n for n in range(256)}
    rank = {}
    for n, (left, right) in enumerate(merges):
        rank[number_of[left], number_of[right]] = 256 + n
        number_of[left + right] = 256 + n
    while True:
        found = [rank[pair] for pair in zip(ids, ids[1:]) if pair in rank]
        if not found:
            return ids
        pair = next(pair for pair, new in rank.items() if new == min(found))
        ids = merge_pair(ids, pair, min(found))
'''),
    Answer("encode_word", "one join at a time", source='''
def encode_word(word, merges):
    order = {pair: n for n, pair in enumerate(merges)}
    tokens = [(bytes([byte]), byte) for byte in word]
    while len(tokens) > 1:
        n, i = min((order.get((tokens[i][0], tokens[i + 1][0]), len(merges)), i) for i in range(len(tokens) - 1))
        if n == len(merges):
            break
        tokens[i:i + 2] = [(tokens[i][0] + tokens[i + 1][0], 256 + n)]
    return [token_id for _, token_id in tokens]
'''),
]

# ----------------------------------------------------------------------------------------------------- decode_ids

DECODE = '''
def decode_ids(ids, merges):
    data = b""
    for token_id in ids:
        if token_id < 0 or token_id >= 256 + len(merges):
            raise ValueError("no such id")
        if token_id < 256:
            data += bytes([token_id])
        else:
            left, right = merges[token_id - 256]
            data += left + right
    return data.decode("utf-8", errors="replace")
'''
decoding = wrong("decode_ids", DECODE)
DECODES = [
    decoding("each token alone", "join all bytes first, then decode once: a character may be cut into several tokens",
             ('    data = b""', '    data = ""'), ("data += bytes([token_id])",
             'data += bytes([token_id]).decode("utf-8", "replace")'),
             ("data += left + right", 'data += (left + right).decode("utf-8", "replace")'),
             ('data.decode("utf-8", errors="replace")', "data")),
    decoding("strict", "bytes that are no UTF-8 become U+FFFD: they must not raise an error", ('"replace"',
             '"strict"')),
    decoding("ignored", "bytes that are no UTF-8 become U+FFFD: they are not left out", ('"replace"', '"ignore"')),
    decoding("bytes as characters", "an id below 256 is a byte of UTF-8, not the character with this number",
             ('data.decode("utf-8", errors="replace")', 'data.decode("latin-1")')),
    decoding("negative ids", "a negative id counts from the end in Python: refuse it with ValueError",
             ("token_id < 0 or ", ""),
             ("bytes([token_id])", "bytes([token_id % 256])")),
    decoding("too large by one", "the last id is 255 + the number of merges", (">= 256", "> 256"),
             ("merges[token_id - 256]", "[*merges, (b'', b'')][token_id - 256]")),
    decoding("IndexError", "an id that is too large must raise ValueError, not IndexError",
             (" or token_id >= 256 + len(merges)", "")),
    decoding("unknown ids skipped", "an id that does not exist must raise ValueError: it is not left out",
             ('raise ValueError("no such id")', "continue")),
    decoding("merges from 255", "merge number 0 has the id 256", ("merges[token_id - 256]", "merges[token_id - 257]")),
    decoding("right before left", "the left part comes first", ("left + right", "right + left")),
    decoding("ASCII", "decode as UTF-8, not as ASCII", ('"utf-8"', '"ascii"')),
    decoding("blanks between", "nothing stands between tokens: a blank is part of a token", ("data += left + right",
             "data += left + right + b' '")),
]
RIGHT_DECODES = [
    Answer("decode_ids", "a table", source='''
def decode_ids(ids, merges):
    table = [bytes([n]) for n in range(256)] + [b"".join(pair) for pair in merges]
    if ids and (min(ids) < 0 or max(ids) >= len(table)):
        raise ValueError("ids out of range")
    return str(b"".join(map(table.__getitem__, ids)), "utf-8", "replace")
'''),
    Answer("decode_ids", "a dictionary", source='''
def decode_ids(ids, merges):
    spelled = dict(enumerate(bytes([n]) for n in range(256)))
    for pair in merges:
        spelled[len(spelled)] = pair[0] + pair[1]
    data = bytearray()
    for token_id in ids:
        if token_id not in spelled:
            raise ValueError(token_id)
        data.extend(spelled[token_id])
    return data.decode(errors="replace")
'''),
]

# ------------------------------------------------------------------------------------------------ bytes_per_token

RATIO = '''
def bytes_per_token(texts, ids):
    n_tokens = sum(len(row) for row in ids)
    if n_tokens == 0:
        raise ValueError("there are no tokens")
    n_bytes = sum(len(text.encode("utf-8")) for text in texts)
    return n_bytes / n_tokens
'''
ratio = wrong("bytes_per_token", RATIO)
RATIOS = [
    ratio("characters", "count bytes of UTF-8, not characters", ('len(text.encode("utf-8"))', "len(text)")),
    ratio("upside down", "bytes by tokens, not tokens by bytes", ("n_bytes / n_tokens", "n_tokens / n_bytes")),
    ratio("mean of ratios", "all tokens count alike: divide all bytes by all tokens, do not average over texts",
          ("    return n_bytes / n_tokens",
           "    each = [len(text.encode('utf-8')) / len(row) for text, row in zip(texts, ids) if row]\n"
           "    return sum(each) / len(each)")),
    ratio("words", "count tokens, not words", ("    return n_bytes / n_tokens",
                                             "    return n_bytes / max(1, len(' '.join(texts).split()))")),
    ratio("distinct tokens", "every token counts, also one that came before",
          ("sum(len(row) for row in ids)", "len({i for row in ids for i in row})")),
    ratio("number of texts", "divide by the number of tokens, not of texts",
          ("n_bytes / n_tokens", "n_bytes / len(texts)")),
    ratio("whole numbers", "a float is wanted: / and not //", ("n_bytes / n_tokens", "float(n_bytes // n_tokens)")),
    ratio("UTF-16", "count bytes of UTF-8, not of UTF-16", ('"utf-8"', '"utf-16-le"')),
    ratio("zero for nothing", "without a token there is no answer: raise ValueError",
          ('raise ValueError("there are no tokens")', "return 0.0")),
    ratio("division by zero", "without a token it must raise ValueError, not ZeroDivisionError",
          ('    if n_tokens == 0:\n        raise ValueError("there are no tokens")\n', "")),
]
RIGHT_RATIOS = [
    Answer("bytes_per_token", "joined", source='''
def bytes_per_token(texts, ids):
    tokens = [token for row in ids for token in row]
    if not tokens:
        raise ValueError("nothing to divide by")
    return len(bytes("".join(texts), "utf-8")) / len(tokens)
'''),
    Answer("bytes_per_token", "error translated", source='''
def bytes_per_token(texts, ids):
    total = {"bytes": 0, "tokens": 0}
    for text in texts:
        total["bytes"] += len(text.encode())
    for row in ids:
        total["tokens"] += len(row)
    try:
        return total["bytes"] / total["tokens"]
    except ZeroDivisionError:
        raise ValueError("no tokens") from None
'''),
]

# ---------------------------------------------------------------------------------------------------- token_spans

SPANS = '''
def token_spans(tokens):
    character, at = [], -1
    for byte in b"".join(tokens):
        if byte < 0x80 or byte >= 0xC0:
            at += 1
        character.append(at)
    spans, start = [], 0
    for token in tokens:
        end = start + len(token)
        spans.append((character[start], character[end - 1] + 1))
        start = end
    return spans
'''
spans = wrong("token_spans", SPANS)
SPANS_WRONG = [
    spans("byte offsets", "count characters, not bytes: é is one character and two bytes",
          ("        if byte < 0x80 or byte >= 0xC0:\n            at += 1", "        at += 1")),
    spans("last character left out", "the end is one past the last character that the token touches",
          ("character[end - 1] + 1", "character[end - 1]")),
    spans("next character taken", "the span reaches one character too far where a token ends between two characters",
          ("character[end - 1] + 1", "(character + [at + 1])[end] + 1")),
    spans("cut characters belong to the first token",
          "a character that is cut belongs to every token that holds a byte of it",
          ("        spans.append((character[start], character[end - 1] + 1))",
           "        continues = tokens[0] is not token and 0x80 <= token[0] < 0xC0\n"
           "        spans.append((character[start] + continues, max(character[start] + continues, character[end - 1] "
           "+ 1)))")),
    spans("start only", "each token needs (start, end)", ("(character[start], character[end - 1] + 1)",
          "character[start]")),
    spans("length instead of end", "(start, end) is wanted, not (start, length)",
          ("(character[start], character[end - 1] + 1)",
          "(character[start], character[end - 1] + 1 - character[start])")),
    spans("lists", "each span is a tuple (start, end), not a list",
          ("(character[start], character[end - 1] + 1)", "[character[start], character[end - 1] + 1]")),
    Answer("token_spans", "each token decoded alone",
           hint="a token alone may hold half a character: decoding it alone counts "
           "replacement signs", source='''
def token_spans(tokens):
    spans, start = [], 0
    for token in tokens:
        end = start + len(token.decode("utf-8", errors="replace"))
        spans.append((start, end))
        start = end
    return spans
'''),
    Answer("token_spans", "half characters ignored",
           hint="a token that holds only a part of a character touches it, too",
           source='''
def token_spans(tokens):
    spans, start = [], 0
    for token in tokens:
        end = start + len(token.decode("utf-8", errors="ignore"))
        spans.append((start, end))
        start = end
    return spans
'''),
    Answer("token_spans", "whole characters so far", hint="the end must count a character that the token only begins",
           source='''
def token_spans(tokens):
    spans, data = [], b""
    for token in tokens:
        start = len(data.decode("utf-8", errors="ignore"))
        data += token
        spans.append((start, len(data.decode("utf-8", errors="ignore"))))
    return spans
'''),
]
RIGHT_SPANS = [
    Answer("token_spans", "first bytes counted", source='''
def token_spans(tokens):
    def n_begun(data):
        return sum(byte & 0xC0 != 0x80 for byte in data)

    spans, before = [], 0
    for token in tokens:
        inside = token[0] & 0xC0 == 0x80
        after = before + n_begun(token)
        spans.append((before - inside, after))
        before = after
    return spans
'''),
    Answer("token_spans", "from the decoded text", source='''
def token_spans(tokens):
    owner = []
    for number, character in enumerate(b"".join(tokens).decode("utf-8")):
        owner += [number] * len(character.encode("utf-8"))
    result = []
    for token in tokens:
        mine, owner = owner[:len(token)], owner[len(token):]
        result.append((min(mine), max(mine) + 1))
    return result
'''),
]

WRONG = [*UTF8S, *STREAMS, *PAIRS_WRONG, *MERGES, *SPLITS, *TRAINS, *ENCODES, *DECODES, *RATIOS, *SPANS_WRONG]
RIGHT = [*RIGHT_UTF8S, *RIGHT_STREAMS, *RIGHT_PAIRS, *RIGHT_MERGES, *RIGHT_SPLITS, *RIGHT_TRAINS, *RIGHT_ENCODES,
         *RIGHT_DECODES, *RIGHT_RATIOS, *RIGHT_SPANS]
