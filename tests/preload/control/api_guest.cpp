// SPDX-License-Identifier: MIT
// Usage: api_guest PART
// Names, values and errors of the controls; and all of them as rows of a table in Markdown.
#include "control_api.hpp"
#include "parts.hpp"

#include <malloc.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <thread>

namespace {

using namespace control;

[[nodiscard]] std::string_view text_of(const char* name) {
  static char text[256];
  EXPECT(control_get_text(name, text, sizeof text) == 0);
  return text;
}

void values() {
  EXPECT(text_of("decay.ms") == "1000");
  EXPECT(number("decay.ms") == 1000);
  EXPECT(control_set_number("decay.ms", 50) == 0);
  EXPECT(text_of("decay.ms") == "50");
  EXPECT(control_set_text("decay.ms", "70") == 0);
  EXPECT(number("decay.ms") == 70);
  EXPECT(text_of("stats.print") == "false" && number("stats.print") == 0);
  EXPECT(control_set_text("stats.print", "on") == 0);
  EXPECT(text_of("stats.print") == "true" && number("stats.print") == 1);
  EXPECT(control_set_number("stats.print", 0) == 0);
  EXPECT(text_of("guard.action") == "die");
  EXPECT(control_set_text("guard.action", "report") == 0);
  EXPECT(text_of("guard.action") == "report");
  EXPECT(text_of("version") == version());
  EXPECT(text_of("huge_pages.hugetlb") == "off");
  EXPECT(text_of("enabled") == "true");
}

// Each answers with an errno value, and leaves everything as it was.
void errors() {
  std::uint64_t value = 17;
  char text[256] = "as it was";
  EXPECT(control_get_number("decay.mss", &value) == ENOENT);
  EXPECT(control_get_text("decay", text, sizeof text) == ENOENT);
  EXPECT(control_set_number("decay_ms", 1) == ENOENT);
  EXPECT(control_set_text("", "1") == ENOENT);
  EXPECT(control_get_number(nullptr, &value) == EINVAL);
  EXPECT(control_set_text("decay.ms", nullptr) == EINVAL);
  EXPECT(control_get_number("decay.ms", nullptr) == EINVAL);
  EXPECT(control_get_text("decay.ms", nullptr, 10) == EINVAL);
  EXPECT(control_get_number("profile.file", &value) == EINVAL);
  EXPECT(control_get_number("memory.purge", &value) == ENOTSUP);
  EXPECT(control_get_text("memory.purge", text, sizeof text) == ENOTSUP);
  EXPECT(control_get_text("decay.ms", text, 4) == ERANGE);
  EXPECT(control_get_text("decay.ms", text, 0) == ERANGE);
  EXPECT(value == 17 && std::string_view(text) == "as it was");
  for (const char* wrong : {"", "fast", "-1", "1.5", "99999999999999999999"})
    EXPECT(control_set_text("decay.ms", wrong) == EINVAL);
  EXPECT(number("decay.ms") == 1000);
  EXPECT(control_set_number("profile.interval", 0) == EINVAL);
  EXPECT(control_set_number("profile.interval", (1U << 30) + 1) == EINVAL);
  EXPECT(control_set_number("profile.depth", 257) == EINVAL);
  EXPECT(control_set_number("profile.active", 2) == EINVAL);
  EXPECT(control_set_number("profile.kind", 1) == EINVAL);
  EXPECT(control_list(nullptr, nullptr) == EINVAL);
  const char* const fixed[] = {
      "enabled",        "huge_pages.hugetlb", "conf.confirm", "conf.abort",      "profile.memory",
      "profile.signal", "guard.slots",        "version",      "stats.live_bytes"};
  for (const char* name : fixed) EXPECT(control_set_text(name, "1") == EPERM);
}

// A format that knows heap and peak alone, and a kind that it does not.
void pairs() {
  set("profile.kind", "growth");
  EXPECT(control_set_text("profile.format", "heap_v2") == EINVAL);
  EXPECT(text_of("profile.format") == "pprof");
  set("profile.kind", "peak");
  set("profile.format", "heap_v2");
  EXPECT(control_set_text("profile.kind", "lifetimes") == EINVAL);
  EXPECT(text_of("profile.kind") == "peak");
}

[[nodiscard]] std::string_view wants_of(const char* name) {
  static char text[256];
  EXPECT(control_wants(name, text, sizeof text) == 0);
  return text;
}

void advice() {
  EXPECT(std::string_view(control_nearest("decay_ms")) == "decay.ms");
  EXPECT(std::string_view(control_nearest("profil.activ")) == "profile.active");
  EXPECT(std::string_view(control_nearest("memory.purge")) == "memory.purge");
  EXPECT(control_nearest("") != nullptr && control_nearest(nullptr) == nullptr);
  EXPECT(wants_of("decay.ms") == "a whole number");
  EXPECT(wants_of("profile.interval") == "a whole number from 1 to 1073741824");
  EXPECT(wants_of("guard.action") == "die or report");
  EXPECT(wants_of("guard.slots").starts_with("it cannot be set: "));
  EXPECT(wants_of("version") == "it cannot be set");
  char little[5] = {};
  EXPECT(control_wants("decay.ms", little, sizeof little) == 0);
  EXPECT(std::string_view(little) == "a wh");
  EXPECT(control_wants("decay.ms", little, 0) == EINVAL);
  EXPECT(control_wants("decay", little, sizeof little) == ENOENT);
}

// Beginning with enabled:false.
void disabled() {
  EXPECT(text_of("enabled") == "false");
  EXPECT(control_set_text("profile.active", "true") == ENOTSUP);
  EXPECT(text_of("profile.active") == "false");
  EXPECT(control_set_text("decay.ms", "5") == 0);
}

struct Listed {
  int count = 0;
  int wrong = 0;
};

// Each row is what the calls of its name say, and may call them.
void look_at(const luna_control* row, void* context) {
  auto& listed = *static_cast<Listed*>(context);
  ++listed.count;
  EXPECT_FOR(listed.count, row->struct_size == sizeof(luna_control));
  EXPECT_FOR(listed.count, std::string_view(control_nearest(row->name)) == row->name);
  EXPECT_FOR(listed.count, row->option != nullptr || row->why_fixed == nullptr);
  EXPECT_FOR(listed.count, row->help[0] != '\0' && row->unit != nullptr);
  const bool reads = row->access != LUNA_CONTROL_ACT;
  char text[256];
  EXPECT_FOR(listed.count, control_get_text(row->name, text, sizeof text) == (reads ? 0 : ENOTSUP));
  const bool is_figure = std::string_view(row->name).starts_with("stats.");
  if (reads && !is_figure) EXPECT_FOR(listed.count, std::string_view(text) == row->value);
  EXPECT_FOR(listed.count, (row->access == LUNA_CONTROL_READ) == (row->wants[0] == '\0'));
  // What is there can be set again.
  if (row->access == LUNA_CONTROL_WRITE && text[0] != '\0')
    EXPECT_FOR(listed.count, control_set_text(row->name, text) == 0);
  free(expect::opaque(malloc(100)));
}

void list() {
  Listed listed;
  EXPECT(control_list(look_at, &listed) == 0);
  EXPECT(listed.count > 40);
}

void figures() {
  luna_stats stats = {};
  stats.struct_size = sizeof stats;
  EXPECT(stats_read(&stats) == 0);
  EXPECT(number("stats.live_bytes") == stats.live_bytes);
  EXPECT(number("stats.live_blocks") == stats.live_blocks);
  EXPECT(number("stats.large_bytes") == stats.large_bytes);
  EXPECT(number("stats.slab_free_bytes") == stats.slab_free_bytes);
  EXPECT(number("stats.dirty_bytes") == stats.dirty_bytes);
  EXPECT(number("stats.committed_bytes") == stats.committed_bytes);
  EXPECT(number("stats.reserved_bytes") == stats.reserved_bytes);
  EXPECT(number("stats.metadata_bytes") == stats.metadata_bytes);
  EXPECT(number("stats.thread_heaps") == stats.thread_heaps);
  EXPECT(number("stats.profiler_bytes") == 0);
  EXPECT(stats.live_bytes != 0 && stats.reserved_bytes != 0);
  void* const block = expect::opaque(malloc(30'000'000));
  EXPECT(number("stats.large_bytes") >= stats.large_bytes + 30'000'000);
  free(block);
}

// Threads that set, read and list while others allocate and the process forks.
void threads() {
  std::atomic<bool> done{false};
  const auto set_all = [&done] {
    constexpr const char* kFiles[] = {"short.%n", "a-much-longer-name-of-a-file.%p.%n"};
    for (unsigned i = 0; !done; ++i) {
      EXPECT(control_set_number("decay.ms", i % 50) == 0);
      EXPECT(control_set_text("profile.file", kFiles[i % 2]) == 0);
      EXPECT(control_set_number("cache.thread_kib", i % 2000) == 0);
      EXPECT(control_set_number("profile.active", i % 3 == 0 ? 1 : 0) == 0);
      EXPECT(control_set_number("profile.depth", i % 256) == 0);
      const std::string_view file = text_of("profile.file");
      EXPECT(file == kFiles[0] || file == kFiles[1]);
    }
  };
  const auto allocate = [&done] {
    while (!done)
      for (std::size_t bytes = 16; bytes < 400'000; bytes *= 2) free(expect::opaque(malloc(bytes)));
  };
  std::array<std::thread, 3> all = {std::thread(set_all), std::thread(allocate),
                                    std::thread(allocate)};
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      EXPECT(control_set_text("profile.file", "of-the-child") == 0);
      EXPECT(control_set_number("decay.ms", 7) == 0);
      _exit(number("decay.ms") == 7 ? 0 : 1);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  done = true;
  for (std::thread& thread : all) thread.join();
}

void print_row(const luna_control* row, void*) {
  constexpr const char* kAccess[] = {"", "set", "act"};
  const char* const mark = row->option != nullptr ? "`" : "";
  const char* const option = row->option != nullptr ? row->option : "";
  const bool fixed = row->why_fixed != nullptr;
  expect::print(STDOUT_FILENO, "| `%s` | %s%s%s | %s | %s | %s%s%s |\n", row->name, mark, option,
                mark, kAccess[row->access], row->unit, row->help, fixed ? "; fixed: " : "",
                fixed ? row->why_fixed : "");
}

void table() { EXPECT(control_list(print_row, nullptr) == 0); }

// Whose malloc a library is bound to: the two round sizes up differently.
[[nodiscard]] bool is_bound_to_libc(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  EXPECT(library != nullptr);
  const auto allocate = reinterpret_cast<void* (*)(std::size_t)>(dlsym(library, "plugin_malloc"));
  EXPECT(allocate != nullptr);
  void* const block = allocate(100);
  const bool is_ours = malloc_usable_size(block) == 112;
  free(block);
  return !is_ours;
}

const char* plugins[2];

void deepbind() {
  EXPECT(!is_bound_to_libc(plugins[0]));
  set("deepbind", "true");
  EXPECT(is_bound_to_libc(plugins[1]));
}

constexpr Part kParts[] = {{"values", values},    {"errors", errors},     {"pairs", pairs},
                           {"advice", advice},    {"disabled", disabled}, {"list", list},
                           {"figures", figures},  {"threads", threads},   {"table", table},
                           {"deepbind", deepbind}};

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  EXPECT(count == 2 || count == 4);
  for (int i = 2; i < count; ++i) plugins[i - 2] = arguments[i];
  return run_part(kParts, arguments[1]) ? 0 : 1;
}
