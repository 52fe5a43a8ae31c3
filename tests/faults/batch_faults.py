"""Faults under `genvid batch`, on a tiny checkpoint. Each test prints its counts and fails on any
lost, corrupt, duplicated or skipped clip. A tool that is not here is 'skipped', never passed.

  batch_faults.py GENVID MODEL kill [--kills N]        kill -9 at random times
  batch_faults.py GENVID MODEL points [--step N]       kill at every write, sync, rename, open, close
  batch_faults.py GENVID MODEL errors [--step N]       ENOSPC and EIO at the same places
  batch_faults.py GENVID MODEL claim [--runs N]        8 processes share one list
  batch_faults.py GENVID MODEL workers                 workers that are killed or stopped
  batch_faults.py GENVID MODEL signals                 TERM, USR1, INT, and a second process
  batch_faults.py GENVID MODEL shards                  --shard I/N for N = 1 to 17
  batch_faults.py GENVID MODEL cost                    8 clips in one batch against 8 runs
"""

import argparse
import collections
import functools
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Failure(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Failure(message)


class Batch:
    """A job file with its own output folder."""

    def __init__(self, args, clips, folder, **defaults):
        self.args = args
        self.folder = pathlib.Path(folder)
        self.cwd = pathlib.Path.cwd()
        self.out = self.folder / "out"
        self.jobs = self.folder / "jobs.json"
        self.ids = [f"clip{i:03d}" for i in range(clips)]
        self.jobs.write_text(json.dumps({
            "genvid": 1,
            # Lossless: x264's bytes for frames this small depend on what the heap held before.
            "output_template": "{id}.mkv",
            "defaults": {"model": args.model, "size": "32x32", "num_frames": 5, "threads": 1,
                         "num_inference_steps": 2, "device": "cpu",
                         "codec": "ffv1", **defaults},
            "jobs": [{"id": i, "prompt": f"a house, take {i}"} for i in self.ids]}))
        self.environment = dict(os.environ, XDG_CACHE_HOME=str(self.folder / "cache"),
                                XDG_DATA_HOME=str(self.folder / "data"),
                                SOURCE_DATE_EPOCH="1790000000")

    def command(self, *more):
        return [self.args.genvid, "batch", str(self.jobs), "--out-dir", str(self.out), "--progress",
                "none", *more]

    def start(self, *more, prefix=()):
        return subprocess.Popen([*prefix, *self.command(*more)], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, env=self.environment, text=True,
                                cwd=self.cwd)

    def run(self, *more, prefix=()):
        process = self.start(*more, prefix=prefix)
        _, errors = process.communicate(timeout=600)
        return process.returncode, errors

    def clear(self):
        shutil.rmtree(self.out, ignore_errors=True)
        for path in (self.folder / "data").rglob("history.jsonl"):
            path.unlink()

    def journal(self):
        """Whole lines of all journals."""
        paths = sorted(self.out.glob(".jobs.json*.journal.jsonl"))
        lines = [line for path in paths for line in path.read_bytes().split(b"\n")[:-1]]
        return [entry for entry in map(entry_of, lines) if entry]

    def begun(self):
        """Clips that were started and not ended."""
        last = {entry["id"]: entry["status"] for entry in self.journal()}
        return [i for i, status in last.items() if status == "started"]

    def state(self):
        """A digest of all that a next run can see. Lock files hold the id of a process that is gone."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            digest.update(str(path).encode() + b"\0")
            if path.is_file() and path.suffix != ".lock" and path.name != "trace":
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.digest()

    def check_done(self):
        """Every clip that the journal calls done is whole. Returns how often each is."""
        done = collections.Counter()
        for entry in self.journal():
            if entry["status"] != "done":
                continue
            done[entry["id"]] += 1
            data = (self.cwd / entry["path"]).read_bytes()
            require(len(data) == entry["bytes"] and
                    hashlib.sha256(data).hexdigest() == entry["sha256"],
                    f"{entry['id']} is done in the journal, but its file is another")
        return done

    def check_names(self, reference):
        """Nothing but whole clips under final names."""
        for path in self.out.glob("*.mkv"):
            require(path.read_bytes() == reference[path.stem], f"{path.name} is not whole")

    def check_complete(self, reference):
        done = self.check_done()
        require(set(done) == set(self.ids), f"done are {sorted(done)}")
        self.check_names(reference)
        require(len(list(self.out.glob("*.mkv"))) == len(self.ids), "clips are missing")
        return done


CRC_TABLE = []
for i in range(256):
    value = i
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    CRC_TABLE.append(value)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@functools.lru_cache(maxsize=4096)
def entry_of(line):
    """A journal's line; None when it is not whole."""
    mark = line.rfind(b',"crc32c":"')
    whole = mark >= 0 and line[mark + 11:] == b'%08x"}' % crc32c(line[:mark])
    return json.loads(line) if whole else None


def reference_of(batch):
    code, errors = batch.run()
    require(code == 0, f"the run without faults ended with {code}: {errors}")
    files = {i: (batch.out / f"{i}.mkv").read_bytes() for i in batch.ids}
    batch.check_complete(files)
    batch.clear()
    return files


def wait_for_lines(batch, process, lines, seconds):
    """Until the journal has so many lines, the time is over or the process ends."""
    journal = batch.out / ".jobs.json.journal.jsonl"
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") >= lines:
            return
        time.sleep(0.003)


def random_kills(args, folder):
    batch = Batch(args, args.clips, folder)
    start = time.monotonic()
    reference = reference_of(batch)
    whole = time.monotonic() - start
    dice = random.Random(args.seed)
    kills = rounds = redone = making = 0
    while kills < args.kills:
        killed = 0
        while True:
            before = len(batch.journal())
            process = batch.start()
            # A quarter in the start itself; the others while clips are made, however fast that is
            # here: some journal lines later, and a part of the time that a clip takes.
            if dice.random() < 0.25:
                wait_for_lines(batch, process, before + 1, dice.uniform(0, whole / 4))
            else:
                wait_for_lines(batch, process, before + dice.randint(1, 6), 600)
                wait_for_lines(batch, process, 10**9, dice.uniform(0, whole / len(batch.ids)))
            if process.poll() is None:
                process.kill()
            process.communicate()
            if process.returncode == -signal.SIGKILL:
                kills += 1
                killed += 1
                making += len(batch.journal()) > before
                require(len(batch.begun()) <= 1, f"in hand: {batch.begun()}")
                batch.check_done()
                batch.check_names(reference)
                continue
            require(process.returncode == 0, f"resumed run ended with {process.returncode}")
            break
        done = batch.check_complete(reference)
        require(max(done.values()) == 1, "a finished clip was made again")
        started = collections.Counter(e["id"] for e in batch.journal() if e["status"] == "started")
        again = sum(started.values()) - len(batch.ids)
        require(again <= killed, f"{again} clips redone after {killed} kills")
        redone += again
        rounds += 1
        batch.clear()
    print(f"kill: {kills} random kills ({making} of them after a clip was begun) over {rounds} batches "
          f"of {len(batch.ids)} clips: 0 lost, corrupt, duplicated or skipped; {redone} clips redone, "
          "never more than one a kill")


def traced(call, action, when):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
            f"inject={call}:{action}:when={when}"]


