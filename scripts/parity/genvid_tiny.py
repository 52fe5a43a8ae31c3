"""Runs a genvid-tiny folder through scripts/train's own networks, in fp32, and records a tensor per stage.

The names are those of README.md; `step{i}.cond` and `.uncond` are velocities, (x - x0) / sigma, as every family's.
`rollout.latents` is a clip of more than a window, `loop.latents` one that leads back to its first latent, from torch noise.
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "train"))
import codec_model  # noqa: E402
import dit  # noqa: E402
import nets  # noqa: E402
import recogniser  # noqa: E402
from tensors import load_file, save_file  # noqa: E402


class Folder:
    """The networks of a model folder. Their module constants become those of its configs."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        configs = {k: json.loads((folder / k / "config.json").read_text()) for k in ("transformer", "text_encoder", "vae")}
        c, t, v = configs["transformer"], configs["text_encoder"], configs["vae"]
        nets.TEXT, nets.TOKENS = t["dim"], t["max_tokens"]
        nets.ATTRIBUTES = {k: len(q) for k, q in t["attributes"].items()}
        codec_model.C = nets.C = dit.C = v["latent_channels"]
        codec_model.STEP, codec_model.PATCH = v["patch"][:2]
        self.zoom_most = c.get("zoom_most", 0)
        self.first = c.get("first_window", c["window"])
        biases = c.get("keep_bias", 0.0), c.get("hold_bias", 0.0)
        soft, hard = (tuple(c.get(f"{k}_bias_{q}", b) for k, b in zip(("keep", "hold"), biases)) for q in ("soft", "hard"))
        self.trust = nets.Trust(*biases, c.get("hold_gain", 1.0), c.get("steady", 1.0), c.get("hold_bias_ahead", biases[1]), soft, hard)
        nets.TOLD = c["history_sigma"]
        self.window, self.history, self.sigma, self.reach = c["window"], c["history"], c["history_sigma"], c["anchor_reach"]
        self.rows, self.columns, self.tokens, self.config = c["rows"], c["columns"], t["max_tokens"], configs

        def load(name, file):
            return {k: q.float() for k, q in load_file(folder / name / file).items()}

        def fill(net, state):
            net.load_state_dict(state)
            return net.eval().requires_grad_(False)
        self.text = fill(nets.TextEncoder(t["vocab_size"], t["dim"], t["layers"]), load("text_encoder", "model.safetensors"))
        frames, side, _ = c["patch"]
        camera = nets.Camera(len(c["camera_moves"]), 3 * frames * side * side, c["patch"], c["camera_moves"], c["camera_hold"])
        net = nets.Transformer(c["dim"], c["layers"], c["rows"], c["columns"], camera)
        for b in net.blocks:
            b.w1 = torch.nn.Linear(c["dim"], c["mlp_ratio"] * c["dim"])
            b.w2 = torch.nn.Linear(c["mlp_ratio"] * c["dim"], c["dim"])
        self.net = fill(net, load("transformer", "diffusion_pytorch_model.safetensors"))
        self.sketcher = None
        if (folder / "sketcher").exists():
            k = json.loads((folder / "sketcher" / "config.json").read_text())
            nets.FACTS, nets.OUTLINES, nets.FINE = k["facts"], k["outlines"], k["fine"]
            self.sketcher = fill(nets.Sketcher(k["dim"], k["layers"], k["rows"], k["columns"], k["facts"] + k["outlines"] * k["fine"] ** 2),
                                 load("sketcher", "diffusion_pytorch_model.safetensors"))
        q = load("vae", "diffusion_pytorch_model.safetensors")
        self.encoder = codec_model.Encoder(q["pca.mean"], q["pca.basis"], q["pca.scale"])
        self.decoder = None
        if v["decoder"]:
            net = codec_model.Decoder(v["latent_channels"], v["low"], v["mid"], v["fine"])
            self.decoder = fill(net, {k[8:]: x for k, x in q.items() if k.startswith("decoder.")})
        self.judge = None
        if (folder / "judge").exists():
            q = load("judge", "model.safetensors")
            recogniser.C = v["latent_channels"]
            recogniser.SEEN = {k.split(".")[1]: x for k, x in q.items() if k.startswith("read.") and k.endswith("bias")}
            self.judge = fill(recogniser.Recogniser(q["conv.0.weight"].shape[0]), q)
        import sentencepiece
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer" / "spiece.model"))

    def ids(self, text):
        return self.pieces.encode(text)[: self.tokens - 1] + [1]

    def embed(self, text):
        hidden, pooled = self.text(torch.tensor([self.ids(text)]))
        return hidden, pooled, torch.ones(hidden.shape[:2], dtype=torch.bool), self.net.camera.move(pooled)

    def decode(self, z):
        frames = self.encoder.decode(z)
        if self.decoder is not None:
            frames = frames + self.encoder.beyond(self.decoder(z)[0])
        frames = frames.clamp(-1, 1)
        return codec_model.evened(frames, None, self.config["vae"].get("even", 0)).transpose(1, 2)          # [1, 3, F, H, W]

    def window_of(self, noise, history, text, blank, steps, guidance, keep=None, anchor=None, end=None):
        """`sample_window` of scripts/train/dit.py without autocast; `keep` takes what each step gives; end: the latent behind."""
        m, n = 0 if history is None else history.shape[2], noise.shape[2]
        x, s = noise, dit.levels(steps)
        for k in range(steps):
            whole = torch.cat([q for q in (history, x, end) if q is not None], 2)
            sigma = torch.full((1, whole.shape[2]), float(s[k]))
            sigma[:, :m] = sigma[:, m + n:] = self.sigma
            both = [((whole - self.net(whole, sigma, *q, trust=self.trust, anchor=anchor))[:, :, m:m + n] / s[k]) for q in (text, (*blank[:3], text[3]))]
            velocity = both[1] + guidance * (both[0] - both[1])
            x = x + (s[k + 1] - s[k]) * velocity
            if keep:
                keep(f"step{k}.cond", both[0]), keep(f"step{k}.uncond", both[1])
                keep(f"step{k}.noise", velocity), keep(f"step{k}.latents", x)
        return x

    def start(self, noise, text, blank, steps, guidance, seed):
        """A clip's first latent, drawn with its sketch, for which noise of its own is drawn."""
        sketch = self.sketcher.out.out_features - codec_model.C
        g, s = torch.Generator().manual_seed(seed + 2 ** 35), dit.levels(steps)
        x = torch.cat([noise, torch.randn(1, sketch, *noise.shape[2:], generator=g)], 1)
        for k in range(steps):
            yes, no = ((x - self.sketcher(x, torch.full((1, 1), float(s[k])), *q[:3])) / s[k] for q in (text, blank))
            x = x + (s[k + 1] - s[k]) * (no + guidance * (yes - no))
        return x[:, :codec_model.C]

    def rollout(self, noise, text, blank, latents, steps, guidance, later, seed, loop=False):
        """loop: a start of one latent is what the others look at; behind it the clip begins, and to there the last window leads back. That
        window has the last place for it, and as much more of what was before."""
        latents += loop
        text = (*text[:3], nets.slowed(text[3], latents, self.zoom_most))
        first = noise[:, :, :1 if loop else self.first]
        done = (self.window_of(first, None, text, blank, steps, guidance) if self.sketcher is None
                else self.start(first, text, blank, steps, guidance, seed))
        while (at := done.shape[2]) < latents:
            m, left = min(self.history, at), latents - at
            n, end = self.window - m, None
            if loop and left <= n:
                m, n, end = min(at, max(1, self.window - 1 - left)), left, done[:, :, 1:2] if at > 1 else done
            first = at - m - (at - m) % self.reach if text[3].any() else 0
            anchor = done[:, :, first], torch.tensor([at - m - first])
            new = self.window_of(noise[:, :, at:at + n], done[:, :, -m:], text, blank, steps, later, None, anchor, end)
            done = torch.cat([done, new], 2)
        return closed(done[:, :, 1:latents]) if loop else done[:, :, :latents]


