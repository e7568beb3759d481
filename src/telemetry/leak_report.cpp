// SPDX-License-Identifier: MIT
#include "telemetry/leak_report.hpp"

#include "base/sort.hpp"
#include "os/memory.hpp"
#include "telemetry/frames.hpp"

#include <new>
#include <span>

namespace luna {

namespace {

// Whether a site is told of before another.
[[nodiscard]] bool stands_before(const RankedSite& one, const RankedSite& other) noexcept {
  const bool suspect = is_suspect(one.verdict.leak_class);
  if (suspect != is_suspect(other.verdict.leak_class)) return suspect;
  const bool lost = one.verdict.leak_class == LeakClass::kLost;
  if (lost != (other.verdict.leak_class == LeakClass::kLost)) return lost;
  if (one.verdict.score != other.verdict.score) return one.verdict.score > other.verdict.score;
  return one.row < other.row;
}

}  // namespace

bool LeakReport::make(Suppressions& suppressions) noexcept {
  release();
  if (profile_.count == 0) return true;
  sites_ = static_cast<RankedSite*>(os::map(profile_.count * sizeof(RankedSite)));
  if (sites_ == nullptr) return false;
  judge_all();
  sort(std::span<RankedSite>(sites_, count_), stands_before);
  if (!find_names()) return false;
  suppress(suppressions);
  return true;
}

void LeakReport::judge_all() noexcept {
  for (std::size_t i = 0; i < profile_.count; ++i) {
    const LeakVerdict verdict = judge(profile_.rows[i], profile_.began, profile_.now);
    ++counts_[static_cast<std::size_t>(verdict.leak_class)];
    if (verdict.leak_class == LeakClass::kSteady && !verdict.is_open) continue;
    ::new (sites_ + count_++) RankedSite{static_cast<std::uint32_t>(i), false, verdict};
  }
}

bool LeakReport::find_names() noexcept {
  for (std::size_t i = 0; i < count_; ++i)
    if (!names_.add(row_of(sites_[i]).stack) || !code_names_.add(row_of(sites_[i]).stack, modules_))
      return false;
  modules_ = modules_.with(code_names_);
  return names_.load(modules_) && code_names_.load();
}

std::string_view LeakReport::name_of(std::uintptr_t frame) const noexcept {
  const std::string_view name = runtime_name_of(modules_, frame);
  return name.empty() ? names_.name_of(frame) : name;
}

void LeakReport::suppress(Suppressions& suppressions) noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    RankedSite& site = sites_[i];
    if (!is_suspect(site.verdict.leak_class)) break;
    Suppression* found = find(suppressions, row_of(site).stack);
    if (found == nullptr) continue;
    ++found->count;
    found->bytes += row_of(site).live.bytes;
    site.is_suppressed = true;
    ++suppressed_;
    --counts_[static_cast<std::size_t>(site.verdict.leak_class)];
  }
}

// By the name of any function on the stack, or the path of its module or source.
Suppression* LeakReport::find(Suppressions& suppressions, const Stack& stack) const noexcept {
  for (std::size_t i = 0; i < stack.depth; ++i) {
    const std::uintptr_t frame = stack.frames[i];
    if (Suppression* found = suppressions.find(name_of(frame)); found != nullptr) return found;
    if (is_runtime_frame(frame)) {
      if (Suppression* found = suppressions.find(runtime_frame(frame).file); found != nullptr)
        return found;
      continue;
    }
    const std::size_t module = find_module(modules_, call_address(frame));
    if (module == modules_.size()) continue;
    if (Suppression* found = suppressions.find(modules_[module].path); found != nullptr)
      return found;
  }
  return nullptr;
}

void LeakReport::release() noexcept {
  if (sites_ != nullptr) os::release(sites_, profile_.count * sizeof(RankedSite));
  sites_ = nullptr;
  count_ = suppressed_ = 0;
  counts_ = {};
}

}  // namespace luna
