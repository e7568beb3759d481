// SPDX-License-Identifier: MIT
// Options that were meant for jemalloc: in the program's variable malloc_conf and in the
// environment's MALLOC_CONF. Those that lunalloc has too are set as controls are; the others are
// for parts that it does not have, and only told of if confirm_conf asks for it.
#include "base/check.hpp"
#include "os/environment.hpp"
#include "preload/jemalloc/conf_text.hpp"
#include "preload/process.hpp"

#include <lunalloc/control.h>

#include <array>

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

// A program may define it, or set it before there are options to be read.
LUNA_EXPORT [[gnu::weak]] const char* malloc_conf;
constinit const char* malloc_conf = nullptr;

namespace luna::jemalloc {

namespace {

// Not if LUNALLOC_CONF has a word on the option.
[[nodiscard]] bool set(std::string_view option, const char* control, const char* value) noexcept {
  const std::string_view ours = value_of(os::environment_value("LUNALLOC_CONF"), option);
  return ours.empty() && luna_control_set_text(control, value) == 0;
}

// The options of jemalloc that one place has.
class Conf {
 public:
  Conf(std::string_view text, std::string_view source, bool confirms) noexcept
      : text_(text), source_(source), confirms_(confirms) {}

  void apply() noexcept {
    for (std::string_view rest = text_; !rest.empty();) apply_pair(take_pair(rest));
  }

 private:
  void apply_pair(const ConfPair& pair) noexcept {
    if (pair.key == "prof" || pair.key == "prof_active") return;  // apply_profile()
    for (const ConfRow& row : kConfRows)
      if (row.key == pair.key) return apply_row(row, pair);
    tell(pair, {});
  }

  void apply_row(const ConfRow& row, const ConfPair& pair) noexcept {
    std::array<char, 256> buffer{};
    Text value(buffer.data(), buffer.size() - 1);
    if (!translate(pair.value, row.meaning, value)) return tell(pair, {});
    const bool done = set(row.option, row.control.view().data(), buffer.data());
    tell(pair, done ? row.control.view() : std::string_view());
  }

  // If anybody wants to know.
  void tell(const ConfPair& pair, std::string_view control) noexcept {
    if (!confirms_) return;
    std::array<char, 320> buffer;
    Text line(buffer.data(), buffer.size() - 1);
    line.add("lunalloc: ").add(source_).add(": ").add(pair.key).add(":").add(pair.value);
    if (control.empty()) {
      line.add(" is ignored");
    } else {
      line.add(" sets ").add(control);
    }
    write_error(line.view());
    write_error("\n");
  }

  std::string_view text_;
  std::string_view source_;
  bool confirms_;
};

// Two options make one of ours, and may come from two places.
void apply_profile(std::string_view own, std::string_view environment, bool confirms) noexcept {
  const auto latest = [&](std::string_view key) noexcept {
    const std::string_view value = value_of(environment, key);
    return !value.empty() ? value : value_of(own, key);
  };
  if (latest("prof").empty()) return;
  const bool on = latest("prof") == "true";
  const bool active = on && latest("prof_active") != "false";
  if (on) static_cast<void>(set("profile_format", "profile.format", "heap_v2"));
  const bool done = set("profile", "profile.active", active ? "true" : "false");
  if (!confirms) return;
  write_error(done ? "lunalloc: prof and prof_active set profile.active\n"
                   : "lunalloc: prof and prof_active are ignored\n");
}

// After the options of lunalloc have been read, and before other libraries and the program begin.
[[gnu::constructor(102)]] void on_load() noexcept {
  if (os::runs_with_privileges()) return;
  const std::string_view own = malloc_conf != nullptr ? malloc_conf : "";
  const std::string_view environment = os::environment_value("MALLOC_CONF");
  const bool confirms = process.options().confirm_conf || value_of(own, "confirm_conf") == "true" ||
                        value_of(environment, "confirm_conf") == "true";
  Conf(own, "malloc_conf", confirms).apply();
  Conf(environment, "MALLOC_CONF", confirms).apply();
  apply_profile(own, environment, confirms);
}

}  // namespace

}  // namespace luna::jemalloc
