// The local history: what was asked for each clip, by its id, since files carry no prompt. And the
// user's secret, which keys the prompt's HMAC in a file: without it nobody can find a prompt out by
// trying. Both stay below the user's data folder, readable by the user alone.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/json.h"

namespace genvid {

// $XDG_DATA_HOME/genvid or ~/.local/share/genvid; empty when neither is set.
std::filesystem::path user_data_dir();

// 64 hexadecimal digits from FOLDER/secret, made on the first call; several processes agree. Empty
// when the folder is empty or cannot be written: there is no HMAC then.
std::string user_secret(const std::filesystem::path& folder);

// HMAC-SHA256 of a text that belongs to a clip; "prompt" or "negative_prompt" tells two such texts
// apart.
std::string text_hmac(std::string_view secret, std::string_view clip_id, std::string_view what,
                      std::string_view text);

struct HistoryFile {
  std::string path;
  std::string sha256;
  bool operator==(const HistoryFile&) const = default;
};

struct HistoryEntry {
  std::string clip_id;
  std::string created;
  std::string output;
  std::string prompt;
  std::string negative_prompt;
  std::string prompt_at;                      // as in a request
  std::map<std::string, HistoryFile> inputs;  // "image", "last_image", "init_latents"
  Json record;                                // as in the file
};

std::string history_line(const HistoryEntry& entry);  // ends in \n
// nullopt for what is no line of a history, or was cut short.
std::optional<HistoryEntry> parse_history_line(std::string_view line);

class History {
 public:
  explicit History(std::filesystem::path file) : file_(std::move(file)) {}
  static std::filesystem::path default_path();  // empty without a data folder

  // One line, synced; the file is made with mode 0600. Throws Error(kOutput).
  void append(const HistoryEntry& entry) const;
  // The last entry whose clip id begins with this; damaged lines are passed over.
  std::optional<HistoryEntry> find(std::string_view clip_id) const;

 private:
  std::filesystem::path file_;
};

}  // namespace genvid
