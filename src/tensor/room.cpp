#include "tensor/room.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <fstream>

#include "genvid/error.h"

namespace genvid {
namespace {

constexpr uint64_t kGeneratedCode = uint64_t{16} << 20;

bool find_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) return true;
  std::ifstream in("/proc/sys/vm/overcommit_memory");
  int mode = 0;
  return in >> mode && mode == 2;
}

bool memory_is_limited() {
  static const bool limited = find_limit();
  return limited;
}

}  // namespace

void return_freed_memory_where_limited() {
#ifdef __GLIBC__
  constexpr int kLargeBlock = 128 << 10;  // glibc's own start, which it raises as it goes
  if (memory_is_limited()) ::mallopt(M_MMAP_THRESHOLD, kLargeBlock);
#endif
}

void require_room(uint64_t bytes) {
  if (!memory_is_limited()) return;
  const uint64_t wanted = bytes + kGeneratedCode;
  void* at = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    /*offset=*/0);
  if (at == MAP_FAILED) throw Error(ErrorKind::kMemory, "out of memory");
  ::munmap(at, wanted);
}

}  // namespace genvid
