#include "jobs/rerun.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/log.h"
#include "core/request_json.h"
#include "genvid/error.h"
#include "media/sha256.h"

namespace genvid {
namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kUsage, message); }

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string flag_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}

bool among(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Files are named by the user and the history alone; what is kept where is the user's choice again.
bool is_setting(std::string_view key) {
  static constexpr std::array<std::string_view, 12> kOthers = {
      "prompt",           "negative_prompt", "prompt_at",       "keep_unsigned",
      "history",          "embed_prompt",    "overwrite",       "credits",
      "likeness_consent", "format",          "encoder_options", "best_of"};
  if (key == "model") return true;  // a name; checked below
  return among(request_keys(), key) && !among(request_path_keys(), key) && !among(kOthers, key);
}

class Planner {
 public:
  Planner(const Json& record, const RerunSources& sources) : record_(record), from_(sources) {}

  RerunPlan run() {
    plan_.request = request_of_record(record_, from_.what);
    id_ = text_of(record_, "clip_id");
    plan_.request.prompt = prompt();
    if (auto negative = negative_prompt()) plan_.request.negative_prompt = std::move(*negative);
    plan_.request.prompt_at = prompt_at();
    plan_.request.image = input("image");
    plan_.request.last_image = input("last_image");
    plan_.request.extend = input("extend");
    plan_.request.init_latents = input("init_latents");
    take_encoder_options();
    return std::move(plan_);
  }

 private:
  // Whether the user's secret is the one that the record's HMACs were made with.
  bool can_check() const {
    return !from_.secret.empty() && text_of(record_, "secret_check") ==
                                        text_hmac(from_.secret, id_, "check", "").substr(0, 8);
  }

  bool fits(const char* key, const std::string& text) const {
    return text_of(record_, (std::string(key) + "_hmac").c_str()) ==
           text_hmac(from_.secret, id_, key, text);
  }

  std::string prompt() {
    if (record_.contains("prompt")) return checked_against_embedded();
    if (from_.prompt) {
      if (!can_check()) {
        plan_.notes.push_back("the prompt cannot be checked: its HMAC in " + from_.what +
                              (text_of(record_, "prompt_hmac").empty()
                                   ? " is missing"
                                   : " was made with another user's secret"));
      } else if (!fits("prompt", *from_.prompt)) {
        refuse("the prompt given is not the one that made " + from_.what +
               ": its HMAC differs; every letter and space counts");
      }
      return *from_.prompt;
    }
    if (from_.history) return from_.history->prompt;
    refuse("the prompt of " + from_.what +
           " is not in the file and not in the history of this machine; give it with --prompt");
  }

  std::string checked_against_embedded() const {
    const std::string embedded = text_of(record_, "prompt");
    if (from_.prompt && *from_.prompt != embedded) {
      refuse("the prompt given is not the one in " + from_.what + "; leave --prompt out");
    }
    return embedded;
  }

  // nullopt: the model's own.
  std::optional<std::string> negative_prompt() {
    if (record_.contains("negative_prompt")) return text_of(record_, "negative_prompt");
    if (from_.negative_prompt) {
      if (can_check() && !fits("negative_prompt", *from_.negative_prompt)) {
        refuse("the negative prompt given is not the one that made " + from_.what +
               ": its HMAC differs");
      }
      return from_.negative_prompt;
    }
    if (from_.history) return from_.history->negative_prompt;
    plan_.notes.push_back(
        "the negative prompt is taken to be the model's own; another one is given "
        "with --negative-prompt");
    return std::nullopt;
  }

  // "" when the clip has one prompt.
  std::string prompt_at() const {
    if (!record_.contains("prompt_changes")) {
      if (!from_.prompt_at) return "";
      refuse(from_.what + " was made without --prompt-at");
    }
    if (record_.contains("prompt_at")) return text_of(record_, "prompt_at");
    if (from_.prompt_at) {
      if (can_check() && !fits("prompt_at", *from_.prompt_at)) {
        refuse("the times and prompts of --prompt-at are not those that made " + from_.what +
               ": their HMAC differs");
      }
      return *from_.prompt_at;
    }
    if (from_.history) return from_.history->prompt_at;
    refuse(from_.what +
           " changes its prompt, and those prompts are not in the file and not in the "
           "history of this machine; give them with --prompt-at");
  }

  // An encoder's own options can name files to write: only the user's own record is followed.
  void take_encoder_options() {
    const std::string options = text_of(record_, "encoder_options");
    if (options.empty()) return;
    if (from_.history && text_of(from_.history->record, "encoder_options") == options) {
      plan_.request.encoder_options = options;
    } else {
      plan_.notes.push_back("the encoder options in " + from_.what +
                            " are not used, since the history here does not have them; decoded "
                            "frames may differ");
    }
  }

  // "" when the clip has none of this kind.
  std::string input(const char* key) const {
    const auto all = record_.find("inputs");
    const bool has = all != record_.end() && all->is_object() && all->contains(key);
    const auto given = from_.inputs.find(key);
    if (!has) {
      if (given == from_.inputs.end()) return "";
      refuse(from_.what + " was made without " + flag_of(key));
    }
    const std::string digest = text_of(*all, key);
    std::string path;
    if (given != from_.inputs.end()) {
      path = given->second;
    } else if (from_.history && from_.history->inputs.contains(key)) {
      path = from_.history->inputs.at(key).path;
    } else {
      refuse(from_.what + " was made with " + flag_of(key) + " (sha256 " +
             log::printable(digest.substr(0, 12)) + "...), which the history does not name; give " +
             flag_of(key) + " FILE");
    }
    const std::string found = media::sha256_file(path);
    if (found != digest) {
      refuse(log::printable(path) + " is not what " + from_.what +
             " was made with: its sha256 is " + found.substr(0, 12) + "..., it was " +
             log::printable(digest.substr(0, 12)) + "...; give the right one with " + flag_of(key));
    }
    return path;
  }

  const Json& record_;
  const RerunSources& from_;
  std::string id_;
  RerunPlan plan_;
};

}  // namespace

Request request_of_record(const Json& record, const std::string& what) {
  if (!record.is_object() || !record.contains("genvid")) {
    refuse(what + " holds no settings of genvid, so it cannot be made again");
  }
  Json settings = Json::object();
  for (const auto& [key, value] : record.items()) {
    if (is_setting(key)) settings[key] = value;
  }
  const Request request = request_from_json(settings, "the settings in " + what, ErrorKind::kUsage);
  if (!request.seed || request.model.empty() || !request.frames || !request.size) {
    refuse("the settings in " + what + " lack the model, seed, size or number of frames");
  }
  // A name, never a place: a file must not choose a folder of this machine.
  if (request.model.find('/') != std::string::npos || request.model.front() == '.') {
    refuse("the settings in " + what + " name the model by a path");
  }
  return request;
}

RerunPlan plan_rerun(const Json& record, const RerunSources& sources) {
  return Planner(record, sources).run();
}

}  // namespace genvid
