"""The tokenizer of the tiny checkpoints: a umT5-shaped unigram model with 512 pieces.

Shaped like umT5 means: <pad> 0, </s> 1, <s> 2, <unk> 3, then 256 byte pieces, then ordinary pieces,
nmt_nfkc normalisation, a dummy prefix, and sentinels <extra_id_N> after the pieces of spiece.model,
known to tokenizer.json only.

tokenizer.json is written the way transformers 4 converts a SentencePiece model, since that is what the
published folders hold: no byte fallback, unk_id as in the model. Load it with `load_tokenizer`. The class
that model_index.json names (T5TokenizerFast, in transformers 5 an alias of T5Tokenizer) rebuilds the model
with unk_id=2 whatever the file says, so that on umT5 an unknown character becomes <s>; do not use it.
"""

import io
import json
import os

import sentencepiece as spm
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    normalizers,
    pre_tokenizers,
    processors,
)
from tokenizers.models import Unigram
from transformers import PreTrainedTokenizerFast

VOCAB_SIZE = 512
EXTRA_IDS = 10  # umT5: 300
EMBEDDING_ROWS = 544  # more rows than ids, as in umT5 (256384 for 256300)
SPECIAL_TOKENS = ["<pad>", "</s>", "<s>", "<unk>"]  # ids 0 to 3
SENTINELS = [f"<extra_id_{i}>" for i in range(EXTRA_IDS)]


def _corpus():
    # fmt: off
    subjects = ["a house", "an old lighthouse", "the red fox", "two children", "a city street",
                "the mountain lake", "a wooden boat", "a cat and a dog", "the spaceship", "an astronaut",
                "a glass tower", "the forest path"]
    actions = ["stands by the sea", "walks across the snow", "drifts slowly through fog", "glows at sunrise",
               "is covered with flowers", "moves under heavy rain", "waits in golden light",
               "runs along the river"]
    camera = ["establishing shot", "slow dolly in", "aerial drone view", "close-up, shallow depth of field",
              "handheld camera", "wide angle, 35mm film", "volumetric light",
              "cinematic lighting, 4k, highly detailed", "realistic 10 to 15-second video",
              "time lapse, day to night", "low quality, blurred details, subtitles"]
    # fmt: on
    for i, subject in enumerate(subjects):
        for j, action in enumerate(actions):
            first, second = camera[(i * 3 + j) % len(camera)], camera[(i + 5 * j) % len(camera)]
            yield f"{first.capitalize()} of {subject} that {action}, {second}."
    yield "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量"
    yield "Une petite maison près de la mer à l'aube, déjà vu — “naïve façade”."


def train_spiece() -> bytes:
    """The serialised SentencePiece model; the same bytes every time."""
    model = io.BytesIO()
    lines = [line for _ in range(4) for line in _corpus()]
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=VOCAB_SIZE,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        pad_piece="<pad>",
        eos_piece="</s>",
        bos_piece="<s>",
        unk_piece="<unk>",
        byte_fallback=True,
        normalization_rule_name="nmt_nfkc",
        add_dummy_prefix=True,
        remove_extra_whitespaces=True,
        character_coverage=0.9995,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def _fields(blob):
    """(field number, value) of one protobuf message; enough to find the charsmap without protobuf."""
    i = 0

    def varint():
        nonlocal i
        result = shift = 0
        while True:
            byte = blob[i]
            i += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while i < len(blob):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else (4 if kind == 5 else 8)
        yield key >> 3, blob[i : i + size]
        i += size


def charsmap(spiece: bytes) -> bytes:
    """ModelProto.normalizer_spec (3) . precompiled_charsmap (2)"""
    normalizer = next(value for field, value in _fields(spiece) if field == 3)
    return next(value for field, value in _fields(normalizer) if field == 2)


def convert(spiece: bytes, split_whitespace: bool = False) -> Tokenizer:
    """spiece.model to the `tokenizers` library, as transformers 4 did it.

    split_whitespace gives the other published form (an older pre-tokenizer, also that of transformers 5).
    """
    sp = spm.SentencePieceProcessor(model_proto=spiece)
    vocab = [(sp.id_to_piece(i), sp.get_score(i)) for i in range(sp.get_piece_size())]
    vocab += [(token, 0.0) for token in reversed(SENTINELS)]  # <extra_id_0> gets the last id
    tokenizer = Tokenizer(Unigram(vocab, unk_id=sp.unk_id(), byte_fallback=False))
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    if split_whitespace:
        tokenizer.normalizer = normalizers.Precompiled(charsmap(spiece))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), metaspace]
        )
    else:
        tokenizer.normalizer = normalizers.Sequence(
            [
                normalizers.Precompiled(charsmap(spiece)),
                normalizers.Strip(left=False, right=True),
                normalizers.Replace(Regex(" {2,}"), "▁"),
            ]
        )
        tokenizer.pre_tokenizer = metaspace
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS + SENTINELS]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"],
        pair=["$A", "</s>", "$B", "</s>"],
        special_tokens=[("</s>", sp.eos_id())],
    )
    return tokenizer


def write_tokenizer(folder: str):
    """spiece.model, tokenizer.json, tokenizer_config.json and special_tokens_map.json"""
    os.makedirs(folder, exist_ok=True)
    spiece = train_spiece()
    with open(os.path.join(folder, "spiece.model"), "wb") as f:
        f.write(spiece)
    tokenizer = convert(spiece)
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    special = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "additional_special_tokens": SENTINELS,
    }
    config = {
        "tokenizer_class": "T5Tokenizer",
        "model_max_length": 512,
        "extra_ids": EXTRA_IDS,
        **special,
    }
    for name, value in (("tokenizer_config.json", config), ("special_tokens_map.json", special)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(value, f, indent=2)
            f.write("\n")


def load_tokenizer(folder: str) -> PreTrainedTokenizerFast:
    """tokenizer.json as it is on disk, whatever class the folder's configs name."""
    return PreTrainedTokenizerFast(
        tokenizer_file=os.path.join(folder, "tokenizer.json"),
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=512,
    )
