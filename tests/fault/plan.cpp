// SPDX-License-Identifier: MIT
#include "plan.hpp"

#include <sys/syscall.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <span>

namespace {

struct Kind {
  long call;
  std::array<int, 3> errors;  // 0: no more of them
  bool always = false;        // fails each time if it does: what it once told stays true
};

// Not in the list is what the kernel does not refuse to who asks as the library does: numbers of
// processes, clocks, the exit; nor, of which the program is not asked, the wake of a futex and the
// end of a guard's mark.
constexpr Kind kKinds[] = {
    {SYS_mmap, {ENOMEM}},
    {SYS_munmap, {ENOMEM}},
    {SYS_mprotect, {ENOMEM}},
    {SYS_madvise, {EAGAIN, ENOMEM, EINVAL}},
    {SYS_mremap, {ENOMEM, EFAULT, EAGAIN}},
    {SYS_mincore, {EAGAIN, ENOMEM}},
    {SYS_pkey_alloc, {ENOSPC, EINVAL}},
    {SYS_pkey_mprotect, {ENOMEM, EACCES}},
    {SYS_openat, {EMFILE, EACCES, ENOENT}},
    {SYS_close, {EIO, EINTR}},
    {SYS_read, {EIO, EINTR}},
    {SYS_pread64, {EIO, EINTR}},
    {SYS_write, {ENOSPC, EIO, EINTR}},
    {SYS_pwrite64, {ENOSPC, EIO}},
    {SYS_lseek, {EINVAL}},
    {SYS_fallocate, {ENOSPC, EOPNOTSUPP}},
    {SYS_newfstatat, {EACCES}, true},
    {SYS_fstat, {EPERM}, true},
    {SYS_fstatfs, {EIO}},
    {SYS_fchmod, {EPERM}},
    {SYS_faccessat, {EACCES}},
    {SYS_fcntl, {EMFILE, EINVAL}},
    {SYS_ioctl, {ENOTTY, EINVAL}},
    {SYS_getdents64, {EIO}},
    {SYS_readlinkat, {EACCES, ENOENT}},
    {SYS_linkat, {EPERM, EEXIST}},
    {SYS_renameat, {ENOSPC, EACCES}},
    {SYS_unlinkat, {EACCES, ENOENT}},
    {SYS_process_vm_readv, {EPERM, ENOSYS}},
    {SYS_process_vm_writev, {EPERM, ENOSYS}},
    {SYS_socket, {EMFILE, EACCES}},
    {SYS_socketpair, {EMFILE}},
    {SYS_connect, {ECONNREFUSED, EACCES}},
    {SYS_bind, {EADDRINUSE, EACCES}},
    {SYS_listen, {EADDRINUSE}},
    {SYS_accept4, {EMFILE, ECONNABORTED, EAGAIN}},
    {SYS_sendto, {EPIPE, EAGAIN, EINTR}},
    {SYS_recvfrom, {ECONNRESET, EAGAIN, EINTR}},
    {SYS_shutdown, {ENOTCONN}},
    {SYS_getsockopt, {EINVAL}},
    {SYS_ppoll, {EINTR, ENOMEM}},
    {SYS_eventfd2, {EMFILE}},
    {SYS_perf_event_open, {EACCES, ENOSYS}},
    {SYS_prctl, {EINVAL, EPERM}},
    {SYS_prlimit64, {EPERM}},
    {SYS_rt_sigprocmask, {EINVAL}},
    {SYS_sched_getaffinity, {EINVAL}},
    {SYS_sched_setaffinity, {EINVAL, EPERM}},
    {SYS_sched_getscheduler, {EPERM}},
    {SYS_sysinfo, {EFAULT}},
    {SYS_getrusage, {EFAULT}},
    {SYS_nanosleep, {EINTR}},
    {SYS_clone, {EAGAIN, ENOMEM}},
    {SYS_wait4, {EINTR}},
    {SYS_ptrace, {EPERM}},
    {SYS_tgkill, {EAGAIN}},
    {SYS_futex, {EINTR, EAGAIN}},
    {SYS_signalfd4, {EMFILE, ENOMEM}},
    {SYS_getrandom, {EAGAIN, ENOSYS}},
    {SYS_uname, {EFAULT}},
    {SYS_pkey_free, {EINVAL}},
};

// One call in so many fails; 1: each.
constexpr std::uint64_t kRarities[] = {1, 2, 4, 16, 64, 256};

struct Draw {
  std::atomic<std::uint64_t> seed{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> kinds{0};  // a bit for each
};
static_assert(std::size(kKinds) <= 64);
constinit Draw draw;

// Who tries again after such an error may count on being let through at last.
constinit thread_local bool was_temporary = false;

// splitmix64
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

[[nodiscard]] const Kind* kind_of(long call) {
  for (const Kind& kind : kKinds)
    if (kind.call == call) return &kind;
  return nullptr;
}

// A third of the seeds refuse calls of one kind, a third those of some kinds, and the others any.
[[nodiscard]] bool concerns(std::uint64_t seed, const Kind& kind) {
  const auto number = static_cast<std::uint64_t>(&kind - kKinds);
  if (seed % 3 == 0) return mixed(seed) % std::size(kKinds) == number;
  return seed % 3 == 1 || (mixed(seed ^ number << 32) & 1) != 0;
}

[[nodiscard]] int error_of(const Kind& kind, std::uint64_t random) {
  std::size_t count = 1;
  while (count < kind.errors.size() && kind.errors[count] != 0) ++count;
  return kind.errors[random % count];
}

}  // namespace

namespace fault {

void begin(std::uint64_t seed) {
  draw.calls = 0;
  draw.refused = 0;
  draw.kinds = 0;
  draw.seed = seed;
}

void end() { draw.seed = 0; }

std::uint64_t refused() { return draw.refused; }
std::uint64_t refused_kinds() { return draw.kinds; }
std::size_t kinds() { return std::size(kKinds); }

}  // namespace fault

extern "C" [[gnu::visibility("default")]] long luna_fault_answer(long number) noexcept {
  const std::uint64_t seed = draw.seed;
  if (seed == 0) return 0;
  const Kind* kind = kind_of(number);
  if (kind == nullptr || !concerns(seed, *kind)) return 0;
  const std::uint64_t random = mixed(mixed(seed) + draw.calls.fetch_add(1));
  if (!kind->always && random % kRarities[mixed(~seed) % std::size(kRarities)] != 0) return 0;
  const int error = error_of(*kind, random >> 32);
  const bool is_temporary = error == EINTR || error == EAGAIN;
  if (is_temporary && was_temporary) {
    was_temporary = false;
    return 0;
  }
  was_temporary = is_temporary;
  ++draw.refused;
  draw.kinds |= std::uint64_t{1} << (kind - kKinds);
  return -error;
}
