// SHA-256 of bytes and files, and HMAC with it. libcrypto does the work: it uses the processor's
// own instructions, and weights have gigabytes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace genvid::media {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* data, size_t bytes);
  std::string finish();  // 64 hexadecimal digits; once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);  // hexadecimal too
// Reads the whole file. Throws Error(kUsage).
std::string sha256_file(const std::string& path);

}  // namespace genvid::media
