"""Memory that runs out in the middle of a clip: a batch of a large and a small clip under a limit on
its address space (real failed allocations), from little more than what the small one needs up to
what the large one needs. The batch must live, the small clip must be made, and the large one made or
failed with code 5 in the journal; a clip that was made without stepping down has the same bytes.
No supervisor: nothing may end the process, not even oneDNN inside libtorch, which does not check
every allocation of its own (src/tensor/room.h).

  memory_limits.py GENVID MODEL [--limits N] [--dtype bf16]
"""

import argparse
import collections
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import batch_faults
from batch_faults import Failure, require

SMALL, LARGE = "small", "large"
ROOM = 24 << 20  # that must be free beside what a clip needs (src/tensor/room.h)


class Pair(batch_faults.Batch):
    def __init__(self, args, folder):
        super().__init__(args, 1, folder, **({"dtype": args.dtype} if args.dtype else {}))
        text = json.loads(self.jobs.read_text())
        text["jobs"] = [{"id": LARGE, "prompt": "a house", "size": "640x640", "num_frames": 9,
                         "priority": 1, "num_inference_steps": 1},
                        {"id": SMALL, "prompt": "a house"}]
        self.jobs.write_text(json.dumps(text))
        self.ids = [LARGE, SMALL]

    def run_limited(self, limit, *more):
        """Exit code, messages and the largest address space."""
        set_limit = (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None
        process = subprocess.Popen(self.command(*more), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, env=self.environment, text=True,
                                   preexec_fn=set_limit)
        status, peak = pathlib.Path(f"/proc/{process.pid}/status"), 0
        while process.poll() is None:
            try:
                for line in status.read_text().splitlines():
                    if line.startswith("VmPeak:"):
                        peak = max(peak, int(line.split()[1]) * 1024)
            except (OSError, IndexError):
                pass
            time.sleep(0.005)
        return process.returncode, process.stderr.read(), peak

    def last(self, name):
        return [e for e in self.journal() if e["id"] == name][-1]


def limits(args, folder):
    pair = Pair(args, folder)
    code, errors, most = pair.run_limited(None)
    require(code == 0, errors)
    reference = {i: (pair.out / f"{i}.mkv").read_bytes() for i in pair.ids}
    pair.clear()
    code, errors, least = pair.run_limited(None, "--only", SMALL)
    require(code == 0, errors)
    least += ROOM
    pair.clear()
    require(most > least + (16 << 20), f"the clips need about the same: {least} and {most}")
    ends, rungs = collections.Counter(), collections.Counter()
    for i in range(args.limits):
        limit = least + (most - least) * (i + 1) // (args.limits + 1)
        code, errors, _ = pair.run_limited(limit)
        where = f"limit {limit >> 20} MiB of {least >> 20} to {most >> 20}: ended with {code}: {errors}"
        require(code in (0, 1), where)
        require(pair.last(SMALL)["status"] == "done", where)
        require((pair.out / f"{SMALL}.mkv").read_bytes() == reference[SMALL], where)
        large = pair.last(LARGE)
        if large["status"] == "done":
            rung = large.get("memory", "")
            ends["made"] += 1
            rungs[rung or "none"] += 1
            if "tiles" not in rung:
                same = (pair.out / f"{LARGE}.mkv").read_bytes() == reference[LARGE]
                require(same, f"other bytes: {where}")
        else:
            require(large["error"]["code"] == 5, f"{large['error']}: {where}")
            require(not (pair.out / f"{LARGE}.mkv").exists(), where)
            ends["code 5"] += 1
        pair.clear()
    print(f"memory: {args.limits} limits from {least >> 20} to {most >> 20} MiB of address space: the "
          f"batch lived through each, the small clip was made each time; the large one: "
          f"{dict(ends)}, by rung {dict(rungs)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genvid")
    parser.add_argument("model")
    parser.add_argument("--limits", type=int, default=20)
    parser.add_argument("--dtype")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="genvid-memory-") as folder:
        try:
            limits(args, folder)
        except Failure as failure:
            print(f"FAILED memory: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
