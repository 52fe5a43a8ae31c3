"""Runs a Wan checkpoint folder through diffusers on the CPU and records a tensor per stage.

One component is in memory at a time as far as diffusers allows it: text encoder, then image encoder, VAE and
transformer(s), then the VAE alone. README.md says what each tensor is.
"""

import dataclasses
import gc
import json
import os

import diffusers
import torch
import transformers
from diffusers import (
    AutoencoderKLWan,
    SkyReelsV2DiffusionForcingPipeline,
    WanImageToVideoPipeline,
    WanPipeline,
)
from PIL import Image
from transformers import CLIPImageProcessorPil, UMT5EncoderModel

from recorder import Recorder
from tiny_tokenizer import load_tokenizer

MAX_TOKENS = 512


@dataclasses.dataclass
class Request:
    variant: str
    prompt: str
    negative: str
    height: int
    width: int
    num_frames: int
    steps: int
    guidance_scale: float
    guidance_scale_2: float | None = None
    fps: int | None = None  # told to SkyReels-V2
    seed: int = 20261122
    image: Image.Image | None = None
    last_image: Image.Image | None = None
    dtype: torch.dtype = torch.float32  # of the transformer; the VAE and CLIP run in fp32
    text_dtype: torch.dtype = torch.float32
    block_taps: bool = (
        True  # outputs of every block; without it of the first and the last block, none in the VAE
    )
    component_taps: bool = (
        True  # t5.*, enc.* and the inside of the decoder for its first three chunks
    )


class Taps:
    """Forward hooks that record the first output of a module, or with `chunks` the first three."""

    def __init__(self, recorder):
        self._recorder, self._hooks, self._calls = recorder, [], {}

    def add(self, name, module, select=lambda output: output, chunks=False):
        def hook(_module, _args, output):
            call = self._calls.get(name, 0)
            self._calls[name] = call + 1
            if call > (2 if chunks else 0):
                return
            value = select(output)
            value = value[0] if isinstance(value, (tuple, list)) else value
            if torch.is_tensor(value):
                self._recorder.keep(f"{name}#{call}" if chunks else name, value)

        self._hooks.append(module.register_forward_hook(hook))

    def add_blocks(self, name, blocks, every):
        for i, block in enumerate(blocks):
            if every or i in (0, len(blocks) - 1):
                self.add(f"{name}{i}", block)

    def remove(self):
        for hook in self._hooks:
            hook.remove()


def _record_tokens(recorder, tokenizer, request):
    for name, text in (("prompt", request.prompt), ("negative", request.negative)):
        tokens = tokenizer(
            text,
            padding="max_length",
            max_length=MAX_TOKENS,
            truncation=True,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        recorder.keep(f"tokens.{name}.ids", tokens.input_ids.to(torch.int32))
        recorder.keep(f"tokens.{name}.mask", tokens.attention_mask.to(torch.int32))


def _text(recorder, folder, request):
    """tokens.*, t5.*, embeds.*; returns the two embeddings"""
    tokenizer = load_tokenizer(os.path.join(folder, "tokenizer"))
    encoder = UMT5EncoderModel.from_pretrained(
        os.path.join(folder, "text_encoder"), dtype=request.text_dtype
    ).eval()
    pipe = WanPipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=None, scheduler=None, transformer=None
    )
    _record_tokens(recorder, tokenizer, request)
    taps = Taps(recorder)
    if request.component_taps:
        taps.add("t5.embed", encoder.encoder.embed_tokens)
        taps.add_blocks("t5.block", encoder.encoder.block, request.block_taps)
        taps.add("t5.final", encoder.encoder.final_layer_norm)
    embeds = []
    for name, text in (("prompt", request.prompt), ("negative", request.negative)):
        embeds.append(pipe._get_t5_prompt_embeds(text, max_sequence_length=MAX_TOKENS))
        recorder.keep(f"embeds.{name}", embeds[-1])
    taps.remove()
    return embeds


