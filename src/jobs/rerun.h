// From the record of a finished clip back to the request that made it. The record may be anybody's:
// every value is checked as on the command line, and nothing in it names a file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "genvid/request.h"
#include "jobs/history.h"

namespace genvid {

// The settings of a record as a request; what is not a setting is left out. what names the file in
// messages. Throws Error(kUsage).
Request request_of_record(const Json& record, const std::string& what);

// Where a rerun may take what the record does not hold. Given values win; the history is next.
struct RerunSources {
  std::string what;  // the file, in messages
  std::optional<std::string> prompt, negative_prompt, prompt_at;
  std::map<std::string, std::string> inputs;  // "image" ... -> path
  std::optional<HistoryEntry> history;
  std::string secret;  // user_secret(), or empty
};

struct RerunPlan {
  Request request;                 // without output
  std::vector<std::string> notes;  // what could not be checked, for the user
};

// Throws Error(kUsage): no prompt or picture to be had, or another than the clip was made from.
RerunPlan plan_rerun(const Json& record, const RerunSources& sources);

}  // namespace genvid
