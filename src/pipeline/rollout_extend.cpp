#include "pipeline/rollout_extend.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "core/cancel.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/window_plan.h"
#include "diffusion/guidance.h"
#include "genvid/error.h"
#include "pipeline/anchors.h"
#include "pipeline/clip_delivery.h"
#include "pipeline/clip_noise.h"
#include "pipeline/forced_window.h"
#include "pipeline/kept_state.h"
#include "pipeline/past.h"
#include "pipeline/start_noise.h"
#include "pipeline/text_to_video.h"
#include "pipeline/view_ahead.h"

namespace genvid {
namespace {

class Rollout {
 public:
  Rollout(const Family& family, const LoadContext& context, const ClipSpec& spec,
          const FrameSpec& frames, FrameSink& sink, StageClock& clock)
      : family_(family),
        context_(context),
        spec_(spec),
        clip_(spec),
        traits_(family.description->traits(*context.model)),
        total_(latents_to_make(spec, traits_.geometry) - (includes_end() ? 1 : 0) +
               (spec.closes ? spec.first_latents : 0)),
        clock_(clock),
        windows_(static_cast<int64_t>(extension_starts(total_, spec.window_latents,
                                                       spec.overlap_latents, spec.first_latents,
                                                       spec.past.empty() ? 0 : spec.overlap_latents)
                                          .size())),
        noise_(spec, traits_.geometry, noise_latents()),
        start_noise_(noise_, spec, traits_),
        anchors_(traits_.anchor_reach),
        view_(spec, traits_, noise_, clock,
              [this](int64_t steps) { return passes_between(steps); }),
        delivery_(family, context, spec, frames, sink, clock,
                  latents_to_make(spec, traits_.geometry)) {}

  Extended run() {
    clip_.keep.part = 0;
    recent_ = picture(spec_.image);
    end_ = picture(spec_.last_image);
    clock_.start("load", 0);
    resident_.emplace(family_, context_, total_);
    load_judge();
    if (!spec_.past.empty()) {
      recent_ = delivery_.take_past(spec_.overlap_latents);
    } else if (recent_.defined()) {
      deliver(recent_);
    }
    begin_anchors();
    while (done_ < total_) {
      const Tensor fresh = next_window();
      if (window_ == 0) view_.begin(beside_);
      anchors_.add(fresh, done_);
      const Tensor part = fresh.narrow(2, 0, std::min(fresh.size(2), total_ - done_));
      // A loop's guided start is what the others look at; the file begins behind it, and there the
      // last window leads.
      if (spec_.closes && done_ <= spec_.first_latents) end_ = part.narrow(2, 0, 1).clone();
      if (spec_.closes && done_ == 0) {
        done_ += part.size(2);
      } else {
        deliver(part);
      }
      recent_ = recent_.defined() ? at::cat({recent_, fresh}, 2) : fresh;
      const int64_t most = forced() ? 0 : spec_.window_latents - 2;
      recent_ = latest(std::max(spec_.overlap_latents, most)).clone();
      if (prompt_begins()) begin_anchors();
      ++window_;
      clip_.keep.part = window_;
    }
    if (includes_end()) deliver(end_);
    delivery_.finish();
    return made_;
  }

 private:
  // A picture at the end stands behind forced windows; of others it is the clip's last latent
  // frame.
  bool includes_end() const { return spec_.last_image.has_value() && !forced(); }

  // So many of the latent frames before the present one, or all there are; undefined when none is.
  Tensor latest(int64_t count) const {
    if (!recent_.defined()) return {};
    const int64_t have = std::min(count, recent_.size(2));
    return recent_.narrow(2, recent_.size(2) - have, have);
  }

  // What windows go on from: before the first one, all there is.
  Tensor behind() const { return window_ == 0 ? recent_ : latest(spec_.overlap_latents); }

  // With what is known: of a clip that begins, or of one that goes on under another prompt.
  void begin_anchors() {
    const Tensor known = latest(spec_.overlap_latents);
    const int64_t first = done_ - (known.defined() ? known.size(2) : 0);
    anchors_.begin(first);
    view_.begin();
    if (known.defined()) anchors_.add(known, first);
  }

  const std::string& prompt_of(int64_t window) const {
    const std::string* prompt = &spec_.prompt;
    for (const PromptChange& c : spec_.prompt_changes) {
      if (c.part <= window) prompt = &c.prompt;
    }
    return *prompt;
  }

