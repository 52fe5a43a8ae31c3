// genvid doctor [--json]: what is on this machine, what is missing and how to get it.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/engine_loader.h"
#include "cli/model_locator.h"
#include "cli/plan_text.h"
#include "cli/progress_view.h"
#include "core/data_dir.h"
#include "core/json.h"
#include "core/log.h"
#include "jobs/machine.h"
#include "media/c2pa.h"
#include "media/ffmpeg_info.h"

namespace genvid::cli {
namespace {

void add_engine(Json& out, Json& missing) {
  try {
    static ProgressView view(ProgressMode::kNone);
    const EngineInfo info = load_engine(view)->info();
    out["engine"] = {{"torch", info.torch_version},
                     {"cpu_capability", info.cpu_capability},
                     {"onednn_isa", info.onednn_isa}};
    Json devices = Json::array();
    bool gpu = false;
    for (const DeviceInfo& d : info.devices) {
      gpu = gpu || d.name.rfind("cuda:", 0) == 0;
      devices.push_back({{"name", d.name},
                         {"description", d.description},
                         {"total_bytes", d.total_bytes},
                         {"free_bytes", d.free_bytes}});
    }
    out["devices"] = devices;
    if (!gpu && has_gpu_driver()) {
      missing.push_back(
          "an NVIDIA driver is here, but no device can be used: run scripts/genvid "
          "again to get the CUDA libraries of torch, or look at `nvidia-smi`");
    }
  } catch (const Error& e) {
    out["engine"] = nullptr;
    out["devices"] = Json::array();
    missing.push_back(e.what());
  }
}

Json examine() {
  const media::FfmpegInfo ffmpeg = media::ffmpeg_info();
  Json missing = Json::array();
  Json out = {{"genvid", GENVID_VERSION},
              {"data", data_dir().string()},
              {"ffmpeg",
               {{"version", ffmpeg.version},
                {"libavcodec", ffmpeg.libavcodec},
                {"libavformat", ffmpeg.libavformat},
                {"libswscale", ffmpeg.libswscale},
                {"licence", ffmpeg.licence},
                {"encoders", ffmpeg.encoders},
                {"encoders_missing", ffmpeg.missing}}},
              {"cpu_cores", cpu_count()},
              {"memory_available_bytes", available_memory()},
              {"nvidia_driver", has_gpu_driver()}};
  if (data_dir().empty()) {
    missing.push_back(
        "models/ and configs/ were not found beside the program: install it with "
        "cmake --install");
  }
  for (const char* encoder : {"libx264", "prores_ks", "ffv1", "png"}) {
    if (std::find(ffmpeg.missing.begin(), ffmpeg.missing.end(), encoder) != ffmpeg.missing.end()) {
      missing.push_back(std::string("FFmpeg has no encoder ") + encoder +
                        ": install a build with it (Debian's has it)");
    }
  }
  out["c2pa"] = media::c2pa_version();
  if (out["c2pa"].get_ref<const std::string&>().empty()) {
    missing.push_back(
        "the C2PA library (--sign, and checking signatures): run scripts/genvid again, "
        "or name a libc2pa_c.so with GENVID_C2PA_LIB");
  }
  add_engine(out, missing);
  Json models = Json::array();
  for (const FoundModel& m : list_models()) {
    models.push_back({{"name", m.name}, {"folder", m.dir.string()}});
  }
  if (models.empty()) {
    missing.push_back("no models: put one into ~/.local/share/genvid/models or set GENVID_MODELS");
  }
  out["models"] = models;
  out["missing"] = missing;
  return out;
}

std::string list_text(const Json& values, const char* key = nullptr) {
  std::string out;
  for (const Json& v : values) {
    out += (out.empty() ? "" : ", ") + (key == nullptr ? v : v.at(key)).get<std::string>();
  }
  return out.empty() ? "none" : log::printable(out);
}

void print_text(const Json& d) {
  const auto line = [](const char* name, const std::string& text) {
    std::printf("%-10s %s\n", name, log::printable(text).c_str());
  };
  const auto word = [](const Json& v) { return v.get<std::string>(); };
  line("genvid", word(d["genvid"]));
  const Json& f = d["ffmpeg"];
  line("ffmpeg", word(f["version"]) + ", libavcodec " + word(f["libavcodec"]) + ", libavformat " +
                     word(f["libavformat"]) + ", libswscale " + word(f["libswscale"]));
  line("licence", "FFmpeg as built here: " + word(f["licence"]));
  line("encoders",
       list_text(f["encoders"]) + " (not here: " + list_text(f["encoders_missing"]) + ")");
  if (d["engine"].is_object()) {
    const Json& e = d["engine"];
    line("torch", word(e["torch"]) + ", CPU " + word(e["cpu_capability"]) + ", oneDNN " +
                      word(e["onednn_isa"]));
  }
  line("c2pa", word(d["c2pa"]).empty() ? "not here" : word(d["c2pa"]));
  line("cpu", d["cpu_cores"].dump() + " cores, " +
                  bytes_text(d["memory_available_bytes"].get<uint64_t>()) + " memory available");
  for (const Json& g : d["devices"]) {
    std::string text = word(g["name"]) + ": " + word(g["description"]);
    if (g["total_bytes"] != 0) {
      text += ", " + bytes_text(g["free_bytes"].get<uint64_t>()) + " of " +
              bytes_text(g["total_bytes"].get<uint64_t>()) + " free";
    }
    line("device", text);
  }
  line("models", list_text(d["models"], "name"));
  for (const Json& m : d["missing"]) line("missing", word(m));
  if (d["missing"].empty()) line("missing", "nothing");
}

}  // namespace

Command add_doctor(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  app.add_flag("--json", *json, "As JSON");
  return [json] {
    const Json found = examine();
    if (*json) {
      std::printf("%s\n", found.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
      print_text(found);
    }
    return 0;
  };
}

}  // namespace genvid::cli
