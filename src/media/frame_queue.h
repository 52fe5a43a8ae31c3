// A bounded queue of frames between the thread that makes them and the thread that encodes them.
// Frames are held by reference, so it bounds how many the maker can be ahead, and so the memory.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "genvid/frame_sink.h"

namespace genvid::media {

class FrameQueue {
 public:
  static constexpr size_t kDepth = 4;

  // Waits for room. False when the queue was closed: the frame is not taken.
  bool push(const FrameView& view) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || frames_.size() < kDepth; });
    if (closed_) return false;
    frames_.push_back(view);
    changed_.notify_all();
    return true;
  }

  // Waits for a frame. Empty when end() or close() was called and none is left.
  std::optional<FrameView> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || ended_ || !frames_.empty(); });
    if (frames_.empty()) return std::nullopt;
    FrameView view = std::move(frames_.front());
    frames_.pop_front();
    changed_.notify_all();
    return view;
  }

  // No more frames will come; those in the queue still count.
  void end() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  // Gives up: drops what is queued and wakes both sides.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    frames_.clear();
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FrameView> frames_;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace genvid::media