  // Whether the present window is the first under a prompt that is not the clip's first.
  bool prompt_begins() const { return window_ > 0 && prompt_of(window_) != prompt_of(window_ - 1); }

  // The latent frame of a picture; undefined without one.
  Tensor picture(const std::optional<Image>& image) {
    if (!image) return {};
    ClipSpec one = spec_;
    one.image = image;
    one.last_image.reset();
    return picture_conditioning(family_, context_, one, 1, clock_).pinned_latents;
  }

  // New latent frames that fill a window behind the known ones. One that is led to an end is no
  // longer than the clip; where the end takes the window's last place, as much more of what was
  // before fills it.
  Tensor next_window() {
    known_ = behind();
    int64_t past = known_.defined() ? known_.size(2) : 0;
    const int64_t room =
        past == 0 && spec_.first_latents > 0 ? spec_.first_latents : spec_.window_latents - past;
    const int64_t left = total_ - done_;
    ending_ = end_.defined() && left <= room;
    if (ending_ && !forced() && past > 0) {
      known_ = latest(std::max<int64_t>(1, spec_.window_latents - 1 - left));
      past = known_.size(2);
    }
    const Tensor noise = noise_.initial(done_, ending_ ? left : room);
    start_noise_.draw_beside(past == 0 && noise.size(2) == 1 && !ending_);
    std::vector<int64_t> shape = noise.sizes().vec();
    if (start_noise_.beside()) shape[1] = traits_.start_channels;
    if (const auto kept = kept_latents(clip_, shape)) {
      clock_.resumed(window_passes(past));
      done_passes_ += window_passes(past);
      return without_beside(kept->to(context_.device));
    }
    if (!prompts_) prompts_ = encode_prompts(family_, context_, spec_, clock_);
    made_.sampled = true;
    const Tensor latents = past > 0 ? joined(sampled(noise)) : start(noise);
    keep_latents(clip_, start_noise_.beside() ? at::cat({latents, beside_}, 1) : latents);
    done_passes_ += window_passes(past);
    return latents;
  }

  // The latent frames of these; what a start has besides goes to beside_.
  Tensor without_beside(const Tensor& latents) {
    const int64_t channels = traits_.geometry.latent_channels;
    if (latents.size(1) == channels) return latents;
    beside_ = latents.narrow(1, channels, latents.size(1) - channels).clone();
    return latents.narrow(1, 0, channels);
  }

  // What the noise becomes, behind what is known.
  Tensor sampled(const Tensor& noise) {
    const Tensor fresh = noise.to(context_.device);
    if (!known_.defined()) return sample(fresh).narrow(2, 0, fresh.size(2));
    return sample(at::cat({known_, fresh}, 2)).narrow(2, known_.size(2), fresh.size(2));
  }

  // What the clip begins with. Drafts of it are short: nothing is kept between their steps.
  Tensor start(const Tensor& latents_noise) {
    const Tensor noise = start_noise_.initial(latents_noise);
    const std::string prefix = clip_.keep.prefix;
    if (judge_ || spec_.first_redrawn > 0) clip_.keep.prefix.clear();
    const Tensor latents = best_draft(noise);
    clip_.keep.prefix = prefix;
    return latents;
  }

  // Of several starts the one in which the model's judge sees most of the prompt; among equals that
  // in which a camera that goes on finds the subject ahead of it.
  Tensor best_draft(const Tensor& noise) {
    Tensor best;
    double highest = 0;
    for (draft_ = 0; draft_ < drafts_; ++draft_) {
      const Tensor drawn = sampled(draft_ == 0 ? noise : start_noise_.draft(draft_, noise.size(2)));
      const Tensor latents = redrawn(drawn);
      const double score = judge_ ? score_of(drawn, latents) : 0;
      if (!best.defined() || score > highest) {
        best = latents;
        highest = score;
        without_beside(drawn);
      }
    }
    draft_ = 0;
    return best;
  }

  double score_of(const Tensor& drawn, const Tensor& latents) {
    constexpr double kLeads = 0.2;  // beside logarithms of probabilities
    Denoiser& denoiser = resident_->enter(resident_->stages().back());
    const double leads = denoiser.leads(drawn, prompts_->of(window_).prompt);
    const double score = judge_->score(latents, named_) + kLeads * leads;
    log::debug("draft " + std::to_string(draft_) + ": " + std::to_string(score));
    return score;
  }

