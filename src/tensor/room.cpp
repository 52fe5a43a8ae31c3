#include "tensor/room.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <fstream>

#include "genvid/error.h"

namespace genvid {
namespace {

constexpr uint64_t kGeneratedCode = uint64_t{16} << 20;

bool memory_is_limited() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return true;
  std::ifstream in("/proc/sys/vm/overcommit_memory");
  int mode = 0;
  return in >> mode && mode == 2;
}

}  // namespace

void require_room(uint64_t bytes) {
  static const bool limited = memory_is_limited();
  if (!limited) return;
  const uint64_t wanted = bytes + kGeneratedCode;
  void* at = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    /*offset=*/0);
  if (at == MAP_FAILED) throw Error(ErrorKind::kMemory, "out of memory");
  ::munmap(at, wanted);
}

}  // namespace genvid
