"""scripts/weights/to_safetensors on checkpoints as training code saves them: parts, wrappers, a LoRA, what is refused;
and the frames that genvid makes of the result.

  to_safetensors.py GENVID SOURCE     SOURCE: the root of the tree. Ends with 77 without torch and safetensors.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import torch
    from safetensors.torch import load_file
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

RANK, ALPHA = 2, 3.0
CHANGED = ("blocks.0.self_attn.q.weight", "blocks.1.ffn.2.weight")


def require(condition, message):
    if not condition:
        print(f"FAILED to_safetensors: {message}")
        sys.exit(1)


def original(names, name):
    if not name.startswith("blocks."):
        return names[name]
    block = name.split(".")[1]
    return f"blocks.{block}." + names["blocks.7." + name.split(".", 2)[2]].split(".", 2)[2]


def wrapped(weights):
    return {"model._fsdp_wrapped_module." + name: value for name, value in weights.items()}


class Test:
    def __init__(self, genvid, source, folder):
        self.genvid, self.source, self.folder = genvid, source, folder
        self.model = source / "tests/data/tiny-wan21-causal"
        (self.file,) = (self.model / "transformer").glob("*.safetensors")
        names = json.loads((source / "tests/data/wan_original_names.json").read_text())
        names = {ours: theirs for theirs, ours in names.items()}
        self.weights = {original(names, n): v for n, v in load_file(self.file).items()}

    def convert(self, *arguments):
        command = [sys.executable, self.source / "scripts/weights/to_safetensors", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def made(self, name, *arguments):
        out = self.folder / name
        run = self.convert(self.folder / "in.pt", out, *arguments)
        require(run.returncode == 0, f"{name}: {run.stderr}")
        require(not list(self.folder.glob("*.part")), "a .part file is left")
        return load_file(out)

    def refused(self, says, *arguments):
        out = self.folder / "refused.safetensors"
        run = self.convert(self.folder / "in.pt", out, *arguments)
        require(run.returncode != 0 and says in run.stderr, f"expected '{says}' in: {run.stderr}")
        require(not out.exists(), f"'{says}': a file was written")

    def equal(self, found, exact=True):
        require(found.keys() == self.weights.keys(), f"names: {found.keys() ^ self.weights.keys()}")
        for name, value in self.weights.items():
            near = torch.equal(found[name], value) if exact else torch.allclose(found[name], value, atol=1e-6)
            require(near and found[name].dtype == value.dtype, f"{name} differs")

    def parts(self):
        old = {name: value + 1 for name, value in self.weights.items()}
        torch.save({"generator": wrapped(old), "generator_ema": wrapped(self.weights), "step": 7}, self.folder / "in.pt")
        self.refused("--part")
        self.refused("no part critic", "--part", "critic")
        self.equal(self.made("ema.safetensors", "--part", "generator_ema"))
        run = self.convert(self.folder / "in.pt", self.folder / "ema.safetensors", "--part", "generator_ema")
        require(run.returncode != 0 and "exists" in run.stderr, "a file was overwritten")

    def whole(self):
        torch.save(self.weights, self.folder / "in.pt")
        self.equal(self.made("whole.safetensors"))
        torch.save({"state_dict": wrapped(self.weights)}, self.folder / "in.pt")
        self.equal(self.made("state_dict.safetensors"))

    def lora(self):
        torch.manual_seed(1)
        base, lora = dict(self.weights), {}
        for name in CHANGED:
            rows, columns = base[name].shape
            down, up = torch.randn(RANK, columns), torch.randn(rows, RANK)
            base[name] = base[name] - ALPHA / RANK * (up @ down)
            stem = "base_model.model." + name.removesuffix("weight")
            lora |= {stem + "lora_A.default.weight": down, stem + "lora_B.default.weight": up}
        torch.save({"generator": base}, self.folder / "in.pt")
        path = self.folder / "lora.pt"
        torch.save({"generator_lora": lora}, path)
        merged = self.made("merged.safetensors", "--lora", path, "--alpha", str(ALPHA))
        self.equal(merged, exact=False)
        plain = self.made("plain.safetensors")
        require(not torch.allclose(plain[CHANGED[0]], self.weights[CHANGED[0]], atol=1e-2), "the LoRA changes nothing")
        torch.save({"generator_lora": {"blocks.99.x.lora_A.weight": torch.zeros(2, 2)}}, path)
        self.refused("blocks.99.x.weight", "--lora", path)

    def programs(self):
        class Touch:
            def __reduce__(self):
                return (pathlib.Path.touch, (pathlib.Path(marker),))

        marker = str(self.folder / "ran")
        torch.save({"generator": Touch()}, self.folder / "in.pt")
        self.refused("weights_only")
        require(not pathlib.Path(marker).exists(), "a file's program was run")

    def frames(self):
        mine = self.folder / "model"
        shutil.copytree(self.model, mine)
        (mine / "transformer" / self.file.name).unlink()
        shutil.copy(self.folder / "ema.safetensors", mine / "transformer")
        digests = []
        for model in (self.model, mine):
            clip = self.folder / "clip.mkv"
            subprocess.run([self.genvid, "a house", "-o", clip, "--model", model, "--seconds", "1", "--seed", "3",
                            "--no-watermark", "--no-history", "--overwrite"], check=True, capture_output=True)  # fmt: skip
            md5 = ["ffmpeg", "-v", "error", "-i", clip, "-map", "0:v", "-f", "framemd5", "-"]
            digests.append(subprocess.run(md5, check=True, capture_output=True).stdout)
        require(digests[0] == digests[1] and digests[0].count(b"\n") > 16, "other frames")


def main():
    genvid, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="genvid-weights-") as folder:
        test = Test(genvid, source, pathlib.Path(folder))
        for step in (test.parts, test.whole, test.lora, test.programs, test.frames):
            step()
            print(f"to_safetensors: {step.__name__}: good", flush=True)


if __name__ == "__main__":
    main()
