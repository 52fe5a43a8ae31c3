"""The corpus of job files on which configs/job.schema.json and the parser must agree.

make   writes tests/data/job_corpus.json from the cases below; each verdict is written by hand here
check  compares the schema with the verdicts (needs the jsonschema package); the parser is compared
       by tests/unit/jobs/job_corpus_test.cpp
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/data/job_corpus.json"
cases = []


def case(name, text, schema, parser=None, where=None):
    """schema, parser: accepted or not. where: "line:column" of the parser's first error."""
    entry = {"name": name, "text": text, "schema": schema}
    if parser is not None:
        entry["parser"] = parser
    if where:
        entry["where"] = where
    cases.append(entry)


def doc(jobs=None, **top):
    base = {"genvid": 1}
    base.update(top)
    base["jobs"] = [{"prompt": "a house"}] if jobs is None else jobs
    return json.dumps({k: v for k, v in base.items() if v is not ...})


def job(**values):
    return doc([{"prompt": "a house", **values}])


def values():
    """(key, good values, bad values)"""
    path_bad = ["", 1, None, True, [], {}, "a\0b"]
    template_bad = ["", "/a.mp4", "../a.mp4", "a/../b.mp4", "a/./b.mp4", "a//b.mp4", "a/", "..",
                    "{x}.mp4", "{id.mp4", "id}.mp4", "{}.mp4", "{{id}}.mp4", 3, None]
    template_good = ["a.mp4", "x/{id}.mp4", "{id}-{seed}-{index}-{hash8}.mkv", "a..b.mp4", "..a"]
    dtype = (["auto", "fp32", "bf16"], ["fp16", "FP32", "", 32, None])
    return [
        ("prompt", ["x", "é" * 10, " a ", "a\nb"], ["", " ", "\t\n", 1, None, ["x"], "a\0"]),
        ("negative_prompt", ["", "blurry"], [1, None, "\0"]),
        ("prompt_at", ["5s a boat", "5s a boat\n\n8.5 night\n", "", "cut 5s a boat\n 8s cut grass"],
         [5, None, "\0", "a boat", "5s", "-1s a boat", "five a boat", "5s a boat\n8s", "1e1s a",
          "cut 5s", "cut a boat", "cut5s a boat"]),
        ("model", ["models/genvid-tiny", "x"], path_bad),
        ("output", template_good, template_bad),
        ("seconds", [0.001, 1, 10, 100000, 2.5, 1e1], [0, -1, 0.0009, 100000.1, "1", None, True]),
        ("num_frames", [1, 81, 100000, 5.0], [0, -1, 1.5, 100001, "9", None]),
        ("size", ["832x480", "16x16", "8192x8192"],
         ["15x16", "8193x16", "832X480", "832x", "x480", "832", "0832x480", "832x480x3", " 16x16",
          "-16x16", "", 832, None, [832, 480]]),
        ("fps", [1, 24, 23.976, 240, "24000/1001", "30000/1001"],
         [0, 0.5, 241, "24", "24/1", "1/0", "", None, True]),
        ("image", ["a.png", "../a.png", "/x/a.png"], path_bad),
        ("input_reference", ["a.png"], ["", 1]),
        ("last_image", ["a.png"], ["", 1]),
        ("extend", ["a.mp4"], ["", 1]),
        ("only_new", [True, False], ["true", 1, None]),
        ("num_inference_steps", [1, 1000, 4.0], [0, 1001, 2.5, "4", None]),
        ("guidance_scale", [0, 1, 5.5, 100], [-0.1, 100.5, "5", None]),
        ("guidance_scale_2", [0, 100], [-1, 101]),
        ("flow_shift", [0.001, 3, 1000], [0, 1001, "3"]),
        ("scheduler", ["unipc", "euler"], ["Euler", "ddim", "", 1, None]),
        ("seed", [0, 42, 2**53 - 1, 1e3], [-1, 2**53, 2**63, 2**64, 1e300, 0.5, "1", None]),
        ("device", ["auto", "cpu", "cuda", "cuda:0", "cuda:99"],
         ["gpu", "cuda:", "cuda:01", "cuda:100", "cuda:-1", "", 0]),
        ("dtype", *dtype),
        ("vae_dtype", *dtype),
        ("threads", [0, 1, 1024], [-1, 1025, 1.5]),
        ("noise", ["philox", "torch"], ["cpu", ""]),
        ("best_of", [1, 4, 64], [0, 65, 1.5, "2", None]),
        ("rollout", ["auto", "window", "overlap", "loop", "continue", "extend", "diffusion-forcing", "causal"],
         ["Auto", "ring", "", 1, None, True]),
        ("overlap_history", [1, 17, 100000], [0, 100001, 1.5, "17"]),
        ("causal_block_size", [1, 1024], [0, 1025, 2.5]),
        ("ar_step", [0, 5, 1000], [-1, 1001, 0.5]),
        ("addnoise_condition", [0, 20.5, 1000], [-1, 1000.5, "20"]),
        ("init_latents", ["a.safetensors"], ["", 1]),
        ("save_latents", ["{id}.safetensors"], ["../x", "/x", 1]),
        ("codec", ["h264", "prores_ks"], ["", "a b", "x" * 65, 1]),
        ("crf", [0, 18, 63], [-1, 64, 18.5, "18"]),
        ("bitrate", [1000, 4000000, 1e9], [0, 999, 1e9 + 1, 1500.5, "4M", None]),
        ("pix_fmt", ["yuv420p"], ["", "yuv 420", 1]),
        ("preset", ["slow", "8"], ["", "very slow", 8]),
        ("encoder_options", ["tune=film", "a=b;c=d"], [1, None, "a=\0"]),
        ("output_size", ["480x270", "64x64"], ["480", "15x16", 480, None]),
        ("output_fps", [12, "30000/1001"], [0, 241, "12", None]),
        ("preview", ["{id}.png"], ["../x.png", "/x.png", "", 1]),
        ("watermark", [True, False], ["true", 0, None]),
        ("sign", ["key.pem", "/x/key.pem"], path_bad),
        ("cert", ["chain.pem"], path_bad),
        ("keep_unsigned", [True, False], ["true", 0, None]),
        ("history", [True, False], ["no", 1, None]),
        ("embed_prompt", [True, False], ["yes", 1, None]),
        ("credits", ["Directed by A. Person", "A\nB"], ["", " ", 1, None, ["A"]]),
        ("likeness_consent", ["A. Person agreed on 2026-10-01"], ["", "\n", 1, None, ["A"]]),
    ]


