"""Language: labels in, captions out. A caption names only what can be seen, in many wordings (`phrases.json`).

A phrase that begins with '*' is held out: training never uses it (it may know the words of
it from others), evaluation prompts do.
`caption(labels, r)` returns the text and which labels it told; `prompts()` the held-out set.
"""
import json
import pathlib
import random
import re

import world

HERE = pathlib.Path(__file__).resolve().parent


def split(text):
    return [q.strip() for q in text.split("|")]


PHRASES = json.loads((HERE / "phrases.json").read_text())
(NOUN, WHERE, WHERE_BOAT, TIME, TIME_ADJ, WEATHER, CLEAR_BY_TIME, MOON, SUN, CAMERA, MOVER, ACTION, WAY, TREES, LIT, OPEN, FILL, ADJ, COLOUR) = PHRASES.values()
PLURAL = {"mountains", "birds", "people", "skyscrapers", "trees", "woods", "peaks", "alps", "dunes", "waves", "gulls", "geese",
          "crows", "seagulls", "walkers", "pedestrians", "tourists", "hikers", "buildings", "towers", "fields", "downtown",
          "countryside", "farmland", "surf", "summits", "highlands", "high-rises", "blocks", "swallows", "strollers", "passers-by",
          "walking", "flight", "walk", "badlands", "cacti", "shore", "grassland", "woodland"}
_extra = HERE / "synonyms.json"
EXTRA = json.loads(_extra.read_text()) if _extra.exists() else {}
UNKNOWN = EXTRA.pop("_unknown", ["teapot", "violin", "robot", "dragon", "dinosaur", "piano", "astronaut"])


def say(r, text, held):
    """One wording from a list: held-out ones only when `held`, and then mostly."""
    options = split(text)
    known, kept = [q for q in options if q[0] != "*"], [q[1:] for q in options if q[0] == "*"]
    if held and kept and r.random() < .6:
        return r.choice(kept)
    return r.choice(known)


def article(noun, r):
    last = noun.split()[-1] if " with " not in noun else noun.split(" with ")[0].split()[-1]
    if last in PLURAL or last.endswith("s") and last not in ("lens", "fortress", "grass", "cypress"):
        return r.choice(["", "", "the "]) + noun
    return r.choice([("an " if noun[0] in "aeiou" else "a ")] * 5 + ["the ", ""]) + noun


