"""`genvid batch --emit slurm` under a real Slurm: slurmctld and slurmd on loopback, started and
stopped here. One task of the array gets USR1, as before a time limit, another loses its genvid to
SIGKILL: both must be queued again and complete. 'skipped' where Slurm is not installed or may not be started.

  slurm_array.py GENVID MODEL
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import batch_faults

CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/none
AuthInfo=cred_expire=5
SchedulerParameters=sched_interval=2,bf_interval=2
CredType=cred/none
SlurmctldPort={port}
SlurmdPort={port1}
StateSaveLocation={root}/ctld
SlurmdSpoolDir={root}/d
SlurmctldPidFile={root}/ctld.pid
SlurmdPidFile={root}/d.pid
SlurmctldLogFile={root}/ctld.log
SlurmdLogFile={root}/d.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=p Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(batch_faults.SKIPPED)


def free_port():
    with socket.socket() as s, socket.socket() as t:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        try:
            t.bind(("127.0.0.1", port + 1))
        except OSError:
            return free_port()
        return port


class Slurm:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        (self.root / "ctld").mkdir()
        (self.root / "d").mkdir()
        host = socket.gethostname().split(".")[0]
        port = free_port()
        self.conf = self.root / "slurm.conf"
        self.conf.write_text(CONF.format(host=host, port=port, port1=port + 1, root=root))
        self.daemons = []
        self.start("slurmctld", "-D", "-f", str(self.conf), "-c")
        self.start("slurmd", "-D", "-f", str(self.conf), "-N", host)

    def start(self, *command):
        self.daemons.append(subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                             stderr=subprocess.DEVNULL))

    def call(self, *command, environment=None):
        environment = dict(environment or os.environ, SLURM_CONF=str(self.conf))
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)

    def must(self, *command, environment=None):
        done = self.call(*command, environment=environment)
        batch_faults.require(done.returncode == 0, f"{' '.join(command)}: {done.stderr}")
        return done.stdout.strip()

    def wait_ready(self):
        for _ in range(150):
            if "idle" in self.call("sinfo", "-h", "-o", "%T").stdout:
                return True
            time.sleep(0.2)
        return False

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()


DEADLINE = 500


def wait_for(slurm, what, ready):
    deadline = time.monotonic() + DEADLINE
    while not ready():
        batch_faults.require(time.monotonic() < deadline,
                             f"{what}: {slurm.call('squeue').stdout}")
        time.sleep(0.05)


def submit(slurm, batch):
    script = batch.folder / "job.sh"
    emitted = subprocess.run(batch.command("--emit", "slurm", "--tasks", "3"), capture_output=True,
                             text=True, env=batch.environment, check=True)
    script.write_text(emitted.stdout)
    # sbatch hands its environment to the tasks: the same secret beside the history, so the same
    # clip ids and digests of prompts as in the run outside Slurm.
    return slurm.must("sbatch", "--parsable", "-o", str(batch.folder / "log.%a"), str(script),
                      environment=batch.environment)


def begun(batch, task):
    """Whether a task has a clip done and others to do."""
    journal = batch.out / f".jobs.json.{task}-of-3.journal.jsonl"
    return journal.exists() and b'"done"' in journal.read_bytes()


def genvid_of(job, task):
    """The process id of a task's genvid."""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            variables = (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"batch" in words[1:2] and f"SLURM_ARRAY_JOB_ID={job}".encode() in variables and \
                f"SLURM_ARRAY_TASK_ID={task}".encode() in variables:
            return int(path.name)
    return None


def run_array(slurm, batch, reference):
    """One task is stopped with USR1, one loses its genvid to SIGKILL: both complete."""
    job = submit(slurm, batch)
    wait_for(slurm, "the first task does not start", lambda: begun(batch, 0))
    slurm.must("scancel", "--batch", "--signal=USR1", f"{job}_0")
    wait_for(slurm, "the second task does not start", lambda: begun(batch, 1))
    victim = genvid_of(job, 1)
    batch_faults.require(victim is not None, "the second task is over too soon")
    os.kill(victim, signal.SIGKILL)
    wait_for(slurm, "the array does not end",
             lambda: not slurm.call("squeue", "-h", "-j", job).stdout.strip())
    for task in (0, 1):
        shown = slurm.must("scontrol", "show", "job", f"{job}_{task}")
        batch_faults.require("Restarts=1" in shown, f"task {task} was not queued again: {shown}")
    done = batch.check_complete(reference)
    batch_faults.require(max(done.values()) == 1, "a clip was made twice")
    batch.clear()
    print(f"slurm: an array of 3 tasks made {len(batch.ids)} clips, each once, same bytes as outside "
          "Slurm; the task stopped with USR1 and the one killed with KILL were queued again and "
          "completed")


def cancel_array(slurm, batch, reference):
    """What a user cancels stays cancelled; a run afterwards completes."""
    job = submit(slurm, batch)
    wait_for(slurm, "the first task does not start", lambda: begun(batch, 0))
    slurm.must("scancel", job)
    wait_for(slurm, "the array does not end",
             lambda: not slurm.call("squeue", "-h", "-j", job).stdout.strip())
    shown = slurm.must("scontrol", "show", "job", f"{job}_0")
    batch_faults.require("JobState=CANCELLED" in shown, shown)
    batch.check_done()
    batch.check_names(reference)
    code, errors = batch.run()
    batch_faults.require(code == 0, f"after a cancelled array: {code}: {errors}")
    batch.check_complete(reference)
    print("slurm: a cancelled array stays cancelled; a run afterwards completed it, same bytes")


def main():
    if os.geteuid() != 0:
        skip("Slurm's daemons need root")
    for tool in ("slurmctld", "slurmd", "sbatch"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not here")

    class Args:
        genvid = str(pathlib.Path(sys.argv[1]).resolve())
        model = str(pathlib.Path(sys.argv[2]).resolve())

    with tempfile.TemporaryDirectory(prefix="genvid-slurm-") as folder:
        slurm_root = pathlib.Path(folder) / "slurm"
        slurm_root.mkdir()
        batch = batch_faults.Batch(Args, 45, folder)
        slurm = Slurm(slurm_root)
        try:
            if not slurm.wait_ready():
                skip("Slurm's daemons do not start here")
            reference = batch_faults.reference_of(batch)
            run_array(slurm, batch, reference)
            cancel_array(slurm, batch, reference)
        except batch_faults.Failure as failure:
            print(f"FAILED slurm: {failure}")
            for log in sorted(pathlib.Path(folder).glob("log.*")):
                print(log.name, log.read_text()[-500:])
            return 1
        finally:
            slurm.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
