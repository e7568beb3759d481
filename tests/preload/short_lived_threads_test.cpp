// SPDX-License-Identifier: MIT
// 10,000 threads that live for a moment, one after another and some at a time: memory stays flat,
// whether their blocks are freed by themselves or by others after they are gone.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"

#include <pthread.h>

#include <cstdlib>

namespace {

constexpr int kThreads = 10000;
constexpr int kAtATime = 8;
constexpr std::size_t kAllowed = 4 * blocks::kMiB;  // quarantines of the secure library fill up

void* live_for_a_moment(void* of_earlier_thread) {
  if (of_earlier_thread != nullptr) handover::check_and_free(of_earlier_thread);
  void* own[64];
  blocks::Random random(reinterpret_cast<std::uintptr_t>(of_earlier_thread));
  for (void*& block : own) block = handover::make(random.below(5000), 1);
  for (void* block : own) handover::check_and_free(block);
  return handover::make(300, 2);
}

void* one_block_only(void*) { return handover::make(40, 3); }

void group(void* (*body)(void*), void** left) {
  pthread_t threads[kAtATime];
  for (int i = 0; i < kAtATime; ++i) {
    EXPECT(pthread_create(&threads[i], nullptr, body, left[i]) == 0);
  }
  for (int i = 0; i < kAtATime; ++i) EXPECT(pthread_join(threads[i], &left[i]) == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  std::size_t resident_early = 0;
  std::size_t virtual_early = 0;
  void* left[kAtATime] = {};
  for (int count = 0; count < kThreads; count += 2 * kAtATime) {
    group(live_for_a_moment, left);
    void* others[kAtATime] = {};
    group(one_block_only, others);
    for (void* block : others) handover::check_and_free(block);
    if (count >= kThreads / 2 && resident_early == 0) {
      resident_early = measure::resident_bytes();
      virtual_early = measure::virtual_bytes();
    }
  }
  for (void* block : left) handover::check_and_free(block);

  expect::print(STDOUT_FILENO, "resident %zu, then %zu\n", resident_early,
                measure::resident_bytes());
  EXPECT(measure::resident_bytes() < resident_early + kAllowed);
  EXPECT(measure::virtual_bytes() < virtual_early + blocks::kGiB);
  return 0;
}
