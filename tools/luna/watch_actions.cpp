// SPDX-License-Identifier: MIT
#include "watch_actions.hpp"

#include "child_process.hpp"
#include "printable.hpp"
#include "process_files.hpp"
#include "signal_watch.hpp"
#include "verb.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>

namespace luna::tool {

namespace {

constexpr std::string_view kCommand = "exec:";

// Of letters that need no care in a shell, and not hidden.
[[nodiscard]] std::string name_of(pid_t process) {
  const auto status = read_status(process);
  std::string name = status ? status->name : "process";
  const auto is_plain = [](char letter) {
    return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' ||
           letter == '.' || letter == '-';
  };
  std::replace_if(
      name.begin(), name.end(), [&](char letter) { return !is_plain(letter); }, '_');
  if (name.empty() || name[0] == '.' || name[0] == '-') name.insert(0, 1, '_');
  return name;
}

// To the millisecond, as in 20261122T120304.567.
[[nodiscard]] std::string time_name() {
  const auto now = std::chrono::system_clock::now();
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  const std::time_t seconds = since.count() / 1000;
  std::tm local{};
  std::array<char, 32> text{};
  localtime_r(&seconds, &local);
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%S", &local);
  std::snprintf(&text[length], text.size() - length, ".%03d",
                static_cast<int>(since.count() % 1000));
  return text.data();
}

[[noreturn]] void refuse(const std::string& file) {
  throw AttachError(AttachError::kMistakes, file + ": " + std::strerror(errno));
}

[[nodiscard]] std::string write_new(const std::string& file, const std::string& text) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int descriptor = open(file.c_str(), kFlags, 0600);
  if (descriptor < 0) refuse(file);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = write(descriptor, &text[done], text.size() - done);
    if (count < 0 && errno != EINTR) {
      const int error = errno;
      close(descriptor);
      errno = error;
      refuse(file);
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  if (close(descriptor) != 0) refuse(file);
  return "written to " + printable(file);
}

// Only what looks like the name of a figure comes into the environment of a command.
[[nodiscard]] std::string variable_of(const std::string& figure) {
  constexpr std::size_t kLongest = 64;
  std::string name = "LUNA_";
  for (const char letter : figure) {
    if (letter != '_' && std::islower(static_cast<unsigned char>(letter)) == 0) return {};
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return figure.size() <= kLongest ? name : "";
}

[[nodiscard]] std::map<std::string, std::string> variables_of(const WatchEvent& event,
                                                              pid_t process) {
  constexpr std::size_t kMost = 200;
  std::map<std::string, std::string> variables;
  for (const auto& [name, value] : event.statistics.figures) {
    const std::string variable = variable_of(name);
    if (!value || variable.empty() || variables.size() == kMost) continue;
    std::array<char, 400> text{};
    std::snprintf(text.data(), text.size(), *value == std::floor(*value) ? "%.0f" : "%.6g", *value);
    variables[variable] = text.data();
  }
  variables["LUNA_PID"] = std::to_string(process);
  variables["LUNA_WHEN"] = event.conditions;
  return variables;
}

[[nodiscard]] std::string run_command(const std::string& command, const WatchEvent& event,
                                      pid_t process) {
  const ChildEnd end = run_child({"/bin/sh", "-c", command}, variables_of(event, process));
  if (end.signal == SIGINT || end.signal == SIGTERM || end.signal == SIGHUP)
    throw Interrupted(end.signal);
  const std::string text = "the command ended with status " + std::to_string(end.status);
  if (end.status != 0) throw AttachError(AttachError::kMistakes, text);
  return text;
}

}  // namespace

std::optional<WatchAction> parse_action(const std::string& text) {
  if (text == "profile") return WatchAction{WatchAction::Kind::kProfile, {}};
  if (text == "leaks") return WatchAction{WatchAction::Kind::kLeaks, {}};
  if (text == "stats") return WatchAction{WatchAction::Kind::kStats, {}};
  if (text == "purge") return WatchAction{WatchAction::Kind::kPurge, {}};
  if (!text.starts_with(kCommand) || text.size() == kCommand.size()) return std::nullopt;
  return WatchAction{WatchAction::Kind::kCommand, text.substr(kCommand.size())};
}

std::string carry_out(const WatchAction& action, const WatchEvent& event,
                      const ReachedProcess& process) {
  const std::string file = event.folder + "/" + name_of(process.number()) + "." +
                           std::to_string(process.number()) + "." + time_name();
  switch (action.kind) {
    case WatchAction::Kind::kProfile:
      return write_new(file + ".profile.json",
                       get_samples(process, "/debug/pprof/heap?format=json", {}));
    case WatchAction::Kind::kLeaks:
      return write_new(file + ".leaks.json", get_samples(process, "/debug/leaks?format=json", {}));
    case WatchAction::Kind::kStats:
      return write_new(file + ".stats.json", process.get("/stats.json"));
    case WatchAction::Kind::kPurge:
      static_cast<void>(process.set("memory.purge", "0"));
      return "free memory was given back";
    case WatchAction::Kind::kCommand:
      return run_command(action.command, event, process.number());
  }
  return {};
}

}  // namespace luna::tool
