// SPDX-License-Identifier: MIT
// Has a process take samples for as long as somebody wants them.
#pragma once

#include "reach.hpp"

namespace luna::tool {

// Requires: the process outlives it.
class SamplingSwitch {
 public:
  explicit SamplingSwitch(const ReachedProcess& process) : process_(process) {}

  // Takes no more samples if it is this that began with them; says so in a line on stderr where the
  // process did not do it.
  ~SamplingSwitch();
  SamplingSwitch(const SamplingSwitch&) = delete;
  SamplingSwitch& operator=(const SamplingSwitch&) = delete;

  // Throws AttachError and Interrupted.
  void begin();
  // As it was before begin(). Throws both.
  void end();

  [[nodiscard]] bool has_begun() const noexcept { return has_begun_; }

 private:
  const ReachedProcess& process_;
  bool has_begun_ = false;
};

}  // namespace luna::tool
