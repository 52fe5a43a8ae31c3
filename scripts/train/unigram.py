"""A unigram tokenizer in plain Python for machines without SentencePiece: the same ids for ASCII text."""
import re


class Unigram:
    def __init__(self, vocab):
        rows = [q.split("\t") for q in vocab.read_text(encoding="utf-8").splitlines()]
        self.ids = {p: i for i, (p, _) in enumerate(rows)}
        self.score = [float(s) for _, s in rows]
        self.size = len(rows)
        self.longest = max(len(p) for p in self.ids)
        self.unknown = min(s for s in self.score if s < 0) - 10
        self.known = {}

    def word(self, w):
        """Best split of one word (which begins with the mark for a space) by dynamic programming."""
        if w in self.known:
            return self.known[w]
        best = [(0.0, [])]
        for end in range(1, len(w) + 1):
            options = []
            for begin in range(max(0, end - self.longest), end):
                piece = w[begin:end]
                i = self.ids.get(piece)
                if i is not None and i > 2:
                    options.append((best[begin][0] + self.score[i], best[begin][1] + [i]))
                elif end - begin == 1:
                    options.append((best[begin][0] + self.unknown, best[begin][1] + [2]))
            best.append(max(options, key=lambda q: q[0]))
        ids = [i for k, i in enumerate(best[-1][1]) if not (i == 2 and k and best[-1][1][k - 1] == 2)]
        self.known[w] = ids
        return ids

    def encode(self, text):
        text = re.sub(r"\s+", " ", text.lower()).strip()
        return [i for w in text.split(" ") if w for i in self.word("\u2581" + w)]
