// SPDX-License-Identifier: MIT
#include "control/process_mappings.hpp"

#include "base/format.hpp"
#include "base/sort.hpp"

#include <cstring>
#include <new>

namespace luna {

bool ProcessMappings::read(const OwnRanges& own) noexcept {
  auto* reader = ::new (reader_.data()) os::SmapsReader;
  os::SmapsMapping mapping;
  bool any = false;
  while (reader->next(mapping)) {
    any = true;
    resident_ += mapping.resident_bytes;
    if (own.cover(mapping.begin, mapping.end)) {
      own_huge_ += mapping.huge_page_bytes;
      continue;
    }
    const std::uint64_t ours = own.resident_within(mapping.begin, mapping.end);
    if (mapping.resident_bytes <= ours) continue;
    foreign_ += mapping.resident_bytes - ours;
    note(mapping.name.empty() ? "[anonymous]" : mapping.name, mapping.resident_bytes - ours);
  }
  reader->~SmapsReader();
  sort(std::span<ForeignMapping>(groups_.data(), count_),
       [](const ForeignMapping& one, const ForeignMapping& other) noexcept {
         return one.resident_bytes > other.resident_bytes;
       });
  return any;
}

void ProcessMappings::note(std::string_view name, std::uint64_t bytes) noexcept {
  constexpr std::size_t kMostBytes = ForeignMapping::kNameBytes;
  if (name.size() > kMostBytes) name = part_of(name, name.size() - kMostBytes);
  std::size_t at = 0;
  while (at < count_ && groups_[at].view() != name) ++at;
  if (at == kMost) at = kMost - 1;
  ForeignMapping& group = groups_[at];
  if (at == count_) {
    ++count_;
    if (count_ == kMost) name = "[all others]";
    std::memcpy(group.name.data(), name.data(), name.size());
    group.length = name.size();
  }
  ++group.count;
  group.resident_bytes += bytes;
}

}  // namespace luna
