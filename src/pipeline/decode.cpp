#include "pipeline/decode.h"

#include <algorithm>

#include "core/cancel.h"
#include "core/log.h"
#include "genvid/error.h"
#include "pipeline/frame_feeder.h"
#include "pipeline/tiled_vae.h"

namespace genvid {
namespace {

// Latent frames at a loop's end that the decoder sees before the start, for what it remembers.
constexpr int64_t kLoopLatents = 16;

void decode_once(const Family& family, const LoadContext& context, const Tensor& latents,
                 const Tensor& before, FrameFeeder& feeder, StageClock& clock,
                 const MemoryLadder& ladder) {
  const std::unique_ptr<VideoVae> vae = family.load_vae(context);
  const int64_t tiles = ladder.vae_tiles(), count = latents.size(2);
  if (ladder.tile_after_tile()) {
    int64_t done = 0;
    clock.start("decode", tiles * tiles * count);
    for (Tensor& frames : decode_tile_after_tile(*vae, tiles, latents, before, context.device, [&] {
           throw_if_cancelled();
           maybe_run_out_of_memory("decode");
           clock.advance(++done);
         })) {
      if (!feeder.complete()) feeder.write(frames);
      frames.reset();
    }
    return;
  }
  const std::unique_ptr<VaeStream> decoder =
      tiles > 1 ? open_tiled_decoder(*vae, tiles) : vae->open_decoder();
  clock.start("decode", count);
  for (int64_t t = 0; before.defined() && t < before.size(2); ++t) {
    throw_if_cancelled();
    decoder->push(before.narrow(2, t, 1).to(context.device));
  }
  for (int64_t t = 0; t < count && !feeder.complete(); ++t) {
    throw_if_cancelled();
    maybe_run_out_of_memory("decode");
    feeder.write(decoder->push(latents.narrow(2, t, 1).to(context.device)));
    clock.advance(t + 1);
  }
}

}  // namespace

Tensor loop_start(const Tensor& latents) {
  const int64_t count = std::min(kLoopLatents, latents.size(2));
  return latents.narrow(2, latents.size(2) - count, count);
}

bool decode_to_sink(const Family& family, const LoadContext& context, const Tensor& latents,
                    const FrameSpec& spec, FrameSink& sink, StageClock& clock, MemoryLadder& ladder,
                    const Tensor& before) {
  FrameFeeder feeder(sink, spec);
  bool retried = false;
  const auto decode = [&](const LoadContext& with) {
    ladder.run(MemoryLadder::Stage::kDecoding, [&] {
      feeder.restart();
      decode_once(family, with, latents, before, feeder, clock, ladder);
    });
  };
  clock.start("load", 0);
  try {
    decode(context);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kNumerical || context.vae_dtype == at::kFloat) throw;
    log::warn(std::string(e.what()) + "; decoding again in fp32");
    LoadContext fp32 = context;
    fp32.vae_dtype = at::kFloat;
    decode(fp32);
    retried = true;
  }
  if (!feeder.complete()) {
    throw Error(ErrorKind::kModel, "the decoder gave " + std::to_string(feeder.written()) +
                                       " frames, expected " + std::to_string(spec.frames));
  }
  clock.start("encode", 0);
  sink.finish();
  clock.stop();
  return retried;
}

}  // namespace genvid
