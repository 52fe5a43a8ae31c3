#include "tensor/tap.h"

#include <ATen/ops/clone.h>

#include <utility>

namespace genvid {
namespace {

TapSink g_sink;
std::string g_prefix;

}  // namespace

void set_tap_sink(TapSink sink) { g_sink = std::move(sink); }

bool tap_enabled() { return static_cast<bool>(g_sink); }

void tap(std::string_view name, const Tensor& value) {
  // A copy: networks go on to change their activations in place.
  if (g_sink) g_sink(g_prefix + std::string(name), value.clone());
}

TapScope::TapScope(std::string_view prefix) : length_(g_prefix.size()) {
  g_prefix += std::string(prefix) + ".";
}

TapScope::~TapScope() { g_prefix.resize(length_); }

}  // namespace genvid
