// SPDX-License-Identifier: MIT
// A site of one profile is that of another if the names of its frames and its labels are the same:
// addresses differ from process to process, and lines from build to build.
#include "amount_text.hpp"
#include "frame_names.hpp"
#include "printable.hpp"
#include "profile_file.hpp"
#include "profile_output.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;
using Stack = std::u32string;  // of labels and names by their numbers, the outermost first

struct Change {
  const Stack* stack = nullptr;
  std::int64_t before = 0;
  std::int64_t after = 0;

  [[nodiscard]] std::int64_t delta() const noexcept { return wrapped_difference(after, before); }
};

class Changes {
 public:
  // Adds the amounts of a profile, as those before or those after.
  void add(const HeapProfile& profile, std::size_t amount, std::int64_t Change::*side) {
    const std::vector<std::uint32_t> begins = names_.add(profile);
    Stack stack;
    for (std::size_t i = 0; i < profile.samples.size(); ++i) {
      const HeapProfile::Sample& sample = profile.samples[i];
      stack = labels_of(profile, sample);
      const auto frames = profile.stack_of(sample);
      for (std::size_t frame = frames.size(); frame-- > 0;) {
        const auto names = names_.names_of(begins, frames[frame]);
        stack.append(names.rbegin(), names.rend());
      }
      std::int64_t& sum = changes_[stack].*side;
      sum = wrapped_sum(sum, profile.value_of(i, amount));
    }
  }

  // What grew most comes first, what shrank most last.
  [[nodiscard]] std::vector<Change> sorted() const {
    std::vector<Change> rows;
    for (const auto& [stack, change] : changes_)
      if (change.delta() != 0) rows.push_back({&stack, change.before, change.after});
    std::sort(rows.begin(), rows.end(), [](const Change& one, const Change& other) {
      return one.delta() != other.delta() ? one.delta() > other.delta() : *one.stack < *other.stack;
    });
    return rows;
  }

  [[nodiscard]] Change total() const {
    Change total;
    for (const auto& [stack, change] : changes_) {
      total.before = wrapped_sum(total.before, change.before);
      total.after = wrapped_sum(total.after, change.after);
    }
    return total;
  }

  // A label, as "[key=value]", or the name of a frame.
  [[nodiscard]] const std::string& text(char32_t number) const {
    return number >= kLabels ? label_texts_[number - kLabels] : names_.text(number);
  }

 private:
  static constexpr char32_t kLabels = 0x80000000;

  [[nodiscard]] Stack labels_of(const HeapProfile& profile, const HeapProfile::Sample& sample) {
    Stack stack;
    for (const HeapProfile::Label& label : profile.label_sets[sample.labels]) {
      std::string text = "[" + label.key + "=" + label.value + "]";
      const auto next = static_cast<char32_t>(kLabels + label_texts_.size());
      const auto [found, is_new] = labels_.try_emplace(text, next);
      if (is_new) label_texts_.push_back(std::move(text));
      stack += found->second;
    }
    return stack;
  }

  FrameNames names_;
  std::unordered_map<std::string, char32_t> labels_;
  std::vector<std::string> label_texts_;
  std::unordered_map<Stack, Change> changes_;
};

[[nodiscard]] std::string signed_text(std::int64_t amount, const std::string& unit) {
  std::string text = amount_text(amount, unit);
  if (amount > 0) text.insert(text.begin(), '+');
  return text;
}

void write_rows(const Changes& changes, const std::vector<Change>& rows, const std::string& unit,
                std::ostream& out) {
  for (const Change& row : rows) {
    out << '\n'
        << signed_text(row.delta(), unit) << ": " << amount_text(row.before, unit) << " to "
        << amount_text(row.after, unit) << '\n';
    for (auto name = row.stack->rbegin(); name != row.stack->rend(); ++name)
      out << "    " << printable(changes.text(*name)) << '\n';
  }
}

