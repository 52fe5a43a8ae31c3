// The private key and the certificate chain that sign content credentials: read, checked for what
// C2PA will refuse, and made for tests. libcrypto does the work.
#pragma once

#include <string>

namespace genvid::media {

struct SigningIdentity {
  std::string algorithm;  // C2PA's name: es256, es384, es512, ps256, ed25519
  std::string key_pem;    // PKCS#8
  std::string chain_pem;  // the signer's certificate first, then those above it
  std::string subject;    // of the signer's certificate
};

// Throws Error(kUsage), one line each: a file that cannot be read, no key, a passphrase, a key that
// is not the certificate's, an expired certificate, one that C2PA does not accept.
SigningIdentity load_signing_identity(const std::string& key_path, const std::string& chain_path);

struct TestKeys {
  std::string key, chain, ca_certificate, ca_key;  // paths
};

// A new CA and a signer's certificate below it (P-256, one year) in a folder that is made when it
// is missing; existing files are never replaced. Throws Error(kOutput).
TestKeys make_test_keys(const std::string& folder);

}  // namespace genvid::media