def calls_of(batch, call):
    """How often the busiest thread makes a call in a run without faults."""
    trace = batch.folder / "trace"
    code, errors = batch.run(prefix=["strace", "-f", "-qq", "-o", str(trace), "-e",
                                     f"trace={call}"])
    require(code == 0, f"a traced run ended with {code}: {errors}")
    counts = collections.Counter(line.split()[0] for line in trace.read_text().splitlines()
                                 if f"{call}(" in line)
    batch.clear()
    return max(counts.values(), default=0)


def need_strace():
    if shutil.which("strace") is None:
        print("skipped: strace is not here")
        sys.exit(SKIPPED)
    probe = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True)
    if probe.returncode != 0:
        print("skipped: strace may not trace here")
        sys.exit(SKIPPED)


CALLS = ("write", "pwrite64", "fsync", "fdatasync", "renameat2", "rename", "openat", "close")


def places(batch, call, args):
    """Every place for the calls that change files; every step-th, from the first on, for those of a start."""
    count = calls_of(batch, call)
    if call in ("openat", "close"):
        return range(args.first, count + 1, args.step)
    return range(1, count + 1)


def kill_points(args, folder):
    need_strace()
    batch = Batch(args, args.clips, folder)
    reference = reference_of(batch)
    kills, completed = collections.Counter(), set()
    for call in args.calls.split(",") if args.calls else CALLS:
        for when in places(batch, call, args):
            code, _ = batch.run(prefix=traced(call, "signal=KILL", when))
            if code in (137, -9):
                kills[call] += 1
            state = batch.state()
            if state in completed:  # by the next run, after a kill that left exactly this
                batch.clear()
                continue
            batch.check_done() if batch.out.exists() else None
            batch.check_names(reference)
            require(len(batch.begun()) <= 1, f"in hand: {batch.begun()}")
            code, errors = batch.run()
            require(code == 0, f"after a kill at {call} {when}: {code}: {errors}")
            done = batch.check_complete(reference)
            require(max(done.values()) == 1, f"made twice after a kill at {call} {when}")
            completed.add(state)
            batch.clear()
    require(sum(kills.values()) > (0 if args.calls else 20), f"only {kills}")
    print(f"points: {sum(kills.values())} kills ({dict(kills)}) in batches of {args.clips} clips, which "
          f"left {len(completed)} different states on disk: 0 lost, corrupt, duplicated or skipped")


