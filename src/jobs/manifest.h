// What a clip's content credentials state: that a trained model made it, with what and how, and
// what the request says of people in it. C2PA's manifest definition as JSON.
#pragma once

#include <string>

#include "core/json.h"
#include "genvid/request.h"

namespace genvid {

// record: the clip's settings as they stand in the container; null when there are none.
std::string c2pa_manifest(const Json& record, const Request& request, const std::string& version);

}  // namespace genvid
