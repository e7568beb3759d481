// SPDX-License-Identifier: MIT
#include "preload/profile_file.hpp"

#include "base/check.hpp"
#include "base/format.hpp"
#include "os/clock.hpp"
#include "os/environment.hpp"
#include "os/memory.hpp"
#include "preload/process.hpp"
#include "telemetry/file_name.hpp"

#include <new>

namespace luna {

namespace {

constexpr std::size_t kLongestEnding = 32;

struct Buffers {
  os::FileOutput file;
  ProfilePath path;
};

}  // namespace

void complain(std::string_view what, std::string_view why) noexcept {
  std::array<char, PATH_MAX + 256> buffer;
  Text text(buffer.data(), buffer.size());
  text.add("lunalloc: ").add(what).add(": ").add(why).add("\n");
  write_error(text.view());
}

std::string_view expand_path(std::string_view pattern, std::string_view option,
                             ProfilePath& path) noexcept {
  std::array<char, 65> host;
  std::array<char, 256> program;
  const FileNameParts parts = {os::process_id(), os::host_name(host.data(), host.size()),
                               os::program_name(program.data(), program.size()),
                               os::epoch_nanoseconds() / 1'000'000'000, process.next_profile()};
  const FileName file = expand_file_name(pattern, parts, path.data(), path.size());
  std::array<char, 64> buffer;
  Text name(buffer.data(), buffer.size());
  name.add("option \"").add(option).add("\"");
  if (file.name.empty()) complain(name.view(), file.error);
  return file.name;
}

std::string_view expand_profile_path(std::string_view ending, ProfilePath& path) noexcept {
  std::array<char, sizeof(Words::text) + kLongestEnding> pattern;
  Text text(pattern.data(), pattern.size());
  const Words option = process.words(process.options().profile_file);
  text.add(option.view()).add(ending);
  return expand_path(text.view(), "profile_file", path);
}

MappedOutput::MappedOutput() noexcept : memory_(os::map(sizeof(Buffers))) {
  if (memory_ == nullptr) return;
  auto* buffers = ::new (memory_) Buffers;
  path = &buffers->path;
  file = &buffers->file;
}

MappedOutput::~MappedOutput() {
  if (file == nullptr) return;
  file->~FileOutput();
  os::release(memory_, sizeof(Buffers));
}

}  // namespace luna
