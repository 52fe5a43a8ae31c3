"""SentencePiece ids, cut or padded to a fixed length: pieces, then </s> (1), then padding (0)."""
from common import KEPT, MODEL

LENGTH = 48


class Tokenizer:
    def __init__(self):
        try:
            import sentencepiece
            self.sp = sentencepiece.SentencePieceProcessor(model_file=str(MODEL / "tokenizer" / "spiece.model"))
            self.size = self.sp.get_piece_size()
        except ImportError:
            from unigram import Unigram                # a machine with torch only
            self.sp = Unigram(KEPT / "tokenizer.vocab")
            self.size = self.sp.size

    def __call__(self, text):
        ids = self.sp.encode(text)[: LENGTH - 1] + [1]
        return ids + [0] * (LENGTH - len(ids))
