// SPDX-License-Identifier: MIT
#include "reach.hpp"

#include "process_files.hpp"
#include "why_not.hpp"

#include <unistd.h>

#include <string_view>

namespace luna::tool {

namespace {

// Of the thread that serves.
constexpr std::string_view kServer = "lunalloc-http";
// The first line of the page that lists the others.
constexpr std::string_view kIndex = "lunalloc\n";

[[nodiscard]] std::string name_of(pid_t process) { return "process " + std::to_string(process); }

// Throws AttachError: it cannot answer at all.
[[nodiscard]] ProcessStatus status_of_running(pid_t process) {
  const auto status = read_status(process);
  const std::string name = name_of(process);
  if (!status) throw AttachError(AttachError::kUnreachable, why_not(process, 0));
  if (status->state == 'T')
    throw AttachError(AttachError::kNoAnswer, name + " is stopped; `kill -CONT " +
                                                  std::to_string(process) + "` lets it go on");
  if (status->state == 't')
    throw AttachError(AttachError::kNoAnswer, name + " is held by a debugger; let it go on there");
  return *status;
}

}  // namespace

// Where it serves is seen by its descriptors, without a question, which a process that sleeps might
// not answer, and without the rights to trace it.
ReachedProcess::ReachedProcess(pid_t process, std::chrono::milliseconds patience, Means means)
    : process_(process), patience_(patience) {
  const ProcessStatus status = status_of_running(process);
  const std::string own = PrivateSocket::path_for(process, status);
  if (has_thread(process, kServer))
    for (const std::string& path : listening_paths(process)) {
      if (path == own || !serves_at(path)) continue;
      path_ = path;
      return;
    }
  if (means == Means::kAsItIs)
    throw ServesNot(AttachError::kUnreachable, name_of(process) + " serves at no control socket");
  static_cast<void>(AttachTarget(process));  // or says why not
  own_.emplace(process, status, patience);
  path_ = own_->path();
}

bool ReachedProcess::serves_at(const std::string& path) const {
  try {
    const HttpAnswer answer = ask_at(path, {"GET", "/"}, {});
    return answer.status == 200 && answer.body.starts_with(kIndex);
  } catch (const AttachError& error) {
    if (error.status() == AttachError::kNoAnswer) throw;
    return false;
  }
}

HttpAnswer ReachedProcess::ask(const HttpQuestion& question,
                               std::chrono::milliseconds works_for) const {
  return ask_at(path_, question, works_for);
}

HttpAnswer ReachedProcess::ask_at(const std::string& path, const HttpQuestion& question,
                                  std::chrono::milliseconds works_for) const {
  const int connection = connect_to(process_, path);
  if (connection < 0)
    throw AttachError(AttachError::kUnreachable,
                      name_of(process_) + " does not listen at " + path + " any more");
  try {
    HttpClient client(connection);
    return client.ask(question, HttpClient::Clock::now() + patience_ + works_for);
  } catch (const HttpError& error) {
    static_cast<void>(status_of_running(process_));  // or says why there is no answer
    throw AttachError(error.is_late ? AttachError::kNoAnswer : AttachError::kUnreachable,
                      name_of(process_) + " at " + path + ": " + error.what());
  }
}

std::string ReachedProcess::body_of(HttpAnswer answer) {
  if (answer.status == 200) return std::move(answer.body);
  constexpr std::size_t kMost = 400;
  while (!answer.body.empty() && answer.body.back() == '\n') answer.body.pop_back();
  if (answer.body.empty()) answer.body = "HTTP status " + std::to_string(answer.status);
  throw AttachError(AttachError::kMistakes, answer.body.substr(0, kMost));
}

std::string ReachedProcess::get(const std::string& target, const std::string& type) const {
  return body_of(ask({"GET", target, {}, type}));
}

std::string ReachedProcess::set(const std::string& control, const std::string& value) const {
  return body_of(ask({"PUT", "/control/" + escaped(control), value}));
}

}  // namespace luna::tool