def _load(folder, request):
    """The pipeline without its text encoder."""
    with open(os.path.join(folder, "model_index.json"), encoding="utf-8") as f:
        index = json.load(f)
    parts = {
        "text_encoder": None,
        "tokenizer": None,
        "vae": AutoencoderKLWan.from_pretrained(folder, subfolder="vae", dtype=torch.float32),
    }
    pipeline = WanPipeline
    if index["_class_name"].startswith("SkyReelsV2DiffusionForcing"):
        pipeline = SkyReelsV2DiffusionForcingPipeline
    elif request.image is not None:
        pipeline = WanImageToVideoPipeline
        if (index.get("image_encoder") or [None])[0]:
            encoder = getattr(
                transformers, index["image_encoder"][1]
            )  # CLIPVisionModel, or ...WithProjection
            parts["image_encoder"] = encoder.from_pretrained(
                folder, subfolder="image_encoder", dtype=torch.float32
            )
            # With torchvision installed transformers would resize by it, which differs by 1 in some bytes.
            parts["image_processor"] = CLIPImageProcessorPil.from_pretrained(
                folder, subfolder="image_processor"
            )
    pipe = pipeline.from_pretrained(folder, dtype=request.dtype, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _is_forcing(model):
    return type(model).__name__ == "SkyReelsV2Transformer3DModel"


def _tap_transformer(taps, model, request):
    taps.add("dit0.rope_cos", model.rope, lambda o: o[0])
    taps.add("dit0.rope_sin", model.rope, lambda o: o[1])
    taps.add("dit0.patch", model.patch_embedding)
    embedder = model.condition_embedder

    def once(rows):  # SkyReels-V2 has them per latent frame, [1, F, D], here all equal
        return rows[:, 0].float() if rows.ndim == 3 and _is_forcing(model) else rows

    taps.add("dit0.time_sinusoid", embedder.timesteps_proj, once)
    for i, name in enumerate(("temb", "time_proj", "text", "image")):
        taps.add(f"dit0.{name}", embedder, lambda o, i=i: once(o[i]) if i < 2 else o[i])
    taps.add_blocks("dit0.block", model.blocks, request.block_taps)
    first = model.blocks[0]
    taps.add("dit0.block0.norm1", first.norm1)
    taps.add("dit0.block0.attn1.norm_q", first.attn1.norm_q)
    taps.add("dit0.block0.attn1", first.attn1)
    taps.add("dit0.block0.attn2", first.attn2)
    taps.add("dit0.block0.ffn", first.ffn)


def _spy_on_image(recorder, pipe, request):
    """image.*, cond.* and clip.*: everything between the image file and the transformer's input"""
    preprocess, prepare, encode = (
        pipe.video_processor.preprocess,
        pipe.prepare_latents,
        pipe.encode_image,
    )

    def spy_preprocess(image, **kwargs):
        pixels = preprocess(image, **kwargs)
        recorder.keep("cond.image" if "cond.image" not in recorder else "cond.image_last", pixels)
        return pixels

    def spy_prepare(*args, **kwargs):
        result = prepare(*args, **kwargs)
        if len(result) == 3:  # expand_timesteps: latents, condition, first-frame mask
            recorder.keep("cond.latents", result[1])
            recorder.keep("cond.mask", result[2])
        else:  # latents, [mask | condition]
            split = pipe.vae_scale_factor_temporal
            recorder.keep("cond.mask", result[1][:, :split])
            recorder.keep("cond.latents", result[1][:, split:])
        return result

    def spy_encode(image, device=None):
        pixels = pipe.image_processor(images=image, return_tensors="pt").pixel_values
        recorder.keep("clip.pixels", pixels)
        embeds = encode(image, device)
        recorder.keep("clip.embeds", embeds)
        return embeds

    pipe.video_processor.preprocess, pipe.prepare_latents, pipe.encode_image = (
        spy_preprocess,
        spy_prepare,
        spy_encode,
    )
    for name, image in (("image.rgb8", request.image), ("image_last.rgb8", request.last_image)):
        if image is not None:
            raw = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
            recorder.keep(name, raw.reshape(image.height, image.width, 3))


def _initial_latents(recorder, pipe, request):
    config = pipe.vae.config
    frames = (request.num_frames - 1) // config.scale_factor_temporal + 1
    shape = (
        1,
        config.z_dim,
        frames,
        request.height // config.scale_factor_spatial,
        request.width // config.scale_factor_spatial,
    )
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(request.seed))
    recorder.keep("latents.init", latents)
    return latents


