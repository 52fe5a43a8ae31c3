#include "media/signing_key.h"

#include <openssl/err.h>

#include <cstdio>
#include <vector>

#include "core/input_file.h"
#include "core/log.h"
#include "media/openssl.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

constexpr uint64_t kMaxPemBytes = 256 * 1024;
constexpr size_t kMaxChain = 10;

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kUsage, message); }

Bio reader(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string written(BIO* bio) {
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  return bytes > 0 ? std::string(data, static_cast<size_t>(bytes)) : std::string();
}

// Asked only when the key is encrypted.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Key read_key(const std::string& path) {
  const std::string text = read_file(path, kMaxPemBytes, ErrorKind::kUsage);
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(reader(text).get(), nullptr, no_passphrase, &asked));
  ERR_clear_error();
  if (asked) {
    refuse("--sign " + quote(path) +
           " is locked with a passphrase; unlock a copy with `openssl "
           "pkey -in KEY -out COPY` and keep it readable by you alone");
  }
  if (!key) {
    refuse("--sign " + quote(path) +
           " holds no private key in PEM form; `genvid keys init DIR` "
           "makes one for tests");
  }
  return key;
}

std::vector<Certificate> read_chain(const std::string& path) {
  const std::string text = read_file(path, kMaxPemBytes, ErrorKind::kUsage);
  const Bio bio = reader(text);
  std::vector<Certificate> chain;
  while (chain.size() < kMaxChain) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    chain.push_back(std::move(next));
  }
  ERR_clear_error();
  if (chain.empty()) refuse("--cert " + quote(path) + " holds no certificate in PEM form");
  return chain;
}

// "CN=..., O=..."
std::string name_of(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  return log::printable(written(bio.get()));
}

std::string time_of(const ASN1_TIME* time) {
  const Bio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  return written(bio.get());
}

void check_dates(const X509* certificate, const std::string& path) {
  const std::string whose = "--cert " + quote(path) + ": the certificate of " +
                            name_of(X509_get_subject_name(certificate));
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    refuse(whose + " expired on " + time_of(X509_get0_notAfter(certificate)) + "; get a new one");
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    refuse(whose + " is valid only from " + time_of(X509_get0_notBefore(certificate)));
  }
}

// What C2PA's certificate profile asks of the one that signs.
void check_profile(X509* certificate, const std::string& path) {
  const std::string start = "--cert " + quote(path) + ": the first certificate ";
  if (X509_get_extension_flags(certificate) & EXFLAG_SS) {
    refuse(start +
           "is signed by itself, which C2PA does not accept; `genvid keys init DIR` makes a "
           "CA and a certificate below it");
  }
  if (X509_get_extension_flags(certificate) & EXFLAG_CA) {
    refuse(start + "is a CA's; put the signer's own first");
  }
  const uint32_t use = X509_get_key_usage(certificate);
  const uint32_t extended = X509_get_extended_key_usage(certificate);
  if (use == UINT32_MAX || (use & KU_DIGITAL_SIGNATURE) == 0 || extended == UINT32_MAX) {
    refuse(start +
           "is not made for signing (it needs keyUsage digitalSignature and an extended "
           "key usage such as emailProtection)");
  }
}

void check_chain(const std::vector<Certificate>& chain, const std::string& path) {
  for (const Certificate& certificate : chain) check_dates(certificate.get(), path);
  check_profile(chain.front().get(), path);
  for (size_t i = 1; i < chain.size(); ++i) {
    const Key above(X509_get_pubkey(chain[i].get()));
    if (!above || X509_check_issued(chain[i].get(), chain[i - 1].get()) != X509_V_OK ||
        X509_verify(chain[i - 1].get(), above.get()) != 1) {
      ERR_clear_error();
      refuse("--cert " + quote(path) + ": certificate " + std::to_string(i) +
             " is not signed by the next; order them from the signer's up");
    }
  }
}

std::string algorithm_of(const EVP_PKEY* key, const std::string& path) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      if (EVP_PKEY_get_bits(key) >= 2048) return "ps256";
      break;
    case EVP_PKEY_ED25519:
      return "ed25519";
    case EVP_PKEY_EC:
      if (EVP_PKEY_get_bits(key) == 256) return "es256";
      if (EVP_PKEY_get_bits(key) == 384) return "es384";
      if (EVP_PKEY_get_bits(key) == 521) return "es512";
      break;
    default:
      break;
  }
  refuse("--sign " + quote(path) +
         " is a key that C2PA does not know; use an EC key on P-256, "
         "P-384 or P-521, Ed25519, or RSA of 2048 bits and more");
}

}  // namespace

SigningIdentity load_signing_identity(const std::string& key_path, const std::string& chain_path) {
  const Key key = read_key(key_path);
  const std::vector<Certificate> chain = read_chain(chain_path);
  SigningIdentity identity;
  identity.algorithm = algorithm_of(key.get(), key_path);
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ERR_clear_error();
    refuse("--sign " + quote(key_path) + " is not the key of --cert " + quote(chain_path) + " (" +
           name_of(X509_get_subject_name(chain.front().get())) +
           "); the signer's certificate must come first in it");
  }
  check_chain(chain, chain_path);
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  identity.key_pem = written(out.get());
  const Bio certificates(BIO_new(BIO_s_mem()));
  for (const Certificate& c : chain) PEM_write_bio_X509(certificates.get(), c.get());
  identity.chain_pem = written(certificates.get());
  identity.subject = name_of(X509_get_subject_name(chain.front().get()));
  if (identity.key_pem.empty() || identity.chain_pem.empty()) {
    refuse("--sign " + quote(key_path) + " cannot be used; is the key whole?");
  }
  return identity;
}

}  // namespace genvid::media
