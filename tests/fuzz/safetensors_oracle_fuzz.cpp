// Our safetensors reader against a plain one on nlohmann's parser (tests/support): what we accept
// it must accept with the same tensors; what only it accepts must be one of our stricter rules.
#include "core/safetensors.h"
#include "fuzz.h"
#include "support/safetensors_oracle.h"

using namespace genvid;

// Input: two bytes for the number of data bytes, then the JSON.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t data_bytes = data[0] | (data[1] << 8);
  const std::string_view json = fuzz::text_of(data + 2, size - 2);
  std::string head(8, '\0');
  for (int i = 0; i < 8; ++i) head[i] = static_cast<char>(json.size() >> (8 * i));
  head += json;

  SafetensorsHeader ours;
  const std::string error = fuzz::error_of([&] {
    ours = parse_safetensors_header({reinterpret_cast<const uint8_t*>(head.data()), head.size()},
                                    head.size() + data_bytes, "f");
  });
  const test::OracleResult oracle = test::read_by_oracle(json, data_bytes);
  if (error.empty()) {
    FUZZ_CHECK(oracle.accepted);
    FUZZ_CHECK(oracle.tensors.size() == ours.tensors.size());
    for (const TensorEntry& tensor : ours.tensors) {
      const auto found = oracle.tensors.find(tensor.name);
      FUZZ_CHECK(found != oracle.tensors.end());
      FUZZ_CHECK(found->second.dtype == dtype_name(tensor.dtype));
      FUZZ_CHECK(found->second.shape == tensor.shape);
      FUZZ_CHECK(found->second.begin + head.size() == tensor.offset);
    }
    FUZZ_CHECK(oracle.metadata == ours.metadata);
  } else if (oracle.accepted && oracle.stricter.empty()) {
    std::fprintf(stderr, "refused without need: %s\n", error.c_str());
    std::abort();
  }
  return 0;
}
