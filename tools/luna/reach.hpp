// SPDX-License-Identifier: MIT
// A process that answers at its control socket, which is switched on for as long as that takes if
// it was off. docs/luna.md.
#pragma once

#include "attach_target.hpp"
#include "http_client.hpp"
#include "private_socket.hpp"

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

namespace luna::tool {

// It has no control socket of its own.
struct ServesNot : AttachError {
  using AttachError::AttachError;
};

class ReachedProcess {
 public:
  // kAsItIs: nothing is switched on, and ServesNot is thrown where that were needed.
  enum class Means : char { kAny, kAsItIs };

  // Throws AttachError, which says why it cannot be reached, and Interrupted.
  ReachedProcess(pid_t process, std::chrono::milliseconds patience, Means means = Means::kAny);

  [[nodiscard]] pid_t number() const noexcept { return process_; }

  // Whatever the status is. `works_for`: how long an answer takes that is wanted so. Throws
  // AttachError and Interrupted.
  [[nodiscard]] HttpAnswer ask(const HttpQuestion& question,
                               std::chrono::milliseconds works_for = {}) const;

  // Throws AttachError (kMistakes) with what a refusal says.
  [[nodiscard]] static std::string body_of(HttpAnswer answer);

  // The body of an answer, of that type where there are several. Throws both.
  [[nodiscard]] std::string get(const std::string& target, const std::string& type = {}) const;
  [[nodiscard]] std::string set(const std::string& control, const std::string& value) const;

 private:
  [[nodiscard]] bool serves_at(const std::string& path) const;
  [[nodiscard]] HttpAnswer ask_at(const std::string& path, const HttpQuestion& question,
                                  std::chrono::milliseconds works_for) const;

  pid_t process_;
  std::chrono::milliseconds patience_;
  std::optional<PrivateSocket> own_;  // where the process had none
  std::string path_;
};

}  // namespace luna::tool
