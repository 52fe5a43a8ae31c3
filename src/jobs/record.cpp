#include "jobs/record.h"

#include "core/request_json.h"

namespace genvid {

Json clip_record(const Plan& plan, const Request& request, const std::string& model,
                 const std::string& version) {
  const ClipSpec& spec = plan.spec;
  Request r;
  r.model = model;
  r.frames = spec.frames;
  r.size = spec.size;
  r.fps = spec.fps;
  r.num_inference_steps = spec.num_inference_steps;
  r.guidance_scale = spec.guidance_scale;
  if (spec.guidance_scale_2 != spec.guidance_scale) r.guidance_scale_2 = spec.guidance_scale_2;
  r.shift = spec.shift;
  r.scheduler = spec.scheduler;
  r.seed = spec.seed;
  r.rollout = spec.rollout;
  r.device = spec.device;
  r.dtype = spec.dtype;
  r.vae_dtype = spec.vae_dtype;
  r.threads = spec.threads;
  r.noise = spec.noise;
  r.codec = request.codec;
  r.crf = request.crf;
  r.pix_fmt = request.pix_fmt;
  Json record = request_to_json(r);
  record["noise"] = spec.noise;  // also when it is the default
  record["genvid"] = version;
  record["family"] = plan.family;
  record["title"] = plan.title;
  return record;
}

}  // namespace genvid
