// SPDX-License-Identifier: MIT
// Counts the instructions that a warm malloc and free really execute.
//
// The tool starts itself again with the library preloaded, runs that child one
// instruction at a time between two breakpoints, and counts those instructions
// that lie in the library's text. It is the check on fast_path_test.py, which
// reads the same numbers from the disassembly.
//
// usage: count_steps LIBRARY MALLOC_LIMIT FREE_LIMIT LIMIT_ABOVE_1_KIB
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int kSkipped = 77;
constexpr int kWarmBlocks = 200;
constexpr std::array<std::size_t, 9> kSizes = {16, 64, 200, 1000, 1024, 1025, 5000, 16'384, 32'768};
constexpr std::size_t kMaxDirectBytes = 1024;
constexpr int kRepeats = 15;
constexpr std::uint8_t kBreakpoint = 0xcc;

[[noreturn]] void skip(const char* reason) {
  std::printf("skip: %s: %s\n", reason, std::strerror(errno));
  std::exit(kSkipped);
}

// ---- the child: malloc and free between breakpoints

void keep(void* pointer) { asm volatile("" : : "r"(pointer) : "memory"); }

// Leaves blocks of `size` in the thread's cache, some in use, some free.
void warm_up(std::size_t size) {
  std::array<void*, kWarmBlocks> blocks{};
  for (void*& block : blocks) keep(block = std::malloc(size));
  for (void* block : blocks) std::free(block);
  for (int i = 0; i < kWarmBlocks / 2; ++i) blocks[static_cast<std::size_t>(i)] = std::malloc(size);
  for (int i = 0; i < kWarmBlocks / 4; ++i) std::free(blocks[static_cast<std::size_t>(i)]);
}

int run_child() {
  for (std::size_t size : kSizes) {
    warm_up(size);
    for (int i = 0; i < kRepeats; ++i) {
      asm volatile("int3" ::: "memory");
      void* block = std::malloc(size);
      asm volatile("int3" ::: "memory");
      keep(block);
      asm volatile("int3" ::: "memory");
      std::free(block);
      asm volatile("int3" ::: "memory");
    }
  }
  return 0;
}

// ---- the parent: one step at a time

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Where the child has the library's text; empty if it is not loaded.
Range text_of(pid_t child, const std::string& library) {
  const std::string path = "/proc/" + std::to_string(child) + "/maps";
  Range range;
  std::FILE* maps = std::fopen(path.c_str(), "r");
  if (maps == nullptr) return range;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), maps) != nullptr) {
    unsigned long begin = 0;
    unsigned long end = 0;
    std::array<char, 5> flags{};
    if (std::sscanf(line.data(), "%lx-%lx %4s", &begin, &end, flags.data()) == 3 &&
        flags[2] == 'x' && std::strstr(line.data(), library.c_str()) != nullptr) {
      range = {begin, end};
    }
  }
  std::fclose(maps);
  return range;
}

// Waits for the child's next stop. False when it has ended.
bool wait_for_stop(pid_t child, int& status) {
  return waitpid(child, &status, 0) == child && WIFSTOPPED(status);
}

std::uint64_t instruction_pointer(pid_t child) {
  user_regs_struct registers{};
  if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) skip("PTRACE_GETREGS was refused");
  return registers.rip;
}

// Steps to the next breakpoint. Returns the instructions inside `text`, -1 if the child ended.
int count_to_breakpoint(pid_t child, const Range& text) {
  int count = 0;
  int status = 0;
  for (;;) {
    const std::uint64_t here = instruction_pointer(child);
    errno = 0;
    const long word = ptrace(PTRACE_PEEKTEXT, child, here, nullptr);
    if (errno == 0 && static_cast<std::uint8_t>(word) == kBreakpoint) return count;
    if (here >= text.begin && here < text.end) ++count;
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) skip("PTRACE_SINGLESTEP failed");
    if (!wait_for_stop(child, status)) return -1;
  }
}

// Lets the child run to its next breakpoint. False when it has ended.
bool run_to_breakpoint(pid_t child) {
  int status = 0;
  if (ptrace(PTRACE_CONT, child, nullptr, nullptr) != 0) skip("PTRACE_CONT failed");
  return wait_for_stop(child, status) && WSTOPSIG(status) == SIGTRAP;
}

pid_t start_child(char* self, const char* library) {
  const pid_t child = fork();
  if (child < 0) skip("fork failed");
  if (child == 0) {
    setenv("LD_PRELOAD", library, 1);
    setenv("LD_BIND_NOW", "1", 1);
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kSkipped);
    std::array<char*, 2> arguments = {self, nullptr};
    execv("/proc/self/exe", arguments.data());
    _exit(127);
  }
  return child;
}

// The usual count of one operation, checked against its limit.
bool report(const char* operation, std::size_t size, std::vector<int> counts, int limit) {
  if (counts.empty()) return false;
  std::sort(counts.begin(), counts.end());
  const int usual = counts[counts.size() / 2];
  std::printf("%s of %zu bytes: %d instructions executed, at most %d\n", operation, size, usual,
              limit);
  if (usual <= 0) std::printf("  the library was not called\n");
  if (usual > limit) std::printf("  too many\n");
  return usual > 0 && usual <= limit;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return run_child();
  if (count < 5) return 2;
  const std::string library = arguments[1];
  const pid_t child = start_child(arguments[0], library.c_str());
  int status = 0;
  if (!wait_for_stop(child, status)) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) skip("ptrace was refused");
    return 1;
  }
  bool good = true;
  Range text;
  for (std::size_t size : kSizes) {
    std::vector<int> mallocs;
    std::vector<int> frees;
    for (int i = 0; i < kRepeats * 2; ++i) {
      if (!run_to_breakpoint(child)) return 1;
      if (text.begin == 0) text = text_of(child, library);
      (i % 2 == 0 ? mallocs : frees).push_back(count_to_breakpoint(child, text));
      if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) skip("PTRACE_SINGLESTEP failed");
      if (!wait_for_stop(child, status)) return 1;
    }
    const bool direct = size <= kMaxDirectBytes;
    good &= report("malloc", size, mallocs, std::atoi(arguments[direct ? 2 : 4]));
    good &= report("free", size, frees, std::atoi(arguments[direct ? 3 : 4]));
  }
  ptrace(PTRACE_DETACH, child, nullptr, nullptr);
  waitpid(child, &status, 0);
  return good ? 0 : 1;
}
