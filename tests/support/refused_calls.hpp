// SPDX-License-Identifier: MIT
// Makes system calls of the calling thread, and of all that comes of it, fail for good.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace test {

template <std::size_t kLength>
[[nodiscard]] bool begin_filter(std::array<sock_filter, kLength> code) noexcept {
  const sock_fprog program = {kLength, code.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

// False: no filters are allowed here.
[[nodiscard]] inline bool refuse_call(unsigned call, unsigned error) noexcept {
  return begin_filter(std::array<sock_filter, 4>{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }});
}

// Of madvise() the advices from `first` to `last`. False: no filters are allowed here.
[[nodiscard]] inline bool refuse_advice(unsigned first, unsigned last, unsigned error) noexcept {
  return begin_filter(std::array<sock_filter, 7>{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }});
}

constexpr unsigned kMarkGuard = 102;
constexpr unsigned kUnmarkGuard = 103;

// As a kernel before Linux 6.13, which has no marks for guards.
[[nodiscard]] inline bool refuse_guard_marks() noexcept {
  return refuse_advice(kMarkGuard, kUnmarkGuard, EINVAL);
}

}  // namespace test
