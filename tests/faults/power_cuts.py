"""Power cuts under `genvid batch`, simulated: the output folder is an ext4 of its own on a loop
device, whose backing file is copied while the batch runs, with what the kernel has not written yet
missing from it. The copy is mounted (which replays its journal) and every clip that genvid's own
journal calls done must be whole. 'skipped' where nothing can be mounted.

  power_cuts.py GENVID MODEL [--cuts N] [--clips N]
"""

import argparse
import filecmp
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import batch_faults
from batch_faults import Failure, require

SIZE_MB = 48


def command(*words):
    return subprocess.run(words, capture_output=True, text=True)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(batch_faults.SKIPPED)


class Disk:
    """An ext4 file system on a file."""

    def __init__(self, image, mount):
        self.image, self.mount, self.on = pathlib.Path(image), pathlib.Path(mount), False
        self.mount.mkdir(parents=True, exist_ok=True)

    def format(self):
        with open(self.image, "wb") as f:
            f.truncate(SIZE_MB << 20)
        made = command("mkfs.ext4", "-q", "-F", str(self.image))
        if made.returncode != 0:
            skip(f"mkfs.ext4: {made.stderr.strip()}")

    def attach(self):
        done = command("mount", "-o", "loop,commit=1", str(self.image), str(self.mount))
        if done.returncode != 0:
            skip(f"mount: {done.stderr.strip()}")
        self.on = True

    def detach(self):
        if self.on:
            for _ in range(100):
                if command("umount", str(self.mount)).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                command("umount", "-l", str(self.mount))
        self.on = False


class PoweredBatch(batch_faults.Batch):
    """A batch whose output folder is a disk's: named as seen from there, so that the copy of a disk
    has its files where their journal says."""

    def __init__(self, args, clips, folder, disk):
        super().__init__(args, clips, folder)
        self.use(disk)

    def use(self, disk):
        self.cwd, self.out = disk.mount, disk.mount / "out"

    def command(self, *more):
        return ["out" if word == str(self.out) else word for word in super().command(*more)]


def snapshot(disk, copy, process):
    """The backing file as it is at one moment: the same in two readings, one after the other."""
    process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(50):
            for path in (copy, f"{copy}.again"):
                done = command("cp", "--sparse=always", str(disk.image), str(path))
                require(done.returncode == 0, done.stderr)
            if filecmp.cmp(copy, f"{copy}.again", shallow=False):
                return True
        return False
    finally:
        process.send_signal(signal.SIGCONT)


def check_after_cut(batch, disk, reference, finish):
    """Returns how many clips genvid's journal called done."""
    disk.attach()
    try:
        batch.use(disk)
        done = batch.check_done() if batch.out.exists() else {}
        for name, data in reference.items():
            path = batch.out / f"{name}.mkv"
            require(not path.exists() or path.read_bytes() == data, f"{path.name} is not whole")
        if finish:
            code, errors = batch.run()
            require(code == 0, f"the run after a power cut ended with {code}: {errors}")
            batch.check_complete(reference)
        return len(done)
    finally:
        disk.detach()


def cuts(args, folder):
    folder = pathlib.Path(folder)
    live = Disk(folder / "live.img", folder / "live")
    dead = Disk(folder / "dead.img", folder / "dead")
    dice = random.Random(args.seed)
    made = entries = finished = unstable = runs = 0
    reference = None
    try:
        while made < args.cuts:
            live.format()
            live.attach()
            batch = PoweredBatch(args, args.clips, folder, live)
            if reference is None:
                reference = batch_faults.reference_of(batch)
            runs += 1
            process = batch.start()
            while not batch.out.exists() and process.poll() is None:
                time.sleep(0.01)
            while process.poll() is None and made < args.cuts:
                time.sleep(dice.uniform(0, 0.4))
                if process.poll() is not None:
                    break
                if not snapshot(live, dead.image, process):
                    unstable += 1
                    continue
                # Every tenth is also run to its end.
                finish = made % 10 == 9
                entries += check_after_cut(batch, dead, reference, finish)
                batch.use(live)
                finished += finish
                made += 1
            process.wait(timeout=600)
            require(process.returncode == 0, f"the batch ended with {process.returncode}")
            live.detach()
    finally:
        live.detach()
        dead.detach()
    print(f"power: {made} simulated power cuts in {runs} batches of {args.clips} clips; {entries} "
          f"journal entries of done clips, every one with its complete file; {finished} cuts run to "
          f"the end, all clips whole; {unstable} moments left out (the disk was busy)")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("genvid")
    parser.add_argument("model")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.genvid, args.model = (str(pathlib.Path(p).resolve()) for p in (args.genvid, args.model))
    for tool in ("mkfs.ext4", "mount", "umount"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not here")
    with tempfile.TemporaryDirectory(prefix="genvid-power-") as folder:
        try:
            cuts(args, folder)
        except Failure as failure:
            print(f"FAILED power: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
