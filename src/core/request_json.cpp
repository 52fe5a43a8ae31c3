#include "core/request_json.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/limits.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "core/suggest.h"

namespace genvid {
namespace {

using Words = std::vector<std::string_view>;

// The one list of fields. R is Request or const Request; V is Reader, Writer or KeyList.
template <class R, class V>
void visit_fields(R& r, V& v) {
  v.text("prompt", r.prompt, limits::kPromptBytes);
  v.text("negative_prompt", r.negative_prompt, limits::kPromptBytes);
  v.text("prompt_at", r.prompt_at, limits::kPromptBytes);
  v.path("model", r.model);
  v.path("output", r.output);
  v.number("seconds", r.seconds, 0.001, static_cast<double>(limits::kMaxFrames));
  v.integer("num_frames", r.frames, 1, limits::kMaxFrames);
  v.size("size", r.size);
  v.rate("fps", r.fps);
  v.path("image", r.image);
  v.path("last_image", r.last_image);
  v.path("extend", r.extend);
  v.flag("only_new", r.only_new);
  v.integer("num_inference_steps", r.num_inference_steps, 1, limits::kMaxSteps);
  v.number("guidance_scale", r.guidance_scale, 0.0, 1000.0);
  v.number("guidance_scale_2", r.guidance_scale_2, 0.0, 1000.0);
  v.number("flow_shift", r.shift, 0.001, 1000.0);
  v.word("scheduler", r.scheduler, {"unipc", "euler", "euler-even", "renoise"});
  v.seed("seed", r.seed);
  v.integer("best_of", r.best_of, 1, limits::kMaxCandidates);
  v.word(
      "rollout", r.rollout,
      {"auto", "window", "overlap", "loop", "continue", "extend", "diffusion-forcing", "causal"});
  v.integer("overlap_history", r.overlap_history, 1, limits::kMaxFrames);
  v.integer("causal_block_size", r.causal_block_size, 1, 1024);
  v.integer("ar_step", r.ar_step, 0, limits::kMaxSteps);
  v.number("addnoise_condition", r.addnoise_condition, 0.0, 1000.0);
  v.device("device", r.device);
  v.word("dtype", r.dtype, {"auto", "fp32", "bf16"});
  v.word("vae_dtype", r.vae_dtype, {"auto", "fp32", "bf16"});
  v.integer("threads", r.threads, 0, 1024);
  v.word("noise", r.noise, {"philox", "torch"});
  v.path("init_latents", r.init_latents);
  v.path("save_latents", r.save_latents);
  v.word("format", r.format, {"", "y4m", "mp4", "mkv", "webm", "raw"});
  v.word("codec", r.codec, {});
  v.integer("crf", r.crf, 0, 63);
  v.integer("bitrate", r.bitrate, 1'000, 1'000'000'000);
  v.word("pix_fmt", r.pix_fmt, {});
  v.word("preset", r.preset, {});
  v.text("encoder_options", r.encoder_options, limits::kPromptBytes);
  v.size("output_size", r.output_size);
  v.rate("output_fps", r.output_fps);
  v.path("preview", r.preview);
  v.flag("watermark", r.watermark);
  v.path("sign", r.sign);
  v.path("cert", r.cert);
  v.flag("keep_unsigned", r.keep_unsigned);
  v.flag("history", r.history);
  v.flag("embed_prompt", r.embed_prompt);
  v.text("credits", r.credits, limits::kPromptBytes);
  v.text("likeness_consent", r.likeness_consent, limits::kPromptBytes);
  v.flag("overwrite", r.overwrite);
}

class Reader {
 public:
  Reader(const Json& object, std::string what, ErrorKind kind)
      : object_(object, what, kind), json_(object), what_(std::move(what)), kind_(kind) {}

  bool has(std::string_view key) const { return object_.has(std::string(key)); }

  template <class T>
  void text(const char* key, T& field, uint64_t max_bytes) {
    if (!has(key)) return;
    std::string value = object_.string(key, "");
    if (value.size() > max_bytes) {
      refuse(key, "has " + std::to_string(value.size()) + " bytes, at most " +
                      std::to_string(max_bytes) + " are allowed");
    }
    field = std::move(value);
  }

