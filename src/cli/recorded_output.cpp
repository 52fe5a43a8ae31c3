#include "cli/recorded_output.h"

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "cli/output_flags.h"
#include "cli/session.h"
#include "genvid/error.h"
#include "jobs/history.h"
#include "jobs/manifest.h"
#include "media/c2pa.h"

namespace genvid::cli {
namespace {

std::string model_name(const std::string& dir) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(dir, error);
  return (error ? std::filesystem::path(dir) : path).filename().string();
}

void keep_in_history(const Request& request, const Plan& plan, const ClipIdentity& identity,
                     const Json& record) {
  HistoryEntry entry;
  entry.clip_id = identity.id.text();
  entry.created = identity.created;
  std::error_code error;
  entry.output = std::filesystem::absolute(request.output, error).string();
  entry.prompt = plan.spec.prompt;
  entry.negative_prompt = plan.spec.negative_prompt;
  entry.prompt_at = plan.prompt_at;
  entry.inputs = identity.inputs;
  entry.record = record;
  History(History::default_path()).append(entry);
}

void mark(media::OutputOptions& options, const ClipIdentity& identity, const Json& record,
          bool watermark) {
  options.xmp.emplace();
  options.xmp->digital_source_type = source_type(record);
  options.xmp->system_name = "genvid";
  options.xmp->system_version = GENVID_VERSION;
  options.xmp->created = identity.created;
  options.xmp->unique_id = "urn:uuid:" + identity.id.text();
  if (!watermark) return;
  options.watermark.emplace();
  options.watermark->payload.clip_id = identity.id.short_id();
}

}  // namespace

ClipRecorder::ClipRecorder(const EngineInfo& engine)
    : digests_(DigestCache::default_path()), history_(History::default_path()) {
  maker_.version = GENVID_VERSION;
  maker_.torch = engine.torch_version;
  maker_.cpu = engine.cpu_capability;
  maker_.secret = user_secret(user_data_dir());
}

media::OutputOptions ClipRecorder::begin(const Request& request, const Plan& plan) {
  media::OutputOptions options = output_options(request);
  maker_.model = model_name(plan.spec.model_dir);
  maker_.model_digest = digests_.model(plan.spec.model_dir);
  ClipIdentity identity = identify_clip(plan, request, maker_);
  if (request.history && std::getenv("SOURCE_DATE_EPOCH") == nullptr) {
    // The very same clip was made when it was made first: the same command gives the same file.
    if (const auto earlier = history_.find(identity.id.text())) identity.created = earlier->created;
  }
  const Json record = clip_record(plan, request, maker_, identity);
  options.metadata["comment"] = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (options.sealer != nullptr) {
    options.sealer = std::make_shared<media::C2paSealer>(
        options.sealer->with_manifest(c2pa_manifest(record, request, GENVID_VERSION)));
  }
  mark(options, identity, record, request.watermark);
  if (!request.history) return options;
  try {
    keep_in_history(request, plan, identity, record);
  } catch (const Error& e) {
    // A clip is worth more than its line.
    if (!warned_) warn(std::string(e.what()) + "; the prompt is kept nowhere (--no-history)");
    warned_ = true;
  }
  return options;
}

media::OutputOptions decoded_options(const Request& request, const DecodeSpec& spec) {
  media::OutputOptions options = output_options(request);
  const ClipIdentity identity = identify_latents(spec);
  // What made the latents is not known here.
  Json record = {{"genvid", GENVID_VERSION},
                 {"clip_id", identity.id.text()},
                 {"created", identity.created},
                 {"decoded_only", true}};
  if (!request.watermark) record["watermark"] = false;
  if (!request.sign.empty()) record["signed"] = true;
  options.metadata["comment"] = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  mark(options, identity, record, request.watermark);
  return options;
}

}  // namespace genvid::cli