def make_values():
    for key, good, bad in values():
        partner = {"width": {"height": 64}, "height": {"width": 64}}.get(key, {})
        for i, value in enumerate(good):
            case(f"{key} good {i}", job(**partner, **{key: value}), True)
        for i, value in enumerate(bad):
            case(f"{key} bad {i}", job(**partner, **{key: value}), False)
        case(f"{key} in defaults", doc(defaults={key: good[0]}), True)
        case(f"{key} bad in defaults", doc(defaults={key: bad[0]}), False)
        case(f"{key} swept", job(sweep={key: good[:2]}), True)
        case(f"{key} swept badly", job(sweep={key: [good[0], bad[0]]}), False)
        case(f"{key} in the wrong place", doc(**{key: good[0]}), False)
    for key in ("width", "height"):
        for value, good in ((16, True), (8192, True), (15, False), (8193, False), ("64", False)):
            case(f"{key} {value}", job(**{"width": 64, "height": 64, key: value}), good)


def make_prompt_times():
    for text in ("0s a boat", "5s a boat\n5s night", "5s a boat\n4s night", "1.2.3 a"):
        case(f"prompt_at {text[:9]!r}...", job(prompt_at=text), True, False)


def make_jobs():
    for value in ("a", "A1._-", "0", "x" * 128):
        case(f"id {value[:8]}", job(id=value), True)
    for value in ("", "-a", ".a", "_a", "a b", "a/b", "..", "x" * 129, "é", 1, None, "a\0"):
        case(f"id bad {str(value)[:8]}", job(id=value), False)
    for value, good in ((True, True), (False, True), (1, False), ("no", False), (None, False)):
        case(f"enabled {value}", job(enabled=value), good)
    for value, good in ((0, True), (-1000000, True), (1000000, True), (1000001, False),
                        (-1000001, False), (0.5, False), ("1", False)):
        case(f"priority {value}", job(priority=value), good)
    for value, good in ((1, True), (1000, True), (0, False), (-1, False), (1.5, False),
                        (1000001, False), ("2", False)):
        case(f"repeat {value}", job(repeat=value), good)
    two = [{"id": "a", "prompt": "x"}, {"id": "b", "prompt": "y", "after": ["a"]}]
    case("after", doc(two), True)
    case("after nobody", doc([{"id": "a", "prompt": "x", "after": ["c"]}]), True, False)
    case("after itself", doc([{"id": "a", "prompt": "x", "after": ["a"]}]), True, False)
    case("after in a ring", doc([dict(two[0], after=["b"]), two[1]]), True, False)
    for value in ("a", 1, [1], [None], ["a b"], [""]):
        case(f"after bad {value}", doc([two[0], dict(two[1], after=value)]), False)
    case("id twice", doc([two[0], two[0]]), True, False)
    case("same job twice without id", doc([{"prompt": "x"}, {"prompt": "x"}]), True)
    case("sweep product", job(sweep={"seed": [1, 2], "guidance_scale": [4, 6]}), True)
    case("sweep zip", job(sweep={"seed": [1, 2], "crf": [4, 6]}, sweep_mode="zip"), True)
    case("sweep zip uneven", job(sweep={"seed": [1, 2], "crf": [4]}, sweep_mode="zip"), True, False)
    case("sweep product named", job(sweep={"seed": [1]}, sweep_mode="product"), True)
    case("sweep of sides", job(sweep={"width": [64], "height": [32, 64]}), True)
    case("repeat and sweep too large",
         job(repeat=1000, sweep={"seed": list(range(1001))}), True, False)
    for i, value in enumerate(({}, [], 1, None, {"seed": []}, {"seed": 1}, {"seed": {}},
                               {"seed": [1, 1]}, {"seed": [1, 1.0]}, {"id": ["a"]},
                               {"sweep": [1]}, {"nope": [1]}, {"repeat": [1]}, {"width": [64]},
                               {"seconds": [1], "num_frames": [9]},
                               {"size": ["64x64"], "width": [64], "height": [64]})):
        case(f"sweep bad {i}", job(sweep=value), False)
    for value in ("grid", "", 1, None):
        case(f"sweep_mode bad {value}", job(sweep={"seed": [1]}, sweep_mode=value), False)
    case("sweep_mode alone", job(sweep_mode="zip"), False)
    case("seconds and num_frames", job(seconds=1, num_frames=9), False)
    case("size and sides", job(size="64x64", width=64, height=64), False)
    case("size and width", job(size="64x64", width=64), False)
    case("width alone", job(width=64), False)
    case("height alone", job(height=64), False)
    case("two images", job(image="a.png", input_reference="a.png"), False)
    case("seconds over num_frames of defaults",
         doc([{"prompt": "x", "seconds": 1}], defaults={"num_frames": 9}), True)
    for key in ("promt", "Prompt", "frames", "steps", "overwrite", "", "prompt ", "loras"):
        case(f"unknown {key}", job(**{key: 1}), False)
    for value in (1, "x", None, [], True):
        case(f"job is {value}", doc([value]), False)
    case("job is empty", doc([{}]), False)
    case("one job of two without prompt", doc([{"prompt": "x"}, {"seed": 1}]), False)
    case("prompt from defaults", doc([{}, {"seed": 1}], defaults={"prompt": "x"}), True)
    case("prompt from sweep", doc([{"sweep": {"prompt": ["x", "y"]}}]), True)
    case("prompt in sweep and none", doc([{"sweep": {"prompt": ["x"]}}, {"id": "b"}]), False)


