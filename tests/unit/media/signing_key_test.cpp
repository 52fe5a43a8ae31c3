// Keys and certificates: what is made is right, and what cannot sign is refused by name.
#include "media/signing_key.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <functional>

#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

class SigningKey : public ::testing::Test {
 protected:
  std::string refusal(const std::string& key, const std::string& chain) {
    const Error e = error_of([&] { load_signing_identity(key, chain); });
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }

  void expect_refused(const std::string& part, const std::string& key, const std::string& chain) {
    const std::string message = refusal(key, chain);
    EXPECT_NE(message.find(part), std::string::npos) << "expected \"" << part << "\": " << message;
  }

  static X509* read_certificate(const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "r");
    X509* certificate = PEM_read_X509(file, nullptr, nullptr, nullptr);
    std::fclose(file);
    return certificate;
  }

  // The signer's certificate, changed and signed again by the CA.
  std::string changed(const char* name, const std::function<void(X509*)>& change) {
    X509* certificate = read_certificate(keys_.chain);
    change(certificate);
    FILE* in = std::fopen(keys_.ca_key.c_str(), "r");
    EVP_PKEY* ca = PEM_read_PrivateKey(in, nullptr, nullptr, nullptr);
    std::fclose(in);
    EXPECT_GT(X509_sign(certificate, ca, EVP_sha256()), 0);
    const std::string path = dir_ / name;
    FILE* out = std::fopen(path.c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
    write_bytes(path, read_bytes(path) + read_bytes(keys_.ca_certificate));
    EVP_PKEY_free(ca);
    X509_free(certificate);
    return path;
  }

  TempDir dir_;
  TestKeys keys_ = make_test_keys(dir_ / "keys");
};

TEST_F(SigningKey, MadeKeysAreUsableAndPrivate) {
  const SigningIdentity identity = load_signing_identity(keys_.key, keys_.chain);
  EXPECT_EQ(identity.algorithm, "es256");
  EXPECT_NE(identity.subject.find("genvid test signer"), std::string::npos);
  for (const std::string& path : {keys_.key, keys_.ca_key}) {
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
  X509* signer = read_certificate(keys_.chain);
  EXPECT_EQ(X509_get_extended_key_usage(signer), uint32_t{XKU_SMIME});
  EXPECT_EQ(X509_get_key_usage(signer), uint32_t{KU_DIGITAL_SIGNATURE});
  X509_free(signer);
}

TEST_F(SigningKey, KeysAreNeverReplaced) {
  const std::string before = read_bytes(keys_.key);
  const Error e = error_of([&] { make_test_keys(dir_ / "keys"); });
  EXPECT_EQ(e.kind(), ErrorKind::kOutput);
  EXPECT_EQ(read_bytes(keys_.key), before);
  EXPECT_EQ(error_of([&] { make_test_keys(dir_ / "a/b"); }).kind(), ErrorKind::kOutput);
}

TEST_F(SigningKey, OtherFormsOfTheKey) {
  FILE* in = std::fopen(keys_.key.c_str(), "r");
  EVP_PKEY* key = PEM_read_PrivateKey(in, nullptr, nullptr, nullptr);
  std::fclose(in);
  const std::string old = dir_ / "old.pem", locked = dir_ / "locked.pem";
  FILE* out = std::fopen(old.c_str(), "w");  // "BEGIN EC PRIVATE KEY"
  BIO* bio = BIO_new_fp(out, BIO_NOCLOSE);
  EXPECT_EQ(PEM_write_bio_PrivateKey_traditional(bio, key, nullptr, nullptr, 0, nullptr, nullptr),
            1);
  BIO_free(bio);
  std::fclose(out);
  EXPECT_EQ(load_signing_identity(old, keys_.chain).algorithm, "es256");
  out = std::fopen(locked.c_str(), "w");
  unsigned char word[] = "secret";
  PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), word, 6, nullptr, nullptr);
  std::fclose(out);
  EVP_PKEY_free(key);
  expect_refused("passphrase", locked, keys_.chain);
}

TEST_F(SigningKey, WhatCannotSignIsNamed) {
  const TestKeys other = make_test_keys(dir_ / "other");
  write_bytes(dir_ / "text", "no PEM\n");
  write_bytes(dir_ / "large", std::string(1 << 20, 'x'));
  expect_refused("No such file", dir_ / "none", keys_.chain);
  expect_refused("No such file", keys_.key, dir_ / "none");
  expect_refused("no private key", dir_ / "text", keys_.chain);
  expect_refused("no private key", keys_.chain, keys_.chain);
  expect_refused("no certificate", keys_.key, dir_ / "text");
  expect_refused("no certificate", keys_.key, keys_.key);
  expect_refused("large", dir_ / "large", keys_.chain);
  expect_refused("is not the key of", other.key, keys_.chain);
  expect_refused("signed by itself", keys_.ca_key, keys_.ca_certificate);
  write_bytes(dir_ / "mixed", read_bytes(keys_.chain) + read_bytes(other.ca_certificate));
  expect_refused("not signed by the next", keys_.key, dir_ / "mixed");
}

TEST_F(SigningKey, DatesAndUsesAreChecked) {
  constexpr long kDay = 86400;
  expect_refused("expired on", keys_.key, changed("old", [](X509* c) {
                   X509_gmtime_adj(X509_getm_notBefore(c), -3 * kDay);
                   X509_gmtime_adj(X509_getm_notAfter(c), -2 * kDay);
                 }));
  expect_refused("valid only from", keys_.key, changed("early", [](X509* c) {
                   X509_gmtime_adj(X509_getm_notBefore(c), 2 * kDay);
                 }));
  for (const int nid : {NID_key_usage, NID_ext_key_usage}) {
    expect_refused("not made for signing", keys_.key, changed("use", [nid](X509* c) {
                     X509_EXTENSION_free(X509_delete_ext(c, X509_get_ext_by_NID(c, nid, -1)));
                   }));
  }
}

}  // namespace
}  // namespace genvid::media
