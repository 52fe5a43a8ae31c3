#!/usr/bin/env python3
"""Writes tokenizer_cases.json: raw prompt, cleaned prompt, token ids. See README.md.

make_tokenizer_cases.py [--tokenizer models/tiny-wan21/tokenizer] [--out tests/data/tokenizer_cases.json]
"""

import argparse
import json
import os
import random
import unicodedata

import ftfy
from diffusers.pipelines.wan.pipeline_wan import prompt_clean

from make_tiny_wan import NEGATIVE, PROMPT
from tiny_tokenizer import convert, load_tokenizer

MAX_TOKENS = 512

# fmt: off
PLAIN = [
    "", " ", "a", "a house", "A red fox walks across the snow.", PROMPT, NEGATIVE,
    "ESTABLISHING SHOT OF A HOUSE", "35mm film, 4k, 24 fps, f/2.8, 1/50 s",
    "E=mc^2 ~ `code` {brace} [b] \\ | @ # $ & * % + - / < > ? ! ; :", "qqqq zzzz xkcd",
    "supercalifragilisticexpialidocious", "a,b;c.d:e", "...", "--- --", "0123456789",
    "it's the fox's", "\"quoted\" and 'quoted'", "path/to/file_name-01.mp4",
    "https://example.com/?q=a+b&r=1#top", "a" * 100]
SPACES = [
    "  hello   world ", "hello\tworld\nnew\r\nline", "\n\n\n", "\t", "tab\tonly", "a\rb", "a\x0bb",
    "a\x0cb", "nb\u00a0sp", "thin\u2009space hair\u200aspace", "ideographic\u3000space",
    "narrow\u202fnb medium\u205fspace ogham\u1680space", "line\u2028para\u2029sep",
    "en\u2002em\u2003fig\u2007punct\u2008six\u2006", "zero\u200bwidth\u200bspace",
    "word\u2060joiner", "trailing   ", "   leading", "a \u3000 \u00a0 b", "next\u0085line",
    "x  ,  y", " . ", "\u00a0", "\u3000\u3000"]
CONTROLS = [
    "\x00nul", "a\x00b", "bell\x07 back\x08space", "esc \x1b[31mred\x1b[0m done", "\x1b[1;32mgreen",
    "esc\x1balone", "del\x7fete", "x\ufeffy", "\ufeffstart",
    "unit\x1fsep rec\x1eord grp\x1dfile\x1cx", "c1 \u0080 \u0091 \u009f", "soft\u00adhyphen",
    "zero\u200dwidth\u200cjoiners", "rtl\u202eoverride\u202c", "ltr\u200emark\u200f",
    "object\ufffcreplacement \ufffd", "interlinear\ufff9a\ufffab\ufffb", "arabic\u206aformat\u206f",
    "variation\ufe0f selector\ufe0e", "tag\U000e0041\U000e007f", "\x1a",
    "non\ufdd0character \uffff"]
QUOTES = [
    "“curly” — dash… 100%", "‘single’ ‚low‛ ‟high„", "ʼmodifier ʻokina ʹprime",
    "«guillemets» ‹single›", "″double′prime", "`back´acute", "rock ’n’ roll’s",
    "–en —em ―bar −minus ‐hyphen ‑nbhyphen", "…three dots..."]
ENTITIES = [
    "&lt;b&gt;bold&amp;&lt;", "&amp;lt;twice", "&amp;amp;lt;thrice", "&amp;amp;amp;amp;lt;five",
    "fish &amp; chips", "fish & chips", "&quot;q&quot; &#39;a&#39; &apos;b&apos;",
    "&nbsp;x&nbsp;&nbsp;y", "&#x1F916; &#129302;", "&#0; &#128; &#150; &#xD800; &#x110000;",
    "&copy &reg; &notanentity; &not; &notit;", "&eacute;&Eacute;&EACUTE; P&EACUTE;REZ",
    "&hellip;&mdash;&ndash;&rsquo;&ldquo;x&rdquo;", "&#65;&#x42;&#X43; &#67", "AT&T &c; &; &# &#;",
    "a &lt; b < c &gt; d", "<i>&amp;amp;</i>", "line1 &amp;lt;\n<b> &amp;amp;lt;\n&amp;amp;lt;",
    "&ThickSpace;x&ZeroWidthSpace;y", "&NotEqualTilde; &fjlig; &bne;", "&lt", "&ltx", "&amp;#38;",
    "&LT;&GT;&AMP;&QUOT;", "&Tab;&NewLine;z"]
FORMS = [
    "é e\u0301 café cafe\u0301", "ﬁ ﬂ ﬀ ﬃ ﬄ ﬅ ﬆ", "½ ¼ ² ³ ¹ ™ ℠ Å ℃ ℉ № ℡", "ｆｕｌｌ　ｗｉｄｔｈ　ＴＥＸＴ！",
    "ﾊﾝｶｸ ｶﾅ ﾊﾞﾊﾟ", "① ② ⅷ Ⅻ ㊗ ㍿ ㎏", "naïve façade déjà vu", "ÀÉÎÕÜ ß ẞ ñ Ø å æ œ",
    "A\u030a \u212b \u00c5", "\u1e9b\u0323 \u1e69 s\u0323\u0307 s\u0307\u0323", "Ĳ ĳ ŉ Ǆ ǅ ǆ Ǉ ǌ Ǳ",
    "ǆ\u0301", "がき か\u3099き", "한국 \u1112\u1161\u11ab\u1100\u116e\u11a8", "ಕೊ ಕ\u0cc6\u0cc2",
    "𝐛𝐨𝐥𝐝 𝒮𝒸𝓇𝒾𝓅𝓉 𝟙𝟚𝟛", "ᵃᵇᶜ ₁₂₃", "\u0344 \u0958 \u2adc", "Å\u0328\u0301", "ſharp ſ", "İstanbul ı",
    "ǰ \u1f80 \u03b0", "‥ ⁇ ⁉ ‼", "／＼｜～￥￦￠"]
