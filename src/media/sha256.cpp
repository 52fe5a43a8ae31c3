#include "media/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <new>
#include <vector>

#include "core/input_file.h"

namespace genvid::media {
namespace {

std::string hexadecimal(const unsigned char* digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 32; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr ||
      EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
}

Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t bytes) {
  EVP_DigestUpdate(state_->context, data, bytes);
}

std::string Sha256::finish() {
  unsigned char digest[32];
  EVP_DigestFinal_ex(state_->context, digest, nullptr);
  return hexadecimal(digest);
}

std::string sha256(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes.data(), bytes.size());
  return hash.finish();
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  unsigned char digest[32];
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest,
           nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return hexadecimal(digest);
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
