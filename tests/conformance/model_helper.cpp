#include "conformance/model_helper.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "pipeline/generate.h"
#include "pipeline/progress.h"
#include "pipeline/text_to_video.h"
#include "weights/tensor_file.h"

namespace genvid::conformance {
namespace {

namespace fs = std::filesystem;

Image test_picture(Size size, int phase) {
  Image image{size.width, size.height, {}};
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        image.pixels.push_back(static_cast<uint8_t>((x * 5 + y * 3 + c * 70 + phase) % 256));
      }
    }
  }
  return image;
}

std::vector<StoredTensor> read_all(const fs::path& file) {
  const std::string bytes = test::read_back(file);
  std::vector<StoredTensor> out;
  for (const TensorEntry& e : read_safetensors_header(file).tensors) {
    const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data()) + e.offset;
    out.push_back({e, {begin, begin + e.bytes}});
  }
  return out;
}

void write_all(const fs::path& file, const std::vector<StoredTensor>& tensors) {
  std::vector<TensorData> data;
  for (const StoredTensor& t : tensors) {
    data.push_back({t.entry.name, t.entry.dtype, t.entry.shape, t.bytes});
  }
  write_safetensors(file, data, {}, true);
}

}  // namespace

std::vector<std::string> tiny_models() {
  std::vector<std::string> names;
  for (const auto& e : fs::directory_iterator(GENVID_SOURCE_DIR "/models")) {
    const std::string name = e.path().filename().string();
    if (name.rfind("tiny-", 0) == 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path tiny_model(const std::string& name) {
  return fs::path(GENVID_SOURCE_DIR) / "models" / name;
}

Checkpoint::Checkpoint(const fs::path& dir)
    : folder(ModelFolder::open(dir)),
      family(find_family(folder)),
      traits(family.description->traits(folder)) {}

LoadContext Checkpoint::context() const {
  LoadContext out;
  out.model = &folder;
  return out;
}

ClipSpec Checkpoint::spec() const {
  const Geometry& g = traits.geometry;
  ClipSpec spec;
  spec.model_dir = folder.dir().string();
  spec.prompt = "establishing shot of a house";
  spec.negative_prompt = "blurred";
  spec.model_size = spec.size = {g.size_multiple * 3, g.size_multiple * 2};
  spec.model_frames = spec.frames = g.frames_of(3);
  spec.fps = {16, 1};
  spec.num_inference_steps = 4;
  spec.guidance_scale = 5.0;
  spec.guidance_scale_2 = 3.0;
  spec.shift = traits.shift;
  spec.scheduler = traits.scheduler;
  spec.seed = 7;
  if (traits.image != ImageInput::kNone) spec.image = test_picture(spec.model_size, 0);
  // By diffusion forcing it stands behind the clip: forcing_test.cpp.
  const bool ends = traits.last_image != ImageInput::kNone && !traits.forcing;
  if (ends) spec.last_image = test_picture(spec.model_size, 99);
  return spec;
}

void load_all(const Checkpoint& checkpoint) {
  const c10::InferenceMode inference;
  const LoadContext context = checkpoint.context();
  checkpoint.family.load_text_encoder(context);
  for (const Stage& s : checkpoint.family.stages(checkpoint.folder)) {
    checkpoint.family.load_denoiser(context, s.component);
  }
  checkpoint.family.load_vae(context);
  const ClipSpec spec = checkpoint.spec();
  if (spec.image) checkpoint.family.prepare_conditioning(context, spec);
}

Tensor make_latents(const Checkpoint& checkpoint, const ClipSpec& spec, Host& host) {
  const c10::InferenceMode inference;
  const LoadContext context = checkpoint.context();
  StageClock clock(host);
  const ClipPrompts prompts = encode_prompts(checkpoint.family, context, spec, clock);
  Conditioning conditioning;
  if (spec.image) conditioning = checkpoint.family.prepare_conditioning(context, spec);
  return denoise(checkpoint.family, context, spec, prompts, conditioning,
                 first_latents(context, spec, checkpoint.traits.geometry), clock);
}

Copy::Copy(const std::string& name) : dir_(temp_ / name) {
  // Without copy_symlinks, what a link points to is copied.
  fs::copy(tiny_model(name), dir_, fs::copy_options::recursive);
}

Copy::Spoiled::Spoiled(const Copy& copy, const std::string& component, const std::string& tensor,
                       const Change& change) {
  for (const fs::path& file : ModelFolder::open(copy.dir()).component(component).files) {
    std::vector<StoredTensor> tensors = read_all(file);
    const auto same = [&](const StoredTensor& t) { return t.entry.name == tensor; };
    if (std::none_of(tensors.begin(), tensors.end(), same)) continue;
    file_ = file;
    original_ = test::read_back(file);
    change(tensors);
    write_all(file, tensors);
    return;
  }
  throw std::runtime_error("no tensor " + tensor + " in " + component);
}

Copy::Spoiled::~Spoiled() { test::write_file(file_, original_); }

Tensor make_clip(ClipSpec spec, FrameSink& sink) {
  const test::TempDir dir;
  spec.save_latents = (dir / "made.safetensors").string();
  TestHost host;
  generate_clip(spec, sink, host);
  return read_latents(spec.save_latents);
}

StoredTensor& find(std::vector<StoredTensor>& tensors, const std::string& name) {
  for (StoredTensor& t : tensors) {
    if (t.entry.name == name) return t;
  }
  throw std::runtime_error("no tensor " + name);
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const Tensor x = a.contiguous(), y = b.contiguous();
  return std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

double max_abs(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace genvid::conformance
