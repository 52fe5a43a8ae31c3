// The devices of this machine, for `genvid doctor`.
#pragma once

#include <vector>

#include "genvid/engine.h"

namespace genvid {

std::vector<DeviceInfo> list_devices();

}  // namespace genvid
