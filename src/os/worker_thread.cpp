// SPDX-License-Identifier: MIT
#include "os/worker_thread.hpp"

#include "os/clock.hpp"
#include "os/system_call.hpp"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>

namespace luna::os {

namespace {

// Said here, for the C library takes a lock to find the size that is usual.
constexpr std::size_t kLargeStackBytes = std::size_t{8} << 20;

// Whoever makes it may be a thread that runs before all others, or on one processor only. Not
// from other policies, which not everybody may leave.
void take_ordinary_turns(pthread_attr_t& attributes) noexcept {
  const long policy = system_call(SYS_sched_getscheduler, 0);
  if (policy != SCHED_FIFO && policy != SCHED_RR) return;
  const struct sched_param ordinary = {};
  ::pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  ::pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
  ::pthread_attr_setschedparam(&attributes, &ordinary);
}

void take_processors_of_process() noexcept {
  std::array<unsigned long, 128> processors;
  const long bytes = system_call(SYS_sched_getaffinity, system_call(SYS_getpid), sizeof processors,
                                 processors.data());
  if (bytes > 0) system_call(SYS_sched_setaffinity, 0, bytes, processors.data());
}

// A process with much static TLS has no room for it on a small stack.
[[nodiscard]] bool create_thread(void* (*run)(void*), void* argument) noexcept {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, WorkerThread::kStackBytes);
  take_ordinary_turns(attributes);
  bool created = ::pthread_create(&thread, &attributes, run, argument) == 0;
  ::pthread_attr_destroy(&attributes);
  if (created || ::pthread_attr_init(&attributes) != 0) return created;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, kLargeStackBytes);
  take_ordinary_turns(attributes);
  created = ::pthread_create(&thread, &attributes, run, argument) == 0;
  ::pthread_attr_destroy(&attributes);
  return created;
}

[[nodiscard]] struct timespec timespec_of(std::uint64_t milliseconds) noexcept {
  return {static_cast<time_t>(milliseconds / 1000),
          static_cast<long>(milliseconds % 1000 * 1'000'000)};
}

