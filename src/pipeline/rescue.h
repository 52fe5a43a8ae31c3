// A full disk or a failing codec must not cost the sampling time.
#pragma once

#include "core/latents_file.h"
#include "genvid/clip_spec.h"
#include "genvid/error.h"
#include "tensor/tensor.h"

namespace genvid {

// Throws `error` again; before, writes the clip's latents to spec.rescue_latents, when that is set,
// and says in the message how to finish from them. Cancelling keeps nothing.
[[noreturn]] void rethrow_with_rescue(const Error& error, const ClipSpec& spec,
                                      const Tensor& latents, const LatentsStart& start);

}  // namespace genvid
