// SPDX-License-Identifier: MIT
// What `luna watch` does when its conditions hold.
#pragma once

#include "reach.hpp"
#include "statistics.hpp"

#include <optional>
#include <string>

namespace luna::tool {

struct WatchAction {
  enum class Kind : char { kProfile, kLeaks, kStats, kPurge, kCommand };

  Kind kind = Kind::kStats;
  std::string command;  // for a shell

  [[nodiscard]] bool needs_samples() const noexcept {
    return kind == Kind::kProfile || kind == Kind::kLeaks;
  }
};

// Nothing: there is no such action.
[[nodiscard]] std::optional<WatchAction> parse_action(const std::string& text);

// What was seen when they came to hold.
struct WatchEvent {
  const Statistics& statistics;
  std::string conditions;
  std::string folder;  // for files
};

// Returns what was done, for people. Files are the owner's alone, and none is written over. Throws
// AttachError, and Interrupted where a signal has ended the command.
[[nodiscard]] std::string carry_out(const WatchAction& action, const WatchEvent& event,
                                    const ReachedProcess& process);

}  // namespace luna::tool