void note_answer(short answer, AwaitedFile& file) noexcept {
  file.ready = (answer & (file.urgent ? POLLPRI : POLLIN)) != 0;
  file.broken = (answer & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

// Waits for the files, and for `waker`, which gets the last place. What poll(2) says of that; 0:
// the time is over. Where a sandbox refuses the call, nothing ends the wait before.
short await(std::uint64_t milliseconds, std::span<AwaitedFile> files, long waker) noexcept {
  std::array<struct pollfd, WorkerThread::kMostFiles + 1> polled;
  struct pollfd* next = polled.data();
  for (const AwaitedFile& file : files)
    *next++ = {file.number, static_cast<short>(file.urgent ? POLLPRI : POLLIN), 0};
  *next = {static_cast<int>(waker), POLLIN, 0};
  struct timespec time = timespec_of(milliseconds);
  const long count = system_call(SYS_ppoll, polled.data(), files.size() + 1, &time, nullptr, 0);
  if (count < 0 && count != -EINTR) sleep_milliseconds(milliseconds);
  if (count <= 0) return 0;
  for (std::size_t i = 0; i < files.size(); ++i) note_answer(polled[i].revents, files[i]);
  return next->revents;
}

// To one thread, and blocked there: no handler of the program's runs, whatever the signal is. The
// last but one, which hardly a program has; not one that many send to themselves, as SIGURG.
constexpr int kWakingSignal = 63;
constexpr long kNoAlarm = -1;

// Readable while the signal is pending for the thread that looks, or for the whole process. Who
// reads gets that for the thread first.
[[nodiscard]] long open_alarm() noexcept {
  const std::uint64_t signals = std::uint64_t{1} << (kWakingSignal - 1);
  return system_call(SYS_signalfd4, -1, &signals, sizeof signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Where the program has closed the socket, and perhaps has another file there, the thread comes by
// when its time is over.
void end_waiting(std::uint64_t awaited) noexcept {
  const auto number = static_cast<int>(awaited & UINT32_MAX);
  const char byte = 0;
  if (is_socket(number, static_cast<std::uint32_t>(awaited >> 32)))
    system_call(SYS_sendto, number, &byte, sizeof byte, MSG_NOSIGNAL, nullptr, 0);
}

// Until there is nothing more.
void empty_socket(const OwnFile& socket) noexcept {
  std::array<char, 64> bytes;
  while (socket.is_ours() && read_some(socket.number(), bytes.data(), bytes.size()) > 0) {
  }
}

}  // namespace

bool WorkerThread::start(void (*work)(void* context), void* context, const char* name) noexcept {
  // Pairs with ends(), which looks again at what the caller has set before; and in one order for
  // all with stop(): either it sees that we start, or we see that it stops.
  if (started_.exchange(true, std::memory_order_seq_cst)) return true;
  if (stopped_.load(std::memory_order_seq_cst)) {
    started_.store(false, std::memory_order_relaxed);
    return false;
  }
  const int kept_errno = errno;
  work_ = work;
  context_ = context;
  name_ = name;
  // A new thread has the signals blocked that its maker has. Not by a system call, which would
  // block those too that the C library needs, as for setuid() in all threads.
  sigset_t all;
  sigset_t previous;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  const bool created = create_thread(&WorkerThread::run, this);
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  if (!created) started_.store(false, std::memory_order_relaxed);
  errno = kept_errno;
  return created;
}

void* WorkerThread::run(void* self_pointer) noexcept {
  auto* self = static_cast<WorkerThread*>(self_pointer);
  self->number_.store(static_cast<int>(system_call(SYS_gettid)), std::memory_order_relaxed);
  system_call(SYS_prctl, PR_SET_NAME, self->name_, 0, 0, 0);
  take_processors_of_process();
  self->work_(self->context_);
  return nullptr;
}

bool WorkerThread::ends(bool (*is_wanted)() noexcept) noexcept {
  forget_files();
  // pairs with start(): who found it running then is seen by is_wanted() now
  started_.exchange(false, std::memory_order_acq_rel);
  if (!is_wanted() || started_.exchange(true, std::memory_order_acq_rel)) return true;
  // Who wanted to wake it just now found nobody; acquires for who did not: see take_waking().
  woken_.exchange(1, std::memory_order_acquire);
  return false;
}

void WorkerThread::stop(std::uint64_t milliseconds) noexcept {
  stopped_.store(true, std::memory_order_seq_cst);  // pairs with start()
  for (std::uint64_t waited = 0; started_.load(std::memory_order_seq_cst) && waited < milliseconds;
       ++waited) {
    wake();
    // One that was just started does not know its number yet.
    const int number = number_.load(std::memory_order_relaxed);
    if (number != 0 && system_call(SYS_tgkill, system_call(SYS_getpid), number, 0) != 0) return;
    sleep_milliseconds(1);
  }
}

bool WorkerThread::sleep(std::uint64_t milliseconds) noexcept {
  const struct timespec time = timespec_of(milliseconds);
  if (woken_.load(std::memory_order_relaxed) == 0)
    system_call(SYS_futex, &woken_, FUTEX_WAIT_PRIVATE, 0, &time, nullptr, 0);
  return take_waking();
}

bool WorkerThread::sleep(std::uint64_t milliseconds, std::span<AwaitedFile> files) noexcept {
  for (AwaitedFile& file : files) file.ready = file.broken = false;
  if (files.empty() || files.size() > kMostFiles || !open_pair()) return sleep(milliseconds);
  const auto inode = static_cast<std::uint32_t>(write_end_.identity().inode);
  awaited_.store(std::uint64_t{inode} << 32 | static_cast<std::uint32_t>(write_end_.number()),
                 std::memory_order_seq_cst);
  // Who wakes sets this first and then looks whether the socket is awaited: one of both sees it.
  if (woken_.load(std::memory_order_seq_cst) == 0) wait_for(milliseconds, files);
  awaited_.store(0, std::memory_order_relaxed);
  return take_waking();
}

// Pairs with the exchange in wake(): what somebody wanted before he woke us is seen.
bool WorkerThread::take_waking() noexcept {
  return woken_.exchange(0, std::memory_order_acquire) != 0;
}

void WorkerThread::wait_for(std::uint64_t milliseconds, std::span<AwaitedFile> files) noexcept {
  const short answer = await(milliseconds, files, read_end_.number());
  if (answer == 0) return;
  empty_socket(read_end_);
  if (answer != POLLIN) forget_files();  // the program has closed it
}

// The order is that of sleep().
bool WorkerThread::sleep_apart(std::uint64_t milliseconds, std::span<AwaitedFile> files) noexcept {
  for (AwaitedFile& file : files) file.ready = file.broken = false;
  const long alarm = files.empty() || files.size() > kMostFiles ? kNoAlarm : open_alarm();
  if (alarm < 0) return sleep(milliseconds);
  awaited_.store(static_cast<std::uint64_t>(system_call(SYS_gettid)), std::memory_order_seq_cst);
  // It may be for a waking that was seen before; or none, but one of the program's to the process.
  if (woken_.load(std::memory_order_seq_cst) == 0 && await(milliseconds, files, alarm) != 0 &&
      !is_rung() && woken_.load(std::memory_order_seq_cst) == 0)
    await(milliseconds, files, kNoAlarm);
  awaited_.store(0, std::memory_order_seq_cst);
  take_signal(alarm);
  system_call(SYS_close, alarm);
  return take_waking();
}

// Whether somebody has sent it, when nobody is about to.
bool WorkerThread::is_rung() const noexcept {
  // pairs with wake(): he sees that nothing is awaited any more, or is seen here
  while (wakers_.load(std::memory_order_seq_cst) != 0) sleep_nanoseconds(10'000);
  return rung_.load(std::memory_order_relaxed);
}

// Only what was sent to this thread: what the program sends itself is not ours to take. Who would
// still send one would do so to whatever thread has the number by then.
void WorkerThread::take_signal(long alarm) noexcept {
  struct signalfd_siginfo told;
  if (is_rung() && read_some(alarm, reinterpret_cast<char*>(&told), sizeof told) > 0)
    rung_.store(false, std::memory_order_relaxed);
}

bool WorkerThread::is_current() const noexcept {
  const int number = number_.load(std::memory_order_relaxed);
  return number > 0 && number == static_cast<int>(system_call(SYS_gettid));  // which may be refused
}

bool WorkerThread::open_pair() noexcept {
  if (read_end_.is_open() && !has_lost_files()) return true;
  forget_files();
  int ends[2] = {-1, -1};
  // Sockets: writing to a pipe whose other end the program has closed would send it a signal.
  if (system_call(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                  &ends[0]) != 0)
    return false;
  const bool has_read_end = read_end_.adopt(ends[0]);
  if (write_end_.adopt(ends[1]) && has_read_end) return true;
  forget_files();
  return false;
}

void WorkerThread::forget_files() noexcept {
  read_end_.close();
  write_end_.close();
}

void WorkerThread::wake() noexcept {
  if (!is_running() || woken_.exchange(1, std::memory_order_seq_cst) != 0) return;
  wakers_.fetch_add(1, std::memory_order_seq_cst);
  const std::uint64_t awaited = awaited_.load(std::memory_order_seq_cst);
  if (awaited == 0)
    system_call(SYS_futex, &woken_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  else if (awaited > UINT32_MAX)
    end_waiting(awaited);
  else if (system_call(SYS_tgkill, system_call(SYS_getpid), awaited, kWakingSignal) == 0)
    rung_.store(true, std::memory_order_relaxed);
  // pairs with is_rung(): who sees nobody here sees what was sent
  wakers_.fetch_sub(1, std::memory_order_seq_cst);
}

void WorkerThread::resume_child() noexcept {
  started_.store(false, std::memory_order_relaxed);
  stopped_.store(false, std::memory_order_relaxed);
  number_.store(0, std::memory_order_relaxed);
  woken_.store(0, std::memory_order_relaxed);
  awaited_.store(0, std::memory_order_relaxed);
  wakers_.store(0, std::memory_order_relaxed);
  rung_.store(false, std::memory_order_relaxed);
  forget_files();
}

}  // namespace luna::os
