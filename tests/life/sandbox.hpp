// SPDX-License-Identifier: MIT
// Filters of system calls for all threads of the process, without a library.
#pragma once

#include "expect.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <span>

namespace sandbox {

// Calls in `calls` get `listed`, all others `unlisted`, which are SECCOMP_RET_ values.
inline void begin(std::span<const int> calls, unsigned listed, unsigned unlisted) {
  std::array<sock_filter, 128> code;
  std::size_t length = 0;
  EXPECT(2 * calls.size() + 2 <= code.size());
  code[length++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (const int call : calls) {
    code[length++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1);
    code[length++] = BPF_STMT(BPF_RET | BPF_K, listed);
  }
  code[length++] = BPF_STMT(BPF_RET | BPF_K, unlisted);
  const sock_fprog program = {static_cast<unsigned short>(length), code.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) expect::skip("no filters are allowed here");
  // Of the threads that are there already, the library's among them, too.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    expect::skip("no filters are allowed here");
  }
}

}  // namespace sandbox
