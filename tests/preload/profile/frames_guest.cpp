// SPDX-License-Identifier: MIT
// A small interpreter that says what it runs, in either of the ways that profile.h offers, and
// writes profiles.
//
// Usage: frames_guest FOLDER PART
#include "expect.hpp"
#include "profile_api.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

// Of external linkage, so that its name is found.
[[gnu::noinline]] void keep(std::size_t bytes, int count) {
  for (int i = 0; i < count; ++i) static_cast<void>(expect::opaque(malloc(bytes)));
}

namespace {

auto* const frame_name = find<decltype(luna_profile_frame_name)>("luna_profile_frame_name");
auto* const set_callback = find<decltype(luna_profile_frames)>("luna_profile_frames");
auto* const set_stack = find<decltype(luna_profile_frame_stack)>("luna_profile_frame_stack");

// A program for the interpreter: each function allocates, then calls another.
struct Function {
  const char* name;
  const char* file;
  int line;
  std::size_t bytes;
  int count;
  const Function* callee;
  luna_frame frame = 0;
};

Function row = {"row of; table", "lib/db.py", 7, 100, 10, nullptr};
Function query = {"query", "lib/db.py", 20, 200, 20, &row};
Function start = {"<main>", nullptr, 0, 300, 30, &query};

void name_all() {
  for (Function* function : {&row, &query, &start})
    function->frame = frame_name(function->name, function->file, function->line);
}

// What the thread runs, for both ways.
thread_local luna_frame frames[16];
thread_local luna_frame_stack stack = {frames, 0, 16, 0};

void run(const Function* function) {
  if (function == nullptr) return;
  luna_frame_push(&stack, function->frame);
  keep(function->bytes, function->count);
  run(function->callee);
  luna_frame_pop(&stack);
}

struct Context {
  int native = 1;
  bool allocates = false;
  bool lies = false;
  std::atomic<bool> gone{false};
  std::atomic<int> calls{0};
};

std::size_t supply(luna_frame* out, std::size_t most, int* native, void* pointer) {
  auto& context = *static_cast<Context*>(pointer);
  EXPECT(!context.gone);
  EXPECT(*native == 1);
  ++context.calls;
  *native = context.native;
  if (context.allocates) free(expect::opaque(malloc(12345)));
  std::size_t count = 0;
  for (std::size_t i = stack.count; i-- > 0 && count < most;) {
    if (context.lies && count + 1 < most) out[count++] = 0x8012345678901238 + i;
    out[count++] = stack.frames[i];
  }
  return context.lies ? most + 100 : count;
}

void dump_all(const Api& api, const std::string& folder) {
  static const char* const endings[] = {"pb.gz",           "folded", "heap",
                                        "gperftools.heap", "json",   "txt"};
  for (int format = 0; format <= LUNA_PROFILE_TEXT; ++format) {
    const std::string path = folder + "/frames." + endings[format];
    EXPECT_FOR(format, api.dump(path.c_str(), LUNA_PROFILE_HEAP,
                                static_cast<luna_profile_format>(format)) == 0);
  }
}

// The callback says all that the stack of the other way has.
void by_callback(const Api& api, const std::string& folder) {
  Context context;
  EXPECT(set_callback(supply, &context) == 0);
  EXPECT(set_callback(supply, &context) == EBUSY);
  context.allocates = true;
  run(&start);
  EXPECT(context.calls == 60);  // and none for what it allocates
  context.allocates = false;
  context.lies = true;
  run(&query);
  EXPECT(set_callback(nullptr, nullptr) == 0);
  context.gone = true;
  keep(400, 4);
  Context whole;
  whole.native = 0;
  EXPECT(set_callback(supply, &whole) == 0);
  run(&row);
  const pid_t child = fork();
  if (child == 0) {
    run(&row);
    EXPECT(set_callback(nullptr, nullptr) == 0);
    dump_all(api, folder + "/child");
    _exit(0);
  }
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(set_callback(nullptr, nullptr) == 0);
}

void by_stack() {
  EXPECT(set_stack(&stack) == 0);
  run(&start);
  run(&query);
  stack.without_native = 1;
  run(&row);
  stack.without_native = 0;
  std::thread([] { keep(500, 5); }).join();  // which has none
  // What is above the capacity is not there, and comes back.
  for (int i = 0; i < 20; ++i) luna_frame_push(&stack, start.frame);
  keep(600, 6);
  for (int i = 0; i < 20; ++i) luna_frame_pop(&stack);
  EXPECT(stack.count == 0);
  EXPECT(set_stack(nullptr) == 0);
  keep(400, 4);
}

// Contexts come and go while others allocate: none is seen when it has gone.
void change_callbacks() {
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&done] {
      while (!done) free(expect::opaque(malloc(100)));
    });
  }
  int calls = 0;
  for (int i = 0; i < 300; ++i) {
    auto* context = new Context;
    EXPECT(set_callback(supply, context) == 0);
    if (i % 4 == 0) usleep(200);
    EXPECT(set_callback(nullptr, nullptr) == 0);
    calls += context->calls;
    context->gone = true;
    std::memset(static_cast<void*>(context), 0xFF, sizeof *context);
    ::operator delete(context);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT(calls > 0);
}

