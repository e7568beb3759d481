// SPDX-License-Identifier: MIT
#include "blackbox/box_sites.hpp"

#include "base/align.hpp"
#include "telemetry/amounts.hpp"

#include <lunalloc/blackbox.h>

#include <cstring>

namespace luna {

namespace {

// Who asks for room has asked whether there is any.
struct Writer {
  template <typename Type>
  void put(const Type& object) noexcept {
    std::memcpy(to + used, &object, sizeof object);
    used += sizeof object;
  }
  void put_text(std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(to + used, text.data(), text.size());
    used += text.size();
  }
  void pad() noexcept {
    const std::size_t whole = round_up(used, 8);
    std::memset(to + used, 0, whole - used);
    used = whole;
  }

  char* to;
  std::size_t capacity;
  std::size_t used = 0;
};

static_assert(sizeof(luna_blackbox_sites) +
                  LiveSites::kMost * (sizeof(luna_blackbox_site) + kMostBoxFrames * 8) <=
              kLeastSitesBytes);

void put_site(Writer& writer, const LiveSite& site) noexcept {
  const std::size_t frames = site.stack.depth < kMostBoxFrames ? site.stack.depth : kMostBoxFrames;
  const luna_blackbox_site row = {
      rounded(site.live.bytes),           rounded(site.live.objects),
      rounded(site.allocated.bytes),      rounded(site.allocated.objects),
      static_cast<std::uint32_t>(frames), static_cast<std::uint32_t>(site.stack.depth)};
  writer.put(row);
  for (std::size_t i = 0; i < frames; ++i) writer.put(std::uint64_t{site.stack.frames[i]});
}

// Of the frames that are told.
[[nodiscard]] bool has_frame_in(const LiveSites& sites, const os::Module& module) noexcept {
  for (std::size_t row = 0; row < sites.count; ++row) {
    const Stack& stack = sites.rows[row].stack;
    for (std::size_t i = 0; i < stack.depth && i < kMostBoxFrames; ++i)
      if (stack.frames[i] - 1 >= module.begin && stack.frames[i] - 1 < module.end) return true;
  }
  return false;
}

// False: there is no room.
[[nodiscard]] bool put_module(Writer& writer, const os::Module& module) noexcept {
  const std::size_t bytes =
      sizeof(luna_blackbox_module) + module.path.size() + module.build_id.size() + 7;
  if (bytes > writer.capacity - writer.used) return false;
  writer.put(luna_blackbox_module{module.begin, module.end, module.bias,
                                  static_cast<std::uint32_t>(module.path.size()),
                                  static_cast<std::uint32_t>(module.build_id.size())});
  writer.put_text(module.path);
  writer.put_text(module.build_id);
  writer.pad();
  return true;
}

}  // namespace

std::size_t encode_sites(const LiveSites& sites, Modules modules, char* to,
                         std::size_t capacity) noexcept {
  luna_blackbox_sites head = {static_cast<std::uint32_t>(sites.count),
                              0,
                              sites.all_sites,
                              rounded(sites.all_live_bytes),
                              sites.interval_bytes,
                              sites.dropped_samples};
  Writer writer = {to, capacity};
  writer.put(head);
  for (std::size_t i = 0; i < sites.count; ++i) put_site(writer, sites.rows[i]);
  for (const os::Module& module : modules)
    if (has_frame_in(sites, module) && put_module(writer, module)) ++head.modules;
  std::memcpy(to, &head, sizeof head);
  return writer.used;
}

}  // namespace luna
