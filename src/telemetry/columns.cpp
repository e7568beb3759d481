// SPDX-License-Identifier: MIT
#include "telemetry/columns.hpp"

#include <array>

namespace luna {

namespace {

using Row = const ProfileRow&;

constexpr double kNanosecondsPerMillisecond = 1'000'000;

constexpr Column kAllocObjects = {"alloc_objects", "count",
                                  [](Row row) noexcept { return row.allocated.objects; }};
constexpr Column kAllocSpace = {"alloc_space", "bytes",
                                [](Row row) noexcept { return row.allocated.bytes; }};
constexpr Column kInuseObjects = {"inuse_objects", "count",
                                  [](Row row) noexcept { return row.live.objects; }};
constexpr Column kInuseSpace = {"inuse_space", "bytes",
                                [](Row row) noexcept { return row.live.bytes; }};
constexpr std::array<Column, 4> kHeap = {kAllocObjects, kAllocSpace, kInuseObjects, kInuseSpace};

constexpr Column kPeakObjects = {"inuse_objects", "count",
                                 [](Row row) noexcept { return row.peak.objects; }};
constexpr Column kPeakSpace = {"inuse_space", "bytes",
                               [](Row row) noexcept { return row.peak.bytes; }};
constexpr std::array<Column, 2> kPeak = {kPeakObjects, kPeakSpace};

constexpr Column kMoreAllocObjects = {
    "alloc_objects", "count", [](Row row) noexcept { return row.growth.allocated_objects; }};
constexpr Column kMoreAllocSpace = {"alloc_space", "bytes",
                                    [](Row row) noexcept { return row.growth.allocated_bytes; }};
constexpr Column kMoreInuseObjects = {"inuse_objects", "count",
                                      [](Row row) noexcept { return row.growth.live_objects; }};
constexpr Column kMoreInuseSpace = {"inuse_space", "bytes",
                                    [](Row row) noexcept { return row.growth.live_bytes; }};
constexpr std::array<Column, 4> kGrowth = {kMoreAllocObjects, kMoreAllocSpace, kMoreInuseObjects,
                                           kMoreInuseSpace};

constexpr Column kFreedObjects = {"freed_objects", "count",
                                  [](Row row) noexcept { return row.lifetimes.objects; }};
constexpr Column kFreedSpace = {"freed_space", "bytes",
                                [](Row row) noexcept { return row.lifetimes.bytes; }};
constexpr Column kLifetime = {"lifetime", "nanoseconds",
                              [](Row row) noexcept { return row.lifetimes.nanoseconds; }};
constexpr std::array<Column, 3> kLifetimes = {kFreedObjects, kFreedSpace, kLifetime};
constexpr Column kByteMilliseconds = {
    "space_time", "byte_milliseconds",
    [](Row row) noexcept { return row.lifetimes.byte_nanoseconds / kNanosecondsPerMillisecond; }};

constexpr Column kTemporaryObjects = {
    "alloc_objects", "count", [](Row row) noexcept { return row.lifetimes.temporary_objects; }};
constexpr Column kTemporarySpace = {"alloc_space", "bytes",
                                    [](Row row) noexcept { return row.lifetimes.temporary_bytes; }};
constexpr std::array<Column, 2> kTemporary = {kTemporaryObjects, kTemporarySpace};

constexpr Shown kAllocated = {kAllocObjects, kAllocSpace,
                              [](Row row) noexcept { return row.allocated.samples; }};
constexpr Shown kLive = {kInuseObjects, kInuseSpace,
                         [](Row row) noexcept { return row.live.samples; }};
constexpr Shown kAtPeak = {kPeakObjects, kPeakSpace,
                           [](Row row) noexcept { return row.peak.samples; }};
constexpr Shown kMoreLive = {kMoreInuseObjects, kMoreInuseSpace, nullptr};
constexpr Shown kMoreAllocated = {kMoreAllocObjects, kMoreAllocSpace, nullptr};
constexpr Shown kFreed = {kFreedObjects, kFreedSpace, [](Row row) noexcept {
                            return row.allocated.samples - row.live.samples;
                          }};
constexpr Shown kSoonFreed = {kTemporaryObjects, kTemporarySpace, nullptr};

// In the order of the kinds.
constexpr std::array<KindColumns, kProfileKinds.size()> kKinds = {{
    {kHeap, 3, kInuseSpace, "Heap profile", "Live", kLive, kAllocated},
    {kPeak, 1, kPeakSpace, "Profile of the peak", "Peak", kAtPeak, kAllocated},
    {kGrowth, 3, kMoreInuseSpace, "Profile of the growth", "Growth", kMoreLive, kMoreAllocated},
    {kLifetimes, 1, kByteMilliseconds, "Profile of lifetimes", "Freed", kFreed, kAllocated},
    {kTemporary, 1, kTemporarySpace, "Profile of temporary blocks", "Temporary", kSoonFreed,
     kAllocated},
}};

}  // namespace

const KindColumns& columns_of(ProfileKind kind) noexcept {
  return kKinds[static_cast<std::size_t>(kind)];
}

}  // namespace luna
