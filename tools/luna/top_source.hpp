// SPDX-License-Identifier: MIT
// Asks a process for all that `luna top` shows.
#pragma once

#include "process_watch.hpp"
#include "reach.hpp"
#include "sampling_switch.hpp"
#include "symbolizer.hpp"
#include "top_picture.hpp"

#include <optional>
#include <stdexcept>
#include <string>

namespace luna::tool {

struct ProcessEnded : std::runtime_error {
  ProcessEnded() : std::runtime_error("the process has ended") {}
};

// Threads: one at a time.
class TopSource {
 public:
  explicit TopSource(const ReachedProcess& process);

  // "redis-server (4711)", printable.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Computed with the look before. `turns_sampling`: switches samples on, or off again. Throws
  // ProcessEnded, AttachError, NoStatistics, ProfileError and Interrupted.
  [[nodiscard]] TopPicture look(bool turns_sampling);

 private:
  [[nodiscard]] TopLook take_look();
  void add_controls(TopLook& look) const;
  void add_profile(TopLook& look);

  const ReachedProcess& process_;
  ProcessWatch watch_;
  SamplingSwitch sampling_;
  Symbolizer symbolizer_;
  std::string name_;
  std::optional<TopLook> before_;
};

}  // namespace luna::tool
