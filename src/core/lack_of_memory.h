// Whether an exception that is not genvid's own means that memory ran out.
#pragma once

#include <exception>

namespace genvid {

// A failed allocation, or a thread that there was no room for.
bool is_lack_of_memory(const std::exception& e);

}  // namespace genvid
