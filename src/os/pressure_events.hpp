// SPDX-License-Identifier: MIT
// Files by which the kernel, or who manages the service, tells that memory gets scarce, for
// poll(2). Each is opened here; which of them and what they mean is in pressure/event_sources.hpp.
#pragma once

#include "os/kernel_file.hpp"
#include "os/own_file.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna::os {

// /proc/pressure/memory, or memory.pressure of a cgroup: exceptional for poll(2) whenever tasks
// waited for memory so long as the trigger says, as "some 200000 2000000" and a 0. False: the
// kernel has no such thing, or wants more rights for it.
[[nodiscard]] bool open_stall_trigger(const KernelFile& file, std::string_view trigger,
                                      OwnFile& opened) noexcept;

// memory.events of a cgroup: exceptional for poll(2) when a count has changed since it was read.
[[nodiscard]] bool open_counts(const KernelFile& file, OwnFile& opened) noexcept;

// The text of such a file, which is thereby waited for anew. Empty: it cannot be read.
[[nodiscard]] std::string_view read_again(const OwnFile& file, char* buffer,
                                          std::size_t capacity) noexcept;

// For the notices below.
[[nodiscard]] bool open_event(OwnFile& opened) noexcept;

// Has a cgroup of version 1 write to the event when its file `subject` says so: of
// memory.usage_in_bytes, when it becomes more or less than so many bytes; of
// memory.pressure_level, when it is "low", "medium" or "critical" or more. Until the event is
// closed.
[[nodiscard]] bool add_notice(const OwnFile& event, std::string_view root,
                              std::string_view directory, std::string_view subject,
                              std::string_view argument) noexcept;

// Reads and forgets what there is. kEnd: nothing, and there will be nothing more.
enum class Drained : std::uint8_t { kData, kNothing, kEnd };
[[nodiscard]] Drained drain(const OwnFile& file) noexcept;

// What the environment of a service may say: docs/pressure.md. The path of a file of the kernel's,
// which is exceptional for poll(2); of a FIFO or a socket, which have data.
struct WatchedPath {
  std::string_view path;   // absolute, and with a 0 behind it
  std::string_view bytes;  // to be written first
};
enum class WatchKind : std::uint8_t { kNone, kUrgent, kStream };
[[nodiscard]] WatchKind open_watch(const WatchedPath& watched, OwnFile& opened) noexcept;

// The bytes that a text in base 64 stands for. False: it is none, or there is no room for them.
[[nodiscard]] bool decode_base64(std::string_view text, std::span<char> bytes,
                                 std::size_t& count) noexcept;

}  // namespace luna::os