  // With the last steps done again by tiles that lie between the others, which were made each for
  // itself, so that their borders show.
  Tensor redrawn(const Tensor& latents) {
    Denoiser& denoiser = resident_->enter(resident_->stages().back());
    if (spec_.first_redrawn == 0) return denoiser.finished_start(latents);
    redrawing_ = true;
    const auto scheduler = start_scheduler(latents.size(2));
    const double level = scheduler->sigmas().front();
    const Tensor noise = start_noise_.redrawn(draft_, latents.size(2)).to(context_.device);
    const Tensor begun = denoiser.between_tiles(latents).lerp(noise, level);
    const Tensor made = sample(begun).narrow(2, 0, latents.size(2));
    redrawing_ = false;
    // fp32 may have come in its place.
    return resident_->enter(resident_->stages().back()).back_to_tiles(made, latents);
  }

  // Without a judge that can tell what the prompt names, the first draft is as good as any.
  void load_judge() {
    if (spec_.drafts < 2 || family_.load_judge == nullptr) return;
    judge_ = family_.load_judge(context_);
    if (!judge_) return;
    named_ = family_.load_text_encoder(context_)->attributes(spec_.prompt).value_or(named_);
    if (judge_->judges(named_)) {
      drafts_ = spec_.drafts;
    } else {
      judge_.reset();
    }
  }

  // Of the network, for one window behind so many known latent frames.
  int64_t window_passes(int64_t past) const {
    if (forced()) return forced_rows(spec_, spec_.window_latents, past);
    return past == 0 ? spec_.start_passes() * drafts_ : spec_.num_inference_steps;
  }
  // Of the clip's start, so many latent frames with the picture it may lead to, when it is not
  // sampled as windows are; each draft has noise of its own.
  std::unique_ptr<Scheduler> start_scheduler(int64_t frames) const {
    if (spec_.first_steps == 0 && spec_.first_eta == 0 && !redrawing_) return nullptr;
    const int64_t skip = redrawing_ ? spec_.start_steps() - spec_.first_redrawn : 0;
    const int64_t stream = (2 * draft_ + (redrawing_ ? 1 : 0)) * limits::kMaxSteps;
    const auto noise = [this, frames, stream](int64_t step) {
      return start_noise_.after_step(stream + step, frames);
    };
    return make_renoising(static_cast<int>(spec_.start_steps()), spec_.shift, spec_.first_eta,
                          noise, skip);
  }
  // How many start from noise. One window of forced frames draws no more than it needs, as the
  // reference's generator does.
  int64_t noise_latents() const {
    return spec_.window_latents + (forced() && spec_.overlap_latents == 0 ? 0 : total_);
  }
  bool forced() const { return spec_.rollout == "diffusion-forcing"; }

  // A window that begins with what is known.
  Tensor sample(const Tensor& latents) {
    try {
      return sample_once(latents);
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::kNumerical || context_.dtype == at::kFloat) throw;
      log::warn(std::string(e.what()) + "; going on in fp32");
    }
    context_.dtype = at::kFloat;
    resident_.emplace(family_, context_, total_);
    made_.fp32_retry = true;
    return sample_once(latents);
  }

  Tensor sample_once(const Tensor& latents) {
    const int64_t past = known_.defined() ? known_.size(2) : 0;
    const AnchorFrame ahead = look_ahead(past, latents.size(2));
    const int64_t later = (windows_ - window_ - 1) * window_passes(spec_.overlap_latents);
    const StepSpan span{
        done_passes_ + draft_ * spec_.start_passes() + (redrawing_ ? spec_.start_steps() : 0),
        done_passes_ + window_passes(past) + later};
    if (forced()) {
      const auto noise = [this, past](int64_t row) {
        return noise_.after_step(row, window_ * spec_.overlap_latents, past);
      };
      const GivenFrames given{past, noise, ending_ ? end_ : Tensor()};
      return denoise_forced(*resident_, clip_, prompts_->of(window_), given, latents, clock_, span);
    }
    const Tensor window = ending_ ? at::cat({latents, end().to(latents.device())}, 2) : latents;
    Conditioning conditioning;
    if (past > 0 || ending_) {
      conditioning = pinned_frames(window, past, ending_, traits_.history_timestep);
    }
    if (past > 0 && !prompt_begins()) anchors_.show(conditioning, done_ - past);
    if (ahead.latents.defined()) conditioning.anchor = ahead;
    return denoise(*resident_, clip_, guided_prompts(), conditioning, window, clock_, span,
                   past == 0 ? start_scheduler(window.size(2)) : nullptr);
  }