def error_points(args, folder):
    need_strace()
    batch = Batch(args, args.clips, folder)
    reference = reference_of(batch)
    codes = collections.Counter()
    for error in ("ENOSPC", "EIO"):
        calls = ("write", "fsync", "fdatasync", "renameat2", "rename", "close")
        for call in args.calls.split(",") if args.calls else calls:
            for when in places(batch, call, args):
                code, errors = batch.run(prefix=traced(call, f"error={error}", when))
                # Before main() it is the loader's to fail, with 127.
                loader = code == 127 and "shared libraries" in errors
                require(code in (0, 1, 2, 3, 4, 7) or loader,
                        f"{error} at {call} {when}: {code}: {errors}")
                codes[code] += 1
                batch.check_done() if batch.out.exists() else None
                batch.check_names(reference)
                code, errors = batch.run()
                require(code == 0, f"after {error} at {call} {when}: {code}: {errors}")
                batch.check_complete(reference)
                batch.clear()
    print(f"errors: {sum(codes.values())} injected, exit codes {dict(codes)}: nothing but whole "
          "clips at final names, every next run completes")


def shared_claims(args, folder):
    batch = Batch(args, args.clips, folder)
    reference = reference_of(batch)
    for run in range(args.runs):
        claims = batch.folder / f"claims{run}"
        processes = [batch.start("--claim", str(claims)) for _ in range(8)]
        for process in processes:
            _, errors = process.communicate(timeout=600)
            require(process.returncode == 0, f"{process.returncode}: {errors}")
        done = batch.check_complete(reference)
        require(max(done.values()) == 1, f"made twice: {done}")
        started = collections.Counter(e["id"] for e in batch.journal() if e["status"] == "started")
        require(max(started.values()) == 1, f"started twice: {started}")
        batch.clear()
        shutil.rmtree(claims)
    print(f"claim: {args.runs} runs of 8 processes on {len(batch.ids)} clips: each made once")


def shards(args, folder):
    """--shard I/N for N = 1 to 17: together the whole list, no clip in two of them."""
    batch = Batch(args, 100, folder)

    def listed(*more):
        shown = subprocess.run(batch.command("--dry-run", *more), capture_output=True, text=True,
                               env=batch.environment, check=True)
        return [line.split()[0] for line in shown.stdout.splitlines() if line.startswith("clip")]

    require(sorted(listed()) == batch.ids, "the whole list is not the job file's")
    runs = 0
    for count in range(1, 18):
        parts = [listed("--shard", f"{i}/{count}") for i in range(count)]
        runs += count
        require(sorted(sum(parts, [])) == batch.ids, f"the union of {count} shards is another list")
    print(f"shards: n = 1 to 17, {runs} parts of {len(batch.ids)} clips: disjoint, their union is "
          "the whole list")


