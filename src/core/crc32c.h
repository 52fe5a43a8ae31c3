// CRC-32C (Castagnoli), which finds every damage of up to four bytes in a row. For files that
// crashes may cut or disks may spoil; no protection against somebody who means it.
#pragma once

#include <cstdint>
#include <string_view>

namespace genvid {

// crc: of what came before, so that pieces can be added one by one.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

}  // namespace genvid
