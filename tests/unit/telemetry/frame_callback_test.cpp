// SPDX-License-Identifier: MIT
#include "telemetry/frame_callback.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace luna {
namespace {

std::size_t two_frames(std::uintptr_t* frames, std::size_t most, int* native, void* context) {
  EXPECT_EQ(*native, 1);
  *native = 0;
  frames[0] = 7;
  if (most > 1) frames[1] = *static_cast<std::uintptr_t*>(context);
  return 2;
}

TEST(FrameCallback, NobodyIsAskedWhereThereIsNone) {
  FrameCallback callback;
  int native = 0;

  EXPECT_EQ(callback.call(nullptr, 4, &native), 0U);
  EXPECT_EQ(native, 1);
}

TEST(FrameCallback, SaysWhatTheFunctionSays) {
  FrameCallback callback;
  std::uintptr_t context = 9;
  ASSERT_TRUE(callback.set(two_frames, &context));
  std::array<std::uintptr_t, 4> frames{};
  int native = 1;

  EXPECT_EQ(callback.call(frames.data(), frames.size(), &native), 2U);
  EXPECT_EQ(native, 0);
  EXPECT_EQ(frames[0], 7U);
  EXPECT_EQ(frames[1], 9U);
  EXPECT_EQ(callback.call(frames.data(), 1, &native), 1U);  // not more than there is room for
}

TEST(FrameCallback, ThereIsOneAtATime) {
  FrameCallback callback;
  std::uintptr_t context = 9;
  ASSERT_TRUE(callback.set(two_frames, &context));
  EXPECT_FALSE(callback.set(two_frames, &context));
  callback.clear();
  callback.clear();
  std::array<std::uintptr_t, 4> frames{};
  int native = 0;
  EXPECT_EQ(callback.call(frames.data(), frames.size(), &native), 0U);

  EXPECT_TRUE(callback.set(two_frames, &context));
}

TEST(FrameCallback, ChildOfAForkDoesNotWaitForThreadsThatAreGone) {
  FrameCallback callback;
  std::atomic<int> step{0};
  const auto wait = [](std::uintptr_t*, std::size_t, int*, void* context) -> std::size_t {
    auto& at = *static_cast<std::atomic<int>*>(context);
    at = 1;
    while (at != 2) std::this_thread::yield();
    return 0;
  };
  ASSERT_TRUE(callback.set(wait, &step));
  std::thread caller([&callback] {
    int native = 0;
    static_cast<void>(callback.call(nullptr, 0, &native));
  });
  while (step != 1) std::this_thread::yield();

  // As the child has it, where the thread in the callback does not go on.
  callback.resume_child();
  callback.clear();

  step = 2;
  caller.join();
}

// A context that is poisoned when clear() has returned: nobody may see it then.
TEST(FrameCallback, NobodyIsInsideWhenItIsCleared) {
  struct Context {
    std::atomic<bool> gone{false};
    std::atomic<int> inside{0};
    std::atomic<int>* wrong;
  };
  const auto look = [](std::uintptr_t*, std::size_t, int*, void* pointer) -> std::size_t {
    auto& context = *static_cast<Context*>(pointer);
    ++context.inside;
    std::this_thread::yield();
    if (context.gone) ++*context.wrong;
    --context.inside;
    return 0;
  };
  FrameCallback callback;
  std::atomic<int> wrong{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      int native = 0;
      while (!done) static_cast<void>(callback.call(nullptr, 0, &native));
    });
  }
  std::vector<std::unique_ptr<Context>> contexts;
  for (int i = 0; i < 300; ++i) {
    Context& context = *contexts.emplace_back(std::make_unique<Context>());
    context.wrong = &wrong;
    EXPECT_TRUE(callback.set(look, &context));
    if (i % 3 == 0) std::this_thread::yield();
    callback.clear();
    context.gone = true;
    EXPECT_EQ(context.inside, 0);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace luna
