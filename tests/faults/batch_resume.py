"""A clip that is stopped in the middle goes on there, and gives the bytes of one that was not; a
state that is damaged or another clip's is never used; a new codec costs no sampling.

  batch_resume.py GENVID MODELS [--kills N]     MODELS: the folder of the tiny checkpoints
"""

import argparse
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import batch_faults
from batch_faults import Failure, require

# One clip of each kind of rollout, long enough that a signal finds it in the middle.
KINDS = {
    "window": ("tiny-wan21", {"num_frames": 17, "num_inference_steps": 60}),
    "euler": ("tiny-wan21", {"num_frames": 17, "num_inference_steps": 60, "scheduler": "euler"}),
    "two experts": ("tiny-wan22-a14b", {"num_frames": 17, "num_inference_steps": 60}),
    "overlap": ("tiny-wan21", {"num_frames": 101, "num_inference_steps": 20}),
    "continue": ("tiny-wan22-ti2v", {"num_frames": 141, "num_inference_steps": 15}),
    "diffusion forcing": ("tiny-skyreels-v2-df", {"num_frames": 141, "num_inference_steps": 12,
                                                  "causal_block_size": 5, "ar_step": 2}),
    # With pictures that are drawn on the way.
    "pan": ("genvid-tiny", {"prompt": "a house by the sea, pan right", "size": "256x160",
                            "num_frames": 52, "num_inference_steps": 4}),
    "zoom": ("genvid-tiny", {"prompt": "a castle in a meadow, slow zoom in", "size": "256x160",
                             "num_frames": 64, "num_inference_steps": 4}),
}
BEST_OF = ("tiny-wan21", {"num_frames": 17, "num_inference_steps": 40, "best_of": 4})
STEPS = ("--checkpoint-steps", "2", "--checkpoint-after", "0")


class Clip(batch_faults.Batch):
    def __init__(self, genvid, models, kind, folder):
        model, settings = BEST_OF if kind == "best of" else KINDS[kind]
        settings = dict(settings)
        prompt = settings.pop("prompt", "a house")
        super().__init__(argparse.Namespace(genvid=genvid, model=str(pathlib.Path(models) / model)),
                         1, folder, **settings)
        self.change(prompt=prompt)
        self.work = self.out / ".jobs.json.work"
        self.file = self.out / "clip000.mkv"

    def change(self, **job):
        text = json.loads(self.jobs.read_text())
        text["jobs"][0].update(job)
        self.jobs.write_text(json.dumps(text))

    def state(self):
        return next(self.work.glob("[!.]*.sampling.safetensors"), None)

    def wait_for_state(self, process, more):
        """Until a state of `more` steps or more is there; None when the process ended first."""
        while process.poll() is None:
            path = self.state()
            try:
                step = step_of(path.read_bytes()) if path else 0
            except OSError:
                step = 0
            if step >= more:
                return step
            time.sleep(0.002)
        return None

    def note(self):
        return self.journal()[-1].get("note", "")


def step_of(data):
    found = re.search(rb'"step":"(\d+)"', data[:4096])
    return int(found.group(1)) if found else 0


def stopped_and_resumed(clip, reference, sign, dice, steps):
    """Stops the clip somewhere, and once more on its way. Returns how often it was stopped."""
    stops = 0
    expected = {signal.SIGKILL: -9, signal.SIGTERM: 75, signal.SIGUSR1: 75}[sign]
    for _ in range(2):
        have = step_of(clip.state().read_bytes()) if clip.work.exists() and clip.state() else 0
        more = min(have + dice.randint(1, 8), steps - 2)
        if more <= have:
            break
        process = clip.start(*STEPS)
        if clip.wait_for_state(process, more) is None:
            break
        process.send_signal(sign)
        process.communicate(timeout=120)
        if process.returncode == 0:
            break  # it was done before the signal came
        require(process.returncode == expected, f"{sign.name}: ended with {process.returncode}")
        stops += 1
    code, errors = clip.run(*STEPS)
    require(code == 0, f"resumed run ended with {code}: {errors}")
    require(clip.file.read_bytes() == reference, f"other bytes after {sign.name}")
    if stops:
        require("not used" not in errors, errors)
    resumed = "went on after" in clip.note() or "kept latents" in clip.note()
    require(resumed or not stops, f"sampled again from the start: {clip.note()}")
    require(not clip.work.exists(), "the work folder is left")
    clip.clear()
    return stops


def stops_of(args, kind, folder, dice):
    clip = Clip(args.genvid, args.models, kind, folder)
    code, errors = clip.run()
    require(code == 0, f"{kind}: {code}: {errors}")
    reference = clip.file.read_bytes()
    clip.clear()
    counts = {}
    for sign in (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1):
        counts[sign.name] = 0
        for _ in range(args.kills):
            counts[sign.name] += stopped_and_resumed(clip, reference, sign, dice,
                                                     KINDS[kind][1]["num_inference_steps"])
    require(counts["SIGKILL"] > 0 and counts["SIGTERM"] > 0, f"{kind}: no stop hit: {counts}")
    print(f"resume: {kind}: stopped {counts}: every clip went on in the middle, same bytes",
          flush=True)