  void path(const char* key, std::string& field) {
    if (!has(key)) return;
    text(key, field, limits::kPathBytes);
    if (field.find('\0') != std::string::npos) refuse(key, "contains a NUL byte");
  }

  template <class T>
  void number(const char* key, T& field, double lo, double hi) {
    if (has(key)) field = object_.number(key, 0, lo, hi);
  }

  template <class T>
  void integer(const char* key, T& field, int64_t lo, int64_t hi) {
    // Every range above fits the field's type.
    if (has(key)) field = static_cast<Whole<T>>(object_.integer(key, 0, lo, hi));
  }

  void flag(const char* key, bool& field) { field = object_.boolean(key, field); }

  void seed(const char* key, std::optional<uint64_t>& field) {
    if (!has(key)) return;
    const Json& value = json_.at(key);
    if (!value.is_number_unsigned()) refuse(key, "must be an integer in [0, 2^64 - 1]");
    field = value.get<uint64_t>();
  }

  void size(const char* key, std::optional<Size>& field) {
    if (!has(key)) return;
    const auto size = parse_size(object_.string(key, ""));
    const auto within = [](int side) {
      return side >= limits::kMinSide && side <= limits::kMaxSide;
    };
    if (!size || !within(size->width) || !within(size->height)) {
      refuse(key, "must be a size such as \"832x480\", each side in [" +
                      std::to_string(limits::kMinSide) + ", " + std::to_string(limits::kMaxSide) +
                      "]");
    }
    field = size;
  }

  void rate(const char* key, std::optional<Rational>& field) {
    if (!has(key)) return;
    const Json& value = json_.at(key);
    std::optional<Rational> rate;
    if (value.is_number()) rate = rate_of(value.get<double>());
    if (value.is_string()) rate = parse_rate(value.get_ref<const std::string&>());
    if (!rate || rate->value() < 1.0 || rate->value() > limits::kMaxFps) {
      refuse(key, "must be a frame rate in [1, 240], such as 24 or \"30000/1001\"");
    }
    field = rate;
  }

  // One of the words; any short plain word when the list is empty.
  template <class T>
  void word(const char* key, T& field, const Words& words) {
    if (!has(key)) return;
    std::string value = object_.string(key, "");
    if (words.empty()) {
      const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
      });
      if (!plain || value.size() > 64) refuse(key, "must be a plain word");
    } else if (std::find(words.begin(), words.end(), value) == words.end()) {
      refuse_word(key, value, words);
    }
    field = std::move(value);
  }

  void device(const char* key, std::string& field) {
    if (!has(key)) return;
    std::string value = object_.string(key, "");
    const bool numbered = value.starts_with("cuda:");
    const auto index = numbered ? parse_unsigned(std::string_view(value).substr(5)) : 0;
    if (!numbered) {
      word(key, field, {"auto", "cpu", "cuda"});
    } else if (!index || *index > 1023) {
      refuse(key, "must be auto, cpu, cuda or cuda:N");
    } else {
      field = std::move(value);
    }
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& why) const {
    throw Error(kind_, what_ + ": \"" + key + "\" " + why);
  }

 private:
  template <class T>
  struct WholeOf {
    using Type = T;
  };
  template <class T>
  struct WholeOf<std::optional<T>> {
    using Type = T;
  };
  template <class T>
  using Whole = typename WholeOf<T>::Type;

  [[noreturn]] void refuse_word(const char* key, const std::string& value,
                                const Words& words) const {
    std::string expected;
    for (const std::string_view word : words) {
      expected += (expected.empty() ? "" : ", ") + std::string(word);
    }
    refuse(key, "is \"" + log::printable(value.substr(0, 60)) + "\", expected one of " + expected +
                    did_you_mean(value, words));
  }

  JsonObject object_;
  const Json& json_;
  std::string what_;
  ErrorKind kind_;
};

class Writer {
 public:
  template <class T>
  void put(const char* key, const T& value) {
    json_[key] = value;
  }
  template <class T>
  void put(const char* key, const std::optional<T>& value) {
    if (value) put(key, *value);
  }
  void put(const char* key, const Size& size) { json_[key] = to_text(size); }
  void put(const char* key, const Rational& rate) {
    if (rate.den == 1) {
      json_[key] = rate.num;
    } else {
      json_[key] = to_text(rate);
    }
  }

