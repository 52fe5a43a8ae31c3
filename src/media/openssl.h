// Owners of libcrypto's objects.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "media/free_with.h"

namespace genvid::media {

using Bio = std::unique_ptr<BIO, ValueFree<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, ValueFree<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, ValueFree<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, ValueFree<X509_EXTENSION_free>>;

}  // namespace genvid::media
