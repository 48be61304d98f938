"""Known answers of chapter 14: mistakes that people make, most of them one change in a right answer; and right ones."""

from minigpt.grading import Answer, wrong

# ------------------------------------------------------------------------------------------------------ to_patches

PATCHES = """
def to_patches(picture, size):
    channels, height, width = picture.shape
    cut = picture.reshape(channels, height // size, size, width // size, size)
    return cut.transpose(1, 3, 0, 2, 4).reshape(-1, channels * size * size)
"""
patches = wrong("to_patches", PATCHES)
PATCHES_WRONG = [
    patches(
        "cut without moving axes",
        "a reshape alone cuts rows into pieces: a patch is a square, so its rows have to be brought together",
        ("cut.transpose(1, 3, 0, 2, 4).reshape", "cut.reshape"),
    ),
    patches(
        "column by column",
        "the patches come row by row: first along the upper edge",
        ("transpose(1, 3, 0, 2, 4)", "transpose(3, 1, 0, 2, 4)"),
    ),
    patches(
        "patches turned",
        "within a patch the numbers come row by row, not column by column",
        ("transpose(1, 3, 0, 2, 4)", "transpose(1, 3, 0, 4, 2)"),
    ),
    patches(
        "channels last",
        "the numbers of a patch come channel by channel: the channel is the outermost axis in a patch",
        ("transpose(1, 3, 0, 2, 4)", "transpose(1, 3, 2, 4, 0)"),
    ),
    patches(
        "channels as patches",
        "a patch has all channels: they belong to one row, not to rows of their own",
        (
            "cut.transpose(1, 3, 0, 2, 4).reshape(-1, channels * size * size)",
            "cut.transpose(0, 1, 3, 2, 4).reshape(-1, size * size)",
        ),
    ),
    patches(
        "every size-th pixel",
        "a patch is of neighbouring pixels, not of every P-th one",
        (
            "cut = picture.reshape(channels, height // size, size, width // size, size)",
            "cut = picture.reshape(channels, size, height // size, size, width // size)",
        ),
        ("transpose(1, 3, 0, 2, 4)", "transpose(2, 4, 0, 1, 3)"),
    ),
    patches(
        "height for width",
        "height and width need not be equal",
        ("width // size, size)", "height // size, size)"),
        ("height // size, size, ", "width // size, size, "),
    ),
    patches(
        "squares kept",
        "each patch is one row of numbers: the shape is (N, C · P · P)",
        (".reshape(-1, channels * size * size)", ".reshape(-1, channels, size, size)"),
    ),
    patches(
        "overlapping",
        "the patches do not overlap: the next one begins P pixels further",
        (
            "    cut = picture.reshape(channels, height // size, size, width // size, size)\n"
            "    return cut.transpose(1, 3, 0, 2, 4).reshape(-1, channels * size * size)",
            "    return np.array([picture[:, y : y + size, x : x + size].ravel()\n"
            "                     for y in range(height - size + 1) for x in range(width - size + 1)])",
        ),
    ),
]
PATCHES_RIGHT = [
    Answer("to_patches", "slices", source="""
def to_patches(picture, size):
    _, height, width = picture.shape
    return np.stack([picture[:, y : y + size, x : x + size].ravel()
                     for y in range(0, height, size) for x in range(0, width, size)])
"""),
    Answer("to_patches", "split twice", source="""
def to_patches(picture, size):
    rows = []
    for band in np.split(picture, picture.shape[1] // size, axis=1):
        rows += [patch.flatten() for patch in np.split(band, picture.shape[2] // size, axis=2)]
    return np.array(rows)
"""),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------- embed_patches

EMBED = """
def embed_patches(patches, weight, bias, positions):
    return patches @ weight.T + bias + positions
"""
embed = wrong("embed_patches", EMBED)
EMBED_WRONG = [
    embed("no bias", "the bias is missing", (" + bias", "")),
    embed("no positions", "without its place a patch could stand anywhere: add the positions", (" + positions", "")),
    embed(
        "one position for all",
        "each place has its own vector: row n of positions belongs to patch n",
        ("+ positions", "+ positions[0]"),
    ),
    embed(
        "mean position",
        "each place has its own vector: row n of positions belongs to patch n",
        ("+ positions", "+ positions.mean(dim=0)"),
    ),
    embed(
        "positions turned round",
        "the first row of positions belongs to the first patch",
        ("+ positions", "+ positions.flip(0)"),
    ),
    embed(
        "positions scaled by the token",
        "the position is added, not multiplied",
        ("patches @ weight.T + bias + positions", "(patches @ weight.T + bias) * positions"),
    ),
    embed("bias taken off", "the bias is added", ("+ bias", "- bias")),
    embed(
        "scaled by √M",
        "no scaling: W x + b + p",
        ("patches @ weight.T", "patches @ weight.T / patches.shape[-1] ** 0.5"),
    ),
    embed("weight detached", "", ("weight.T", "weight.detach().T")),
    embed("positions detached", "", ("+ positions", "+ positions.detach()")),
    embed(
        "bent",
        "one linear map: nothing is bent",
        (
            "patches @ weight.T + bias + positions",
            "torch.nn.functional.gelu(patches @ weight.T + bias) + positions",
        ),
    ),
]
EMBED_RIGHT = [
    Answer("embed_patches", "by PyTorch's linear layer", source="""
def embed_patches(patches, weight, bias, positions):
    return torch.nn.functional.linear(patches, weight, bias) + positions[None]
"""),
    Answer("embed_patches", "by einsum", source="""
def embed_patches(patches, weight, bias, positions):
    return torch.einsum("bnm,dm->bnd", patches, weight) + (bias + positions)
"""),
]  # fmt: skip

# ---------------------------------------------------------------------------------------------- expand_placeholders

EXPAND = """
def expand_placeholders(pieces, image_id, n_tokens):
    ids, before, n_pictures = [], [], 0
    for piece in pieces:
        if piece is None:
            n_pictures += 1
            piece = [image_id] * n_tokens
        ids += piece
        before += [n_pictures] * len(piece)
    return ids, before
"""
expand = wrong("expand_placeholders", EXPAND)
EXPAND_WRONG = [
    expand(
        "one place for each picture",
        "a picture gets n_tokens places, not one",
        ("[image_id] * n_tokens", "[image_id]"),
    ),
    expand(
        "counted after the picture",
        "a picture's own places count it already",
        (
            "            n_pictures += 1\n            piece = [image_id] * n_tokens\n"
            "        ids += piece\n        before += [n_pictures] * len(piece)\n",
            "            ids += [image_id] * n_tokens\n            before += [n_pictures] * n_tokens\n"
            "            n_pictures += 1\n            continue\n"
            "        ids += piece\n        before += [n_pictures] * len(piece)\n",
        ),
    ),
    expand(
        "places counted, not pictures",
        "count pictures, not their places: all places of one picture have one number",
        ("n_pictures += 1", "n_pictures += n_tokens"),
    ),
    expand(
        "one count for each piece",
        "there is a count for each id, not for each piece",
        ("[n_pictures] * len(piece)", "[n_pictures]"),
    ),
    expand(
        "numbered ids",
        "every place has the same id, whichever picture it is of",
        ("[image_id] * n_tokens", "[image_id + i for i in range(n_tokens)]"),
    ),
    expand("pictures left out", "a picture's places belong into the ids", ("[image_id] * n_tokens", "[]")),
    expand(
        "counts from the end",
        "count the pictures that stand before, not those that follow",
        ("return ids, before", "return ids, [n_pictures - n for n in before]"),
    ),
    expand(
        "words only counted at the end",
        "the count of each id is of its own place, not of the whole text",
        ("return ids, before", "return ids, [n_pictures] * len(ids)"),
    ),
    expand(
        "counts per picture restart",
        "the count says how many pictures have begun: it stays after the picture, too",
        ("[n_pictures] * len(piece)", "[n_pictures if piece and piece[0] == image_id else 0] * len(piece)"),
    ),
    expand("ids alone", "return both lists: the ids and the counts", ("return ids, before", "return ids")),
]
EXPAND_RIGHT = [
    Answer("expand_placeholders", "counted with NumPy", source="""
def expand_placeholders(pieces, image_id, n_tokens):
    ids, starts = [], []
    for piece in pieces:
        row = [image_id] * n_tokens if piece is None else list(piece)
        starts += [int(piece is None)] + [0] * (len(row) - 1) if row else []
        ids += row
    return ids, np.cumsum(starts).astype(int).tolist()
"""),
    Answer("expand_placeholders", "id by id", source="""
def expand_placeholders(pieces, image_id, n_tokens):
    ids, before, seen = [], [], 0
    for piece in pieces:
        if piece is None:
            seen = seen + 1
            for _ in range(n_tokens):
                ids.append(image_id)
                before.append(seen)
        else:
            for token in piece:
                ids.append(token)
                before.append(seen)
    return ids, before
"""),
]  # fmt: skip

# ----------------------------------------------------------------------------------------------------- put_features

PUT = """
def put_features(words, is_place, features):
    if int(is_place.sum()) != len(features):
        raise ValueError("places and features do not match in number")
    return words.masked_scatter(is_place[:, :, None], features)
"""
put = wrong("put_features", PUT)
PUT_WRONG = [
    put(
        "nothing checked",
        "another number of places than features is an error: raise ValueError",
        (
            "    if int(is_place.sum()) != len(features):\n"
            '        raise ValueError("places and features do not match in number")\n',
            "    n = int(is_place.sum())\n"
            "    features = features[:n] if n <= len(features) else torch.cat([features, features.new_zeros(\n"
            "        n - len(features), features.shape[1])])\n",
        ),
    ),
    put(
        "too many features accepted",
        "too many features are an error, too: raise ValueError",
        (
            "if int(is_place.sum()) != len(features)",
            "if int(is_place.sum()) > len(features)",
        ),
    ),
    put(
        "added",
        "the picture's vector replaces the word's: it is not added",
        (
            "return words.masked_scatter(is_place[:, :, None], features)",
            "return words + torch.zeros_like(words).masked_scatter(is_place[:, :, None], features)",
        ),
    ),
    put(
        "column by column",
        "reading order is row by row: all places of the first text come first",
        (
            "return words.masked_scatter(is_place[:, :, None], features)",
            "return words.mT.permute(2, 0, 1).masked_scatter(is_place.T[:, :, None], features).permute(1, 0, 2)",
        ),
    ),
    put(
        "backwards",
        "the first feature belongs to the first place",
        ("is_place[:, :, None], features)", "is_place[:, :, None], features.flip(0))"),
    ),
    put(
        "words zeroed",
        "the words stay as they are everywhere else",
        ("return words.masked_scatter", "return torch.zeros_like(words).masked_scatter"),
    ),
    put(
        "mask turned round",
        "is_place is True where a picture's vector belongs",
        (
            "is_place[:, :, None], features)",
            "~is_place[:, :, None], features.repeat(-(-is_place.numel() // max(1, len(features))), 1)"
            " if len(features) else words.flatten(0, 1))",
        ),
    ),
    put("words changed in place", "", ("words.masked_scatter(", "words.data.masked_scatter_(")),
    put("features detached", "", ("is_place[:, :, None], features)", "is_place[:, :, None], features.detach())")),
    put("words detached", "", ("words.masked_scatter", "words.detach().masked_scatter")),
    put(
        "first feature everywhere",
        "each place gets a feature of its own",
        ("is_place[:, :, None], features)", "is_place[:, :, None], features[:1].expand_as(features).contiguous())"),
    ),
]
PUT_RIGHT = [
    Answer("put_features", "by index", source="""
def put_features(words, is_place, features):
    if is_place.sum() != features.shape[0]:
        raise ValueError
    mixed = words.clone()
    mixed[is_place] = features
    return mixed
"""),
    Answer("put_features", "one by one", source="""
def put_features(words, is_place, features):
    if is_place.long().sum().item() != len(features):
        raise ValueError("as many places as features")
    left = iter(features)
    return torch.stack([torch.stack([next(left) if place else word for word, place in zip(row, places)])
                        for row, places in zip(words, is_place)])
"""),
]  # fmt: skip

# -------------------------------------------------------------------------------------------------------- look_mask

MASK = """
def look_mask(n_before, n_pictures, n_tokens):
    number = np.repeat(np.arange(1, n_pictures + 1), n_tokens)
    return n_before[:, None] == number
"""
mask = wrong("look_mask", MASK)
MASK_WRONG = [
    mask(
        "all pictures before",
        "only the latest picture, not all that stand before",
        ("n_before[:, None] == number", "n_before[:, None] >= number"),
    ),
    mask(
        "the next picture",
        "that is the picture that follows: a token cannot look ahead",
        ("np.arange(1, n_pictures + 1)", "np.arange(n_pictures)"),
    ),
    mask(
        "the first before nothing",
        "a token with no picture before it may look nowhere",
        ("n_before[:, None] == number", "np.maximum(n_before, 1)[:, None] == number"),
    ),
    mask(
        "tiled",
        "the vectors of one picture stand together: repeat each number, do not tile",
        ("np.repeat(np.arange(1, n_pictures + 1), n_tokens)", "np.tile(np.arange(1, n_pictures + 1), n_tokens)"),
    ),
    mask(
        "one column for each picture",
        "each picture has n_tokens vectors, and all of them may be looked at",
        ("np.repeat(np.arange(1, n_pictures + 1), n_tokens)", "np.arange(1, n_pictures + 1)"),
    ),
    mask(
        "turned round",
        "True where a token may look",
        ("n_before[:, None] == number", "n_before[:, None] != number"),
    ),
    mask(
        "transposed",
        "a row for each token of the text, a column for each vector",
        ("n_before[:, None] == number", "n_before == number[:, None]"),
    ),
    mask(
        "first vector only",
        "each picture has n_tokens vectors, and all of them may be looked at",
        (
            "return n_before[:, None] == number",
            "return (n_before[:, None] == number) & (np.arange(len(number)) % n_tokens == 0)",
        ),
    ),
    mask(
        "nobody before the last",
        "a token looks at the picture with its own number, not only at the last one",
        ("n_before[:, None] == number", "(n_before[:, None] == n_pictures) & (number == n_pictures)"),
    ),
    mask(
        "whole text sees the last",
        "each token looks at the latest picture before itself, not before the end of the text",
        ("n_before[:, None] == number", "np.full_like(n_before, n_before.max())[:, None] == number"),
    ),
]
MASK_RIGHT = [
    Answer("look_mask", "set in a loop", source="""
def look_mask(n_before, n_pictures, n_tokens):
    allowed = np.zeros((len(n_before), n_pictures * n_tokens), dtype=bool)
    for token, n in enumerate(n_before):
        if n:
            allowed[token, (n - 1) * n_tokens : n * n_tokens] = True
    return allowed
"""),
    Answer("look_mask", "by division", source="""
def look_mask(n_before, n_pictures, n_tokens):
    return np.arange(n_pictures * n_tokens) // n_tokens == (n_before - 1)[:, None]
"""),
]  # fmt: skip

# ------------------------------------------------------------------------------------------------------- gated_look

LOOK = """
def gated_look(text, media, weights, gate, mask):
    to_query, to_key, to_value, to_output = weights
    scores = (text @ to_query.T) @ (media @ to_key.T).T / math.sqrt(text.shape[1])
    shares = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=1) * mask
    return text + gate.tanh() * (shares @ (media @ to_value.T) @ to_output.T)
"""
look = wrong("gated_look", LOOK)
LOOK_WRONG = [
    look("gate without tanh", "the gate goes through tanh", ("gate.tanh()", "gate")),
    look("a sigmoid", "tanh, not a sigmoid: a sigmoid of 0 is a half, and the gate must start closed",
         ("gate.tanh()", "gate.sigmoid()")),
    look("text not added", "what is seen is added to the text: text + …", ("return text + gate", "return gate")),
    look("no scale", "divide the scores by √D", (" / math.sqrt(text.shape[1])", "")),
    look("scaled by D", "divide by √D, not by D", ("math.sqrt(text.shape[1])", "text.shape[1]")),
    look("softmax over the text", "the softmax runs over the media, for each token of the text",
         ("softmax(dim=1)", "softmax(dim=0)")),
    look("queries and keys exchanged", "the text asks: q = text Wqᵀ, k = media Wkᵀ",
         ("text @ to_query.T", "text @ to_key.T"), ("media @ to_key.T", "media @ to_query.T")),
    look("no mask", "the mask is not used", (".masked_fill(~mask, torch.finfo(scores.dtype).min)", ""),
         (" * mask", "")),
    look("masked with 0", "a masked score of 0 still gets a share: mask before the softmax, with a very low number",
         ("torch.finfo(scores.dtype).min", "0.0")),
    look("masked after the softmax only",
         "masked after the softmax, the shares no longer add up to 1: mask before it",
         (".masked_fill(~mask, torch.finfo(scores.dtype).min)", "")),
    look("who sees nothing sees everything", "a token that may look nowhere stays as it is",
         (".softmax(dim=1) * mask", ".softmax(dim=1)")),
    look("NaN", "a softmax over nothing is NaN, also in the gradient: give masked scores a very low finite number",
         ("torch.finfo(scores.dtype).min", '-float("inf")'), (".softmax(dim=1) * mask", ".softmax(dim=1)")),
    look("no output matrix", "the last step is Wo", (" @ to_output.T", "")),
    look("weights not transposed", "a linear layer computes x Wᵀ", ("to_query.T", "to_query"), ("to_key.T", "to_key"),
         ("to_value.T", "to_value"), ("to_output.T", "to_output")),
    look("gate detached", "", ("gate.tanh()", "gate.detach().tanh()")),
    look("media detached", "", ("media @ to_value.T", "media.detach() @ to_value.T")),
]  # fmt: skip
LOOK_RIGHT = [
    Answer("gated_look", "only where a token may look", source="""
def gated_look(text, media, weights, gate, mask):
    query, key, value = text @ weights[0].T, media @ weights[1].T, media @ weights[2].T
    rows = []
    for own, asks, allowed in zip(text, query, mask):
        if not allowed.any():
            rows.append(own)
            continue
        scores = key[allowed] @ asks / text.shape[1] ** 0.5
        rows.append(own + torch.tanh(gate) * (weights[3] @ (scores.softmax(dim=0) @ value[allowed])))
    return torch.stack(rows)
"""),
    Answer("gated_look", "through exp", source="""
def gated_look(text, media, weights, gate, mask):
    q, k, v = (torch.nn.functional.linear(x, w) for x, w in zip((text, media, media), weights))
    scores = q @ k.T * text.shape[1] ** -0.5
    powers = torch.exp(scores - scores.detach().amax(dim=1, keepdim=True)) * mask
    shares = powers / powers.sum(dim=1, keepdim=True).clamp(min=1e-300)
    return text + torch.tanh(gate) * torch.nn.functional.linear(shares @ v, weights[3])
"""),
]  # fmt: skip

# ------------------------------------------------------------------------------------------------- contrastive_loss

CONTRAST = """
def contrastive_loss(pictures, texts, scale, together):
    unit = [vectors / vectors.norm(dim=1, keepdim=True) for vectors in (pictures, texts)]
    scores = scale * unit[0] @ unit[1].T
    losses = []
    for table, wanted in ((scores, together), (scores.T, together.T)):
        shares = wanted / wanted.sum(dim=1, keepdim=True)
        losses.append(-(shares * table.log_softmax(dim=1)).sum(dim=1).mean())
    return (losses[0] + losses[1]) / 2
"""
contrast = wrong("contrastive_loss", CONTRAST)
CONTRAST_WRONG = [
    contrast("lengths left in", "give the vectors length 1 first: the score is a cosine",
             ("vectors / vectors.norm(dim=1, keepdim=True)", "vectors")),
    contrast("one length for all", "each vector has its own length",
             ("vectors.norm(dim=1, keepdim=True)", "vectors.norm()")),
    contrast("divided by the scale", "the cosine is multiplied by the scale",
             ("scale * unit[0] @ unit[1].T", "unit[0] @ unit[1].T / scale")),
    contrast("rows only", "texts choose pictures, too: the mean of rows and columns",
             ("(losses[0] + losses[1]) / 2", "losses[0]")),
    contrast("columns only", "pictures choose texts, too: the mean of rows and columns",
             ("(losses[0] + losses[1]) / 2", "losses[1]")),
    contrast("both added", "the mean of the two directions, not their sum",
             ("(losses[0] + losses[1]) / 2", "losses[0] + losses[1]")),
    contrast("rows summed", "the rows' losses are averaged", (".sum(dim=1).mean()", ".sum()")),
    contrast("partners summed", "the mean over all that belong to it, not the sum",
             ("wanted / wanted.sum(dim=1, keepdim=True)", "wanted.to(scores.dtype)")),
    contrast("mean over all pairs", "first the mean over a row's partners, then over the rows: each row counts alike",
             ("-(shares * table.log_softmax(dim=1)).sum(dim=1).mean()", "-table.log_softmax(dim=1)[wanted].mean()")),
    contrast("log of the sum", "the mean of -log p over the partners, not -log of the sum of their p",
             ("-(shares * table.log_softmax(dim=1)).sum(dim=1).mean()",
              "-table.log_softmax(dim=1).masked_fill(~wanted, -1e300).logsumexp(dim=1).mean()")),
    contrast("softmax over everything", "a softmax over each row, not over the whole table",
             ("table.log_softmax(dim=1)", "(table - table.flatten().logsumexp(dim=0))")),
    contrast("first partner only", "every partner counts, not only the first",
             ("shares = wanted / wanted.sum(dim=1, keepdim=True)",
              "shares = torch.nn.functional.one_hot(wanted.int().argmax(dim=1), wanted.shape[1])")),
    contrast("overflow", "large scores overflow: take the logarithm of the softmax in one step",
             ("table.log_softmax(dim=1)", "torch.log(table.exp() / table.exp().sum(dim=1, keepdim=True))")),
    contrast("sign", "a loss is -log p", ("-(shares", "(shares")),
    contrast("texts detached", "", ("for vectors in (pictures, texts)]", "for vectors in (pictures, texts.detach())]")),
]  # fmt: skip
CONTRAST_RIGHT = [
    Answer("contrastive_loss", "row by row", source="""
def contrastive_loss(pictures, texts, scale, together):
    a = torch.nn.functional.normalize(pictures, dim=1)
    b = torch.nn.functional.normalize(texts, dim=1)
    scores = scale * a @ b.T
    rows = [(row.logsumexp(0) - row[marks]).mean() for row, marks in zip(scores, together)]
    columns = [(column.logsumexp(0) - column[marks]).mean() for column, marks in zip(scores.T, together.T)]
    return 0.5 * sum(rows) / len(rows) + 0.5 * sum(columns) / len(columns)
"""),
    Answer("contrastive_loss", "both directions at once", source="""
def contrastive_loss(pictures, texts, scale, together):
    lengths = pictures.norm(dim=1)[:, None] * texts.norm(dim=1)[None]
    scores = scale * (pictures @ texts.T) / lengths
    wanted = together.to(scores.dtype)
    of_rows = (wanted * (scores.logsumexp(dim=1, keepdim=True) - scores)).sum(1) / wanted.sum(1)
    of_columns = (wanted * (scores.logsumexp(dim=0, keepdim=True) - scores)).sum(0) / wanted.sum(0)
    return (of_rows.mean() + of_columns.mean()) / 2
"""),
]  # fmt: skip

# --------------------------------------------------------------------------------------------------- bits_per_pixel

BITS = """
def bits_per_pixel(logits, levels, n_levels):
    scores = logits[..., :n_levels]
    scores = scores - scores.max(axis=-1, keepdims=True)
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    chosen = np.take_along_axis(log_probabilities, levels[..., None], axis=-1)
    return float(-chosen.mean() / np.log(2))
"""
bits = wrong("bits_per_pixel", BITS)
BITS_WRONG = [
    bits("nats", "bits, not nats: divide by log 2", (" / np.log(2)", "")),
    bits("multiplied by log 2", "a nat is more than a bit: divide by log 2", ("/ np.log(2)", "* np.log(2)")),
    bits("classes count", "a pixel cannot be a class: only the first n_levels ids count",
         ("logits[..., :n_levels]", "logits")),
    bits("last ids", "the grey levels are the first ids", ("logits[..., :n_levels]", "logits[..., -n_levels:]")),
    bits("per picture", "per pixel: the mean over all pixels, not the sum over a picture",
         ("-chosen.mean()", "-chosen.sum(axis=1).mean()")),
    bits("summed", "the mean over all pixels, not the sum", ("chosen.mean()", "chosen.sum()")),
    bits("overflow", "large scores overflow: subtract the maximum first",
         ("    scores = scores - scores.max(axis=-1, keepdims=True)\n", "")),
    bits("bits of the mean probability", "the mean of the bits, not the bits of the mean probability",
         ("-chosen.mean() / np.log(2)", "-np.log2(np.exp(chosen).mean())")),
    bits("likeliest level", "the bits of the pixel that is there, not of the likeliest one",
         ("np.take_along_axis(log_probabilities, levels[..., None], axis=-1)", "log_probabilities.max(axis=-1)")),
    bits("entropy", "the surprise at the pixel that is there, not the model's own entropy",
         ("np.take_along_axis(log_probabilities, levels[..., None], axis=-1)",
          "(np.exp(log_probabilities) * log_probabilities).sum(axis=-1)")),
    bits("sign", "bits are -log2 p", ("-chosen", "chosen")),
    bits("shifted", "the logits are those of this pixel already: nothing is to be shifted",
         ("log_probabilities, levels[..., None]", "log_probabilities, np.roll(levels, 1, axis=1)[..., None]")),
]  # fmt: skip
BITS_RIGHT = [
    Answer("bits_per_pixel", "through logaddexp", source="""
def bits_per_pixel(logits, levels, n_levels):
    kept = logits[:, :, :n_levels].reshape(-1, n_levels)
    right = kept[np.arange(len(kept)), levels.ravel()]
    return float(np.mean(np.logaddexp.reduce(kept, axis=1) - right) / math.log(2))
"""),
    Answer("bits_per_pixel", "by PyTorch", source="""
def bits_per_pixel(logits, levels, n_levels):
    kept = torch.from_numpy(logits[..., :n_levels]).flatten(0, 1).log_softmax(dim=1)
    return -float(kept.gather(1, torch.from_numpy(levels).reshape(-1, 1)).mean()) / math.log(2.0)
"""),
]  # fmt: skip

# ---------------------------------------------------------------------------------------------------- what_it_shows

BAYES = """
def what_it_shows(log_likelihoods, counts):
    scores = log_likelihoods + np.log(counts / counts.sum())
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
"""
bayes = wrong("what_it_shows", BAYES)
BAYES_WRONG = [
    bayes("no prior", "the prior is missing", (" + np.log(counts / counts.sum())", "")),
    bayes("prior without a logarithm", "the logarithm of the prior is added to the logarithm of the likelihood",
          ("np.log(counts / counts.sum())", "counts / counts.sum()")),
    bayes("prior twice", "the prior counts once",
          ("np.log(counts / counts.sum())", "2 * np.log(counts / counts.sum())")),
    bayes("prior divided out", "the prior multiplies, it does not divide", ("+ np.log", "- np.log")),
    bayes("underflow", "exp of such numbers is 0 or infinite: subtract each row's largest first",
          ("np.exp(scores - scores.max(axis=1, keepdims=True))", "np.exp(scores)")),
    bayes("one maximum for all", "subtract each row's own largest: pictures far from the best one become 0 / 0",
          ("scores.max(axis=1, keepdims=True)", "scores.max()")),
    bayes("over the pictures", "for each picture the probabilities of the classes add up to 1",
          ("powers.sum(axis=1, keepdims=True)", "powers.sum(axis=0, keepdims=True)")),
    bayes("not normalised", "divide by their sum: each row adds up to 1",
          ("return powers / powers.sum(axis=1, keepdims=True)", "return powers")),
    bayes("logarithms", "probabilities are wanted, not their logarithms",
          ("return powers / powers.sum(axis=1, keepdims=True)",
           "return np.log(np.maximum(powers / powers.sum(axis=1, keepdims=True), 1e-300))")),
    bayes("prior after the softmax", "multiply by the prior before normalising, or normalise once more",
          ("log_likelihoods + np.log(counts / counts.sum())", "log_likelihoods"),
          ("return powers / powers.sum(axis=1, keepdims=True)",
           "return powers / powers.sum(axis=1, keepdims=True) * counts / counts.sum()")),
    bayes("the answer alone", "the probability of every class, not a 1 for the likeliest",
          ("return powers / powers.sum(axis=1, keepdims=True)",
           "return np.eye(scores.shape[1])[scores.argmax(axis=1)]")),
    bayes("bits", "the likelihoods are in nats: exp, not powers of 2",
          ("np.exp(scores - scores.max(axis=1, keepdims=True))", "2 ** (scores - scores.max(axis=1, keepdims=True))")),
]  # fmt: skip
BAYES_RIGHT = [
    Answer("what_it_shows", "counts need no sum", source="""
def what_it_shows(log_likelihoods, counts):
    joint = log_likelihoods + np.log(counts)
    return np.exp(joint - np.logaddexp.reduce(joint, axis=1)[:, None])
"""),
    Answer("what_it_shows", "weighted powers", source="""
def what_it_shows(log_likelihoods, counts):
    rows = []
    for row in log_likelihoods:
        joint = np.exp(row + np.log(counts) - (row + np.log(counts)).max())
        rows.append(joint / joint.sum())
    return np.array(rows)
"""),
]  # fmt: skip

# ---------------------------------------------------------------------------------------------------- nearest_codes

CODES = """
def nearest_codes(vectors, codebook):
    distances = ((vectors[..., None, :] - codebook) ** 2).sum(dim=-1)
    return vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()
"""
nearest = wrong("nearest_codes", CODES)
CODES_WRONG = [
    nearest("no gradient", "the gradient must pass straight through to the vectors",
            ("vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()",
             "codebook.detach()[distances.argmin(dim=-1)] + 0 * vectors")),
    nearest("gradient to the codebook", "no gradient may arrive at the codebook",
            ("vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()",
             "codebook[distances.argmin(dim=-1)] + (vectors - vectors.detach())")),
    nearest("farthest", "the nearest, not the farthest", ("argmin", "argmax")),
    nearest("largest product", "the smallest distance, not the largest product: a long code would win everywhere",
            ("((vectors[..., None, :] - codebook) ** 2).sum(dim=-1)", "-(vectors @ codebook.T)")),
    nearest("nearest direction", "the smallest Euclidean distance, not the largest cosine",
            ("((vectors[..., None, :] - codebook) ** 2).sum(dim=-1)",
             "-(vectors @ codebook.T) / codebook.norm(dim=1).clamp(min=1e-9)")),
    nearest("sum of differences", "square the differences before adding them: signs would cancel",
            ("((vectors[..., None, :] - codebook) ** 2).sum(dim=-1)",
             "(vectors[..., None, :] - codebook).sum(dim=-1).abs()")),
    nearest("city blocks", "Euclidean distance: squares, not absolute values",
            ("((vectors[..., None, :] - codebook) ** 2)", "(vectors[..., None, :] - codebook).abs()")),
    nearest("vectors returned", "the nearest codes come out, not the vectors",
            ("vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()", "vectors * 1.0")),
    nearest("mixture", "one code, the nearest: not a mixture of all",
            ("vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()",
             "vectors + ((-distances).softmax(dim=-1) @ codebook - vectors).detach()")),
    nearest("last of equals", "of codes that are equally near, the first",
            ("distances.argmin(dim=-1)", "len(codebook) - 1 - distances.flip(-1).argmin(dim=-1)")),
    nearest("wrong way round", "the value is the code, the gradient is the vector's: z + sg(e - z)",
            ("vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()",
             "codebook[distances.argmin(dim=-1)] + (vectors - codebook[distances.argmin(dim=-1)]).detach()")),
    nearest("gradient doubled", "the gradient arrives unchanged",
            ("vectors + (codebook[distances.argmin(dim=-1)] - vectors).detach()",
             "2 * vectors + (codebook[distances.argmin(dim=-1)] - 2 * vectors).detach()")),
    nearest("each number for itself", "the whole vector is compared with a whole code",
            ("    distances = ((vectors[..., None, :] - codebook) ** 2).sum(dim=-1)\n", ""),
            ("codebook[distances.argmin(dim=-1)]",
             "codebook.gather(0, (vectors[..., None, :] - codebook).abs().argmin(dim=-2).reshape("
             "-1, codebook.shape[1])).view(vectors.shape)")),
    nearest("detached", "", ("return vectors + (", "return vectors.detach() + (")),
]  # fmt: skip
CODES_RIGHT = [
    Answer("nearest_codes", "by cdist", source="""
def nearest_codes(vectors, codebook):
    flat = vectors.reshape(-1, vectors.shape[-1])
    with torch.no_grad():
        distances = torch.cdist(flat, codebook, compute_mode="donot_use_mm_for_euclid_dist")
        codes = codebook[distances.argmin(dim=1)].view(vectors.shape)
        change = codes - vectors
    return vectors + change
"""),
    Answer("nearest_codes", "a gradient of its own", source="""
def nearest_codes(vectors, codebook):
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, vectors, codebook):
            squares = (vectors.unsqueeze(-2) - codebook).pow(2).sum(-1)
            return codebook[squares.argmin(-1)].clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient, None

    return Straight.apply(vectors, codebook)
"""),
]  # fmt: skip

WRONG = [*PATCHES_WRONG, *EMBED_WRONG, *EXPAND_WRONG, *PUT_WRONG, *MASK_WRONG, *LOOK_WRONG, *CONTRAST_WRONG,
         *BITS_WRONG, *BAYES_WRONG, *CODES_WRONG]  # fmt: skip
RIGHT = [*PATCHES_RIGHT, *EMBED_RIGHT, *EXPAND_RIGHT, *PUT_RIGHT, *MASK_RIGHT, *LOOK_RIGHT, *CONTRAST_RIGHT,
         *BITS_RIGHT, *BAYES_RIGHT, *CODES_RIGHT]  # fmt: skip
