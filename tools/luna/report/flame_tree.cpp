// SPDX-License-Identifier: MIT
// Unfolds the tree from its root: samples that begin alike are neighbours, and each step parts
// those of one node by their next frame. So there is never a tree of all that a million stacks
// have, of which little can be seen.
#include "flame_tree.hpp"

#include "frame_names.hpp"
#include "profile_view.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <queue>
#include <utility>

namespace luna::tool {

namespace {

// What is below this part of the whole in every type of values, cannot be seen.
constexpr double kLeastShare = 1e-4;

// A sample, and how much of its stack is not in the tree yet.
struct Cursor {
  std::uint32_t sample = 0;
  std::uint32_t frames = 0;
  std::uint16_t names = 0;  // left of the frame at hand, which may be several inlined calls
  bool is_earlier = false;
};

// Samples of a node, which are neighbours.
struct Range {
  double share = 0;
  std::uint32_t node = 0;
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] bool operator<(const Range& other) const noexcept { return share < other.share; }
};

struct Side {
  const HeapProfile* profile = nullptr;
  std::vector<std::uint32_t> begins;                // of names, by locations
  std::vector<std::optional<std::size_t>> amounts;  // of each type
};

class Builder {
 public:
  Builder(const HeapProfile& profile, const HeapProfile* earlier) {
    choose_types(profile, earlier);
    add_side(profile);
    if (earlier != nullptr) add_side(*earlier);
    tree_.has_earlier = earlier != nullptr;
    tree_.columns = tree_.types.size() * sides_.size();
    group_of_.assign(names_.count(), 0);
  }

  [[nodiscard]] FlameTree build(std::size_t most_nodes) {
    add_root();
    while (!open_.empty()) {
      const Range range = open_.top();
      open_.pop();
      unfold(range, tree_.nodes.size() < most_nodes);
    }
    keep_used_names();
    return std::move(tree_);
  }

 private:
  struct Group {
    std::uint32_t name = 0;
    std::size_t count = 0;
    std::size_t next = 0;  // where its next sample goes
    bool is_kept = false;
    std::vector<std::int64_t> sums;
  };

  void choose_types(const HeapProfile& profile, const HeapProfile* earlier);
  void add_side(const HeapProfile& profile);
  void add_root();
  void unfold(const Range& range, bool has_room);
  void group(const Range& range);
  void add_children(const Range& range, std::size_t begin, bool has_room);
  void keep_used_names();

  [[nodiscard]] std::uint32_t next_name(const Cursor& cursor) const;
  void advance(Cursor& cursor) const;
  void begin_frame(Cursor& cursor) const;
  void add_values(const Cursor& cursor, std::vector<std::int64_t>& sums) const;
  [[nodiscard]] double share_of(const std::vector<std::int64_t>& sums) const;
  [[nodiscard]] std::uint32_t add_node(const FlameTree::Node& node,
                                       const std::vector<std::int64_t>& sums);