def make_files():
    case("least", '{"genvid":1,"jobs":[{"prompt":"x"}]}', True)
    case("white space", ' {\n"genvid" : 1 ,\r\n\t"jobs" : [ { "prompt" : "x" } ] }\n', True)
    case("version as a real", '{"genvid":1.0,"jobs":[{"prompt":"x"}]}', True)
    case("schema named", doc(**{"$schema": "job.schema.json"}), True)
    for value in (0, 2, "1", None, True, [1]):
        case(f"version {value}", doc(genvid=value), False)
    case("no version", doc(genvid=...), False)
    case("no jobs", '{"genvid":1}', False)
    for value in ([], {}, "x", None, 1):
        case(f"jobs {value}", '{"genvid":1,"jobs":%s}' % json.dumps(value), False)
    for text in ("[]", "1", '"x"', "null", "true"):
        case(f"not an object: {text}", text, False)
    for key, good, bad in (
        ("output_dir", ["out", "/x", "../y"], ["", 1, None, "a\0"]),
        ("output_template", ["{id}.mp4", "{index}/{id}.webm"], ["/x", "a/..", "{ext}", "", 1]),
        ("on_exist", ["skip", "overwrite", "fail"], ["replace", "", None, True]),
        ("retries", [0, 10], [-1, 11, 0.5, "1"]),
        ("fail_fast", [True, False], [0, "false", None]),
        ("keep_latents", [True, False], [1, "true", None]),
        ("defaults", [{}, {"seed": 1}], [[], None, 1, {"id": "a"}, {"sweep": {}}, {"x": 1},
                                         {"seconds": 1, "num_frames": 2}, {"width": 64}]),
    ):
        for value in good:
            case(f"{key} good {value}", doc(**{key: value}), True)
        for value in bad:
            case(f"{key} bad {value}", doc(**{key: value}), False)
    for key in ("default", "job", "Jobs", "version", "outputDir", ""):
        case(f"unknown at the top: {key}", doc(**{key: 1}), False)


