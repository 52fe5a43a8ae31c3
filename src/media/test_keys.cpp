// make_test_keys(): a CA and a signer below it, in the profile that C2PA asks for.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "genvid/error.h"
#include "media/openssl.h"
#include "media/quote.h"
#include "media/signing_key.h"

namespace genvid::media {
namespace {

namespace fs = std::filesystem;

void require(bool done, const char* what) {
  if (done) return;
  char reason[160] = "no reason given";
  if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, reason, sizeof reason);
  throw Error(ErrorKind::kUnavailable, std::string("cannot make ") + what + ": " + reason);
}

struct Owner {
  Key key;
  Certificate certificate;
};

void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "a certificate");
}

void set_name(X509_NAME* name, const char* common) {
  const auto add = [&](const char* field, const char* text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
  };
  add("CN", common);
  add("O", "genvid test keys");
}

// A certificate without extensions; issuer null: its own.
Owner begin(const char* common, const Owner* issuer) {
  constexpr long kDay = 24 * 60 * 60;
  Owner made;
  made.key.reset(EVP_EC_gen("P-256"));
  made.certificate.reset(X509_new());
  X509* c = made.certificate.get();
  require(made.key && c != nullptr, "a key");
  std::array<unsigned char, 16> serial{};
  require(RAND_bytes(serial.data(), serial.size()) == 1, "a random number");
  serial[0] = (serial[0] & 0x3f) | 0x40;  // positive, of full length
  const std::unique_ptr<BIGNUM, ValueFree<BN_free>> number(
      BN_bin2bn(serial.data(), serial.size(), nullptr));
  require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c)) != nullptr,
          "a serial number");
  X509_set_version(c, X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(c), -kDay);  // clocks differ
  X509_gmtime_adj(X509_getm_notAfter(c), 365 * kDay);
  set_name(X509_get_subject_name(c), common);
  X509_set_issuer_name(c, X509_get_subject_name(issuer == nullptr ? c : issuer->certificate.get()));
  require(X509_set_pubkey(c, made.key.get()) == 1, "a certificate");
  return made;
}

void sign(X509* certificate, EVP_PKEY* key) {
  require(X509_sign(certificate, key, EVP_sha256()) > 0, "a signature");
}

Owner make_ca() {
  Owner ca = begin("genvid test CA", nullptr);
  X509* c = ca.certificate.get();
  add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(c, c, NID_subject_key_identifier, "hash");
  sign(c, ca.key.get());
  return ca;
}

Owner make_signer(const Owner& ca) {
  Owner signer = begin("genvid test signer", &ca);
  X509* c = signer.certificate.get();
  add_extension(c, ca.certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(c, ca.certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(c, ca.certificate.get(), NID_ext_key_usage, "critical,emailProtection");
  add_extension(c, ca.certificate.get(), NID_subject_key_identifier, "hash");
  add_extension(c, ca.certificate.get(), NID_authority_key_identifier, "keyid");
  sign(c, ca.key.get());
  return signer;
}

std::string key_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio.get(), &data);
  require(bytes > 0, "a key file");
  return {data, static_cast<size_t>(bytes)};
}

std::string certificate_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio.get(), &data);
  require(bytes > 0, "a certificate file");
  return {data, static_cast<size_t>(bytes)};
}

[[noreturn]] void fail(const std::string& path, int code) {
  throw Error(ErrorKind::kOutput, "cannot write " + quote(path) + ": " + std::strerror(code) +
                                      (code == EEXIST ? "; choose another folder: keys are never "
                                                        "replaced"
                                                      : ""));
}

void write_new(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) fail(path, errno);
  const ssize_t n = ::write(fd, text.data(), text.size());
  const int code = n == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (code != 0) fail(path, code);
}

}  // namespace

TestKeys make_test_keys(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(folder, errno);
  const auto in = [&](const char* name) { return (fs::path(folder) / name).string(); };
  const TestKeys keys{in("key.pem"), in("chain.pem"), in("ca.pem"), in("ca-key.pem")};
  for (const std::string& path : {keys.key, keys.chain, keys.ca_certificate, keys.ca_key}) {
    if (::access(path.c_str(), F_OK) == 0) fail(path, EEXIST);
  }
  const Owner ca = make_ca();
  const Owner signer = make_signer(ca);
  const std::string ca_text = certificate_pem(ca.certificate.get());
  write_new(keys.key, key_pem(signer.key.get()), 0600);
  write_new(keys.chain, certificate_pem(signer.certificate.get()) + ca_text, 0644);
  write_new(keys.ca_certificate, ca_text, 0644);
  write_new(keys.ca_key, key_pem(ca.key.get()), 0600);
  return keys;
}

}  // namespace genvid::media
