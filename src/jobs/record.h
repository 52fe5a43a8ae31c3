// The settings of a finished clip as JSON, recorded in its file: what made it and how, in the keys
// of core/request_json.h, with every default decided. Never the prompt, nor a path.
#pragma once

#include <string>

#include "core/json.h"
#include "genvid/request.h"
#include "jobs/plan.h"

namespace genvid {

// model: the name to record.
Json clip_record(const Plan& plan, const Request& request, const std::string& model,
                 const std::string& version);

}  // namespace genvid