  FlameTree tree_;
  FrameNames names_;
  std::vector<Side> sides_;
  std::vector<Cursor> cursors_;
  std::vector<Cursor> parted_;           // those of a range, while it is unfolded
  std::vector<double> totals_;           // of the absolute values of each column
  std::vector<std::uint32_t> group_of_;  // of each name, in the range at hand; counted from 1
  std::vector<Group> groups_;
  std::priority_queue<Range> open_;
};

[[nodiscard]] std::optional<ProfileView> find_view(const HeapProfile& profile,
                                                   const std::string& name) {
  try {
    return choose_view(profile, name);
  } catch (const ProfileError&) {
    return std::nullopt;
  }
}

void Builder::choose_types(const HeapProfile& profile, const HeapProfile* earlier) {
  const ProfileView shown = choose_view(profile, {});
  sides_.resize(earlier != nullptr ? 2 : 1);
  for (const std::string& name : view_names()) {
    const std::optional<ProfileView> view = find_view(profile, name);
    if (!view) continue;
    const bool is_first = view->amount == shown.amount;
    const auto at = [is_first](auto& list) { return is_first ? list.begin() : list.end(); };
    const HeapProfile::ValueType& values = profile.types[view->amount];
    tree_.types.insert(at(tree_.types), {name, view->title, values.unit, values.name});
    sides_[0].amounts.insert(at(sides_[0].amounts), view->amount);
    if (earlier == nullptr) continue;
    const std::optional<ProfileView> other = find_view(*earlier, name);
    sides_[1].amounts.insert(at(sides_[1].amounts),
                             other ? std::optional(other->amount) : std::nullopt);
  }
  if (!tree_.types.empty()) return;
  const HeapProfile::ValueType& values = profile.types[shown.amount];
  tree_.types.push_back({values.name, shown.title, values.unit, values.name});
  for (Side& side : sides_) side.amounts.emplace_back();
  sides_[0].amounts[0] = shown.amount;
}

void Builder::add_side(const HeapProfile& profile) {
  const bool is_earlier = sides_[0].profile != nullptr;
  Side& side = sides_[is_earlier ? 1 : 0];
  side.profile = &profile;
  side.begins = names_.add(profile);
  tree_.names.resize(names_.count());
  for (std::uint32_t i = 0; i < profile.locations.size(); ++i) {
    const std::uint32_t mapping = profile.locations[i].mapping;
    for (const std::uint32_t name : names_.names_of(side.begins, i)) {
      tree_.names[name].text = names_.text(name);
      if (mapping != HeapProfile::kNone)
        tree_.names[name].module = base_name(profile.mappings[mapping].path);
    }
  }
  for (std::uint32_t i = 0; i < profile.samples.size(); ++i) {
    Cursor& cursor = cursors_.emplace_back();
    cursor = {i, profile.samples[i].frames, 0, is_earlier};
    begin_frame(cursor);
  }
}

void Builder::begin_frame(Cursor& cursor) const {
  if (cursor.frames == 0) return;
  const Side& side = sides_[cursor.is_earlier ? 1 : 0];
  const auto stack = side.profile->stack_of(side.profile->samples[cursor.sample]);
  const std::uint32_t location = stack[cursor.frames - 1];
  cursor.names = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(side.begins[location + 1] - side.begins[location], UINT16_MAX));
}

std::uint32_t Builder::next_name(const Cursor& cursor) const {
  const Side& side = sides_[cursor.is_earlier ? 1 : 0];
  const auto stack = side.profile->stack_of(side.profile->samples[cursor.sample]);
  return names_.names_of(side.begins, stack[cursor.frames - 1])[cursor.names - 1U];
}

void Builder::advance(Cursor& cursor) const {
  if (--cursor.names != 0) return;
  --cursor.frames;
  begin_frame(cursor);
}

void Builder::add_values(const Cursor& cursor, std::vector<std::int64_t>& sums) const {
  const Side& side = sides_[cursor.is_earlier ? 1 : 0];
  const std::size_t first = cursor.is_earlier ? tree_.types.size() : 0;
  for (std::size_t i = 0; i < side.amounts.size(); ++i)
    if (side.amounts[i])
      sums[first + i] =
          wrapped_sum(sums[first + i], side.profile->value_of(cursor.sample, *side.amounts[i]));
}

// The largest, over all columns, of what it has of the whole.
double Builder::share_of(const std::vector<std::int64_t>& sums) const {
  double share = 0;
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (totals_[i] > 0)
      share = std::max(share, std::abs(static_cast<double>(sums[i])) / totals_[i]);
  return share;
}

std::uint32_t Builder::add_node(const FlameTree::Node& node,
                                const std::vector<std::int64_t>& sums) {
  tree_.nodes.push_back(node);
  tree_.values.insert(tree_.values.end(), sums.begin(), sums.end());
  return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
}