def closed(x):
    """A loop's latents [1, C, T, H, W]: what of the step from the last to the first is longer than the usual one in that place is spread over
    the last ones."""
    if (count := x.shape[2]) < 4:
        return x
    usual = (x[:, :, 1:] - x[:, :, :-1]).norm(dim=1, keepdim=True).median(2, keepdim=True).values
    last = x[:, :, :1] - x[:, :, -1:]
    excess = last * (1 - usual / last.norm(dim=1, keepdim=True).clamp(min=1e-6)).clamp(min=0)
    over = min(12, count // 2)
    share = torch.zeros(count)
    share[-over:] = torch.arange(1, over + 1) / (over + 1)
    return x + excess * share.view(1, 1, -1, 1, 1)


@torch.no_grad()
def record(folder, out, prompt, latents, rows, columns, steps, guidance, rollout_steps, pictures=True, seed=20261122, later=dit.LATER):
    """Writes OUT.safetensors and OUT.json. rollout_steps: 0 leaves the rollout out; pictures: the codec's part.

    Noise is drawn for a window more than the clip, as scripts/train's rollout does."""
    torch.set_num_threads(1)
    m, kept = Folder(folder), {}

    def keep(name, x):
        kept[name] = x.clone()
    frames, patch = codec_model.STEP, codec_model.PATCH
    for name, text in (("prompt", prompt), ("negative", "")):
        ids = m.ids(text)
        keep(f"tokens.{name}.ids", torch.tensor([ids + [0] * (m.tokens - len(ids))]))
    text, blank = m.embed(prompt), m.embed("")
    keep("embeds.prompt", text[0]), keep("embeds.negative", blank[0])
    for name, value in m.text.attributes(text[1]).items():
        keep("attribute." + name, value)

    def draw(length, rows, columns):
        return torch.randn(1, codec_model.C, length + m.window, rows, columns, generator=torch.Generator().manual_seed(seed))
    noise = draw(latents, rows, columns)[:, :, :latents]
    keep("latents.init", noise), keep("sched.sigmas", dit.levels(steps))

    def first_output(_module, _inputs, y):                              # what it returned would replace y
        kept.setdefault("dit0.block0", y.clone())
    hook = m.net.blocks[0].register_forward_hook(first_output)
    x = m.window_of(noise, None, text, blank, steps, guidance, keep)
    hook.remove()
    keep("latents.final", x)
    picture, other = x[:, :, :1], noise[:, :, :1]
    keep("between.on", m.net.camera.between(picture[:, :, 0])[:, :, None])
    keep("between.back", m.net.camera.back(other[:, :, 0], picture[:, :, 0])[:, :, None])
    keep("toned", m.net.camera.toned(other[:, :, 0], picture[:, :, 0], 1.3 * noise[:, :, 1])[:, :, None])
    keep("carried", m.net.camera.carry(picture[:, :, 0], 7.5 * text[3])[:, :, None])
    half, two = torch.full((1, 2), .5), noise[:, :, :2]
    drawn = m.net(other, half[:, :1], *text, trust=m.trust)
    if m.sketcher is not None:
        z = torch.randn(1, m.sketcher.out.out_features, 1, rows, columns, generator=torch.Generator().manual_seed(seed + 1))
        sketched = m.sketcher(z, half[:, :1], *text[:3])
        keep("sketch.noise", z), keep("sketch.velocity", (z - sketched) / .5)
    for axis, first in ((3, True), (3, False), (2, True), (2, False)):
        def side(y, axis=axis, first=first):
            return m.net.camera.beside(y[:, :, 0], picture[:, :, 0], axis, max(1, picture.shape[axis + 1] // 4), first)[:, :, None]
        name = f"side{axis + 1}.{'first' if first else 'last'}"
        keep(name, (other - side(drawn)) / .5)
        if m.sketcher is not None:
            beside = torch.cat([picture, z[:, codec_model.C:]], 1)
            for what, known in (("sketch.", picture), ("sketched.", beside)):      # without a sketch, and with one
                made = nets.side_of(m.net.camera, sketched[:, :, 0], known[:, :, 0], axis, max(1, picture.shape[axis + 1] // 4), first)
                keep(what + name, (z - made[:, :, None]) / .5)
    keep("ahead", (two - m.net(two, half, *text, trust=m.trust, anchor=(picture[:, :, 0], torch.tensor([-2.5]), True))) / .5)
    if text[3][0, 2] != 0:                                              # a zoom's anchors: each of its own latent
        own = torch.cat([picture, other], 2)
        keep("ahead.own", (two - m.net(two, half, *text, trust=m.trust, anchor=(own, torch.tensor([-1.]), True))) / .5)
    if m.sketcher is not None:
        moved = torch.cat([m.net.camera.between(z[:, :codec_model.C, 0]), nets.between_sketches(z[:, codec_model.C:, 0])], 1)
        keep("sketch.between", moved[:, :, None])
        keep("sketch.leads", dit.leads(z, text[3]))
    if m.judge is not None:
        for name, value in m.judge(x[:, :, 0]).items():
            keep("judge." + name, value[0])
    if pictures:
        video = m.decode(x)
        keep("video.decoded", video)
        rgb = ((video * 0.5 + 0.5).clamp(0, 1) * 255).round().byte()[0].permute(1, 2, 3, 0)
        keep("video.rgb8_round", rgb.contiguous())
        # 9 frames are two latents and one frame that waits.
        seen = torch.randn(1, 3, 2 * frames + 1, 2 * patch, 3 * patch, generator=torch.Generator().manual_seed(5)).sin()
        keep("enc.input", seen)
        keep("enc.mode", m.encoder.encode(seen[:, :, : 2 * frames].transpose(1, 2) / 2 + 0.5))
    if rollout_steps:
        length = m.window + 2 * m.history
        keep("rollout.latents", m.rollout(draw(length, m.rows, m.columns), text, blank, length, rollout_steps, guidance, later, seed))
        length = m.window + m.history
        keep("loop.latents", m.rollout(draw(length + 1, m.rows, m.columns), text, blank, length, rollout_steps, guidance, later, seed, loop=True))
    save_file(kept, f"{out}.safetensors")
    info = {"variant": pathlib.Path(folder).name, "prompt": prompt, "negative": "", "steps": steps, "guidance_scale": guidance, "guidance_scale_2": later,
            "shift": dit.SHIFT, "scheduler": "euler-even", "seed": seed, "rollout_steps": rollout_steps,
            "width": columns * patch, "height": rows * patch,
            "num_frames": latents * frames, "torch": torch.__version__.split("+")[0], "tensors": {k: list(x.shape) for k, x in sorted(kept.items())}}
    pathlib.Path(f"{out}.json").write_text(json.dumps(info, indent=1) + "\n")
