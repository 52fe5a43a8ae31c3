#include "pipeline/decode.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <optional>

#include "core/cancel.h"
#include "core/log.h"
#include "genvid/error.h"
#include "pipeline/frame_feeder.h"
#include "pipeline/joint.h"
#include "pipeline/tiled_vae.h"

namespace genvid {
namespace {

// Latent frames at a loop's end that the decoder sees before the start, for what it remembers.
constexpr int64_t kLoopLatents = 16;

// `seen` latents stand before the clip's own, for what the decoder remembers.
void decode_once(const Family& family, const LoadContext& context, const Tensor& latents,
                 int64_t seen, const std::optional<Image>& shown, FrameFeeder& feeder,
                 StageClock& clock, const MemoryLadder& ladder) {
  const std::unique_ptr<VideoVae> vae = family.load_vae(context);
  const int64_t tiles = ladder.vae_tiles(), count = latents.size(2);
  Joint joint;
  const auto deliver = [&](int64_t t, const Tensor& frames) {
    if (t >= seen) {
      if (!feeder.complete()) feeder.write(joint(frames));
    } else if (t == seen - 1 && shown) {
      joint = Joint(*shown, frames);
    }
  };
  if (ladder.tile_after_tile()) {
    int64_t done = 0, t = 0;
    clock.start("decode", tiles * tiles * count);
    for (Tensor& frames : decode_tile_after_tile(*vae, tiles, latents, context.device, [&] {
           throw_if_cancelled();
           maybe_run_out_of_memory("decode");
           clock.advance(++done);
         })) {
      deliver(t++, frames);
      frames.reset();
    }
    return;
  }
  const std::unique_ptr<VaeStream> decoder =
      tiles > 1 ? open_tiled_decoder(*vae, tiles) : vae->open_decoder();
  clock.start("decode", count);
  for (int64_t t = 0; t < count && !feeder.complete(); ++t) {
    throw_if_cancelled();
    if (t >= seen) maybe_run_out_of_memory("decode");
    deliver(t, decoder->push(latents.narrow(2, t, 1).to(context.device)));
    clock.advance(t + 1);
  }
}

}  // namespace

Tensor loop_start(const Tensor& latents) {
  const int64_t count = std::min(kLoopLatents, latents.size(2));
  return latents.narrow(2, latents.size(2) - count, count);
}

bool decode_to_sink(const Family& family, const LoadContext& context, const Tensor& latents,
                    const LatentsStart& start, const FrameSpec& spec, FrameSink& sink,
                    StageClock& clock, MemoryLadder& ladder) {
  FrameFeeder feeder(sink, spec);
  const Tensor end = start.loop && start.context == 0 ? loop_start(latents) : Tensor();
  const Tensor all = end.defined() ? at::cat({end, latents}, 2) : latents;
  const int64_t seen = end.defined() ? end.size(2) : start.context;
  bool retried = false;
  const auto decode = [&](const LoadContext& with) {
    ladder.run(MemoryLadder::Stage::kDecoding, [&] {
      feeder.restart();
      decode_once(family, with, all, seen, start.shown, feeder, clock, ladder);
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
