// The writer's memory: frames are shared, not copied, and only a few at a time.
#include "media/frame_queue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "media/video_writer.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

FrameView counted(std::atomic<int>& alive) {
  ++alive;
  FrameView view;
  view.keep_alive = std::shared_ptr<const void>(&alive, [&alive](const void*) { --alive; });
  return view;
}

TEST(FrameQueue, GivesFramesInOrderAndEnds) {
  FrameQueue queue;
  int values[3];
  std::thread maker([&] {
    for (int& value : values) {
      FrameView view;
      view.plane[0] = &value;
      EXPECT_TRUE(queue.push(view));
    }
    queue.end();
  });
  for (int& value : values) EXPECT_EQ(queue.pop()->plane[0], &value);
  EXPECT_FALSE(queue.pop().has_value());
  maker.join();
}

TEST(FrameQueue, HoldsTheMakerBack) {
  FrameQueue queue;
  std::atomic<int> alive{0}, pushed{0};
  std::thread maker([&] {
    for (int n = 0; n < 20; ++n) {
      if (!queue.push(counted(alive))) return;
      ++pushed;
    }
  });
  auto settle_at = [&](int want) {
    for (int n = 0; n < 10000 && pushed < want; ++n) usleep(1000);
    usleep(20000);  // time in which it could go too far
    EXPECT_EQ(pushed, want);
  };
  settle_at(static_cast<int>(FrameQueue::kDepth));
  queue.pop();
  settle_at(static_cast<int>(FrameQueue::kDepth) + 1);
  queue.close();
  maker.join();
  EXPECT_EQ(alive, 0) << "closing lets go of every frame";
  EXPECT_FALSE(queue.pop().has_value());
}

// Frames alive at once while a long clip is written.
TEST(FrameQueue, TheWriterHoldsNoMoreThanItsQueue) {
  TempDir dir;
  std::atomic<int> alive{0};
  int most = 0;
  for (std::string name : {"a.mp4", "a.mkv", "a_%03d.png"}) {
    OutputOptions options;
    options.path = dir / name;
    auto sink = open_output(options);
    sink->begin(make_spec(256, 256, 100));
    FrameView source = make_frame(256, 256, 0, noise);
    for (int n = 0; n < 100; ++n) {
      FrameView view = counted(alive);
      view.plane = source.plane;
      view.stride = source.stride;
      sink->write(view);
      most = std::max(most, alive.load());
    }
    sink->finish();
    EXPECT_EQ(alive, 0);
  }
  // The queue, the one being encoded, and the one in this loop's hand.
  EXPECT_LE(most, static_cast<int>(FrameQueue::kDepth) + 2);
}

}  // namespace
}  // namespace genvid::media
