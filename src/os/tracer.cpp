// SPDX-License-Identifier: MIT
#include "os/tracer.hpp"

#include "base/format.hpp"
#include "os/clock.hpp"
#include "os/environment.hpp"
#include "os/system_call.hpp"

#include <elf.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace luna::os {

namespace {

#if defined(__x86_64__)
constexpr std::size_t kStackPointer = 19;  // in struct user_regs_struct
constexpr std::size_t kRedZoneBytes = 128;
constexpr int kVectorRegisters = NT_X86_XSTATE;
#else
constexpr std::size_t kStackPointer = 31;
constexpr std::size_t kRedZoneBytes = 0;
constexpr int kVectorRegisters = NT_PRFPREG;
#endif

constexpr int kStopEvent = 128;  // PTRACE_EVENT_STOP, which glibc does not always have

// As getdents64() writes it.
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];  // and more
};

[[nodiscard]] long number_in(const char* name) noexcept {
  long number = 0;
  for (; *name >= '0' && *name <= '9'; ++name) number = number * 10 + (*name - '0');
  return *name == '\0' ? number : 0;  // 0 also for . and ..
}

[[nodiscard]] long trace(int request, long id, long address, const void* data) noexcept {
  return system_call(SYS_ptrace, request, id, address, data);
}

[[nodiscard]] struct timespec time_of(std::uint64_t milliseconds) noexcept {
  return {static_cast<time_t>(milliseconds / 1000),
          static_cast<long>(milliseconds % 1000 * 1'000'000)};
}

}  // namespace

ThreadRegisters TracedThread::registers() const noexcept {
  if (!stands) return {};
  return {words[kStackPointer] - kRedZoneBytes, {words.data(), count}};
}

void Tracer::begin(std::uint64_t limit) noexcept {
  for (std::size_t i = 0; i < count; ++i) threads[i] = {};
  count = 0;
  error = 0;
  limit_ms = limit;
  process = system_call(SYS_getpid);
  calling_thread = system_call(SYS_gettid);
  state.store(kIdle, std::memory_order_seq_cst);
}