def children_of(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return [int(p) for p in path.read_text().split()] if path.exists() else []


def lost_workers(args, folder):
    batch = Batch(args, args.clips, folder)
    reference = reference_of(batch)
    dice = random.Random(args.seed)
    for sign, name in ((signal.SIGKILL, "killed"), (signal.SIGSTOP, "stopped")):
        hit = 0
        for _ in range(args.runs):
            process = batch.start("--workers", "2", "--silence", "5")
            deadline = time.monotonic() + dice.uniform(0.5, 2.5)
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.01)
            workers = children_of(process.pid) if process.poll() is None else []
            if workers:
                os.kill(dice.choice(workers), sign)
                hit += 1
            _, errors = process.communicate(timeout=600)
            require(process.returncode == 0, f"a worker {name}: {process.returncode}: {errors}")
            batch.check_complete(reference)
            batch.clear()
        print(f"workers: {hit} {name} in {args.runs} runs: every batch completed, same bytes")
    process = batch.start("--workers", "2")
    time.sleep(1.0)
    workers = children_of(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while any(pathlib.Path(f"/proc/{w}").exists() for w in workers):
        require(time.monotonic() < deadline, "workers outlive their supervisor")
        time.sleep(0.05)
    print(f"workers: {len(workers)} ended with their killed supervisor")


def signals(args, folder):
    batch = Batch(args, args.clips, folder)
    reference = reference_of(batch)
    for sign, expected in ((signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGINT, 130)):
        for more in ((), ("--workers", "2")):
            process = batch.start(*more)
            journal = batch.out / ".jobs.json.journal.jsonl"
            while not (journal.exists() and b'"done"' in journal.read_bytes()):
                require(process.poll() is None, "ended before a clip was done")
                time.sleep(0.005)
            code, _ = batch.run()
            require(code == 9, f"a second process ended with {code}, expected 9")
            process.send_signal(sign)
            sent = time.monotonic()
            _, errors = process.communicate(timeout=60)
            require(process.returncode == expected, f"{sign}: {process.returncode}: {errors}")
            print(f"signals: {sign.name} {' '.join(more)}: {expected} after "
                  f"{time.monotonic() - sent:.2f} s")
            batch.check_names(reference)
            require(batch.run()[0] == 0, "the next run did not complete")
            batch.check_complete(reference)
            batch.clear()


def cpu_of(commands, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def summed_up(batch):
    """The summary of a run against its own journal: counts, seconds, bytes and the price."""
    command = batch.command("--price-per-hour", "7200", "--limit", "5", "--progress", "json")
    begun = time.monotonic()
    errors = subprocess.run(command, capture_output=True, text=True, check=True,
                            env=batch.environment).stderr
    spent = time.monotonic() - begun
    told = json.loads(errors.splitlines()[-1])
    done = [entry for entry in batch.journal() if entry["status"] == "done"]
    require(told["event"] == "summary" and told["done"] == len(done) == 5, told)
    require(told["skipped"] == len(batch.ids) - 5 and told["failed"] == told["open"] == 0, told)
    require(told["bytes"] == sum(entry["bytes"] for entry in done), told)
    clips = sum(entry["seconds"] for entry in done)
    require(clips <= told["seconds"] <= spent, f"{clips} <= {told['seconds']} <= {spent}")
    require(abs(told["seconds_a_clip"] - told["seconds"] / 5) < 1e-9, told)
    require(abs(told["cost"] - 2 * told["seconds"]) < 1e-9, told)
    require(abs(told["cost_a_clip"] - told["cost"] / 5) < 1e-9, told)
    batch.clear()


def cost(args, folder):
    batch = Batch(args, 8, folder)
    reference_of(batch)
    summed_up(batch)
    together = cpu_of([batch.command()], batch.environment)
    single = []
    for i in batch.ids:
        single.append([args.genvid, f"a house, take {i}", "-o", str(batch.folder / f"{i}.mkv"),
                       "--model", args.model, "--size", "32x32", "--frames", "5", "--threads", "1",
                       "--steps", "2", "--device", "cpu", "--seed", "1", "--codec", "ffv1"])
    apart = cpu_of(single, batch.environment)
    print(f"cost: 8 clips in one batch {together:.2f} s of CPU, in 8 runs {apart:.2f} s: "
          f"{together / apart:.2f}x")
    require(together <= 0.5 * apart, "a batch costs more than half of separate runs")


TESTS = {"kill": random_kills, "points": kill_points, "errors": error_points,
         "claim": shared_claims, "workers": lost_workers, "signals": signals, "cost": cost, "shards": shards}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genvid")
    parser.add_argument("model")
    parser.add_argument("test", choices=TESTS)
    parser.add_argument("--clips", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)  # with --step N: processes share the places
    parser.add_argument("--calls", help="only these system calls, with commas (points, errors)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genvid-faults-") as folder:
        try:
            TESTS[args.test](args, folder)
        except Failure as failure:
            print(f"FAILED {args.test}: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
