// SPDX-License-Identifier: MIT
#include "metric_page.hpp"

#include "printable.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace luna::tool {

namespace {

// So that no process can write what `luna serve` itself says.
constexpr std::string_view kPrefix = "lunalloc_";
constexpr std::array<std::string_view, 6> kTypes = {"counter", "gauge",   "info",
                                                    "unknown", "untyped", "stateset"};
constexpr std::array<std::string_view, 2> kOwnLabels = {"pid", "comm"};
constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

// What is in front of the first letter that is not of `letters`; it goes from the text.
[[nodiscard]] std::string_view take_all(std::string_view& text, std::string_view letters) {
  const std::string_view taken = text.substr(0, text.find_first_not_of(letters));
  text.remove_prefix(taken.size());
  return taken;
}

[[nodiscard]] std::string_view take_until(std::string_view& text, char end) {
  const std::string_view taken = text.substr(0, text.find(end));
  text.remove_prefix(std::min(taken.size() + 1, text.size()));
  return taken;
}

[[nodiscard]] bool take(std::string_view& text, std::string_view expected) {
  const bool is_there = text.starts_with(expected);
  if (is_there) text.remove_prefix(expected.size());
  return is_there;
}

[[nodiscard]] bool is_name(std::string_view text) {
  return text.starts_with(kPrefix) && text.find_first_not_of(kNameLetters) == text.npos;
}

// Up to the quote that ends it; `\` makes the next letter part of it.
[[nodiscard]] bool take_quoted(std::string_view& text) {
  if (!take(text, "\"")) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] != '\\') continue;
    ++i;
    constexpr std::string_view kEscaped = "\\\"n";
    if (i == text.size() || kEscaped.find(text[i]) == kEscaped.npos) return false;
  }
  return false;
}

// key="value",key="value"} and what is behind it; false unless that is so, and no key is ours.
[[nodiscard]] bool take_labels(std::string_view& text) {
  if (take(text, "}")) return true;
  do {
    const std::string_view key = take_all(text, kNameLetters);
    const bool is_ours = std::find(kOwnLabels.begin(), kOwnLabels.end(), key) != kOwnLabels.end();
    if (key.empty() || (key[0] >= '0' && key[0] <= '9') || is_ours) return false;
    if (!take(text, "=") || !take_quoted(text)) return false;
  } while (take(text, ","));
  return take(text, "}");
}

// As Prometheus reads it too.
[[nodiscard]] bool is_value(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end && !text.ends_with(')');
}

}  // namespace

// The lines of one answer.
class MetricPage::Reader {
 public:
  explicit Reader(std::string_view labels) : labels_(labels) {}

  [[nodiscard]] bool read(std::string_view text) {
    while (!text.empty())
      if (!read_line(printable(take_until(text, '\n')))) return false;
    return true;
  }

  [[nodiscard]] std::vector<Family> take_families() { return std::move(families_); }

 private:
  [[nodiscard]] bool read_line(const std::string& line) {
    std::string_view rest = line;
    if (take(rest, "# TYPE ")) return read_type(rest);
    if (take(rest, "# HELP ")) return read_word_of(rest, &Family::help);
    if (take(rest, "# UNIT ")) return read_unit(rest);
    return rest.empty() || rest[0] == '#' || read_sample(rest);
  }

  [[nodiscard]] bool read_type(std::string_view rest) {
    Family& family = family_of(take_until(rest, ' '));
    if (!is_name(family.name) || (!family.type.empty() && family.type != rest)) return false;
    family.type = rest;
    return std::find(kTypes.begin(), kTypes.end(), rest) != kTypes.end();
  }

  [[nodiscard]] bool read_word_of(std::string_view rest, std::string Family::*field) {
    Family& family = family_of(take_until(rest, ' '));
    family.*field = rest;
    return is_name(family.name);
  }

  [[nodiscard]] bool read_unit(std::string_view rest) {
    return read_word_of(rest, &Family::unit) && !families_.back().unit.empty() &&
           families_.back().name.ends_with("_" + families_.back().unit);
  }

  // Of the family whose lines come; its name may go on, as with _total.
  [[nodiscard]] bool read_sample(std::string_view line) {
    std::string_view rest = line;
    const std::string_view name = take_all(rest, kNameLetters);
    if (families_.empty() || families_.back().type.empty()) return false;
    Family& family = families_.back();
    if (name != family.name && !name.starts_with(family.name + "_")) return false;
    const bool has_labels = take(rest, "{");
    const std::string_view begin = rest;
    if (has_labels && !take_labels(rest)) return false;
    const std::string_view own = begin.substr(0, begin.size() - rest.size());  // with its bracket
    if (!take(rest, " ") || !is_value(rest)) return false;
    family.samples.append(name).append("{").append(labels_);
    if (own.size() > 1) family.samples.append(",").append(own);
    if (own.size() <= 1) family.samples.append("}");
    family.samples.append(" ").append(rest).append("\n");
    return true;
  }

  [[nodiscard]] Family& family_of(std::string_view name) {
    if (families_.empty() || families_.back().name != name) {
      families_.emplace_back();
      families_.back().name = name;
    }
    return families_.back();
  }

  std::string_view labels_;
  std::vector<Family> families_;
};

bool MetricPage::is_known_as_other(const Family& family) const {
  const auto place = places_.find(family.name);
  if (place == places_.end()) return false;
  const Family& known = families_[place->second];
  return known.type != family.type || known.unit != family.unit;
}

bool MetricPage::add(std::string_view text, std::string_view labels) {
  Reader reader(labels);
  if (!reader.read(text)) return false;
  std::vector<Family> families = reader.take_families();
  for (const Family& family : families)
    if (family.type.empty() || is_known_as_other(family)) return false;
  for (Family& family : families) {
    const auto [place, is_new] = places_.emplace(family.name, families_.size());
    if (is_new)
      families_.push_back(std::move(family));
    else
      families_[place->second].samples += family.samples;
  }
  return true;
}

std::string MetricPage::text() const {
  std::string result;
  for (const Family& family : families_) {
    result += "# TYPE " + family.name + " " + family.type + "\n";
    if (!family.unit.empty()) result += "# UNIT " + family.name + " " + family.unit + "\n";
    result += "# HELP " + family.name + " " + family.help + "\n" + family.samples;
  }
  return result;
}

std::string label_value(std::string_view text) {
  std::string result;
  for (const char letter : printable(text)) {
    if (letter == '\\' || letter == '"') result += '\\';
    result += letter;
  }
  return result;
}

}  // namespace luna::tool
