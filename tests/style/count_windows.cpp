// SPDX-License-Identifier: MIT
// Counts the parts of the library's code that a program runs which does little: the kernel
// makes 64 KiB of a file resident around each page that is touched. What they hold must lie side by
// side; tools/function_order.py sees to that.
//
// The program is run one instruction at a time, from its start to its end.
//
// usage: count_windows LIBRARY MOST PROGRAM
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

namespace {

constexpr int kSkipped = 77;
constexpr std::uint64_t kWindowBytes = 64 * 1024;

[[noreturn]] void skip(const char* reason) {
  std::printf("skip: %s: %s\n", reason, std::strerror(errno));
  std::exit(kSkipped);
}

// Where a process has the library's code, and where in the file that begins.
struct Code {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;

  [[nodiscard]] bool holds(std::uint64_t at) const { return at >= begin && at < end; }
};

// Empty if it is not mapped yet.
Code code_of(pid_t child, const std::string& library) {
  const std::string path = "/proc/" + std::to_string(child) + "/maps";
  std::FILE* maps = std::fopen(path.c_str(), "r");
  if (maps == nullptr) return {};
  Code code;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), maps) != nullptr) {
    unsigned long begin = 0;
    unsigned long end = 0;
    unsigned long offset = 0;
    std::array<char, 5> flags{};
    if (std::sscanf(line.data(), "%lx-%lx %4s %lx", &begin, &end, flags.data(), &offset) == 4 &&
        flags[2] == 'x' && std::strstr(line.data(), library.c_str()) != nullptr)
      code = {begin, end, offset};
  }
  std::fclose(maps);
  return code;
}

pid_t start(char** program, const char* library) {
  const pid_t child = fork();
  if (child < 0) skip("fork failed");
  if (child == 0) {
    setenv("LD_PRELOAD", library, 1);
    if (std::freopen("/dev/null", "r", stdin) == nullptr) _exit(kSkipped);
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kSkipped);
    execv(program[0], program);
    _exit(127);
  }
  return child;
}

// How many instructions ran in each window, by its place in the file. The maps are read again when
// the program leaves what was known of it, which is at each system call at most.
std::map<std::uint64_t, std::uint64_t> run(pid_t child, const std::string& library) {
  constexpr std::uint16_t kSystemCall = 0x050f;
  std::map<std::uint64_t, std::uint64_t> windows;
  Code code;
  int status = 0;
  bool after_call = false;
  while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    user_regs_struct registers{};
    if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) skip("PTRACE_GETREGS was refused");
    if (code.end == 0 && after_call) code = code_of(child, library);
    if (code.holds(registers.rip))
      ++windows[(registers.rip - code.begin + code.offset) / kWindowBytes];
    const long word = ptrace(PTRACE_PEEKTEXT, child, registers.rip, nullptr);
    after_call = static_cast<std::uint16_t>(word) == kSystemCall;
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) skip("PTRACE_SINGLESTEP failed");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) skip("ptrace was refused");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::printf("the program failed\n");
    std::exit(1);
  }
  return windows;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const std::string library = arguments[1];
  const auto most = static_cast<std::size_t>(std::atoi(arguments[2]));
  std::array<char*, 2> program = {arguments[3], nullptr};
  const auto windows = run(start(program.data(), library.c_str()), library);
  for (const auto& [window, instructions] : windows)
    std::printf("from %#lx: %lu instructions\n", window * kWindowBytes, instructions);
  if (windows.empty()) std::printf("the library was not called\n");
  if (windows.size() > most)
    std::printf("%zu windows of 64 KiB, at most %zu: run tools/function_order.py\n", windows.size(),
                most);
  return !windows.empty() && windows.size() <= most ? 0 : 1;
}
