// Who a finished clip is, and its settings as JSON recorded in its file: what made it and how, in
// the keys of core/request_json.h, with every default decided, so that the clip can be made again.
// Never a path, and the prompt only when the request says so.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/clip_id.h"
#include "core/json.h"
#include "genvid/request.h"
#include "jobs/history.h"
#include "jobs/plan.h"

namespace genvid {

// What made a clip, beside its plan.
struct ClipMakerInfo {
  std::string version;       // of genvid
  std::string model;         // the name to record
  std::string model_digest;  // of its weights and configurations
  std::string torch;         // version
  std::string cpu;           // instruction set that decides the last bits
  std::string secret;        // user_secret(), or empty
};

struct ClipIdentity {
  ClipId id;
  std::string created;  // "2026-11-22T19:30:00Z"
  // Files that went in, with the keys of a request.
  std::map<std::string, HistoryFile> inputs;
};

// The id follows from everything that makes the pixels and from the user's secret, so that the same
// command gives the same file, and that nobody else can find the prompt out by trying. Without a
// secret it is random. Not in it: device and threads, so that the workers of a batch agree.
// Pictures must be loaded. created is now, or SOURCE_DATE_EPOCH (seconds since 1970) when the
// environment sets it: with it, files are the same to the byte. Throws Error(kUsage) when it is no
// number.
ClipIdentity identify_clip(const Plan& plan, const Request& request, const ClipMakerInfo& maker);

// The same for latents that are only decoded: nobody guesses those.
ClipIdentity identify_latents(const DecodeSpec& spec);

Json clip_record(const Plan& plan, const Request& request, const ClipMakerInfo& maker,
                 const ClipIdentity& identity);

// What the record says of the origin of the frames: IPTC's digital source type.
std::string_view source_type(const Json& record);

// The record among a file's tags; null when there is none of ours.
Json record_in(const std::map<std::string, std::string>& tags);

}  // namespace genvid
