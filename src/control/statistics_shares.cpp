// SPDX-License-Identifier: MIT
// The ratios of statistics_writer.hpp.
#include "control/statistics_fields.hpp"
#include "control/statistics_writer.hpp"

namespace luna {

Share hit_share(const luna_stats_detail& detail) noexcept {
  if (!is_known(detail.refilled_blocks) || detail.refills > detail.refilled_blocks) return {};
  return {detail.refilled_blocks - detail.refills, detail.refilled_blocks};
}

Share cache_miss_share(const luna_stats_detail& detail) noexcept {
  if (!is_known(detail.cache_misses) || !is_known(detail.cache_references)) return {};
  return {detail.cache_misses, detail.cache_references};
}

Share tlb_miss_share(const luna_stats_detail& detail) noexcept {
  if (!is_known(detail.tlb_misses) || !is_known(detail.tlb_loads)) return {};
  return {detail.tlb_misses, detail.tlb_loads};
}

Share page_fragmentation(const luna_stats_detail& detail) noexcept {
  const std::uint64_t free = detail.dirty_bytes + detail.retained_bytes;
  if (!is_known(detail.dirty_bytes) || detail.largest_free_bytes > free) return {};
  return {free - detail.largest_free_bytes, free};
}

Share slab_fragmentation(const luna_stats_detail& detail) noexcept {
  if (!is_known(detail.slab_bytes)) return {};
  return {detail.slab_free_bytes + detail.slab_uncut_bytes, detail.slab_bytes};
}

Share unaccounted(const luna_stats_detail& detail) noexcept {
  if (!is_known(detail.resident_bytes)) return {};
  const std::uint64_t resident = detail.resident_bytes;
  const std::uint64_t accounted = detail.accounted_bytes;
  return {resident > accounted ? resident - accounted : accounted - resident, resident};
}

void add_ratio(Output& out, const Share& share, std::string_view unknown) noexcept {
  if (share.whole == 0) {
    out.add(unknown);
    return;
  }
  constexpr std::uint64_t kSteps = 10000;
  const double ratio = static_cast<double>(share.part) / static_cast<double>(share.whole);
  const auto steps = static_cast<std::uint64_t>(ratio * kSteps + 0.5);
  out.add_decimal(steps / kSteps).add(".");
  for (std::uint64_t digit = kSteps / 10; digit > 1 && steps % kSteps < digit; digit /= 10)
    out.add("0");
  out.add_decimal(steps % kSteps);
}

}  // namespace luna
