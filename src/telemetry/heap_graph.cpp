// SPDX-License-Identifier: MIT
#include "telemetry/heap_graph.hpp"

#include "base/sort.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"
#include "telemetry/roots.hpp"

#include <new>

namespace luna {

namespace {

// Mapped and never released: the copy of the process ends soon.
constexpr std::size_t kCandidateBytes = std::size_t{1} << 30;
constexpr std::size_t kMaxCandidates = kCandidateBytes / sizeof(FoundBlock);

}  // namespace

int HeapGraph::find(Findings& findings) noexcept {
  if (!begin()) return os::kNoMemory;
  gather_own();
  gather_stacks();
  if (own_.overflowed() || !find_hidden(hidden_) || hidden_.overflowed()) return os::kNotSupported;
  if (!reader_.works() || !mark_from_roots()) return os::kNotSupported;
  if (!find_heads()) return os::kNoMemory;
  report(findings);
  return 0;
}

bool HeapGraph::begin() noexcept {
  candidates_ = static_cast<FoundBlock*>(os::map(kCandidateBytes));
  return candidates_ != nullptr && own_.begin() && hidden_.begin() && census_.begin() &&
         reachable_.begin() && tried_.begin() && hanging_.begin() && heads_.begin(census_.window());
}

// All that knows addresses of blocks for our own purposes. What is mapped from here on would
// be missing.
void HeapGraph::gather_own() noexcept {
  const auto add = [this](std::uintptr_t begin, std::size_t bytes) noexcept {
    own_.add(begin, bytes);
  };
  census_.for_each_range(add);
  reachable_.for_each_range(add);
  tried_.for_each_range(add);
  hanging_.for_each_range(add);
  add(address_of(heads_.memory()), heads_.bytes());
  add(address_of(own_.memory()), AddressRanges::bytes());
  add(address_of(hidden_.memory()), AddressRanges::bytes());
  add(address_of(candidates_), kCandidateBytes);
  add(address_of(this), sizeof *this);
  add(view_.findings.begin, view_.findings.end - view_.findings.begin);
  add(address_of(view_.live.memory()), view_.live.bytes());
  add(address_of(view_.threads.memory()), view_.threads.bytes());
  for (const AddressRange& range : view_.own) add(range.begin, range.end - range.begin);
  own_.sort();
}

void HeapGraph::gather_stacks() noexcept {
  stacks_[stack_count_++] = view_.stack_pointer;
  view_.threads.for_each([this](const os::ThreadRegisters& registers) noexcept {
    if (!registers.words.empty()) stacks_[stack_count_++] = registers.stack_pointer;
  });
}

// A stack pointer is a root itself, for a stack may lie in a block.
bool HeapGraph::mark_from_roots() noexcept {
  reachable_.mark(os::Words{stacks_.data(), stack_count_});
  view_.threads.for_each(
      [this](const os::ThreadRegisters& registers) noexcept { reachable_.mark(registers.words); });
  constexpr std::size_t kBytes = sizeof(Roots);
  void* memory = os::map(round_up(kBytes, os::page_bytes()));
  if (memory == nullptr) return false;
  own_.add(address_of(memory), round_up(kBytes, os::page_bytes()));
  own_.sort();
  auto* roots = ::new (memory) Roots(own_);
  for (Root root; roots->next(root);) {
    reader_.read(root.range.begin, root.range.end, root.pages,
                 [this](os::Words words) noexcept { reachable_.mark(words); });
  }
  reachable_.finish();
  return roots->did_read() && !reader_.failed();
}

void HeapGraph::flood(Marker& reached, const FoundBlock& from) noexcept {
  reached.mark(from.begin);
  reached.finish();
}

// Blocks that cannot be reached are parts of a graph. From each, in any order, all is
// reached that was not yet: those from which that begins are candidates. Nothing leads from
// an earlier candidate to a later one; so the last one hangs on no other, or only on those
// of a circle that it is in. The same goes for the last of the rest, when all that it
// leads to is left out, and so on.
bool HeapGraph::find_heads() noexcept {
  bool enough = true;
  for_each_unreachable([&](const FoundBlock& block) noexcept {
    if (tried_.is_marked(block.begin)) return;
    if (candidate_count_ < kMaxCandidates)
      candidates_[candidate_count_++] = block;
    else
      enough = false;
    flood(tried_, block);
  });
  for (std::size_t i = candidate_count_; i-- > 0;) {
    if (hanging_.is_marked(candidates_[i].begin)) continue;
    heads_.set(candidates_[i].begin);
    flood(hanging_, candidates_[i]);
  }
  return enough;
}

// Of a sample whose block is not found, nothing is known.
void HeapGraph::report(Findings& findings) const noexcept {
  findings.count = 0;
  view_.live.for_each([&](const LiveSample& sample) noexcept {
    const FoundBlock block = census_.find(sample.address);
    if (block.bytes == 0 || block.begin != sample.address) return;
    if (reachable_.is_marked(block.begin)) return;
    findings.entries[findings.count++] = {block.begin, sample.born_ns, !heads_.test(block.begin)};
  });
  sort(std::span<Finding>(findings.entries, findings.count),
       [](const Finding& one, const Finding& other) noexcept {
         return one.address < other.address;
       });
}

}  // namespace luna