void Tracer::tell(State now) noexcept {
  state.store(now, std::memory_order_seq_cst);
  system_call(SYS_futex, &state, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool Tracer::tell_if(State before, State now) noexcept {
  std::uint32_t expected = before;
  if (!state.compare_exchange_strong(expected, now)) return false;
  system_call(SYS_futex, &state, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  return true;
}

// The futex may be a private one, for the two processes have one memory.
Tracer::State Tracer::wait_while(State now, std::uint64_t limit) noexcept {
  const std::uint64_t end = nanoseconds() + limit * 1'000'000;
  for (;;) {
    const auto seen = static_cast<State>(state.load(std::memory_order_seq_cst));
    if (seen != now || nanoseconds() >= end) return seen;
    const struct timespec time = time_of(limit + 1);
    system_call(SYS_futex, &state, FUTEX_WAIT_PRIVATE, now, &time, nullptr, 0);
  }
}

int Tracer::run() noexcept {
  system_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (wait_while(kIdle, kGraceMs * 10) != kGo) return 0;
  deadline_ns = nanoseconds() + limit_ms * 1'000'000;
  const bool stopped = stop_all();
  if (stopped && tell_if(kGo, kStopped)) {
    // If that takes too long, the process is told that they did not stand to its end.
    if (wait_while(kStopped, kLongestStop) == kStopped)
      static_cast<void>(tell_if(kStopped, kFailed));
  }
  let_go();
  if (!stopped) static_cast<void>(tell_if(kGo, kFailed));
  return 0;
}

bool Tracer::fail(long result) noexcept {
  if (error == 0) error = static_cast<int>(result < 0 ? -result : result);
  return false;
}

// Only a thread that runs can begin another one: when a look at all of them finds no new
// one, there is none.
bool Tracer::stop_all() noexcept {
  for (std::size_t known = 0;; known = count) {
    if (!seize_all()) return false;
    if (count == known) break;
    for (std::size_t i = known; i < count; ++i)
      if (!await(threads[i])) return false;
  }
  for (std::size_t i = 0; i < count; ++i)
    if (threads[i].stands && !read_registers(threads[i])) return false;
  return true;
}

bool Tracer::seize_all() noexcept {
  std::array<char, 48> buffer{};
  Text path(buffer.data(), buffer.size() - 1);
  path.add("/proc/").add_decimal(static_cast<std::uint64_t>(process)).add("/task");
  const long directory =
      system_call(SYS_openat, AT_FDCWD, buffer.data(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0) return fail(directory);
  long bytes = 0;
  bool good = true;
  while (good) {
    bytes = system_call(SYS_getdents64, directory, entries.data(), entries.size());
    if (bytes <= 0) break;
    good = seize_listed(static_cast<std::size_t>(bytes));
  }
  system_call(SYS_close, directory);
  return good && (bytes == 0 || fail(bytes));
}

bool Tracer::seize_listed(std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes;) {
    const auto* entry = reinterpret_cast<const DirectoryEntry*>(entries.data() + at);
    const long id = number_in(entry->name);
    if (id != 0 && id != calling_thread && !is_known(id) && !seize(id)) return false;
    at += entry->length;
  }
  return true;
}

bool Tracer::is_known(long id) const noexcept {
  for (std::size_t i = 0; i < count; ++i)
    if (threads[i].id == id) return true;
  return false;
}

// A number that is none of our threads is not ours to trace: they may be told by a /proc of
// another namespace.
bool Tracer::seize(long id) noexcept {
  if (system_call(SYS_tgkill, process, id, 0) != 0) return true;
  if (limit_ms == 0) return fail(ETIMEDOUT);
  if (count == kMaxThreads) return fail(ENOSPC);
  const long result = trace(PTRACE_SEIZE, id, 0, nullptr);
  if (result < 0) return has_ended(id) || fail(result);
  threads[count].id = static_cast<std::int32_t>(id);
  ++count;
  static_cast<void>(trace(PTRACE_INTERRUPT, id, 0, nullptr));
  return true;
}

// Also the first thread, if it has: then it stays as a zombie while others run.
bool Tracer::has_ended(long id) const noexcept {
  if (system_call(SYS_tgkill, process, id, 0) != 0) return true;
  std::array<char, 64> path{};
  Text(path.data(), path.size() - 1)
      .add("/proc/")
      .add_decimal(static_cast<std::uint64_t>(process))
      .add("/task/")
      .add_decimal(static_cast<std::uint64_t>(id))
      .add("/stat");
  std::array<char, 128> text;
  const std::string_view stat = read_file(path.data(), text.data(), text.size());
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return false;
  return stat[name_end + 2] == 'Z' || stat[name_end + 2] == 'X';
}

bool Tracer::await(TracedThread& thread) noexcept {
  for (;;) {
    int status = 0;
    const long id = system_call(SYS_wait4, thread.id, &status, __WALL | WNOHANG, nullptr);
    if (id == thread.id && WIFSTOPPED(status)) {
      thread.stands = status >> 16 == kStopEvent;
      if (thread.stands) return true;
      // It is about to handle a signal, which would be lost if nobody lived to let it go on. It
      // stops where the handler begins, for the interruption still stands.
      const auto signal = static_cast<std::uintptr_t>(WSTOPSIG(status));
      static_cast<void>(trace(PTRACE_CONT, thread.id, 0, reinterpret_cast<void*>(signal)));
    } else if (id == thread.id || (id < 0 && id != -EINTR)) {
      thread.is_gone = true;
      return true;
    }
    if (nanoseconds() >= deadline_ns) return fail(ETIMEDOUT);
    sleep_nanoseconds(20'000);
  }
}

bool Tracer::read_registers(TracedThread& thread) noexcept {
  struct iovec place = {thread.words.data(), sizeof thread.words};
  long result = trace(PTRACE_GETREGSET, thread.id, NT_PRSTATUS, &place);
  if (result < 0 || place.iov_len <= kStackPointer * sizeof(std::uintptr_t)) {
    if (result != -ESRCH) return fail(result);
    thread.stands = false;  // it was killed
    return true;
  }
  std::size_t bytes = place.iov_len;
  place = {reinterpret_cast<std::byte*>(thread.words.data()) + bytes, sizeof thread.words - bytes};
  result = trace(PTRACE_GETREGSET, thread.id, kVectorRegisters, &place);
  if (result < 0) return fail(result);
  bytes += place.iov_len;
  thread.count = static_cast<std::uint32_t>(bytes / sizeof(std::uintptr_t));
  return true;
}

// Who was about to stop goes on too, when this process ends.
void Tracer::let_go() noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    if (threads[i].stands) static_cast<void>(trace(PTRACE_DETACH, threads[i].id, 0, nullptr));
  }
}

}  // namespace luna::os