def caption(lab, r, held=False):
    told, tail = {}, []
    s, m = lab["subject"], lab["mover"]
    noun = say(r, NOUN[s], held)
    if s in EXTRA and not held and r.random() < .15:
        noun = r.choice(EXTRA[s])
    told["subject"] = s
    words = []
    if lab["colour"] != "none" and r.random() < .75:
        words.append(say(r, COLOUR[lab["colour"]], held))
        told["colour"] = lab["colour"]
    if s == "forest" and noun in ("forest", "woods", "trees") and lab["trees"] == "pine" and r.random() < .5:
        words.append(r.choice(["pine", "fir", "conifer"]))
    if r.random() < .18:
        words.insert(0, say(r, ADJ, held))
    if r.random() < .08:
        words.insert(0, say(r, TIME_ADJ[lab["time"]], held))
        told["time"] = lab["time"]
    noun = " ".join(words + [noun])
    text = article(noun, r)
    if s in world.ACTORS and r.random() < .75:
        act = say(r, ACTION[s], held)
        if "{w}" in act:
            act = act.replace("{w}", say(r, WAY[lab["way"]], held))
            told["way"] = lab["way"]
        text += " " + act
    if s in world.ACTORS:
        told["mover"] = s
    if s in world.PLACES:
        told["setting"] = s
    elif s == "boat":
        text += " " + say(r, WHERE_BOAT, held) if r.random() < .6 else ""
        told["setting"] = "beach"
    elif r.random() < .7 and not (s == "lighthouse" and r.random() < .5):
        text += " " + say(r, WHERE[lab["setting"]], held)
        told["setting"] = lab["setting"]
    if "time" not in told and r.random() < (.8 if lab["time"] != "day" else .5):
        (tail if r.random() < .35 else [None]).append("")
        text += " " + say(r, TIME[lab["time"]], held)
        told["time"] = lab["time"]
    w = lab["weather"]
    if w not in ("clear",) and r.random() < .85 or w == "clear" and r.random() < .35:
        if w == "clear" and lab["time"] in CLEAR_BY_TIME and r.random() < .7:
            tail.append(say(r, CLEAR_BY_TIME[lab["time"]], held))
            told["time"] = lab["time"]
        else:
            tail.append(say(r, WEATHER[w], held))
        told["weather"] = w
    if lab["orb"] and r.random() < .25:
        tail.append(say(r, MOON if lab["time"] == "night" else SUN[lab["time"]], held))
        told["time"] = lab["time"]
    if m != "none" and s not in world.ACTORS and r.random() < .8:
        tail.append(say(r, MOVER[m], held))
        told["mover"] = m
    if lab["trees"] != "none" and lab["setting"] != "forest" and r.random() < .25:
        tail.append(say(r, TREES[lab["trees"]], held))
    if lab["lit"] and r.random() < .4:
        tail.append(say(r, LIT, held))
    if lab["lake"] and r.random() < .6:
        tail.append(r.choice(["by a lake", "with a lake", "reflected in a lake"]))
    if lab["mounts"] and lab["setting"] != "mountains" and r.random() < .2:
        tail.append(r.choice(["distant mountains", "with mountains far away"]))
    cam = lab["camera"]
    if r.random() < (.8 if cam != "static" else .4):
        tail.append(say(r, CAMERA[cam], held))
        told["camera"] = cam
    for _ in range(r.choice([0, 0, 0, 1, 1, 2])):
        tail.append(say(r, FILL, held))
    if r.random() < .06:
        tail.append(r.choice(["", "with a ", "and a "]) + r.choice(UNKNOWN))
    r.shuffle(tail)
    if r.random() < .55:
        text = say(r, OPEN, held) + " " + text
    tail = [q for q in tail if q]
    if tail and r.random() < .1:
        text = tail.pop() + r.choice([", ", ": ", " - "]) + text
    text = r.choice([", ", ", ", ", ", " ", ". "]).join([text] + tail)
    if r.random() < .25:
        text = text[0].upper() + text[1:]
    if r.random() < .15:
        text += "."
    if r.random() < .05 and len(text) > 20:                       # a typo
        k = r.randrange(3, len(text) - 2)
        text = text[:k] + text[k + 1] + text[k] + text[k + 2:]
    return re.sub(r"\s+", " ", text).strip(), told


def unseen(count=320):
    """Prompts with what they ask for: mostly held-out wordings, in combinations of scenes that are never trained."""
    r, out = random.Random(424242), []
    while len(out) < count:
        lab, _ = world.make(2_000_000 + len(out) * 7 + r.randrange(7))
        text, told = caption(lab, r, held=True)
        if len(told) >= 2 and len(text) < 160:
            out.append({"prompt": text, "expect": told})
    return out


def prompts():
    """The held-out prompts: `unseen` as it was when they were written (`text prompts`), so that what is measured stays comparable while phrases are added."""
    return json.loads((HERE / "prompts.json").read_text())


def known_words():
    """Every word of the grammar, for the message when a prompt names nothing that the model knows."""
    lists = [NOUN, WHERE, TIME, TIME_ADJ, WEATHER, CLEAR_BY_TIME, SUN, CAMERA, MOVER, ACTION, WAY, TREES, COLOUR]
    text = " ".join(" ".join(q.values()) for q in lists) + " " + " ".join([MOON, LIT, WHERE_BOAT])
    text += " " + " ".join(" ".join(q) for q in EXTRA.values())
    stop = set("a an the of in on at by with and to is it from as out up for no not does be into over under after while through within one some few two men new way side going coming across top block reveal truck".split())
    return sorted(set(re.findall(r"[a-z]+", text.lower())) - stop)


UNKNOWN = sorted(set(UNKNOWN) - set(known_words()))
