// Whether there is address space for what a library is about to take. Where a process's memory is
// limited (ulimit -v, strict overcommit), oneDNN does not check all that it takes for itself and
// would end the process; asked before, the lack of memory is an error like any other.
#pragma once

#include <cstdint>

namespace genvid {

// Where memory is limited, has the allocator give every larger block back to the system when it is
// freed: kept in its heap, address space that is free stays taken, and what is asked for next does
// not fit. Call before anything large is allocated.
void return_freed_memory_where_limited();

// Throws Error(kMemory) when `bytes`, and a little for code that is generated, cannot be had now.
// Costs nothing where memory is not limited.
void require_room(uint64_t bytes);

}  // namespace genvid