class StepLog:
    """step{i}.*, written after each step, so that no more than one step's tensors are held."""

    def __init__(self, recorder, pipe, request):
        self._recorder, self._pipe, self._request, self._calls, self._hooks = (
            recorder,
            pipe,
            request,
            [],
            [],
        )
        for model in (pipe.transformer, getattr(pipe, "transformer_2", None)):
            if model is not None:
                self._hooks.append(model.register_forward_hook(self._on_call, with_kwargs=True))

    def _on_call(self, module, _args, kwargs, output):
        prediction = output[0] if isinstance(output, tuple) else output.sample
        self._calls.append(
            (
                module is self._pipe.transformer,
                kwargs["timestep"].detach().clone(),
                prediction.detach().clone(),
            )
        )

    def on_step(self, _pipe, i, _timestep, kwargs):
        keep, request = self._recorder.keep, self._request
        high, timestep, cond = self._calls[0]
        noise = cond
        keep(f"step{i}.cond", cond)
        if len(self._calls) > 1:
            uncond = self._calls[1][2]
            keep(f"step{i}.uncond", uncond)
            second = (
                request.guidance_scale
                if request.guidance_scale_2 is None
                else request.guidance_scale_2
            )
            noise = uncond + (request.guidance_scale if high else second) * (cond - uncond)
        keep(f"step{i}.noise", noise)
        keep(f"step{i}.latents", kwargs["latents"])
        # Of the last token: where the first latent frame is given (TI2V with an image) its timestep is 0.
        keep(f"step{i}.timestep", timestep.reshape(-1)[-1:].float())
        keep(f"step{i}.expert", torch.tensor([0 if high else 1], dtype=torch.int32))
        self._calls.clear()
        return kwargs

    def remove(self):
        for hook in self._hooks:
            hook.remove()


def _denoise(recorder, pipe, request, embeds):
    """dit0.*, step*.*, latents.*, sched.*, and cond.*, clip.* with an image; returns the final latents"""
    taps, log = Taps(recorder), StepLog(recorder, pipe, request)
    _tap_transformer(taps, pipe.transformer, request)
    arguments = {
        "prompt_embeds": embeds[0],
        "negative_prompt_embeds": embeds[1],
        "height": request.height,
        "width": request.width,
        "num_frames": request.num_frames,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance_scale,
        "latents": _initial_latents(recorder, pipe, request),
        "output_type": "latent",
        "callback_on_step_end": log.on_step,
    }
    if _is_forcing(pipe.transformer):
        arguments.update(prompt=None, fps=request.fps, base_num_frames=request.num_frames)
        # It fails when given latents (0.42.1); these are the same.
        arguments.update(latents=None, generator=torch.Generator().manual_seed(request.seed))
    if request.guidance_scale_2 is not None:
        arguments["guidance_scale_2"] = request.guidance_scale_2
    if request.image is not None:
        _spy_on_image(recorder, pipe, request)
        arguments["image"] = request.image
        if request.last_image is not None:
            arguments["last_image"] = request.last_image
    latents = pipe(**arguments).frames
    taps.remove()
    log.remove()
    recorder.keep("sched.sigmas", pipe.scheduler.sigmas)
    recorder.keep("sched.timesteps", pipe.scheduler.timesteps.to(torch.int64))
    recorder.keep("latents.final", latents)
    return latents


