#include "jobs/job_expand.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "core/log.h"
#include "core/request_json.h"
#include "core/suggest.h"

namespace genvid {
namespace {

constexpr ErrorKind kKind = ErrorKind::kUsage;

std::string hex(uint64_t hash, int digits) {
  char text[20];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return std::string(text + (16 - digits));
}

std::string value_text(const JobValue& value) {
  return value.type == JobValue::Type::kText ? value.text : job_value_json(value).dump();
}

// "seed7", "guidance_scale4.5", "prompt3f0a1b2c": names the value, wherever it stands in its list.
std::string value_name(const JobKey& key, const JobValue& value) {
  std::string text = value_text(value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  const bool plain = text.size() <= 16 && is_job_id(text);
  return std::string(key.name) + (plain ? text : hex(plain_hash(text), 8));
}

// Which value of each sweep a variant takes; the last sweep varies fastest.
std::vector<const JobValue*> variant_values(const JobFields& job, uint32_t variant) {
  std::vector<const JobValue*> values(job.sweep.size());
  for (size_t i = job.sweep.size(); i-- > 0;) {
    const auto& list = job.sweep[i].values;
    values[i] = &list[variant % list.size()];
    if (!job.zip) variant /= static_cast<uint32_t>(list.size());
  }
  return values;
}

std::string clip_id(const JobFields& job, uint32_t variant, uint32_t repetition) {
  std::string id = job.id;
  const auto values = variant_values(job, variant);
  for (size_t i = 0; i < values.size(); ++i) id += "-" + value_name(*job.sweep[i].key, *values[i]);
  if (job.repeat > 1) id += "-r" + std::to_string(repetition + 1);
  if (id.size() <= 128) return id;
  return id.substr(0, 111) + "-" + hex(plain_hash(id), 16);
}

// Keys that stand for one another: the later one takes the place of the earlier.
void put(const JobKey& key, const JobValue& value, Json& into) {
  const std::string name(key.name);
  if (name == "seconds") into.erase("num_frames");
  if (name == "num_frames") into.erase("seconds");
  if (name == "size") {
    into.erase("width");
    into.erase("height");
  }
  if (name == "width" || name == "height") into.erase("size");
  into[name == "input_reference" ? "image" : name] = job_value_json(value);
}

void put_layer(const JobLayer& layer, Json& into) {
  for (const auto& [key, value] : layer.values) put(*key, value, into);
}

std::string filled(std::string text, const ExpandedClip& clip, uint64_t seed, uint64_t hash) {
  const auto replace = [&](const std::string& field, const std::string& value) {
    for (size_t at = 0; (at = text.find(field, at)) != std::string::npos; at += value.size()) {
      text.replace(at, field.size(), value);
    }
  };
  // Values hold no braces, so the order does not matter.
  replace("{id}", clip.id);
  replace("{index}", std::to_string(clip.job + 1));
  replace("{seed}", std::to_string(seed));
  replace("{hash8}", hex(hash, 8));
  return text;
}

// Every request has a seed: the given one, or one that follows from the id.
uint64_t decide_seed(const Json& settings, const JobFields& job, const ExpandedClip& clip) {
  if (!settings.contains("seed")) return plain_hash(clip.id) & kMaxJobSeed;
  const uint64_t seed = settings["seed"].get<uint64_t>();
  return (seed + (job.repeat > 1 ? clip.repetition : 0)) & kMaxJobSeed;
}

void join_sides(Json& settings) {
  if (!settings.contains("width")) return;
  settings["size"] = std::to_string(settings["width"].get<uint64_t>()) + "x" +
                     std::to_string(settings["height"].get<uint64_t>());
  settings.erase("width");
  settings.erase("height");
}

}  // namespace

void add_override(std::string_view text, JobLayer& overrides) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw Error(kKind, "--set takes KEY=VALUE, as in --set seconds=2; got \"" +
                           log::printable(text.substr(0, 60)) + "\"");
  }
  const std::string_view name = text.substr(0, equals);
  const JobKey* key = find_job_param(name);
  if (key == nullptr) {
    std::vector<std::string_view> names;
    for (const JobKey& known : job_param_keys()) names.push_back(known.name);
    throw Error(kKind, "--set: unknown key \"" + log::printable(name.substr(0, 60)) + "\"" +
                           did_you_mean(name, names));
  }
  if (key->name == "width" || key->name == "height") {
    throw Error(kKind, "--set takes size=WIDTHxHEIGHT for both sides at once");
  }
  overrides.values.emplace_back(key, parse_job_value(*key, std::string(text.substr(equals + 1))));
}

std::vector<ExpandedClip> expand_jobs(const JobFile& file) {
  std::vector<ExpandedClip> clips;
  clips.reserve(file.clip_count());
  bool expanded = false;
  for (size_t job = 0; job < file.jobs().size(); ++job) {
    const JobEntry& entry = file.jobs()[job];
    if (!entry.enabled) continue;
    if (entry.plain) {
      clips.push_back({job, 0, 0, entry.id});
      continue;
    }
    expanded = true;
    const JobFields& fields = file.fields(job);
    const auto repeat = static_cast<uint32_t>(fields.repeat);
    for (uint32_t variant = 0; variant < entry.clips / repeat; ++variant) {
      for (uint32_t r = 0; r < repeat; ++r) {
        clips.push_back({job, variant, r, clip_id(fields, variant, r)});
      }
    }
  }
  if (!expanded) return clips;  // ids of jobs differ already
  std::unordered_map<std::string_view, size_t> seen;
  for (size_t i = 0; i < clips.size(); ++i) {
    const auto [other, fresh] = seen.emplace(clips[i].id, i);
    if (fresh) continue;
    throw Error(kKind, log::printable(file.name()) + ":" +
                           std::to_string(file.line_of(clips[i].job)) + ": the clip \"" +
                           clips[i].id + "\" has the id of one from line " +
                           std::to_string(file.line_of(clips[other->second].job)) +
                           "; rename one of the jobs");
  }
  return clips;
}

Request clip_request(const JobFile& file, const ExpandedClip& clip, const ExpandOptions& options) {
  const JobFields& job = file.fields(clip.job);
  Json settings = Json::object();
  put_layer(file.defaults(), settings);
  put_layer(job.params, settings);
  const auto values = variant_values(job, clip.variant);
  for (size_t i = 0; i < values.size(); ++i) put(*job.sweep[i].key, *values[i], settings);
  put_layer(options.overrides, settings);
  join_sides(settings);
  const uint64_t seed = decide_seed(settings, job, clip);
  settings["seed"] = seed;
  const std::string name = settings.value("output", file.settings().output_template);
  const std::string latents = settings.value("save_latents", "");
  settings.erase("output");
  const std::string preview = settings.value("preview", "");
  settings.erase("save_latents");
  settings.erase("preview");
  const uint64_t hash = plain_hash(settings.dump(-1, ' ', false, Json::error_handler_t::replace));
  Request request = request_from_json(settings, "job \"" + clip.id + "\"", kKind);
  namespace fs = std::filesystem;
  const fs::path dir = options.output_dir.empty() ? file.settings().output_dir : options.output_dir;
  request.output = (dir / filled(name, clip, seed, hash)).string();
  if (!latents.empty()) request.save_latents = (dir / filled(latents, clip, seed, hash)).string();
  if (!preview.empty()) request.preview = (dir / filled(preview, clip, seed, hash)).string();
  return request;
}

}  // namespace genvid
