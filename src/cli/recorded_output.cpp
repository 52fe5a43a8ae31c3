#include "cli/recorded_output.h"

#include <filesystem>

#include "cli/output_flags.h"
#include "jobs/record.h"

namespace genvid::cli {
namespace {

std::string model_name(const std::string& dir) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(dir, error);
  return (error ? std::filesystem::path(dir) : path).filename().string();
}

}  // namespace

media::OutputOptions recorded_options(const Request& request, const Plan& plan) {
  media::OutputOptions options = output_options(request);
  const std::string model = model_name(plan.spec.model_dir);
  const ClipIdentity identity = identify_clip(plan, request, model);
  options.metadata["comment"] = clip_record(plan, request, model, GENVID_VERSION, identity)
                                    .dump(-1, ' ', false, Json::error_handler_t::replace);
  return options;
}

}  // namespace genvid::cli
