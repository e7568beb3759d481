// SPDX-License-Identifier: MIT
#include "preload/attach.hpp"

#include "control/requests.hpp"
#include "os/environment.hpp"
#include "preload/control.hpp"
#include "preload/pressure.hpp"
#include "preload/process.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/lunalloc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

static_assert(sizeof(luna_attach) == 48 && sizeof(luna_attach_text) == 4096);

namespace {

constexpr luna_attach kNobodyAsks = {
    LUNA_ATTACH_MAGIC, LUNA_ATTACH_VERSION, sizeof(luna_attach), sizeof(luna_attach_text), 1, 0, 0};

}  // namespace

extern "C" {
constinit luna_attach lunalloc_attach = kNobodyAsks;
alignas(4096) constinit luna_attach_text lunalloc_attach_text = {};
}

namespace luna {

namespace {

// Somebody may have written over all of it.
void heal() noexcept {
  lunalloc_attach.version = kNobodyAsks.version;
  lunalloc_attach.struct_size = kNobodyAsks.struct_size;
  lunalloc_attach.text_size = kNobodyAsks.text_size;
  lunalloc_attach.enabled = process.enabled() ? 1 : 0;
  std::memcpy(lunalloc_attach.magic, kNobodyAsks.magic, sizeof kNobodyAsks.magic);
}

void end_request(std::uint64_t number, luna_attach_result result, std::size_t mistakes,
                 std::size_t answer_bytes) noexcept {
  lunalloc_attach_text.result = result;
  lunalloc_attach_text.mistakes = static_cast<std::uint32_t>(mistakes);
  lunalloc_attach_text.answer_bytes = static_cast<std::uint32_t>(answer_bytes);
  // pairs with who reads it in another process, and then the answer
  std::atomic_ref(lunalloc_attach.answered).store(number, std::memory_order_release);
  // Unless somebody did not wait and has asked anew.
  std::atomic_ref(lunalloc_attach.asked)
      .compare_exchange_strong(number, 0, std::memory_order_release, std::memory_order_relaxed);
}

// A copy: what is there may change at any time. Who has not read the last answer yet must see that
// it goes.
void answer(std::uint64_t number) noexcept {
  luna_attach_text request;
  std::atomic_ref(lunalloc_attach.answered).store(0, std::memory_order_relaxed);
  // pairs with who reads the answer in another process, and then `answered`
  std::atomic_thread_fence(std::memory_order_release);
  std::memcpy(&request, &lunalloc_attach_text, offsetof(luna_attach_text, result));
  heal();
  if (request.number != number || request.request_bytes > sizeof request.request ||
      request.sum != luna_attach_sum(&request))
    return end_request(number, LUNA_ATTACH_GARBAGE, 0, 0);
  Text text(lunalloc_attach_text.answer, sizeof lunalloc_attach_text.answer);
  const Controls controls(control_table(), process.option_changes());
  luna_stats reader{};
  const std::size_t mistakes =
      answer_requests({request.request, request.request_bytes}, controls, &reader, text);
  end_request(number, LUNA_ATTACH_DONE, mistakes, text.view().size());
}

}  // namespace

// The first thread that comes by starts it; pthread_create() allocates, and comes by again, when
// it counts as running. Not a thread that ends, nor the child of a vfork(), which has the memory of
// its parent.
void attend_asked() noexcept {
  if (process.worker().is_running()) return process.worker().wake();
  if (thread_state.ended) return;
  if (process.hearing().process.load(std::memory_order_relaxed) != os::process_id()) return;
  if (!os::thread_has_rights_of_process()) return;  // the thread would have those of this one
  const std::uint64_t number =
      std::atomic_ref(lunalloc_attach.asked).load(std::memory_order_relaxed);
  bool started = false;
  {
    const OutOfSlowPath out;
    started = start_worker();
  }
  if (!started) end_request(number, LUNA_ATTACH_NO_THREAD, 0, 0);
}

void answer_asked() noexcept {
  // pairs with who writes it in another process, after the request
  const std::uint64_t number =
      std::atomic_ref(lunalloc_attach.asked).load(std::memory_order_acquire);
  if (number == 0 || process.hearing().process.load(std::memory_order_relaxed) == 0) return;
  process.hearing().asked_once.store(true, std::memory_order_relaxed);
  answer(number);
}

bool was_asked() noexcept { return process.hearing().asked_once.load(std::memory_order_relaxed); }

void begin_attach() noexcept {
  if (!process.enabled()) {
    lunalloc_attach.enabled = 0;
    return;
  }
  process.hearing().process.store(os::process_id(), std::memory_order_relaxed);
}

void end_attach() noexcept { process.hearing().process.store(0, std::memory_order_relaxed); }

void resume_attach_in_child() noexcept {
  std::atomic_ref(lunalloc_attach.asked).store(0, std::memory_order_relaxed);
  process.hearing().asked_once.store(false, std::memory_order_relaxed);
  if (process.hearing().process.load(std::memory_order_relaxed) != 0)
    process.hearing().process.store(os::process_id(), std::memory_order_relaxed);
}

}  // namespace luna
