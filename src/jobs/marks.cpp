#include "jobs/marks.h"

#include <cmath>
#include <cstdio>

#include "core/clip_id.h"

namespace genvid {
namespace {

std::string text_of(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_of(const Json& object, const char* key, bool fallback) {
  if (!object.is_object()) return fallback;
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

std::string joined(const std::vector<std::string>& items) {
  std::string all;
  for (const std::string& item : items) all += (all.empty() ? "" : "; ") + item;
  return all;
}

// An unknown signer is no damage.
std::vector<std::string> faults(std::vector<std::string> reasons) {
  std::erase_if(reasons, [](const std::string& reason) {
    return reason.starts_with("signingCredential.untrusted");
  });
  return reasons;
}

// What genvid itself says in the signed statement; null without.
Json signed_record(const media::C2paReport& c2pa) {
  if (c2pa.manifest.empty()) return nullptr;
  try {
    const Json manifest = parse_json(c2pa.manifest, "the manifest", ErrorKind::kUsage);
    const auto assertions = manifest.find("assertions");
    if (assertions == manifest.end() || !assertions->is_array()) return nullptr;
    for (const Json& assertion : *assertions) {
      if (text_of(assertion, "label") != "org.genvid.generation") continue;
      const auto data = assertion.find("data");
      if (data != assertion.end() && data->is_object()) return *data;
    }
  } catch (const Error&) {
    // Its state says so already.
  }
  return nullptr;
}

class Judge {
 public:
  explicit Judge(const FileMarks& marks) : marks_(marks) {
    statement_ = signed_record(marks.c2pa);
    id_ = ClipId::parse(text_of(statement_, "clip_id"));
    if (!id_) id_ = ClipId::parse(text_of(marks.record, "clip_id"));
    const bool mark = marks.watermark && marks.watermark->found;
    ours_ = marks.record.is_object() || statement_.is_object() || mark ||
            (marks.xmp && marks.xmp->system_name == "genvid");
  }

  Verdict run() {
    Verdict verdict;
    verdict.layers = {tags(), xmp(), watermark(), c2pa()};
    bool any = false, faulty = false;
    for (const LayerVerdict& layer : verdict.layers) {
      any = any || layer.state == "valid" || layer.state == "damaged";
      faulty = faulty || layer.state == "missing" || layer.state == "damaged";
    }
    verdict.state = faulty ? "incomplete" : any ? "valid" : "unmarked";
    return verdict;
  }

 private:
  LayerVerdict absent(const char* name, bool due, const std::string& why = "") const {
    return {name, due ? "missing" : "none", why};
  }

  // A mark of another clip in this file: somebody moved it.
  bool other_clip(const std::string& id) const {
    return id_ && !id.empty() && ClipId::parse(id) != id_;
  }

  LayerVerdict tags() const {
    if (!marks_.record.is_object()) return absent("tags", ours_);
    const std::string id = text_of(marks_.record, "clip_id");
    if (!ClipId::parse(id)) return {"tags", "damaged", "no clip id in them"};
    if (other_clip(id)) return {"tags", "damaged", "they are of another clip than the signature"};
    if (statement_.is_object() && statement_ != marks_.record) {
      return {"tags", "damaged", "they differ from what was signed"};
    }
    return {"tags", "valid", "genvid " + text_of(marks_.record, "genvid") + ", clip " + id};
  }

  LayerVerdict xmp() const {
    if (!marks_.xmp_problem.empty()) return {"xmp", "damaged", marks_.xmp_problem};
    if (!marks_.xmp) {
      return absent("xmp", ours_ && marks_.xmp_possible,
                    marks_.xmp_possible ? "" : "this kind of file holds none");
    }
    const media::XmpFields& f = *marks_.xmp;
    const std::string source = f.digital_source_type.substr(f.digital_source_type.rfind('/') + 1);
    const bool made = f.digital_source_type == media::kTrainedAlgorithmicMedia ||
                      f.digital_source_type == media::kCompositeWithTrainedAlgorithmicMedia;
    if (ours_ && !made) {
      return {"xmp", "damaged", "its digital source type is \"" + source + "\""};
    }
    if (other_clip(f.unique_id)) return {"xmp", "damaged", "it is of another clip"};
    if (source.empty()) return {"xmp", "none", "it does not say what made the file"};
    return {"xmp", "valid",
            source + (f.system_name.empty() ? "" : ", " + f.system_name + " " + f.system_version)};
  }

  LayerVerdict watermark() const {
    if (!marks_.watermark) return {"watermark", "unchecked", ""};
    const media::WatermarkReading& w = *marks_.watermark;
    if (!w.found) {
      // Who made it without says so.
      const bool due =
          ours_ && flag_of(marks_.record, "watermark", flag_of(statement_, "watermark", true));
      return absent("watermark", due);
    }
    char chance[48];
    std::snprintf(chance, sizeof chance, "chance of an accident below 1e%.0f", w.log10_p);
    if (!w.crc_ok) return {"watermark", "damaged", std::string("its payload is lost, ") + chance};
    const std::string id = short_id_text(w.payload.clip_id);
    if (id_ && w.payload.clip_id != id_->short_id()) {
      return {"watermark", "damaged", "it is of another clip, " + id};
    }
    return {"watermark", "valid", "clip " + id + ", " + chance};
  }

  LayerVerdict c2pa() const {
    const bool due = flag_of(marks_.record, "signed", false);
    if (!marks_.c2pa_problem.empty()) return {"c2pa", "unchecked", marks_.c2pa_problem};
    const media::C2paReport& c = marks_.c2pa;
    if (c.state == "none")
      return absent("c2pa", due, due ? "the tags say it was signed" : "unsigned");
    const std::string where = c.embedded ? "" : ", beside the file";
    if (c.state == "trusted") return {"c2pa", "valid", "signed by a trusted CA's customer" + where};
    if (c.state == "valid") {
      return {"c2pa", "valid", "whole; its signer's CA is not among those given" + where};
    }
    return {"c2pa", "damaged", c.state + where + ": " + joined(faults(c.reasons))};
  }

  const FileMarks& marks_;
  Json statement_;
  std::optional<ClipId> id_;
  bool ours_ = false;
};

Json watermark_json(const media::WatermarkReading& w) {
  return {{"found", w.found},
          {"log10_p", w.log10_p},
          {"crc_ok", w.crc_ok},
          {"system_id", w.payload.system_id},
          {"clip_id", short_id_text(w.payload.clip_id)}};
}

}  // namespace

Json xmp_json(const FileMarks& marks) {
  if (!marks.xmp) return nullptr;
  const media::XmpFields& f = *marks.xmp;
  return {{"digital_source_type", f.digital_source_type},
          {"system_name", f.system_name},
          {"system_version", f.system_version},
          {"created", f.created},
          {"unique_id", f.unique_id}};
}

Json c2pa_json(const FileMarks& marks) {
  const media::C2paReport& c = marks.c2pa;
  Json manifest = nullptr;
  if (!c.manifest.empty()) manifest = Json::parse(c.manifest, nullptr, false);
  return {{"state", marks.c2pa_problem.empty() ? c.state : "unchecked"},
          {"embedded", c.embedded},
          {"reasons", c.reasons},
          {"manifest", manifest}};
}

Verdict judge(const FileMarks& marks) { return Judge(marks).run(); }

int exit_code(const Verdict& verdict) {
  return verdict.state == "valid" ? 0 : verdict.state == "unmarked" ? 3 : 1;
}

Json to_json(const FileMarks& marks, const Verdict& verdict) {
  Json layers = Json::object();
  for (const LayerVerdict& layer : verdict.layers) {
    layers[layer.name] = {{"state", layer.state}, {"detail", layer.detail}};
  }
  layers["tags"]["record"] = marks.record;
  layers["xmp"]["fields"] = xmp_json(marks);
  layers["watermark"]["reading"] =
      marks.watermark ? watermark_json(*marks.watermark) : Json(nullptr);
  layers["c2pa"]["credentials"] = c2pa_json(marks);
  return {{"file", marks.path}, {"state", verdict.state}, {"layers", layers}};
}

}  // namespace genvid
