// Named intermediate results for parity tests. A no-op unless a sink is installed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace genvid {

using TapSink = std::function<void(const std::string& name, const Tensor& value)>;

void set_tap_sink(TapSink sink);  // an empty function removes it; one thread at a time
bool tap_enabled();
void tap(std::string_view name, const Tensor& value);

// Adds "prefix." to the names tapped while it lives.
class TapScope {
 public:
  explicit TapScope(std::string_view prefix);
  ~TapScope();

 private:
  size_t length_;
};

}  // namespace genvid
