// What the video autoencoder costs on a CPU: its convolutions at full-size channel counts in both
// memory layouts, the fused norm against its operators, and whole decodes.
//   OMP_NUM_THREADS=1 build/tests/vae_bench --benchmark_min_time=1
// CPU time is what counts on a shared machine. GENVID_BENCH_MODEL names another model folder,
// e.g. a real checkpoint, for the decodes.
#include <ATen/Context.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mkldnn_convolution.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <benchmark/benchmark.h>
#include <c10/core/InferenceMode.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "families/wan/config.h"
#include "families/wan/vae.h"
#include "nn/channel_rms_norm.h"
#include "support/weights.h"

namespace genvid {
namespace {

at::ScalarType type_of(const benchmark::State& state) {
  return state.range(0) == 16 ? at::kBFloat16 : at::kFloat;
}

enum class Path { kPlain, kChannelsLast, kOneDnnChannelsLast };

// Arguments: bits, channels, rows; four frames come out, as in the steady state of a decode.
void conv3d(benchmark::State& state, Path path) {
  const c10::InferenceMode inference;
  const int64_t c = state.range(1), h = state.range(2), w = h * 26 / 15;
  at::Tensor x = at::randn({1, c, 6, h, w}).to(type_of(state));
  if (path != Path::kPlain) x = x.contiguous(at::MemoryFormat::ChannelsLast3d);
  const at::Tensor weight = at::randn({c, c, 3, 3, 3}).to(type_of(state));
  const at::Tensor bias = at::randn({c}).to(type_of(state));
  for (auto _ : state) {
    if (path == Path::kOneDnnChannelsLast) {
      benchmark::DoNotOptimize(
          at::mkldnn_convolution(x, weight, bias, {0, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1));
    } else {
      benchmark::DoNotOptimize(
          at::convolution(x, weight, bias, {1, 1, 1}, {0, 1, 1}, {1, 1, 1}, false, {0, 0, 0}, 1));
    }
  }
  const double flops = 2.0 * 27 * static_cast<double>(c * c * 4 * h * w);
  state.counters["GFLOP/s"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void full_size(benchmark::internal::Benchmark* b) {
  for (const int64_t bits : {32, 16}) {
    b->Args({bits, 3, 240})->Args({bits, 12, 120});
    b->Args({bits, 96, 120})->Args({bits, 192, 60})->Args({bits, 384, 30});
  }
  b->ArgNames({"bits", "channels", "rows"})->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(conv3d, ncdhw, Path::kPlain)->Apply(full_size);
BENCHMARK_CAPTURE(conv3d, channels_last, Path::kChannelsLast)->Apply(full_size);
BENCHMARK_CAPTURE(conv3d, channels_last_onednn, Path::kOneDnnChannelsLast)->Apply(full_size);

void norm_silu(benchmark::State& state, bool fused) {
  const c10::InferenceMode inference;
  const test::TempDir dir;
  const int64_t c = state.range(1), h = state.range(2), w = h * 26 / 15;
  const ChannelRmsNorm norm(
      test::weights_of(dir, {{"gamma", at::randn({c, 1, 1, 1})}}, {type_of(state), {}}), c, 3);
  const at::Tensor x = at::randn({1, 4, h, w, c}).to(type_of(state));
  at::Tensor out = at::empty_like(x);
  for (auto _ : state) {
    if (fused) {
      norm.silu_into(x, out);
    } else {
      out.copy_(at::silu(norm.reference(x)));
    }
  }
}

BENCHMARK_CAPTURE(norm_silu, operators, false)->Apply(full_size);
BENCHMARK_CAPTURE(norm_silu, fused, true)->Apply(full_size);

// Arguments: bits, rows, latent frames. Latents are pushed one by one and the frames dropped, as
// the pipeline does; peak_MiB is the process's so far, so run one case per process to compare it.
void decode(benchmark::State& state) {
  const c10::InferenceMode inference;
  const char* folder = std::getenv("GENVID_BENCH_MODEL");
  const ModelFolder model =
      ModelFolder::open(folder != nullptr ? folder : GENVID_SOURCE_DIR "/models/tiny-wan21");
  const wan::VaeConfig config =
      wan::parse_vae_config(model.component("vae").config, "vae/config.json");
  LoadContext context;
  context.model = &model;
  context.vae_dtype = type_of(state);
  const std::unique_ptr<VideoVae> vae = wan::load_vae(context);
  const int64_t h = state.range(1) / config.scale_factor_spatial, w = h * 26 / 15;
  const at::Tensor latent = at::randn({1, config.z_dim, 1, h, w});
  for (auto _ : state) {
    const std::unique_ptr<VaeStream> stream = vae->open_decoder();
    for (int64_t i = 0; i < state.range(2); ++i) {
      benchmark::DoNotOptimize(stream->push(latent));
    }
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_MiB"] = static_cast<double>(usage.ru_maxrss) / 1024;
}

BENCHMARK(decode)
    ->ArgNames({"bits", "rows", "latents"})
    ->Args({32, 128, 3})
    ->Args({16, 128, 3})
    ->Args({32, 480, 21})
    ->Args({32, 480, 61})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace genvid

BENCHMARK_MAIN();