void Builder::add_root() {
  std::vector<std::int64_t> sums(tree_.columns);
  totals_.assign(tree_.columns, 0);
  std::vector<std::int64_t> own(tree_.columns);
  for (const Cursor& cursor : cursors_) {
    std::fill(own.begin(), own.end(), 0);
    add_values(cursor, own);
    for (std::size_t i = 0; i < own.size(); ++i) {
      sums[i] = wrapped_sum(sums[i], own[i]);
      totals_[i] += std::abs(static_cast<double>(own[i]));
    }
  }
  const auto name = static_cast<std::uint32_t>(tree_.names.size());
  tree_.names.push_back({"all", {}});
  const std::uint32_t root = add_node({0, name, 0}, sums);
  open_.push({1, root, 0, cursors_.size()});
}

void Builder::unfold(const Range& range, bool has_room) {
  const auto first = cursors_.begin() + static_cast<std::ptrdiff_t>(range.begin);
  const auto last = cursors_.begin() + static_cast<std::ptrdiff_t>(range.end);
  // Those that end here come first, and are asked no more.
  const auto rest = std::partition(first, last, [](const Cursor& one) { return one.frames == 0; });
  const auto begin = static_cast<std::size_t>(rest - cursors_.begin());
  if (begin == range.end) return;
  group({range.share, range.node, begin, range.end});
  add_children(range, begin, has_room);
  for (const Group& one : groups_) group_of_[one.name] = 0;
}

void Builder::group(const Range& range) {
  groups_.clear();
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const std::uint32_t name = next_name(cursors_[i]);
    std::uint32_t& number = group_of_[name];
    if (number == 0) {
      groups_.push_back({name, 0, 0, false, std::vector<std::int64_t>(tree_.columns)});
      number = static_cast<std::uint32_t>(groups_.size());
    }
    Group& mine = groups_[number - 1];
    ++mine.count;
    add_values(cursors_[i], mine.sums);
  }
  std::size_t next = 0;
  for (Group& one : groups_) {
    one.next = next;
    next += one.count;
  }
  parted_.resize(range.end - range.begin);
  for (std::size_t i = range.begin; i < range.end; ++i)
    parted_[groups_[group_of_[next_name(cursors_[i])] - 1].next++] = cursors_[i];
  std::copy(parted_.begin(), parted_.end(),
            cursors_.begin() + static_cast<std::ptrdiff_t>(range.begin));
}

void Builder::add_children(const Range& range, std::size_t begin, bool has_room) {
  std::vector<std::int64_t> merged_sums(tree_.columns);
  std::uint32_t merged = 0;
  for (Group& one : groups_) {
    const double share = share_of(one.sums);
    one.is_kept = has_room && share >= kLeastShare;
    const std::size_t end = begin + one.count;
    if (one.is_kept) {
      for (std::size_t i = begin; i < end; ++i) advance(cursors_[i]);
      open_.push({share, add_node({range.node, one.name, 0}, one.sums), begin, end});
    } else {
      ++merged;
      for (std::size_t i = 0; i < merged_sums.size(); ++i)
        merged_sums[i] = wrapped_sum(merged_sums[i], one.sums[i]);
    }
    begin = end;
  }
  const auto no_name = static_cast<std::uint32_t>(tree_.names.size() - 1);
  if (merged != 0) static_cast<void>(add_node({range.node, no_name, merged}, merged_sums));
}

void Builder::keep_used_names() {
  std::vector<std::uint32_t> places(tree_.names.size(), HeapProfile::kNone);
  std::vector<FlameTree::Name> used;
  for (FlameTree::Node& node : tree_.nodes) {
    std::uint32_t& place = places[node.name];
    if (place == HeapProfile::kNone) {
      place = static_cast<std::uint32_t>(used.size());
      used.push_back(std::move(tree_.names[node.name]));
    }
    node.name = place;
  }
  tree_.names = std::move(used);
}

}  // namespace

FlameTree make_flame_tree(const HeapProfile& profile, const HeapProfile* earlier,
                          std::size_t most_nodes) {
  return Builder(profile, earlier).build(most_nodes);
}

}  // namespace luna::tool