def make_hostile():
    """Not JSON, or JSON that a schema cannot see through. schema None: no document to judge."""
    good = '{"genvid":1,"jobs":[{"prompt":"x"}]}'
    for name, text, where in (
        ("empty", "", "1:1"),
        ("cut off", good[:-1], None),
        ("rest", good + "x", "1:37"),
        ("two documents", good + good, "1:37"),
        ("comment", '{"genvid":1,/* no */"jobs":[{"prompt":"x"}]}', "1:13"),
        ("line comment", '{"genvid":1,\n// no\n"jobs":[{"prompt":"x"}]}', "2:1"),
        ("comma at the end of a list", '{"genvid":1,"jobs":[{"prompt":"x"},]}', None),
        ("comma at the end of an object", '{"genvid":1,"jobs":[{"prompt":"x",}]}', None),
        ("single quotes", "{'genvid':1}", "1:2"),
        ("bare key", '{genvid:1,"jobs":[]}', "1:2"),
        ("NaN", '{"genvid":1,"jobs":[{"prompt":"x","seconds":NaN}]}', None),
        ("Infinity", '{"genvid":1,"jobs":[{"prompt":"x","seconds":Infinity}]}', None),
        ("hex", '{"genvid":1,"jobs":[{"prompt":"x","seed":0x10}]}', None),
        ("leading zero", '{"genvid":1,"jobs":[{"prompt":"x","seed":01}]}', None),
        ("plus", '{"genvid":1,"jobs":[{"prompt":"x","seed":+1}]}', None),
        ("dot", '{"genvid":1,"jobs":[{"prompt":"x","seconds":1.}]}', None),
        ("1e400", '{"genvid":1,"jobs":[{"prompt":"x","seconds":1e400}]}', None),
        ("control character", '{"genvid":1,"jobs":[{"prompt":"a\nb"}]}', None),
        ("lone surrogate", '{"genvid":1,"jobs":[{"prompt":"\\ud800"}]}', None),
        ("unknown escape", '{"genvid":1,"jobs":[{"prompt":"\\x41"}]}', None),
        ("byte order mark", "\ufeff" + good, "1:1"),
        ("deep", '{"genvid":1,"x":' + "[" * 5000 + "]" * 5000 + "}", None),
        ("deep objects", '{"genvid":1,"x":' + '{"a":' * 70 + "1" + "}" * 70 + "}", None),
        ("zero byte", good + "\0", "1:37"),
    ):
        case(name, text, None, False, where)
    case("duplicate top key", '{"genvid":1,"genvid":1,"jobs":[{"prompt":"x"}]}', True, False, "1:13")
    case("duplicate jobs", '{"genvid":1,"jobs":[{"prompt":"x"}],"jobs":[{"prompt":"x"}]}', True,
         False)
    case("duplicate key in a job", '{"genvid":1,"jobs":[{"prompt":"x","seed":1,"seed":1}]}', True,
         False)
    case("duplicate key by escape", '{"genvid":1,"jobs":[{"prompt":"x","seed":1,"s\\u0065ed":1}]}',
         True, False)
    case("duplicate key in a sweep",
         '{"genvid":1,"jobs":[{"prompt":"x","sweep":{"seed":[1],"seed":[1]}}]}', True, False)
    case("key by escape", '{"g\\u0065nvid":1,"jobs":[{"prompt":"x"}]}', True)
    case("place of a key", '{"genvid": 1,\n "jobs": [\n  {"prompt": "x",\n   "sed": 1}]}', False,
         None, "4:4")
    case("place of a value", '{"genvid": 1,\n "jobs": [\n  {"prompt": "x",\n   "seed": -1}]}',
         False, None, "4:12")
    case("prompt of 64 KiB", job(prompt="x" * 65536), True)
    case("prompt above 64 KiB", job(prompt="x" * 65537), False)
    case("prompt of 40000 characters, 80000 bytes", json.dumps(
        {"genvid": 1, "jobs": [{"prompt": "\u00e9" * 40000}]}, ensure_ascii=False), True, False)


def check():
    import jsonschema

    schema = json.loads((ROOT / "configs/job.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = 0
    judged = 0
    for entry in json.loads(CORPUS.read_text()):
        if entry["schema"] is None:
            continue
        judged += 1
        verdict = validator.is_valid(json.loads(entry["text"]))
        if verdict != entry["schema"]:
            wrong += 1
            print(f"{entry['name']}: the schema says {verdict}: {entry['text'][:200]}")
    print(f"{judged} cases judged by the schema, {wrong} differ")
    return 1 if wrong or judged < 200 else 0


def main():
    if sys.argv[1:] == ["check"]:
        return check()
    if sys.argv[1:] != ["make"]:
        print(__doc__)
        return 2
    make_values()
    make_prompt_times()
    make_jobs()
    make_files()
    make_hostile()
    CORPUS.write_text("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]\n")
    print(f"{len(cases)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