void refuse() {
  EXPECT(frame_name(nullptr, "f", 1) == 0);
  EXPECT(frame_name("", "f", 1) == 0);
  EXPECT(frame_name("query", "lib/db.py", 20) == query.frame);
  EXPECT(frame_name("same", nullptr, 0) == frame_name("same", "", -5));
  EXPECT(set_callback(nullptr, nullptr) == 0);
  int names = 0;
  while (frame_name("function", "file", names + 1) != 0) ++names;
  EXPECT(names > 100);
  EXPECT(frame_name("one more", "file", 0) == 0);
  EXPECT(frame_name("function", "file", 1) != 0);
}

// push %rbp; mov %rsp,%rbp; mov %rdi,%rax; mov %rsi,%rdi; mov %rdx,%rsi; call *%rax; pop; ret
void run_compiled(const std::string& name) {
#if defined(__x86_64__)
  static const unsigned char code[] = {0x55, 0x48, 0x89, 0xE5, 0x48, 0x89, 0xF8, 0x48,
                                       0x89, 0xF7, 0x89, 0xD6, 0xFF, 0xD0, 0x5D, 0xC3};
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  std::memcpy(memory, code, sizeof code);
  EXPECT(mprotect(memory, 4096, PROT_READ | PROT_EXEC) == 0);
  if (!name.empty()) {
    char line[100];
    const int length = std::snprintf(line, sizeof line, "%lx 10 %s\n",
                                     reinterpret_cast<unsigned long>(memory), name.c_str());
    std::ofstream map("/tmp/perf-" + std::to_string(getpid()) + ".map", std::ios::app);
    map << "no line\n" << std::string(line, static_cast<std::size_t>(length)) << "7f 10";
  }
  using Call = void (*)(void (*)(std::size_t, int), std::size_t, int);
  reinterpret_cast<Call>(memory)(keep, name.empty() ? 900 : 800, name.empty() ? 9 : 8);
#else
  expect::skip(name.empty() ? "code for x86-64" : "code for x86-64 alone");
#endif
}

}  // namespace

int main(int, char** arguments) {
  expect::on_lunalloc();
  const Api api;
  const std::string part = arguments[2];
  name_all();
  if (part == "disabled") {
    EXPECT(start.frame == 0);
    EXPECT(set_callback(supply, nullptr) == ENOTSUP);
    EXPECT(set_stack(&stack) == ENOTSUP);
    return 0;
  }
  EXPECT(api.start(1) == 0);
  if (part == "callback") by_callback(api, arguments[1]);
  if (part == "stack") by_stack();
  if (part == "changes") change_callbacks();
  if (part == "refused") refuse();
  if (part == "compiled") run_compiled("JS:*leaf app.js:3");
  if (part == "compiled") run_compiled("");
  api.stop();
  dump_all(api, arguments[1]);
  unlink(("/tmp/perf-" + std::to_string(getpid()) + ".map").c_str());
  std::puts("done");
  return 0;
}