// What grew, and what shrank, each with most first.
void write_text(const Changes& changes, const std::string& unit, std::size_t count,
                std::ostream& out) {
  std::vector<Change> grown = changes.sorted();
  const auto split =
      std::find_if(grown.begin(), grown.end(), [](const Change& row) { return row.delta() < 0; });
  std::vector<Change> shrunk(std::make_reverse_iterator(grown.end()),
                             std::make_reverse_iterator(split));
  grown.erase(split, grown.end());
  const Change total = changes.total();
  out << "From " << amount_text(total.before, unit) << " to " << amount_text(total.after, unit)
      << ", " << signed_text(total.delta(), unit) << ": " << grown.size()
      << (grown.size() == 1 ? " site" : " sites") << " grew, " << shrunk.size() << " shrank\n";
  for (std::vector<Change>* rows : {&grown, &shrunk}) {
    if (rows->empty()) continue;
    out << (rows == &grown ? "\nGrew" : "\nShrank");
    if (rows->size() > count) out << ", the first " << count << " of " << rows->size();
    out << '\n';
    rows->resize(std::min(count, rows->size()));
    write_rows(changes, *rows, unit, out);
  }
}

// Two numbers a line, as flame graphs of differences are made from.
void write_collapsed(const Changes& changes, std::ostream& out) {
  for (const Change& row : changes.sorted()) {
    const char* separator = "";
    for (const char32_t name : *row.stack) {
      out << separator << folded_text(changes.text(name));
      separator = ";";
    }
    out << ' ' << std::max<std::int64_t>(row.before, 0) << ' '
        << std::max<std::int64_t>(row.after, 0) << '\n';
  }
}

void write_json(const Changes& changes, const HeapProfile::ValueType& type, std::ostream& out) {
  const Change total = changes.total();
  Json sites = Json::array();
  for (const Change& row : changes.sorted()) {
    Json frames = Json::array();
    for (auto name = row.stack->rbegin(); name != row.stack->rend(); ++name)
      frames.push_back(changes.text(*name));
    sites.push_back({{"delta", row.delta()},
                     {"before", row.before},
                     {"after", row.after},
                     {"frames", std::move(frames)}});
  }
  const Json whole = {{"format", "luna-profile-diff"},
                      {"version", 1},
                      {"type", type.name},
                      {"unit", type.unit},
                      {"before", total.before},
                      {"after", total.after},
                      {"sites", std::move(sites)}};
  out << whole.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
}

[[nodiscard]] int diff(const FileArguments& arguments) {
  Symbolizer symbolizer(arguments.debug_folder);
  Changes changes;
  HeapProfile::ValueType type;
  std::string title;
  int status = ProfileError::kDone;
  for (const bool is_later : {false, true}) {
    const std::string& path = is_later ? arguments.other : arguments.file;
    HeapProfile profile = read_profile_of(path);
    const ProfileView view = choose_view_of(path, profile, arguments.type);
    if (is_later && view.title != title)
      throw ProfileError(ProfileError::kUsage, path + " shows `" + view.title + "`, and " +
                                                   arguments.file + " `" + title +
                                                   "`; choose one with --type");
    title = view.title;
    type = profile.types[view.amount];
    symbolizer.name_frames(profile);
    changes.add(profile, view.amount, is_later ? &Change::after : &Change::before);
    if (const int told = status_of(path, profile.cut); told != ProfileError::kDone) status = told;
  }
  write_output(arguments, [&](std::ostream& out) {
    if (arguments.format == "collapsed") {
      write_collapsed(changes, out);
    } else if (arguments.format == "json") {
      write_json(changes, type, out);
    } else {
      write_text(changes, type.unit, arguments.rows, out);
    }
  });
  tell_unnamed(symbolizer);
  return status;
}

}  // namespace

int diff_files(const FileArguments& arguments) {
  return run_or_complain([&] { return diff(arguments); });
}

}  // namespace luna::tool
