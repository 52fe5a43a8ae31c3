#include "core/lack_of_memory.h"

#include <cerrno>
#include <new>
#include <system_error>

namespace genvid {

bool is_lack_of_memory(const std::exception& e) {
  if (dynamic_cast<const std::bad_alloc*>(&e) != nullptr) return true;
  const auto* system = dynamic_cast<const std::system_error*>(&e);
  return system != nullptr &&
         (system->code().value() == EAGAIN || system->code().value() == ENOMEM);
}

}  // namespace genvid
