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

// Names, shapes and dtypes against what the configs ask for, from the headers alone.
CheckLine check_structure(const ModelFolder& model, const Description& description,
                          std::set<std::string>& components) {
  CheckLine line;
  line.stage = "structure";
  line.unit = "exact";
  const std::vector<ExpectedTensor> expected = description.expected_tensors(model);
  for (const ExpectedTensor& e : expected) components.insert(e.component);
  line.note = std::to_string(expected.size()) + " tensors in " + std::to_string(components.size()) +
              " components";
  line.passed = true;
  return line;
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
  std::set<std::string> components;
  for (const ExpectedTensor& e : description.expected_tensors(model)) {
    components.insert(e.component);
  }
  for (const std::string& c : components) {
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
  std::set<std::string> components;
  lines.push_back(check_structure(model, *family.description, components));
  for (const std::string& c : components) lines.push_back(check_finite(model, c));
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