SCRIPTS = [
    "一只红狐狸走过雪地。", "色调艳丽，过曝，静态，细节模糊不清，字幕", "低质量", "日本語と한국어のテスト", "مرحبا بالعالم", "שלום עולם",
    "Ωmega Привет мир", "สวัสดีชาวโลก", "नमस्ते दुनिया", "ქართული ենթատեքստ", "Tiếng Việt có dấu",
    "(全角)（括号）、。！？", "𠀀𠀁 rare 𪚥", "混合 mixed 文字 text 低 quality", "細節 vs 细节", "〇一二三"]
UNKNOWN = [
    "🤖", "🫠🫥🤖 robot", "a🤖b", "🤖 🤖", "🤖🤖🤖🤖", "a 🤖, b", "👨‍👩‍👧‍👦 family", "👍🏽 thumbs", "🇫🇷🇩🇪 flags",
    "❤️ vs ❤", "☃ snow ☃☃ man", "x🤖", "🤖x", "\U0010ffff", "\ue000private",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "1️⃣2️⃣", "ⵣ ꙮ ꧁꧂", "a☃b☃c",
    "☃\u0301☃", "音☃楽", "house☃.", "☃ ☃", "<0x41> literal byte piece", "☃<0x41>☃", "<0xE2>"]
SPECIAL = [
    "hello</s>world", "</s>", "<pad>", "<unk> <pad>", "<s>start</s>",
    "<extra_id_0> snow <extra_id_9>", "<extra_id_10>", "<extra_id_0><extra_id_1>", "a<unk>b",
    "a <unk> b", "house </s> boat", "house</s> boat", "house </s>boat", "☃<unk>☃", "<S> <PAD> </S>",
    "< s >", "<s", "s>", "<<s>>", "<extra_id_00>", "&lt;s&gt; &lt;/s&gt;", "＜s＞", "<s>\u3000</s>",
    "<pad>,<pad>.", "  <s>  ", "\u200b<s>\u200b", "snow<extra_id_3>."]
METASPACE = [
    "a▁b ▁▁c", "▁", "▁house", "house▁", "▁ ▁", " ▁a"]
MOJIBAKE = [
    "cafÃ© dÃ©jÃ\xa0 vu", "â€œquotedâ€\x9d", "itâ€™s", "Ã¼ber", "schÃ¶n", "â€” dash", "l’humanitÃ©",
    "ðŸ¤– robot", "Ð\x9fÑ\x80Ð¸Ð²ÐµÑ\x82", "Â½ cup Â© 2020", "å°\x8få±‹", "rÃ©sumÃ© &amp; more",
    "ÃƒÂ©", "Voilà Ã voir", "Ã"]
LONG = [
    "word " * 300, "the red fox walks across the snow, " * 80, "a" * 1200, "☃ " * 600, "☃" * 2000,
    "低质量，" * 200, "house " * 510, "house " * 511, "house " * 512,
    "a house " * 200 + "</s>" + " a boat" * 100]
POOL = [
    "a", "house", "the sea", "低", "質量", "é", "e\u0301", " ", "  ", "\t", "\n", "🤖", ",", ".", "-",
    "35mm", "ﬁ", "（", "）", "，", "\u3000", "\u00a0", "\u200b", "Zq", "x", "ß", "½", "’", "“",
    "&amp;", "&lt;", "</s>", "<unk>", "▁", "☃"]
# fmt: on


def texts():
    groups = (
        PLAIN,
        SPACES,
        CONTROLS,
        QUOTES,
        ENTITIES,
        FORMS,
        SCRIPTS,
        UNKNOWN,
        SPECIAL,
        METASPACE,
        MOJIBAKE,
        LONG,
    )
    result = [text for group in groups for text in group]
    result += [
        unicodedata.normalize("NFD", text)
        for text in ("naïve façade déjà vu", "Tiếng Việt có dấu", "がき")
    ]
    rng = random.Random(0)
    result += ["".join(rng.choices(POOL, k=rng.randint(2, 20))) for _ in range(40)]
    return list(dict.fromkeys(result))


def truncated(tokenizer, text):
    ids = tokenizer.encode(text).ids
    return ids if len(ids) <= MAX_TOKENS else ids[: MAX_TOKENS - 1] + ids[-1:]


def case(text, tokenizer, other):
    cleaned = prompt_clean(text)
    ids = tokenizer(cleaned, max_length=MAX_TOKENS, truncation=True).input_ids
    result = {"text": text, "cleaned": cleaned, "ids": ids}
    if ftfy.fix_text(text) != ftfy.fix_text(text, fix_encoding=False):
        result["mojibake"] = True
    if truncated(other, cleaned) != ids:
        raise ValueError(f"the two published forms of tokenizer.json disagree on {text!r}")
    return result


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokenizer", default="models/tiny-wan21/tokenizer")
    parser.add_argument("--out", default="tests/data/tokenizer_cases.json")
    args = parser.parse_args()
    with open(os.path.join(args.tokenizer, "spiece.model"), "rb") as f:
        other = convert(f.read(), split_whitespace=True)
    tokenizer = load_tokenizer(args.tokenizer)
    lines = [json.dumps(case(text, tokenizer, other)) for text in texts()]
    with open(args.out, "w", encoding="utf-8") as f:
        f.write('{"max_length": %d, "cases": [\n' % MAX_TOKENS + ",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
