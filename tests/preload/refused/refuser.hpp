// SPDX-License-Identifier: MIT
// Makes single system calls of this process fail, from the n-th on or that one alone: a filter
// hands each call of a kind to a thread that stands outside of the filter, counts, and answers. So
// there is nothing for it in the library. The thread allocates nothing and takes no lock.
#pragma once

#include "expect.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

class Refuser {
 public:
  // Calls number `first` to `last`, counted from 1, fail with `error` from begin() on.
  struct Plan {
    unsigned call = 0;
    unsigned error = 0;
    long first = 0;
    long last = 0;
  };

  // Once in a process. All threads that are made afterwards by the calling one, and children, are
  // under the filter.
  void begin(const Plan& plan) {
    plan_ = plan;
    pthread_t thread;
    EXPECT(pthread_create(&thread, nullptr, &Refuser::serve, this) == 0);
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, plan.call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) expect::skip("no filters are allowed here");
    const long listener =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener < 0) expect::skip("no filter may ask another thread here");
    listener_.store(static_cast<int>(listener), std::memory_order_release);
  }

  // From now on every call succeeds. In a child of fork() too, where it counts on.
  void end() { over_.store(true); }

  [[nodiscard]] long seen() const { return seen_.load(); }
  [[nodiscard]] long refused() const { return refused_.load(); }

 private:
  static void* serve(void* self) {
    static_cast<Refuser*>(self)->serve();
    return nullptr;
  }

  void serve() {
    int listener = -1;
    while ((listener = listener_.load(std::memory_order_acquire)) < 0) usleep(100);
    for (;;) {
      seccomp_notif asked{};
      seccomp_notif_resp answer{};
      if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
        if (errno == EINTR || errno == ENOENT) continue;
        return;
      }
      answer.id = asked.id;
      const long number = seen_.fetch_add(1) + 1;
      if (!over_.load() && number >= plan_.first && number <= plan_.last) {
        answer.error = -static_cast<int>(plan_.error);
        refused_.fetch_add(1);
      } else {
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      }
      static_cast<void>(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer));
    }
  }

  Plan plan_;
  std::atomic<int> listener_{-1};
  std::atomic<bool> over_{false};
  std::atomic<long> seen_{0};
  std::atomic<long> refused_{0};
};
