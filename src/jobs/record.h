// Who a finished clip is, and its settings as JSON recorded in its file: what made it and how, in
// the keys of core/request_json.h, with every default decided. Never the prompt, nor a path.
#pragma once

#include <string>

#include "core/clip_id.h"
#include "core/json.h"
#include "genvid/request.h"
#include "jobs/plan.h"

namespace genvid {

struct ClipIdentity {
  ClipId id;
  std::string created;  // "2026-11-22T19:30:00Z"
};

// The id follows from everything that makes the pixels, so that the same command gives the same
// file. Like any hash it lets somebody who guesses the prompt, word for word, confirm the guess.
// Not in it: device and threads, so that the workers of a batch agree. Pictures must be loaded.
// created is now, or SOURCE_DATE_EPOCH (seconds since 1970) when the environment sets it: with it,
// files are the same to the byte. Throws Error(kUsage) when it is no number.
ClipIdentity identify_clip(const Plan& plan, const Request& request, const std::string& model);

// model: the name to record.
Json clip_record(const Plan& plan, const Request& request, const std::string& model,
                 const std::string& version, const ClipIdentity& identity);

}  // namespace genvid