@torch.no_grad()
def _decode(recorder, vae, processor, request, latents):
    """vae.*, video.*"""
    taps = Taps(recorder)
    taps.add("vae.post_quant", vae.post_quant_conv)
    if request.component_taps:
        taps.add("vae.mid", vae.decoder.mid_block, chunks=True)
        if request.block_taps:
            for i, block in enumerate(vae.decoder.up_blocks):
                taps.add(f"vae.up{i}", block, chunks=True)
        taps.add("vae.dec", vae.decoder, chunks=True)
    shape = (1, vae.config.z_dim, 1, 1, 1)
    mean = torch.tensor(vae.config.latents_mean).view(shape).to(vae.dtype)
    inverse_std = 1.0 / torch.tensor(vae.config.latents_std).view(shape).to(vae.dtype)
    latents = latents.to(vae.dtype) / inverse_std + mean
    recorder.keep("vae.input", latents)
    frames = vae.decode(latents, return_dict=False)[0]
    recorder.keep("video.decoded", frames)  # [1, 3, F, H, W] in [-1, 1]
    pixels = processor.postprocess_video(frames, output_type="np")[0]  # [F, H, W, 3] in [0, 1]
    recorder.keep("video.rgb8_round", torch.from_numpy((pixels * 255).round().astype("uint8")))
    taps.remove()


@torch.no_grad()
def _encode(recorder, vae, request):
    """enc.*: the encoder alone, on five frames of a formula"""
    t = torch.linspace(0, 1, 5).view(1, 1, 5, 1, 1)
    y = torch.linspace(-1, 1, request.height).view(1, 1, 1, -1, 1)
    x = torch.linspace(-1, 1, request.width).view(1, 1, 1, 1, -1)
    video = torch.cat(
        [torch.sin(3 * x + 2 * t + y), torch.cos(4 * y - 3 * t + 0 * x), torch.sin(5 * x * y + t)],
        1,
    )
    recorder.keep("enc.input", video.to(vae.dtype))
    recorder.keep("enc.mode", vae.encode(video.to(vae.dtype)).latent_dist.mode())


def _description(recorder, request):
    result = {
        "variant": request.variant,
        "prompt": request.prompt,
        "negative": request.negative,
        "max_sequence_length": MAX_TOKENS,
        "guidance_scale": request.guidance_scale,
        "num_frames": request.num_frames,
        "steps": request.steps,
        "height": request.height,
        "width": request.width,
    }
    if request.fps is not None:
        result["fps"] = request.fps
    if request.guidance_scale_2 is not None:
        result["guidance_scale_2"] = request.guidance_scale_2
    result.update(
        seed=request.seed,
        dtype=str(request.dtype).removeprefix("torch."),
        text_dtype=str(request.text_dtype).removeprefix("torch."),
        torch=torch.__version__,
        diffusers=diffusers.__version__,
        transformers=transformers.__version__,
        tensors=recorder.shapes(),
    )
    return result


def reference(folder, request, out):
    """Writes out.safetensors and out.json beside each other; returns the Recorder (call close)."""
    recorder = Recorder(os.path.dirname(os.path.abspath(out)))
    with torch.no_grad():
        embeds = _text(recorder, folder, request)
    gc.collect()
    pipe = _load(folder, request)
    latents = _denoise(recorder, pipe, request, embeds)
    vae, processor = pipe.vae, pipe.video_processor
    del pipe
    gc.collect()
    _decode(recorder, vae, processor, request, latents)
    if request.component_taps:
        _encode(recorder, vae, request)
    recorder.write(out + ".safetensors")
    with open(out + ".json", "w", encoding="utf-8") as f:
        json.dump(_description(recorder, request), f, indent=1, ensure_ascii=False)
        f.write("\n")
    return recorder
