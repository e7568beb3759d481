// SPDX-License-Identifier: MIT
// Spans and huge blocks whose pages the kernel moves, within a page heap or from one to another.
// Runs are not moved: what they leave in their regions would be mappings of their own.
#include "os/memory.hpp"
#include "pages/page_heap.hpp"

namespace luna {

namespace {

// Whether huge pages are made of a span just now: the advice for that would move along with
// the pages, and nobody would ever take it back.
[[nodiscard]] bool is_collapsing(const Region* head) noexcept {
  if (head->arena == nullptr) return false;
  const std::size_t regions = regions_for(head->span_pages);
  for (std::size_t i = 0; i < regions; ++i)
    if (head[i].collapsing) return true;
  return false;
}

// What is of the kernel's pool stays so: its regions are told apart by that.
[[nodiscard]] bool is_of_pool(const Region* head) noexcept {
  return head->arena != nullptr && head->arena->hugetlb;
}

}  // namespace

// The locks of the two page heaps are never held at once.
void* PageHeap::move(void* memory, std::size_t pages, PageHeap& to) noexcept {
  // A larger kernel page could hold the end of the span and somebody's run.
  if (os::page_bytes() != kPageBytes || pages <= kPagesPerRegion) return nullptr;
  Region* old_head = window_.region_of(memory);
  if (old_head->span_pages <= kPagesPerRegion || old_head->state == RegionState::kShared)
    return nullptr;
  if (is_of_pool(old_head) || window_.has_many_moved_spans()) return nullptr;
  if (!begin_move(old_head)) return nullptr;
  const std::size_t old_pages = old_head->span_pages;
  if (void* target = &to != this && pages == old_pages ? exchange(old_head, to) : nullptr;
      target != nullptr) {
    end_move(old_head, true);
    set_aside(memory, pages);
    return target;
  }
  void* target = to.take(pages, 1, false);
  Region* new_head = target != nullptr ? window_.region_of(target) : nullptr;
  const std::size_t bytes = (pages < old_pages ? pages : old_pages) * kPageBytes;
  if (new_head == nullptr || is_of_pool(new_head) || !os::move_pages(memory, target, bytes)) {
    if (target != nullptr) to.put(target);
    end_move(old_head, false);
    return nullptr;
  }
  to.end_move(new_head, true);
  os::ScopedLock guard(lock_);
  old_head->moving = false;
  put_large(old_head, pages < old_pages);
  settle_charge();
  return target;
}

// Where the other page heap keeps a block of this length, that becomes the span's place, and its
// pages come here: so a program that hands block after block on has none of them backed anew.
void* PageHeap::exchange(const Region* head, PageHeap& to) noexcept {
  void* target = to.take_recent(head->span_pages, 1);
  if (target == nullptr) return nullptr;
  Region* place = window_.region_of(target);
  const bool exchanged = !is_of_pool(place) && to.begin_move(place) &&
                         os::exchange_pages(head->memory, target, head->span_pages * kPageBytes);
  to.end_move(place, exchanged);
  if (exchanged) return target;
  to.put(target);
  return nullptr;
}

// False: not just now.
bool PageHeap::begin_move(Region* head) noexcept {
  os::ScopedLock guard(lock_);
  if (is_collapsing(head)) return false;
  if (!unguard_end(head, head->span_pages)) return false;
  head->moving = true;
  if (head->arena != nullptr) forbid_span(head);
  return true;
}

// A huge block has a mapping of its own anyway, and what was moved before counts once.
void PageHeap::end_move(Region* head, bool has_others_pages) noexcept {
  os::ScopedLock guard(lock_);
  head->moving = false;
  if (!has_others_pages || head->moved || head->state != RegionState::kSpanHead) return;
  head->moved = true;
  window_.count_moved_span();
}

// Takes back all advice for huge pages: so the span is one mapping again, without which
// kernels before 6.17 do not move it, and where it arrives there is no advice either.
void PageHeap::forbid_span(Region* head) noexcept {
  const std::size_t regions = regions_for(head->span_pages);
  bool any = false;
  for (std::size_t i = 0; i < regions; ++i) any = any || head[i].huge;
  if (!any) return;
  os::forbid_huge_pages(head->memory, regions * kRegionBytes);
  for (std::size_t i = 0; i < regions; ++i) note_huge(head + i, false);
}

}  // namespace luna