  template <class T>
  void text(const char* key, const T& field, uint64_t) {
    put(key, field);
  }
  void path(const char* key, const std::string& field) { put(key, field); }
  template <class T>
  void number(const char* key, const T& field, double, double) {
    put(key, field);
  }
  template <class T>
  void integer(const char* key, const T& field, int64_t, int64_t) {
    put(key, field);
  }
  void flag(const char* key, bool field) { put(key, field); }
  void seed(const char* key, const std::optional<uint64_t>& field) { put(key, field); }
  void size(const char* key, const std::optional<Size>& field) { put(key, field); }
  void rate(const char* key, const std::optional<Rational>& field) { put(key, field); }
  template <class T>
  void word(const char* key, const T& field, const Words&) {
    put(key, field);
  }
  void device(const char* key, const std::string& field) { put(key, field); }

  Json take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

class KeyList {
 public:
  template <class... Args>
  void text(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class... Args>
  void path(const char* key, Args&&...) {
    keys_.push_back(key);
    paths_.push_back(key);
  }
  template <class... Args>
  void number(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class... Args>
  void integer(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class... Args>
  void flag(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class... Args>
  void seed(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class... Args>
  void size(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class... Args>
  void rate(const char* key, Args&&...) {
    keys_.push_back(key);
  }
  template <class T>
  void word(const char* key, T&, const Words&) {
    keys_.push_back(key);
  }
  template <class... Args>
  void device(const char* key, Args&&...) {
    keys_.push_back(key);
  }

  Words take() { return std::move(keys_); }
  Words take_paths() { return std::move(paths_); }

 private:
  Words keys_;
  Words paths_;
};

// What the command line and other tools call a field.
std::string hint_for(std::string_view key) {
  static constexpr std::pair<std::string_view, const char*> kOtherNames[] = {
      {"frames", "num_frames"}, {"steps", "num_inference_steps"},
      {"shift", "flow_shift"},  {"width", "size"},
      {"height", "size"},       {"cfg", "guidance_scale"},
      {"out", "output"},        {"negative", "negative_prompt"},
  };
  for (const auto& [other, ours] : kOtherNames) {
    if (key == other) return std::string("; did you mean \"") + ours + "\"?";
  }
  return did_you_mean(key, request_keys());
}

}  // namespace

std::span<const std::string_view> request_keys() {
  static const Words keys = [] {
    const Request request;
    KeyList list;
    visit_fields(request, list);
    return list.take();
  }();
  return keys;
}

std::span<const std::string_view> request_path_keys() {
  static const Words keys = [] {
    const Request request;
    KeyList list;
    visit_fields(request, list);
    return list.take_paths();
  }();
  return keys;
}

void apply_request_json(const Json& object, std::string_view what, ErrorKind kind,
                        Request& request) {
  const std::string shown = log::printable(what);
  Reader reader(object, shown, kind);
  const auto keys = request_keys();
  for (const auto& [key, value] : object.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw Error(kind, shown + ": unknown key \"" + log::printable(key.substr(0, 60)) + "\"" +
                            hint_for(key));
    }
  }
  if (reader.has("seconds") && reader.has("num_frames")) {
    throw Error(kind, shown + ": \"seconds\" and \"num_frames\" are both given; give one");
  }
  Request changed = request;
  // The length of an earlier layer gives way to this one's, however it is said.
  if (reader.has("seconds")) changed.frames.reset();
  if (reader.has("num_frames")) changed.seconds.reset();
  visit_fields(changed, reader);
  request = std::move(changed);
}

Request request_from_json(const Json& object, std::string_view what, ErrorKind kind) {
  Request request;
  apply_request_json(object, what, kind, request);
  return request;
}

Json request_to_json(const Request& request) {
  const Request defaults;
  Writer given;
  Writer usual;
  visit_fields(request, given);
  visit_fields(defaults, usual);
  Json json = given.take();
  const Json default_json = usual.take();
  for (const auto& [key, value] : default_json.items()) {
    if (json.at(key) == value) json.erase(key);
  }
  return json;
}

}  // namespace genvid
