// libc2pa_c.so, the C2PA project's own library, loaded at run time: signing and reading content
// credentials is optional and the library is large. Its package brings no header, so the functions
// that genvid calls are declared here, as of c2pa-rs 0.91 (context interface).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace genvid::media {

extern "C" {
struct C2paSettings;
struct C2paContextBuilder;
struct C2paContext;
struct C2paBuilder;
struct C2paReader;
struct C2paSigner;
struct C2paStream;
struct C2paSignerInfo {
  const char* alg;
  const char* sign_cert;
  const char* private_key;
  const char* ta_url;
};
using C2paRead = intptr_t (*)(void* context, uint8_t* data, intptr_t bytes);
using C2paSeek = intptr_t (*)(void* context, intptr_t offset, int mode);  // 0 set, 1 current, 2 end
using C2paWrite = intptr_t (*)(void* context, const uint8_t* data, intptr_t bytes);
using C2paFlush = intptr_t (*)(void* context);
}

// Functions marked "takes" own their first argument afterwards, also when they fail.
struct C2paApi {
  char* (*version)();
  char* (*error)();
  int (*free)(const void*);  // anything that the library returned
  C2paSettings* (*settings_new)();
  int (*settings_update_from_string)(C2paSettings*, const char* text, const char* format);
  C2paContextBuilder* (*context_builder_new)();
  int (*context_builder_set_settings)(C2paContextBuilder*, C2paSettings*);
  C2paContext* (*context_builder_build)(C2paContextBuilder*);  // takes
  C2paBuilder* (*builder_from_context)(C2paContext*);
  C2paBuilder* (*builder_with_definition)(C2paBuilder*, const char* json);  // takes
  void (*builder_set_no_embed)(C2paBuilder*);
  int64_t (*builder_sign)(C2paBuilder*, const char* format, C2paStream* from, C2paStream* to,
                          C2paSigner*, const unsigned char** manifest);
  C2paSigner* (*signer_from_info)(const C2paSignerInfo*);
  C2paStream* (*create_stream)(void* context, C2paRead, C2paSeek, C2paWrite, C2paFlush);
  void (*release_stream)(C2paStream*);
  C2paReader* (*reader_from_context)(C2paContext*);
  C2paReader* (*reader_with_stream)(C2paReader*, const char* format, C2paStream*);  // takes
  C2paReader* (*reader_with_manifest_data_and_stream)(C2paReader*, const char* format, C2paStream*,
                                                      const uint8_t* manifest,
                                                      size_t bytes);  // takes
  char* (*reader_json)(C2paReader*);
  bool (*reader_is_embedded)(C2paReader*);
};

// $GENVID_C2PA_LIB, else libc2pa_c.so beside libgenvid_core.so; loaded by the first call. Throws
// Error(kUnavailable) when it is not here or is another version.
const C2paApi& c2pa_api();

// The library's last error on this thread.
std::string c2pa_error_text();

}  // namespace genvid::media
