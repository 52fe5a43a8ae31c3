"""Language: labels in, captions out. A caption names only what can be seen, in many wordings.

An entry that begins with '*' is held out: training never uses that phrase (it may know the words of
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


NOUN = {
    "house": "house|home|farmhouse|villa|country house|family house|suburban house|residence|bungalow|little house|big house|detached house|mansion|homestead|dwelling",
    "cottage": "cottage|thatched cottage|small cottage|country cottage|stone cottage|fairy-tale cottage|quaint cottage|cosy cottage|thatched house",
    "cabin": "cabin|log cabin|wooden cabin|hut|wooden hut|lodge|mountain cabin|log house|shack|chalet|wooden lodge",
    "barn": "barn|farm barn|old barn|wooden barn|hay barn|farm building|big barn|stable|country barn",
    "church": "church|chapel|village church|small church|country church|church with a steeple|parish church|cathedral",
    "castle": "castle|medieval castle|fortress|old castle|stone castle|fairy-tale castle|palace|citadel|keep|chateau|fort",
    "lighthouse": "lighthouse|light house|lighthouse on a rock|striped lighthouse|old lighthouse|beacon|lighthouse tower|light tower",
    "windmill": "windmill|old windmill|dutch windmill|mill with turning sails|wind mill|rustic windmill|mill",
    "city": "city|city skyline|skyline|downtown|cityscape|skyscrapers|tall buildings|metropolis|big city|town with tall buildings|urban skyline|office towers|high-rises|apartment blocks|urban landscape",
    "forest": "forest|woods|woodland|trees|forest of tall trees|grove|deep forest|wood|thicket|dense woods",
    "beach": "beach|sea|ocean|seashore|shore|coast|seaside|waves on the shore|sandy beach|ocean waves|seascape|coastline|surf|lagoon",
    "mountains": "mountains|mountain range|mountain|peaks|snowy peaks|mountain landscape|alps|high mountains|rocky mountains|mountain valley|summits|alpine landscape|highlands",
    "meadow": "meadow|field|green field|grassland|grassy plain|pasture|countryside|green meadow|prairie|rolling fields|lawn|grassy field|farmland",
    "snow": "snow field|snowy landscape|snowy field|winter landscape|snow-covered plain|snowy plain|tundra|winter scene|frozen landscape|snowscape|icy plain|arctic landscape",
    "desert": "desert|sand dunes|dunes|sandy desert|desert with cacti|arid landscape|desert landscape|sahara|wasteland|badlands",
    "road": "road|country road|highway|empty road|long road|street|lane|asphalt road|country lane",
    "car": "car|automobile|sedan|vehicle|small car|family car|motor car|old car|auto|hatchback|taxi",
    "boat": "boat|sailboat|sailing boat|yacht|sail boat|ship|small boat|sailing ship|fishing boat|sailing yacht|vessel",
    "plane": "plane|airplane|aeroplane|jet|airliner|passenger plane|aircraft|passenger jet|jetliner|jumbo jet",
    "birds": "birds|flock of birds|seagulls|flying birds|birds in flight|geese|gulls|crows|swallows|wild geese",
    "people": "people|people walking|walkers|pedestrians|people out for a walk|friends walking|tourists|hikers|strollers|passers-by",
}
PLURAL = {"mountains", "birds", "people", "skyscrapers", "trees", "woods", "peaks", "alps", "dunes", "waves", "gulls", "geese",
          "crows", "seagulls", "walkers", "pedestrians", "tourists", "hikers", "buildings", "towers", "fields", "downtown",
          "countryside", "farmland", "surf", "summits", "highlands", "high-rises", "blocks", "swallows", "strollers", "passers-by",
          "walking", "flight", "walk", "badlands", "cacti", "shore", "grassland", "woodland"}
WHERE = {
    "meadow": "in a meadow|in a green field|on a grassy plain|in the countryside|on the grass|among green fields|in a pasture|*out in the fields|*on a lawn",
    "snow": "in the snow|in a snowy field|in a snowy landscape|in a winter landscape|on snow-covered ground|surrounded by snow|in deep snow|*in a white winter land|*amid snowdrifts",
    "desert": "in the desert|in a sandy desert|among sand dunes|surrounded by cacti|in an arid land|*in the sahara|*on the dunes",
    "beach": "by the sea|on a beach|at the seaside|on the coast|by the ocean|near the shore|on the shore|*at the waterfront|*by the waves",
    "forest": "in a forest|in the woods|among trees|surrounded by trees|at the edge of a forest|in a woodland|*deep in the woods|*between tall trees",
    "mountains": "in the mountains|below the mountains|with mountains in the background|in a mountain valley|at the foot of a mountain|in front of snowy peaks|*in the alps|*beneath high peaks",
    "city": "in the city|in a city street|downtown|in front of skyscrapers|with a skyline behind|in town|*in a metropolis|*amid tall buildings",
    "road": "by the road|beside a road|on a road|on a country road|along a highway|next to the road|*by the roadside|*on the highway",
}
WHERE_BOAT = "on the sea|on the water|on the ocean|at sea|sailing|on the waves|out on the sea|*on the open sea|*on calm water"
TIME = {
    "dawn": "at dawn|when the sun comes up|at sunrise|in the early morning|at daybreak|at first light|in morning light|*as the sun comes up|*early in the day",
    "day": "during the day|in daylight|at noon|by day|in the daytime|at midday|in the afternoon|*in broad daylight|*under a bright sky",
    "sunset": "at sunset|sundown|at evening glow|at dusk|in the evening|at golden hour|in warm evening light|as the sun goes down|in the golden hour|at twilight|*at sundown|*in the evening glow",
    "night": "at night|nighttime|darkness|by night|under a night sky|late at night|in the dark|at midnight|after dark|in the middle of the night|*at nighttime|*in darkness",
}
TIME_ADJ = {"dawn": "morning|dawn|sunrise|daybreak", "day": "daytime|day|midday", "sunset": "sunset|evening|dusk|golden hour|twilight",
            "night": "night|nighttime|midnight|nocturnal"}
WEATHER = {
    "clear": "clear sky|not cloudy|under a clear sky|clear weather|with a clear sky|cloudless|*not a cloud in the sky",
    "cloudy": "with clouds|some scattered clouds|cloudy sky|clouds drifting by|partly cloudy|under drifting clouds|with fluffy clouds|*scattered clouds",
    "overcast": "overcast|heavy grey clouds|leaden clouds|grey sky|under a grey sky|on an overcast day|gloomy weather|dull grey clouds|*leaden sky|*heavy clouds",
    "fog": "haze|mist|in fog|in the mist|foggy|misty|shrouded in fog|in thick fog|hazy|*in a haze|*wrapped in mist",
    "rain": "drizzle|downpour|pouring|in the rain|rain falling|rainy|rainy weather|it is raining|in heavy rain|rainfall|a rainy day|*pouring rain|*in a downpour|*drizzle",
    "snow": "blizzard|snowstorm|snow falling|in falling snow|snowing|it is snowing|in a snowfall|snowfall|snowflakes falling|snow flurries|*in a blizzard|*in a snowstorm",
}
CLEAR_BY_TIME = {"day": "sunny|sunlit|bright sunny weather|on a sunny day|in bright sunshine|sunshine|on a bright day|*sunlit|*beautiful sunny weather",
                 "night": "starlit|twinkling stars above|under the stars|under a starry sky|stars in the sky|starry night|with stars|*starlit|*twinkling stars"}
MOON = "by moonlight|under the moon|with the moon in the sky|moonlit|*in the light of the moon"
SUN = {"dawn": "with the sun rising|rising sun|*sun on the horizon", "sunset": "with a setting sun|sun low above the horizon|setting sun|*sinking sun",
       "day": "with the sun in the sky|*sun overhead"}
CAMERA = {
    "static": "static shot|stationary|camera does not move at all|locked-off camera|the camera is still|static camera|fixed camera|tripod shot|no camera movement|*stationary camera|*the camera does not move",
    "pan left": "pan left|sweep left|leftward|slow pan left|the camera pans left|panning left|camera pans to the left|pan to the left|camera moves left|*the camera sweeps left|*leftward pan",
    "pan right": "pan right|sweep right|rightward|slow pan right|the camera pans right|panning right|camera pans to the right|pan to the right|camera moves right|*the camera sweeps right|*rightward pan",
    "tilt up": "tilt up|upward|the camera tilts up|slow tilt up|camera tilting upwards|camera looks up|*upward tilt",
    "tilt down": "tilt down|downward|the camera tilts down|slow tilt down|camera tilting downwards|camera looks down|*downward tilt",
    "zoom in": "zoom in|dolly forward|pushes in|slow zoom in|the camera zooms in|push in|slow push in|zooming in|camera moves closer|*the camera pushes in|*dolly in",
    "zoom out": "zoom out|dolly back|pulls out|slow zoom out|the camera zooms out|pull back|slow pull back|zooming out|camera moves away|*the camera pulls out|*dolly out",
}
MOVER = {
    "car": "with a car driving by|a car drives past|a car passing|and a passing car|a car on the road|*an automobile going by",
    "boat": "with a boat on the water|and a sailboat|a sailboat passing by|a boat sailing past|*a yacht out at sea",
    "birds": "with birds in the sky|birds flying|birds flying by|a flock of birds passing|and flying birds|*seagulls overhead",
    "plane": "with a plane in the sky|a plane flying over|an airplane passing|and a plane overhead|*a jet crossing the sky",
    "smoke": "smoke rising from the chimney|with a smoking chimney|smoke from the chimney|chimney smoke|*smoke curling out of the chimney",
    "people": "with people walking|people walking by|with people|and people passing by|a few people walking|*with some pedestrians",
}
ACTION = {"car": "driving|travelling|heading {w}|driving {w}|moving {w}|going {w}|rolling {w}|*heading {w}|*travelling {w}",
          "boat": "sailing|sailing {w}|moving {w}|drifting {w}|gliding {w}|*heading {w}",
          "plane": "flying|soaring|flying {w}|in the sky|flying {w} across the sky|in flight|*soaring {w}",
          "birds": "flying|gliding|flying {w}|in the sky|flying {w} across the sky|*gliding {w}",
          "people": "walking|wandering|walking {w}|strolling {w}|going {w}|*wandering {w}"}
WAY = {"left": "to the left|toward left|left|from right to left|leftwards|*toward the left", "right": "to the right|toward right|right|from left to right|rightwards|*toward the right"}
TREES = {"pine": "with pine trees|with fir trees|pine trees|surrounded by pines|*and evergreens", "round": "with trees|and trees|with green trees|*with leafy trees",
         "palm": "with palm trees|palm trees|*and palms", "cactus": "with cacti|cactus|*and cactuses"}
LIT = "with lit windows|windows glowing|with the lights on|lights in the windows|warm light in the windows|*illuminated windows|*lamps lit inside"
OPEN = """establishing shot of|wide shot of|a view of|video of|cinematic shot of|footage of|shot of|film of|long shot of|a clip of|
a scene with|a beautiful view of|extreme wide shot of|a picture of|show me|exterior shot of|landscape with|*a film scene showing|*wide establishing shot of|*a moving image of""".replace("\n", "")
FILL = """35mm|cinematic|4k|8k|highly detailed|film grain|beautiful|photorealistic|moody|epic|masterpiece|shot on film|hdr|atmospheric|
dramatic|stunning|peaceful|calm|serene|high quality|anamorphic|golden ratio|slow|realistic|dreamy|award winning|*ultra hd|*shallow depth of field|
*imax|nostalgic|quiet|lonely|in the style of a postcard|storybook|illustration|animation|*trending""".replace("\n", "")
ADJ = "old|small|little|big|lonely|beautiful|pretty|quaint|rustic|tiny|large|lone|charming|distant|quiet|solitary|picturesque"
COLOUR = {"red": "red|bright red|crimson|dark red|scarlet|ruby red", "blue": "blue|dark blue|navy|azure|light blue|cobalt", "white": "white|whitewashed|snow-white|ivory",
          "yellow": "yellow|bright yellow|golden yellow|lemon yellow", "green": "green|dark green|olive|emerald", "brown": "brown|dark brown|wooden brown|chestnut",
          "pink": "pink|rose|light pink|salmon pink", "grey": "grey|gray|stone grey|silver|ashen", "orange": "orange|bright orange|tangerine", "black": "black|dark|jet-black|ebony"}
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


def prompts(count=320):
    """Held-out prompts with what they ask for: unused wordings in combinations of unused scenes."""
    r, out = random.Random(424242), []
    while len(out) < count:
        lab, _ = world.make(2_000_000 + len(out) * 7 + r.randrange(7))
        text, told = caption(lab, r, held=True)
        if len(told) >= 2 and len(text) < 160:
            out.append({"prompt": text, "expect": told})
    return out


def known_words():
    """Every word of the grammar, for the message when a prompt names nothing that the model knows."""
    lists = [NOUN, WHERE, TIME, TIME_ADJ, WEATHER, CLEAR_BY_TIME, SUN, CAMERA, MOVER, ACTION, WAY, TREES, COLOUR]
    text = " ".join(" ".join(q.values()) for q in lists) + " " + " ".join([MOON, LIT, WHERE_BOAT])
    text += " " + " ".join(" ".join(q) for q in EXTRA.values())
    stop = set("a an the of in on at by with and to is it from as out up for no not does be into over under after".split())
    return sorted(set(re.findall(r"[a-z]+", text.lower())) - stop)
