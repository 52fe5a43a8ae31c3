#include "pipeline/check.h"

#include <ATen/ops/isfinite.h>

#include <set>

#include "core/cancel.h"
#include "families/family.h"
#include "genvid/error.h"
#include "pipeline/check_reference.h"
#include "pipeline/runtime.h"
#include "weights/tensor_file.h"

namespace genvid {
namespace {

// Names and shapes are the front's check, from the headers; here the weights themselves.
std::set<std::string> weighted_components(const ModelFolder& model, const Description& family) {
  std::set<std::string> names;
  for (const ExpectedTensor& e : family.expected_tensors(model)) names.insert(e.component);
  return names;
}

CheckLine check_finite(const ModelFolder& model, const std::string& component) {
  CheckLine line;
  line.stage = component + " values";
  line.unit = "exact";
  int64_t tensors = 0;
  for (const auto& file : model.component(component).files) {
    for_each_tensor(file, [&](const std::string& name, const Tensor& value) {
      throw_if_cancelled();
      ++tensors;
      if (!at::isfinite(value).all().item<bool>() && line.note.empty()) {
        line.note = "'" + name + "' holds values that are not finite";
      }
    });
  }
  line.passed = line.note.empty();
  if (line.passed) line.note = std::to_string(tensors) + " tensors, all finite";
  return line;
}

// Loading binds every tensor by name and shape and refuses what nothing binds.
CheckLine check_loads(const Family& family, const LoadContext& context) {
  CheckLine line;
  line.stage = "loads";
  line.unit = "exact";
  try {
    family.load_text_encoder(context);
    for (const Stage& s : family.stages(*context.model)) family.load_denoiser(context, s.component);
    family.load_vae(context);
    line.passed = true;
  } catch (const Error& e) {
    line.note = e.what();
  }
  return line;
}

}  // namespace

std::string find_non_finite(const ModelFolder& model, const Description& description) {
  for (const std::string& c : weighted_components(model, description)) {
    const CheckLine line = check_finite(model, c);
    if (!line.passed) return c + ": " + line.note;
  }
  return "";
}

std::vector<CheckLine> check_model(const CheckSpec& spec, Host& host) {
  const ModelFolder model = ModelFolder::open(spec.model_dir);
  const Family& family = find_family(model);
  const LoadContext context = load_context(model, spec.device, spec.dtype, "fp32", spec.threads);
  StageClock clock(host);

  std::vector<CheckLine> lines;
  clock.start("load", 0);
  for (const std::string& c : weighted_components(model, *family.description)) {
    lines.push_back(check_finite(model, c));
  }
  lines.push_back(check_loads(family, context));
  clock.stop();
  for (const CheckLine& line : lines) {
    if (!line.passed) return lines;
  }
  if (!spec.reference.empty()) {
    const auto more = check_against(family, context, spec, clock);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  return lines;
}

}  // namespace genvid
