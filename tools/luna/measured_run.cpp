// SPDX-License-Identifier: MIT
#include "measured_run.hpp"

#include "attach_target.hpp"
#include "signal_watch.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kLauncher = "luna-launcher";
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kForEnd{2};

// Beside this program, or where it is installed with it.
[[nodiscard]] std::string find_launcher() {
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  for (const fs::path& folder : {here, here.parent_path() / "libexec" / "lunalloc"})
    if (fs::exists(folder / kLauncher)) return folder / kLauncher;
  throw AttachError(AttachError::kUnreachable,
                    std::string("there is no ") + kLauncher +
                        " beside this program or in ../libexec/lunalloc; install it again");
}

// Of a command line, or of an environment; it points to the texts.
[[nodiscard]] std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[nodiscard]] std::vector<std::string> environment_without_preload() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with("LD_PRELOAD=")) variables.emplace_back(*variable);
  return variables;
}

[[nodiscard]] std::vector<std::string> launcher_words(const RunPlan& plan) {
  std::vector<std::string> words = {find_launcher(), "--input", plan.input, "--output",
                                    plan.output};
  for (const auto& [name, value] : plan.variables) words.push_back(name + "=" + value);
  words.emplace_back("--");
  words.insert(words.end(), plan.command.begin(), plan.command.end());
  return words;
}

// The launcher and the command, in a group of their own, and the pipe that has its words.
class Launched {
 public:
  explicit Launched(const RunPlan& plan) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
      throw std::system_error(errno, std::generic_category(), "pipe");
    const std::vector<std::string> words = launcher_words(plan);
    const std::vector<std::string> variables = environment_without_preload();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, plan.errors.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = posix_spawn(&process_, words[0].c_str(), &actions, &attributes,
                                  pointers_to(words).data(), pointers_to(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    pipe_ = ends[0];
    if (error == 0) return;
    close(pipe_);
    throw AttachError(AttachError::kUnreachable, words[0] + ": " + std::strerror(error));
  }

  ~Launched() {
    if (!has_ended_) end();
    close(pipe_);
  }
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;

  // What the launcher says; nothing if there was no time for it. Throws Interrupted.
  [[nodiscard]] std::string words(std::chrono::milliseconds most) {
    const Clock::time_point end = Clock::now() + most;
    std::string text;
    for (;;) {
      SignalWatch::look();
      if (most.count() != 0 && Clock::now() >= end) return {};
      pollfd polled = {pipe_, POLLIN, 0};
      if (poll(&polled, 1, static_cast<int>(kLook.count())) <= 0) continue;
      std::array<char, 512> part;
      const ssize_t bytes = read(pipe_, part.data(), part.size());
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes <= 0) break;
      text.append(part.data(), static_cast<std::size_t>(bytes));
    }
    while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) continue;
    has_ended_ = true;
    return text;
  }

 private:
  // The launcher ends at once; the command may have something to put back.
  void end() const {
    for (const int signal : {SIGTERM, SIGKILL}) {
      kill(-process_, signal);
      const Clock::time_point end = Clock::now() + kForEnd;
      while (Clock::now() < end) {
        waitpid(process_, nullptr, WNOHANG);
        if (kill(-process_, 0) != 0) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
  }

  pid_t process_ = 0;
  int pipe_ = -1;
  bool has_ended_ = false;
};

[[nodiscard]] std::string problem_of(int status, int signal) {
  if (signal != 0)
    return "signal " + std::to_string(signal) + ", " + strsignal(signal) + ", has ended it";
  return status == 0 ? "" : "it ends with status " + std::to_string(status);
}

}  // namespace

MeasuredRun run_measured(const RunPlan& plan) {
  MeasuredRun run;
  const std::string words = Launched(plan).words(plan.most);
  const auto said = nlohmann::json::parse(words, nullptr, false);
  if (said.is_discarded() || !said.is_object()) {
    run.problem = words.empty() && plan.most.count() != 0 ? "it takes longer than --timeout"
                                                          : "it cannot be run";
    return run;
  }
  run.problem = problem_of(said.at("exit_status"), said.at("signal"));
  run.process = said.at("pid");
  run.wall_seconds = said.at("wall_s");
  run.cpu_seconds = said.at("user_s").get<double>() + said.at("system_s").get<double>();
  run.peak_resident_bytes = said.at("max_rss_kib").get<std::uint64_t>() << 10;
  run.page_faults =
      said.at("minor_faults").get<std::uint64_t>() + said.at("major_faults").get<std::uint64_t>();
  return run;
}

}  // namespace luna::tool
