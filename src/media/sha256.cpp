#include "media/sha256.h"

extern "C" {
#include <libavutil/mem.h>
#include <libavutil/sha.h>
}

#include <algorithm>
#include <new>
#include <vector>

#include "core/input_file.h"

namespace genvid::media {

struct Sha256::State {
  AVSHA* sha = nullptr;
  ~State() { av_free(sha); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  state_->sha = av_sha_alloc();
  if (state_->sha == nullptr) throw std::bad_alloc();
  av_sha_init(state_->sha, 256);
}

Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t bytes) {
  av_sha_update(state_->sha, static_cast<const uint8_t*>(data), bytes);
}

std::string Sha256::finish() {
  uint8_t digest[32];
  av_sha_final(state_->sha, digest);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  return hash.finish();
}

std::string sha256_file(const std::string& path) {
  const InputFile file(path, ErrorKind::kUsage);
  Sha256 hash;
  std::vector<char> buffer(size_t{1} << 20);
  for (uint64_t at = 0; at < file.size();) {
    const size_t bytes = std::min<uint64_t>(buffer.size(), file.size() - at);
    file.read_at(at, buffer.data(), bytes);
    hash.update(buffer.data(), bytes);
    at += bytes;
  }
  return hash.finish();
}

}  // namespace genvid::media
