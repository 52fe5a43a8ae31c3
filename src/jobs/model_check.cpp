#include "jobs/model_check.h"

#include <map>
#include <set>

#include "core/log.h"
#include "text/tokenizer.h"

namespace genvid {
namespace {

using Expected = std::map<std::string, ExpectedTensor>;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kModel, message); }

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string out;
  for (const int64_t d : shape) out += (out.empty() ? "[" : ", ") + std::to_string(d);
  return out.empty() ? "[]" : out + "]";
}

bool loadable(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
}

// in_file: its name there.
void check_tensor(const TensorEntry& tensor, const std::string& in_file, const Expected& expected,
                  const std::string& where) {
  const std::string name = "'" + log::printable(in_file) + "'";
  const auto at = expected.find(tensor.name);
  if (at == expected.end())
    fail(where + ": unexpected weight " + name + "; is this the whole, right model?");
  const ExpectedTensor& e = at->second;
  const bool any_shape = !e.required && e.shape.empty();
  if (!any_shape && tensor.shape != e.shape) {
    fail(where + ": weight " + name + " has shape " + shape_text(tensor.shape) + ", expected " +
         shape_text(e.shape));
  }
  if (e.required && !loadable(tensor.dtype)) {
    fail(where + ": weight " + name + " is " + std::string(dtype_name(tensor.dtype)) +
         ", expected F32, F16 or BF16");
  }
}

ComponentSummary check_component(const ModelComponent& component, const Description& family,
                                 const Expected& expected) {
  ComponentSummary sum;
  sum.name = component.name;
  std::set<std::string> found;
  std::set<std::string> dtypes;
  for (const std::filesystem::path& file : component.files) {
    const std::string where = component.name + "/" + file.filename().string();
    for (TensorEntry& tensor : read_safetensors_header(file).tensors) {
      const std::string in_file = tensor.name;
      if (family.tensor_name != nullptr) {
        tensor.name = family.tensor_name(component.name, in_file);
      }
      check_tensor(tensor, in_file, expected, where);
      if (!found.insert(tensor.name).second) {
        fail(where + ": weight '" + log::printable(in_file) +
             "' is there twice; keep one copy of the weights");
      }
      ++sum.tensors;
      sum.bytes += tensor.bytes;
      sum.values += tensor.bytes / dtype_bytes(tensor.dtype);
      dtypes.insert(std::string(dtype_name(tensor.dtype)));
    }
  }
  for (const auto& [name, tensor] : expected) {
    if (tensor.required && found.count(name) == 0) {
      fail(component.dir.string() + ": missing weight '" + name + "'");
    }
  }
  for (const std::string& d : dtypes) sum.dtype += (sum.dtype.empty() ? "" : ", ") + d;
  return sum;
}

}  // namespace

std::vector<ComponentSummary> check_model(const ModelFolder& model, const Description& family) {
  std::map<std::string, Expected> components;
  for (ExpectedTensor& t : family.expected_tensors(model)) {
    std::string name = t.name;
    components[t.component].emplace(std::move(name), std::move(t));
  }
  std::vector<ComponentSummary> out;
  for (const auto& [name, expected] : components) {
    out.push_back(check_component(model.component(name), family, expected));
  }
  if (model.has("tokenizer") || model.index().contains("tokenizer")) {
    open_sentencepiece(model.file("tokenizer", "spiece.model"));
  }
  return out;
}

}  // namespace genvid
