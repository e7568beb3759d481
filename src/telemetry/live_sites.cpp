// SPDX-License-Identifier: MIT
#include "telemetry/live_sites.hpp"

#include "telemetry/profiler.hpp"

namespace luna {

void LiveSites::add(const LiveSite& site) noexcept {
  ++all_sites;
  all_live_bytes += site.live.bytes;
  if (!(site.live.bytes > 0)) return;
  std::size_t at = count;
  for (; at > 0 && rows[at - 1].live.bytes < site.live.bytes; --at)
    if (at < kMost) rows[at] = rows[at - 1];
  if (at == kMost) return;
  rows[at] = site;
  if (count < kMost) ++count;
}

void Profiler::find_live_sites(LiveSites& sites) noexcept {
  sites = {};
  if (!begun()) return;
  os::ScopedLock guard(lock_);
  sites.interval_bytes = interval();
  sites.dropped_samples = dropped_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < sites_.count(); ++i) {
    const Site& site = sites_.at(i);
    sites.add({site.stack, site.live, site.allocated});
  }
}

}  // namespace luna
