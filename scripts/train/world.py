"""Scenes: a seed in, labels and paint parameters out. No pixels and no words here.

`make(seed)` gives (labels, params): labels say what a viewer can see (language and evaluation use
them), params are the numbers that pixels.py and objects.py read, packed in the order of NAMES.
"""
import random

DURATION = 15.0

TIMES = ["dawn", "day", "sunset", "night"]
WEATHERS = ["clear", "cloudy", "overcast", "fog", "rain", "snow"]
SETTINGS = ["meadow", "snow", "desert", "beach", "forest", "mountains", "city", "road"]
BUILDINGS = ["house", "cottage", "cabin", "barn", "church", "castle", "lighthouse", "windmill"]
PLACES = ["city", "forest", "beach", "mountains", "meadow", "snow", "desert", "road"]
ACTORS = ["car", "boat", "plane", "birds", "people"]
SUBJECTS = BUILDINGS + PLACES + ACTORS
MOVERS = ["none", "car", "boat", "birds", "plane", "smoke", "people"]
CAMERAS = ["static", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out"]
COLOURS = {"red": (0.74, 0.17, 0.15), "blue": (0.20, 0.38, 0.72), "white": (0.93, 0.92, 0.89),
           "yellow": (0.93, 0.76, 0.25), "green": (0.25, 0.52, 0.30), "brown": (0.47, 0.31, 0.20),
           "pink": (0.92, 0.58, 0.66), "grey": (0.56, 0.57, 0.60), "orange": (0.91, 0.50, 0.18),
           "black": (0.13, 0.13, 0.15)}
LABELS = {"subject": SUBJECTS, "setting": SETTINGS, "time": TIMES, "weather": WEATHERS,
          "colour": ["none"] + list(COLOURS), "mover": MOVERS, "way": ["none", "left", "right"],
          "camera": CAMERAS}

_scalars = """seed f0 zoom0 zoomv hz0 hzv ux0 uxv cx0 cxv hc fog night lside
sunx sune orb_on orb_size glow moon phase stars glitter cloud cloud_on cloudx wind breeze
mount_on mamp mseed msnow hills_on hamp hseed htrees city_on citysize citylit
dunes flowers rec_on lat_on latz roadx roadbend roadsnow sea_on shorez
subx subz subw subl subh subr subrock mirror chimney sublit atticlit roofsnow shad shadx shadw
smokex smokey frost rain snow
carx carv carz boatx boatv boatz boats birdx birdv birde birdn birds_size birdwhite
planex planev planee planes peoplex peoplev peoplez peoplen""".split()
_colours = """zen mid hor orb amb sun cdark clight rock hill gra grb water leaf subc subroof door
carc boatc sailc tint""".split()
NAMES = (_scalars + [f"{n}_{k}" for n in _colours for k in "rgb"]
         + [f"tr{i}_{n}" for i in range(4) for n in ("z", "cell", "h", "dens", "gap")] + ["row"])
INDEX = {n: i for i, n in enumerate(NAMES)}

# zenith, middle, horizon, ambient, direct light, cloud shadow, cloud light
PALETTE = {
    "day": ((.16, .38, .78), (.42, .65, .92), (.78, .88, .96), (.44, .49, .56), (.66, .63, .56), (.70, .76, .84), (1., 1., 1.)),
    "dawn": ((.36, .46, .70), (.74, .68, .78), (1., .82, .68), (.46, .42, .47), (.50, .37, .30), (.62, .56, .68), (1., .86, .80)),
    "sunset": ((.17, .18, .42), (.66, .36, .42), (1., .62, .28), (.34, .27, .33), (.58, .32, .16), (.38, .24, .36), (1., .66, .42)),
    "night": ((.016, .03, .10), (.045, .08, .20), (.11, .16, .30), (.18, .225, .345), (.17, .21, .30), (.04, .055, .115), (.17, .21, .32)),
}
GREY = {"day": (.66, .69, .72), "dawn": (.68, .66, .68), "sunset": (.54, .45, .47), "night": (.12, .145, .20)}
ORB = {"day": (1., .99, .93), "dawn": (1., .90, .74), "sunset": (1., .86, .55), "night": (.95, .94, .86)}
GROUND = {"meadow": ((.24, .42, .15), (.47, .60, .24)), "snow": ((.80, .85, .93), (.97, .98, 1.)),
          "desert": ((.72, .52, .29), (.93, .76, .48)), "beach": ((.78, .67, .46), (.93, .84, .63)),
          "forest": ((.20, .30, .13), (.36, .42, .20)), "mountains": ((.30, .42, .20), (.50, .56, .30)),
          "city": ((.36, .37, .38), (.50, .50, .50)), "road": ((.30, .45, .18), (.52, .58, .27))}
HILL = {"meadow": (.36, .52, .24), "snow": (.86, .90, .97), "desert": (.80, .58, .36), "beach": (.38, .50, .30),
        "forest": (.20, .36, .18), "mountains": (.33, .45, .26), "city": (.38, .45, .36), "road": (.40, .52, .27)}


def blend(a, b, k):
    return tuple(p + (q - p) * k for p, q in zip(a, b))


def pick(r, table):
    return r.choices(list(table), list(table.values()))[0]


def choose(r):
    """What the scene shows."""
    weights = {s: 1.0 for s in SUBJECTS} | {"house": 3.0, "car": 1.6, "boat": 1.6, "cabin": 1.3, "city": 1.4,
                                            "beach": 1.3, "mountains": 1.3, "forest": 1.3}
    subject = pick(r, weights)
    if subject in PLACES:
        setting = subject
    elif subject in ("lighthouse", "boat"):
        setting = "beach"
    elif subject == "car":
        setting = pick(r, {"road": 5, "city": 3, "desert": 1.2, "snow": 1.2})
    elif subject in ("plane", "birds"):
        setting = pick(r, {s: 1 for s in SETTINGS})
    elif subject == "people":
        setting = pick(r, {"meadow": 1, "snow": 1, "beach": 2, "city": 2, "road": 1, "desert": .7})
    elif subject == "castle":
        setting = pick(r, {"meadow": 2, "mountains": 2, "snow": 1, "forest": 1, "desert": .5, "beach": .5})
    else:
        setting = pick(r, {"meadow": 4, "snow": 3, "desert": 1.2, "beach": 1.2, "forest": 2, "mountains": 2, "road": 2})
    time = pick(r, {"dawn": 1, "day": 2, "sunset": 1.5, "night": 1.6})
    weather = pick(r, {"clear": 3, "cloudy": 2, "overcast": 1.1, "fog": 1, "rain": 1.2, "snow": 1.0})
    if setting == "snow" and weather == "rain":
        weather = "snow"
    if setting == "desert" and weather in ("rain", "snow", "fog"):
        weather = r.choice(["clear", "cloudy"])
    if subject in ("plane", "birds") and weather in ("fog",):
        weather = "clear"
    camera = pick(r, {"static": 2.4, "pan left": 2, "pan right": 2, "tilt up": 1, "tilt down": 1, "zoom in": 2, "zoom out": 2})
    colour = "none"
    if subject in ("house", "cottage"):
        colour = pick(r, {"red": 2, "blue": 2, "white": 2, "yellow": 1.6, "green": 1.3, "brown": 1, "pink": 1, "grey": 1, "orange": .8, "black": .5})
    elif subject == "barn":
        colour = pick(r, {"red": 3, "white": 1, "brown": 1, "green": .5, "blue": .5, "grey": .5})
    elif subject == "cabin":
        colour = "brown"
    elif subject == "church":
        colour = pick(r, {"white": 3, "grey": 1, "brown": .5, "yellow": .4})
    elif subject == "castle":
        colour = pick(r, {"grey": 3, "brown": .6, "white": .7, "black": .3})
    elif subject == "lighthouse":
        colour = pick(r, {"red": 3, "blue": 1, "black": .6, "green": .5})
    elif subject == "windmill":
        colour = pick(r, {"white": 2, "brown": 1, "grey": 1, "red": .5})
    elif subject in ("car", "boat"):
        colour = pick(r, {"red": 2, "blue": 1.6, "white": 1.4, "yellow": 1.3, "green": 1, "black": .8, "orange": .8, "pink": .4, "grey": .6})
    movers = []
    if subject in ACTORS:
        movers.append(subject)
    elif subject in ("house", "cottage", "cabin") and r.random() < .38:
        movers.append("smoke")
    elif r.random() < .42:
        options = {"birds": 1.4, "plane": .5}
        if setting in ("road", "city"):
            options |= {"car": 2.2, "people": 1}
        if setting == "beach":
            options |= {"boat": 1.6, "people": .9}
        if setting in ("meadow", "snow", "desert"):
            options |= {"people": .9}
        if weather == "fog":
            options.pop("birds"), options.pop("plane")
        if options:
            movers.append(pick(r, options))
    way = r.choice(["left", "right"]) if movers and movers[0] != "smoke" else "none"
    return {"subject": subject, "setting": setting, "time": time, "weather": weather, "colour": colour,
            "mover": movers[0] if movers else "none", "way": way, "camera": camera}


def light(r, lab, p):
    time, weather = lab["time"], lab["weather"]
    zen, mid, hor, amb, sun, cd, cl = PALETTE[time]
    jitter = [r.uniform(-.03, .03) for _ in range(3)]
    zen, mid = (tuple(max(0, c + j * (.3 if time == "night" else 1)) for c, j in zip(q, jitter)) for q in (zen, mid))
    grey = {"clear": 0, "cloudy": .15, "overcast": .9, "fog": .85, "rain": .9, "snow": .75}[weather]
    g = GREY[time]
    zen, mid = blend(zen, tuple(c * .84 for c in g), grey), blend(mid, tuple(c * .95 for c in g), grey)
    hor = blend(hor, tuple(min(1, c * 1.06) for c in g), grey)
    if grey > .5:
        k = {"night": .9, "sunset": .75}.get(time, 1)
        amb = blend(amb, tuple(sum(amb) / 3 * 1.28 * c for c in (.98, 1, 1.03)), .8)
        sun = tuple(c * .25 * k for c in sun)
        cd, cl = blend(cd, tuple(c * .72 for c in g), .8), blend(cl, tuple(min(1, c * 1.12) for c in g), .8)
    p["night"] = {"night": 1, "sunset": .45, "dawn": .2, "day": 0}[time]
    p["sunx"] = r.uniform(-.55, .55)
    p["sune"] = {"day": r.uniform(.36, .58), "dawn": r.uniform(.05, .14), "sunset": r.uniform(.04, .13), "night": r.uniform(.26, .46)}[time]
    p["lside"] = 1.0 if p["sunx"] > 0 else -1.0
    visible = {"clear": .9, "cloudy": .7, "overcast": 0, "fog": .15, "rain": 0, "snow": .1}[weather]
    p["orb_on"] = 1.0 if r.random() < visible * (.75 if time == "day" else 1) else 0.0
    p["orb_size"] = {"day": .040, "dawn": .055, "sunset": .062, "night": .048}[time] * r.uniform(.85, 1.2)
    p["glow"] = {"day": .9, "dawn": 1.1, "sunset": 1.25, "night": .45}[time] * (1 - .8 * (grey > .5)) * p["orb_on"]
    p["moon"] = 1.0 if time == "night" else 0.0
    p["phase"] = r.choice([2.0, .55, .8, -.55, 2.0])
    p["stars"] = 1.0 if time == "night" and weather in ("clear", "cloudy") else 0.0
    p["glitter"] = {"day": .55, "dawn": .8, "sunset": .95, "night": .6}[time]
    p["cloud"] = {"clear": r.uniform(.12, .3), "cloudy": r.uniform(.45, .62), "overcast": r.uniform(.8, 1.0), "fog": .5, "rain": r.uniform(.85, 1.05), "snow": r.uniform(.6, .9)}[weather]
    p["cloud_on"] = {"clear": float(r.random() < .6), "fog": .25}.get(weather, 1.0)
    p["cloudx"] = r.random()
    p["wind"] = r.choice([-1, 1]) * r.uniform(.006, .02)
    p["fog"] = {"fog": r.uniform(1 / 42, 1 / 26), "rain": 1 / 220, "snow": 1 / 200, "overcast": 1 / 420}.get(weather, 1 / r.uniform(420, 700))
    p["rain"] = 1.0 if weather == "rain" else 0.0
    p["snow"] = r.uniform(.5, .8) if weather == "snow" else 0.0
    for name, c in (("zen", zen), ("mid", mid), ("hor", hor), ("amb", amb), ("sun", sun), ("cdark", cd), ("clight", cl), ("orb", ORB[time])):
        p[name] = c
    p["tint"] = {"day": (1.02, 1.01, .99), "dawn": (1.03, 1, 1), "sunset": (1.05, .99, .95), "night": (.98, 1, 1.06)}[time]


def camera(r, lab, p):
    cam, k = lab["camera"], r.uniform(.8, 1.25)
    p["f0"], p["hc"] = r.uniform(1.12, 1.28), r.uniform(2.3, 3.0)
    p["hz0"] = r.uniform(.09, .17)
    half = DURATION / 2
    p["zoom0"] = r.uniform(-.04, .08)
    if cam in ("pan left", "pan right"):
        side = -1 if cam == "pan left" else 1
        p["uxv"], p["cxv"] = side * .036 * k, side * .16 * k
        p["ux0"], p["cx0"] = -p["uxv"] * half * r.uniform(.8, 1.1), -p["cxv"] * half
    elif cam in ("tilt up", "tilt down"):
        side = 1 if cam == "tilt up" else -1
        p["hzv"] = side * .019 * k
        p["hz0"] = .13 - p["hzv"] * half * .9
    elif cam == "zoom in":
        p["zoomv"], p["zoom0"] = .034 * k, r.uniform(-.14, -.04)
    elif cam == "zoom out":
        p["zoomv"], p["zoom0"] = -.034 * k, r.uniform(.34, .44)


def land(r, lab, p):
    setting = lab["setting"]
    a, b = GROUND[setting]
    j = 1 + r.uniform(-.08, .08)
    p["gra"], p["grb"] = tuple(c * j for c in a), tuple(min(1, c * j) for c in b)
    p["dunes"] = {"desert": .8, "snow": .12, "beach": .15}.get(setting, .06)
    p["flowers"] = r.choice([0, .12, .25]) if setting == "meadow" and lab["weather"] != "snow" else 0
    p["hill"] = tuple(c * (1 + r.uniform(-.1, .1)) for c in HILL[setting])
    p["hills_on"] = {"city": 0, "beach": float(r.random() < .35), "snow": 1, "mountains": 1}.get(setting, float(r.random() < .85))
    p["hamp"], p["hseed"] = r.uniform(.05, .12), r.random()
    p["htrees"] = {"forest": 2.2, "desert": 0, "snow": .5}.get(setting, 1.0)
    p["mount_on"] = 1.0 if setting == "mountains" else float(r.random() < {"city": .15, "beach": .15, "desert": .3, "snow": .4}.get(setting, .25))
    p["mamp"] = r.uniform(.34, .48) if setting == "mountains" else r.uniform(.10, .20)
    if lab["subject"] in BUILDINGS and setting == "mountains":
        p["mamp"] = r.uniform(.30, .40)
    p["mseed"] = r.random()
    p["msnow"] = {"desert": 0, "snow": .85}.get(setting, r.uniform(.25, .55))
    p["rock"] = (.56, .38, .28) if setting == "desert" else blend((.34, .36, .44), (.42, .38, .36), r.random())
    p["water"] = blend((.05, .20, .34), (.08, .34, .40), r.random())
    if setting == "beach":
        p["sea_on"] = 1.0
        p["shorez"] = r.uniform(8.5, 12) if lab["subject"] not in BUILDINGS else r.uniform(24, 30)
        if lab["subject"] in ("boat", "lighthouse"):
            p["shorez"] = r.uniform(6.5, 9)
        if lab["mover"] == "people":
            p["shorez"] = r.uniform(14, 16)
    if setting == "mountains" and lab["subject"] not in BUILDINGS and r.random() < .4:      # a lake
        p["sea_on"], p["shorez"] = 1.0, r.uniform(8, 11)
        p["mount_on"] = 1.0
    p["city_on"] = 1.0 if setting == "city" else 0.0
    p["citysize"], p["citylit"] = r.uniform(.75, 1.25), {"night": .55, "sunset": .35, "dawn": .15, "day": .0}[lab["time"]]
    if setting == "road":
        rec = lab["subject"] in PLACES and lab["mover"] != "car"
        p["rec_on"], p["lat_on"] = float(rec), float(not rec)
    elif setting == "city" or lab["mover"] == "car":
        p["lat_on"] = 1.0
    p["latz"] = r.uniform(10.6, 11.8)
    p["roadx"], p["roadbend"] = r.uniform(-1, 1), r.uniform(-2.5, 2.5)
    white = setting == "snow" or lab["weather"] == "snow"
    if white and setting not in ("beach", "city"):
        p["gra"], p["grb"] = GROUND["snow"]
        p["hill"] = HILL["snow"]
    p["roadsnow"] = p["frost"] = float(white)


def subject(r, lab, p):
    s, setting = lab["subject"], lab["setting"]
    white = setting == "snow" or lab["weather"] == "snow"
    p["subz"], p["subx"] = r.uniform(17, 20), r.uniform(-2.2, 2.2)
    p["mirror"] = r.choice([-1.0, 1.0])
    p["roofsnow"] = float(white)
    lit = {"night": .92, "sunset": .6, "dawn": .25, "day": 0}[lab["time"]]
    if lab["time"] == "day" and lab["weather"] in ("rain", "fog", "overcast", "snow"):
        lit = .3
    p["sublit"] = float(r.random() < lit and s in BUILDINGS)
    p["atticlit"] = p["sublit"] * float(r.random() < .5)
    p["door"] = r.choice([(.42, .26, .16), (.60, .16, .14), (.18, .30, .42), (.20, .34, .24)])
    if s in COLOURED and lab["colour"] != "none":
        c = COLOURS[lab["colour"]]
        p["subc"] = tuple(max(0.02, min(1, q * r.uniform(.94, 1.06))) for q in c)
    roofs = [(.42, .18, .14), (.28, .28, .32), (.36, .25, .18), (.24, .32, .44), (.50, .30, .20)]
    p["subroof"] = r.choice(roofs)
    size = {"house": (4.6, 6.8, 3.4, 2.6), "cottage": (4.0, 5.0, 2.5, 2.5), "cabin": (4.4, 4.8, 2.5, 2.1),
            "barn": (5.6, 6.4, 3.6, 3.0), "church": (4.4, 7.4, 3.6, 3.0), "castle": (5, 7, 8, 1),
            "lighthouse": (2, 2, 8.6, 1), "windmill": (3.6, 1, 6.4, 1)}.get(s, (0, 0, 1, 1))
    k = r.uniform(.9, 1.12)
    p["subw"], p["subl"], p["subh"], p["subr"] = (q * k for q in size)
    p["subl"] *= r.uniform(.85, 1.1)
    if s == "cottage":
        p["subroof"] = r.choice([(.62, .50, .28), (.55, .42, .24), (.42, .20, .15)])
    if s == "cabin":
        p["subroof"] = r.choice([(.30, .22, .17), (.26, .28, .27), (.36, .25, .18)])
    if s in ("church", "windmill"):
        p["subz"] = r.uniform(21, 24)
    if s == "castle":
        p["subz"], p["subx"] = r.uniform(26, 31), r.uniform(-2, 2)
        p["subroof"] = r.choice([(.24, .30, .46), (.48, .20, .17), (.30, .30, .34)])
    if s == "lighthouse":
        p["subz"], p["subx"], p["subrock"] = r.uniform(21, 25), r.uniform(-4, 4), 1.0
    p["shad"] = float(s in BUILDINGS and s != "lighthouse") * (.25 + .75 * p["orb_on"]) * (1 if lab["time"] != "night" else .5)
    p["shadw"] = (p["subw"] + p["subl"]) / 2 if s not in ("windmill", "castle") else (1.9 if s == "windmill" else 6 * k)
    p["shadx"] = -p["lside"] * {"day": 1.5, "night": 1.5}.get(lab["time"], 5.0)
    p["chimney"] = float(s in ("house", "cottage", "cabin") and (lab["mover"] == "smoke" or r.random() < .6))
    left = -(p["subw"] + p["subl"]) / 2
    chx = left + p["subw"] / 2 + p["subl"] * .42 + .4
    p["smokex"], p["smokey"] = p["subx"] + p["mirror"] * chx, p["subh"] + p["subr"] + .95


COLOURED = set(BUILDINGS)


def plants(r, lab, p):
    """Up to four rows of trees, far to near. Returns their kind, one for the whole scene."""
    s, setting = lab["subject"], lab["setting"]
    kind = {"beach": "palm", "desert": "cactus"}.get(setting) or (
        "pine" if setting in ("snow", "mountains") or s == "cabin" or r.random() < .4 else "round")
    if s == "lighthouse" or (setting == "beach" and lab["mover"] == "boat"):
        return "none", 0
    dens = {"forest": .95, "meadow": r.choice([0, .12, .3]), "snow": r.choice([0, .2, .4]), "desert": r.choice([.2, .4]),
            "beach": r.choice([0, .25]), "mountains": r.choice([.15, .35, .6]), "city": r.choice([0, .4]), "road": r.choice([.15, .4])}[setting]
    if s in ("plane", "birds"):
        dens *= .5
    h = {"pine": 6.8, "round": 6.0, "palm": 6.5, "cactus": 3.0}[kind]
    centre = p["shadw"] + 1.0 if s in BUILDINGS else (0 if setting == "forest" else 2.5)
    if setting == "forest":
        rows = [(58, .9), (40, .95), (28, .8), (19 if s not in BUILDINGS else 15.5, .4)]
    else:
        rows = [(52, dens), (34, dens), (23.5, dens * .8), (15.5, dens * .35)]
    if setting == "city":
        rows, h = [(17, dens), (13.4, dens * .7)], 3.6
    if setting == "beach":
        rows = [(p["shorez"] - .3, dens), (max(7.0, p["shorez"] - 3), dens * .6)] if p["shorez"] > 8 else []
    for i, (z, d) in enumerate(rows):
        p[f"tr{i}_z"], p[f"tr{i}_cell"], p[f"tr{i}_h"], p[f"tr{i}_dens"] = z, h * r.uniform(.55, .7), h * r.uniform(.9, 1.15), d
        behind = z > p["subz"] + 1
        p[f"tr{i}_gap"] = centre * (.3 if behind and setting == "forest" else 1) + (h * .2 if not behind else 0)
        if lab["mover"] in ("car", "people") and z < 16 or p["rec_on"]:
            p[f"tr{i}_gap"] = max(p[f"tr{i}_gap"], 5.5)
    if kind == "pine":
        p["leaf"] = blend((.16, .34, .20), (.20, .40, .26), r.random())
    elif kind == "round":
        p["leaf"] = blend((.26, .46, .16), (.38, .52, .18), r.random())
    else:
        p["leaf"] = (.28, .52, .24) if kind == "palm" else (.26, .46, .26)
    if setting == "forest":
        p["leaf"] = tuple(c * .9 for c in p["leaf"])
    return kind, len(rows)


def actors(r, lab, p):
    m, side = lab["mover"], -1 if lab["way"] == "left" else 1
    main = lab["subject"] == m
    c = COLOURS[lab["colour"] if main and lab["colour"] != "none" else r.choice(list(COLOURS))]
    # a scene lasts 15 s; a main actor stays in the picture all the while, a passer-by crosses it
    pan = p.get("uxv", 0) / p["f0"]
    if m == "car":
        p["carz"], p["carc"] = p["latz"] + r.uniform(-.5, .5) - side * .8, c
        follow = pan * p["carz"] + p.get("cxv", 0)
        p["carv"] = side * r.uniform(.45, .65) + (follow if main else 0) if main else side * r.uniform(1.6, 2.6)
        if p["carv"] * side <= 0.25:
            p["carv"] = side * .3
        p["carx"] = -p["carv"] * DURATION / 2 + r.uniform(-.6, .6) if main else -p["carv"] * r.uniform(1, 5) + r.uniform(-1, 1)
    if m == "boat":
        p["boatz"] = r.uniform(26, 34) if main else r.uniform(36, 55)
        p["boats"] = r.uniform(.95, 1.25)
        p["boatv"] = side * r.uniform(.5, .85)
        p["boatx"] = -p["boatv"] * DURATION / 2 + r.uniform(-1.5, 1.5) + (0 if main else r.choice([-6, 6]))
        p["boatc"], p["sailc"] = c if main else COLOURS[r.choice(["red", "brown", "blue", "white"])], (.96, .95, .91)
        if main:
            p["sailc"] = c if r.random() < .5 else (.96, .95, .91)
    if m == "birds":
        p["birdn"] = r.choice([1, 3, 4, 5]) if not main else r.choice([3, 4, 5])
        p["birdv"] = side * r.uniform(.030, .05)
        p["birdx"] = -p["birdv"] * DURATION / 2 + r.uniform(-.1, .1)
        p["birde"], p["birds_size"] = r.uniform(.2, .38), r.uniform(2.5, 3.4) if main else r.uniform(1.6, 2.1)
        p["birdwhite"] = float(lab["time"] == "night" or (lab["setting"] == "beach" and r.random() < .7))
    if m == "plane":
        p["planes"] = r.uniform(1.9, 2.6) if main else r.uniform(1.1, 1.6)
        p["planev"] = side * r.uniform(.035, .06)
        p["planex"], p["planee"], p["carc"] = -p["planev"] * DURATION / 2, r.uniform(.24, .38), c
    if m == "people":
        p["peoplen"] = r.choice([1, 2, 3])
        p["peoplez"] = r.uniform(9.2, 10.0) if main else r.uniform(10.4, 12.0)
        p["peoplev"] = side * r.uniform(.22, .34) if main else side * r.uniform(.3, .5)
        p["peoplex"] = -p["peoplev"] * DURATION / 2 + r.uniform(-.5, .5)


def make(seed):
    r = random.Random(seed)
    lab, p = choose(r), {}
    light(r, lab, p)
    camera(r, lab, p)
    land(r, lab, p)
    for name in ("subx", "subz", "shadw", "rec_on"):
        p.setdefault(name, 0.0)
    subject(r, lab, p)
    kind, rows = plants(r, lab, p)
    actors(r, lab, p)
    p["seed"] = float(r.randrange(4096))
    p["breeze"] = random.Random(f"breeze {seed}").uniform(.5, 1.4)
    lab = dict(lab, trees=kind if any(p.get(f"tr{i}_dens", 0) > .1 for i in range(rows)) else "none",
               lit=bool(p["sublit"]) and lab["subject"] in BUILDINGS, orb=bool(p["orb_on"]), stars=bool(p["stars"]),
               hills=bool(p.get("hills_on")), mounts=bool(p.get("mount_on")), lake=lab["setting"] == "mountains" and bool(p.get("sea_on")),
               flowers=p.get("flowers", 0) > 0, rows=rows, kind=kind)
    packed = [0.0] * len(NAMES)
    for name, value in p.items():
        if isinstance(value, tuple):
            for k, q in zip("rgb", value):
                packed[INDEX[f"{name}_{k}"]] = q
        else:
            packed[INDEX[name]] = float(value)
    return lab, packed