  // What a camera that moves sees when the present window of so many latent frames ends. Not where
  // the clip is led to a picture, which says that itself.
  AnchorFrame look_ahead(int64_t past, int64_t frames) {
    if (spec_.first_redrawn == 0 || past == 0 || prompt_begins() || end_.defined()) return {};
    Conditioning shown;
    anchors_.show(shown, done_ - past);
    return view_.of(*resident_, prompts_->of(window_).prompt, shown.start, done_ - past,
                    done_ - past + frames - 1);
  }

  // For steps of a picture that is drawn on the way.
  StepSpan passes_between(int64_t steps) {
    const int64_t later = (windows_ - window_) * window_passes(spec_.overlap_latents);
    const StepSpan span{done_passes_, done_passes_ + steps + later};
    done_passes_ += steps;
    return span;
  }

  // A window of a clip whose start was redrawn: at the tiles' borders, what tiles in between can
  // say of it. That costs no pass of the network.
  Tensor joined(const Tensor& latents) {
    if (spec_.first_redrawn == 0) return latents;
    Denoiser& denoiser = resident_->enter(resident_->stages().back());
    std::vector<Tensor> out;
    for (const Tensor& frame : latents.split(1, 2)) {
      out.push_back(denoiser.back_to_tiles(denoiser.between_tiles(frame), frame));
    }
    return at::cat(out, 2);
  }

  // The picture that the present window leads to, as its tiles see it.
  Tensor end() {
    if (!redrawing_) return end_;
    return resident_->enter(resident_->stages().back()).between_tiles(end_);
  }

  // Of this window. The first one under a prompt is guided by guidance_scale; one that goes on
  // has its history to follow, and guidance_scale_2.
  PromptPair guided_prompts() {
    PromptPair prompts = prompts_->of(window_);
    clip_.guidance_scale =
        window_ == 0 || prompt_begins() ? spec_.guidance_scale : spec_.guidance_scale_2;
    // Drawn again it is guided half as far from none.
    if (redrawing_) clip_.guidance_scale = (1 + clip_.guidance_scale) / 2;
    if (!guidance_enabled(clip_.guidance_scale)) prompts.negative = Tensor();
    return prompts;
  }

  void deliver(const Tensor& latents) {
    delivery_.push(latents);
    done_ += latents.size(2);
  }

  const Family& family_;
  LoadContext context_;
  const ClipSpec& spec_;
  ClipSpec clip_;  // one window of it, for what is kept on disk
  const Traits traits_;
  const int64_t total_;  // latent frames of the clip
  StageClock& clock_;
  const int64_t windows_;
  ClipNoise noise_;
  StartNoise start_noise_;
  Anchors anchors_;
  ViewAhead view_;
  ClipDelivery delivery_;
  std::optional<ResidentDenoiser> resident_;
  Tensor recent_;                  // the latest latent frames, as many as a window may go on from
  Tensor beside_;                  // what the start was drawn with besides; undefined without one
  Tensor known_;                   // of them, what the present window goes on from
  Tensor end_;                     // a picture's, or of a loop the first: where the clip leads to
  bool ending_ = false;            // the present window leads there
  int64_t done_ = 0, window_ = 0;  // latent frames delivered; index of the window behind them
  int64_t done_passes_ = 0;
  std::unique_ptr<PictureJudge> judge_;  // of drafts, where there are any
  std::vector<NamedAttribute> named_;    // by the prompt
  int64_t drafts_ = 1, draft_ = 0;
  bool redrawing_ = false;  // the present draft
  Extended made_;
  std::optional<ClipPrompts> prompts_;
};

}  // namespace

Extended extend_to_sink(const Family& family, const LoadContext& context, const ClipSpec& spec,
                        const FrameSpec& frames, FrameSink& sink, StageClock& clock) {
  return Rollout(family, context, spec, frames, sink, clock).run();
}

}  // namespace genvid