# A choice among seeds, stopped anywhere: in a seed, between two, or behind the choice.
def best_of_stopped(args, folder):
    dice = random.Random(args.seed)
    clip = Clip(args.genvid, args.models, "best of", folder)
    began = time.monotonic()
    code, errors = clip.run(*STEPS)
    require(code == 0, f"best of: {code}: {errors}")
    took = time.monotonic() - began
    reference, chosen = clip.file.read_bytes(), clip.note()
    require("is the best of 4" in chosen, chosen)
    clip.clear()
    stops, kept = 0, 0
    for _ in range(4 * args.kills):
        for _ in range(2):
            process = clip.start(*STEPS)
            try:
                process.wait(timeout=dice.uniform(0.2, 0.9) * took)
            except subprocess.TimeoutExpired:
                process.kill()
                stops += 1
            process.communicate()
            if process.returncode == 0:
                break
        seeds = len(list(clip.work.glob("*-seed*.0.latents.safetensors")))
        kept += seeds
        code, errors = clip.run(*STEPS)
        require(code == 0, f"resumed choice ended with {code}: {errors}")
        require(clip.file.read_bytes() == reference, "best of: other bytes")
        require(clip.note() == chosen or "was chosen before" in clip.note(), clip.note())
        require(not clip.work.exists(), "the work folder is left")
        clip.clear()
    require(stops > 0, "best of: no stop hit")
    print(f"resume: best of 4: stopped {stops} times, {kept} finished seeds were kept: the same choice, same bytes",
          flush=True)


def spoiled(clip, reference, spoil, says):
    process = clip.start(*STEPS)
    require(clip.wait_for_state(process, 4) is not None, "no state was saved")
    process.kill()
    process.communicate()
    spoil(clip.state())
    code, errors = clip.run(*STEPS)
    require(code == 0, f"{says}: {code}: {errors}")
    require("not used" in errors and says in errors, f"expected '{says}' in: {errors}")
    require(clip.file.read_bytes() == reference, f"{says}: other bytes")
    clip.clear()


def damaged_states(args, folder):
    clip = Clip(args.genvid, args.models, "window", folder)
    require(clip.run()[0] == 0, "run")
    reference = clip.file.read_bytes()
    clip.clear()
    # The state of a clip with another prompt, under the name of this one's.
    other = Clip(args.genvid, args.models, "window", pathlib.Path(folder) / "other")
    other.change(prompt="a boat")
    process = other.start(*STEPS)
    require(other.wait_for_state(process, 4) is not None, "no state was saved")
    process.kill()
    process.communicate()
    foreign = other.state().read_bytes()

    def flip(path):
        data = bytearray(path.read_bytes())
        data[-100] ^= 1
        path.write_bytes(data)

    spoiled(clip, reference, flip, "damaged")
    spoiled(clip, reference, lambda p: p.write_bytes(p.read_bytes()[:-7]), "safetensors")
    spoiled(clip, reference, lambda p: p.write_bytes(b""), "safetensors")
    spoiled(clip, reference, lambda p: p.write_bytes(foreign), "another clip")
    print("resume: a damaged, a cut, an empty and another clip's state: each named and not used, "
          "same bytes", flush=True)


def new_file_settings(args, folder):
    clip = Clip(args.genvid, args.models, "window", folder)
    code, errors = clip.run("--set", "pix_fmt=yuv420p")
    require(code == 0, errors)
    fresh = clip.file.read_bytes()
    clip.clear()
    require(clip.run("--keep-latents")[0] == 0, "first run")
    first = clip.file.read_bytes()
    require(first != fresh and clip.work.exists(), "latents were not kept")
    process = clip.start("--keep-latents", "--dry-run", "--set", "pix_fmt=yuv420p")
    process.communicate()
    code, errors = clip.run("--keep-latents", "--set", "pix_fmt=yuv420p")
    require(code == 0, errors)
    require("encoded from kept latents" in clip.note(), clip.note())
    require(clip.file.read_bytes() == fresh, "not the bytes of a fresh clip")
    code, errors = clip.run("--set", "pix_fmt=yuv444p")
    require(code == 0 and "encoded from kept latents" in clip.note(), clip.note())
    require(not clip.work.exists(), "latents are left though nobody asked for them")
    code, errors = clip.run()
    require(code == 0 and "kept latents" not in clip.note(), clip.note())
    require(clip.file.read_bytes() == first, "not the bytes of a fresh clip")
    print("resume: a new pixel format was encoded from kept latents, same bytes as a fresh clip; "
          "without latents the clip was made again", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genvid")
    parser.add_argument("models")
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--only", choices=[*KINDS, "best of"])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="genvid-resume-") as folder:
        try:
            for kind in KINDS if not args.only else {args.only} & KINDS.keys():
                where = pathlib.Path(folder) / kind.replace(" ", "-")
                where.mkdir()
                stops_of(args, kind, where, dice)
            more = [damaged_states, new_file_settings] if not args.only else []
            if args.only in (None, "best of"):
                more.insert(0, best_of_stopped)
            for test in more:
                where = pathlib.Path(folder) / test.__name__
                (where / "other").mkdir(parents=True)
                test(args, where)
        except Failure as failure:
            print(f"FAILED resume: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
