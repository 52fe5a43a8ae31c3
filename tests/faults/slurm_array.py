"""`genvid batch --emit slurm` under a real Slurm: slurmctld and slurmd on loopback, started and
stopped here. One task of the array gets USR1, as before a time limit; it must be queued again and
complete. 'skipped' where Slurm is not installed or may not be started.

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
AuthInfo=cred_expire=1
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

    def call(self, *command):
        # Time and home as in batch_faults' own runs: both are in a clip's record, so in its bytes.
        environment = dict(os.environ, SLURM_CONF=str(self.conf), SOURCE_DATE_EPOCH="1790000000")
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)

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


def run_array(slurm, batch):
    script = batch.folder / "job.sh"
    emitted = subprocess.run(batch.command("--emit", "slurm", "--tasks", "3"), capture_output=True,
                             text=True, env=batch.environment, check=True)
    script.write_text(emitted.stdout)
    sent = slurm.call("sbatch", "--parsable", "-o", str(batch.folder / "log.%a"), str(script))
    batch_faults.require(sent.returncode == 0, f"sbatch: {sent.stderr}")
    job = sent.stdout.strip()
    journal = batch.out / ".jobs.json.0-of-3.journal.jsonl"
    deadline = time.monotonic() + 500
    while not (journal.exists() and b'"done"' in journal.read_bytes()):
        batch_faults.require(time.monotonic() < deadline, "the first task does not start: " +
                             slurm.call("squeue").stdout)
        time.sleep(0.05)
    stopped = slurm.call("scancel", "--batch", "--signal=USR1", f"{job}_0")
    batch_faults.require(stopped.returncode == 0, f"scancel: {stopped.stderr}")
    while slurm.call("squeue", "-h", "-j", job).stdout.strip():
        batch_faults.require(time.monotonic() < deadline, "the array does not end: " +
                             slurm.call("squeue").stdout)
        time.sleep(0.5)
    shown = slurm.call("scontrol", "show", "job", f"{job}_0").stdout
    batch_faults.require("Restarts=1" in shown, f"the task was not queued again: {shown}")
    # Whole by the journal's digests; not compared with a run outside Slurm, whose record may differ.
    done = batch.check_done()
    batch_faults.require(set(done) == set(batch.ids), f"done are {sorted(done)}")
    batch_faults.require(max(done.values()) == 1, "a clip was made twice")
    print(f"slurm: an array of 3 tasks made {len(batch.ids)} clips, each once; the task that was "
          "stopped with USR1 was queued again and completed")


def main():
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
            run_array(slurm, batch)
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
