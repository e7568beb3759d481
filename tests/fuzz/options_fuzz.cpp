// SPDX-License-Identifier: MIT
// Texts that people write: options in the environment and in files, those of jemalloc, requests,
// suppressions, names of files, numbers. What is read makes sense, and can be read again.
#include "control/options.hpp"
#include "control/requests.hpp"
#include "fuzz/input.hpp"
#include "os/kernel_file.hpp"
#include "os/pressure_events.hpp"
#include "preload/jemalloc/conf_text.hpp"
#include "telemetry/file_name.hpp"
#include "telemetry/suppressions.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace luna::fuzz {

namespace {

[[nodiscard]] bool is_printable(std::string_view text) {
  return std::ranges::none_of(
      text, [](char letter) { return (letter >= 0 && letter < ' ') || letter == 0x7f; });
}

// What an option is can be printed, and read again as the same.
void check_options(const Options& options) {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    std::array<char, 300> first;
    std::array<char, 300> second;
    Text printed(first.data(), first.size());
    Text again(second.data(), second.size());
    option_at(i).print(options, printed);
    if (printed.view().empty()) continue;  // a text that was never set
    Options read;
    must(option_at(i).read(printed.view(), read), "what is printed of an option can be read");
    option_at(i).print(read, again);
    must(printed.view() == again.view(), "an option that is read again is the same");
  }
}

void fuzz_options(Input& input) {
  Options options;
  OptionSources sources;
  const std::string text = input.text(input.number(2));
  parse_options(text, "LUNALLOC_CONF", options, &sources);
  check_options(options);
  parse_options_file(input.rest(), "lunalloc.conf", "program", options, &sources);
  check_options(options);
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    const std::string_view source = sources.of[i];
    must(source.empty() || source == "LUNALLOC_CONF" || source == "lunalloc.conf",
         "who set an option is one of the two");
  }
}

// The same line means the same in the environment and in a file.
void fuzz_one_option(Input& input) {
  std::string text = input.rest();
  if (text.find_first_of(",\n\r#[ \t\v\f\0") != std::string::npos || text.starts_with('[')) return;
  Options one;
  Options other;
  parse_options(text, "LUNALLOC_CONF", one);
  parse_options_file(text, "lunalloc.conf", "program", other);
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    std::array<char, 300> first;
    std::array<char, 300> second;
    Text a(first.data(), first.size());
    Text b(second.data(), second.size());
    option_at(i).print(one, a);
    option_at(i).print(other, b);
    must(a.view() == b.view(), "an option is the same in the environment and in a file");
  }
}

void fuzz_jemalloc(Input& input) {
  const std::string text = input.rest();
  for (std::string_view rest = text; !rest.empty();) {
    const jemalloc::ConfPair pair = jemalloc::take_pair(rest);
    for (const jemalloc::ConfRow& row : jemalloc::kConfRows) {
      std::array<char, 256> buffer;
      Text value(buffer.data(), buffer.size() - 1);
      if (row.key.view() != pair.key || !jemalloc::translate(pair.value, row.meaning, value))
        continue;
      Options options;
      const std::size_t index = option_index(row.option);
      must(index < kOptionCount, "jemalloc's options are options of ours");
      static_cast<void>(option_at(index).read(value.view(), options));
      check_options(options);
    }
  }
  static_cast<void>(jemalloc::value_of(text, "prof"));
}

[[nodiscard]] constexpr std::uint16_t place_of(std::string_view name) {
  return static_cast<std::uint16_t>(option_index(name));
}

constexpr Control kTable[] = {
    {.name = "version", .kind = ControlKind::kWord, .word = []() noexcept { return "1.2.3"; }},
    {.name = "decay.ms",
     .unit = "ms",
     .range = {0, 1000},
     .option = place_of("decay_ms"),
     .apply = nullptr},
    {.name = "background", .option = place_of("background"), .apply = []() noexcept { return 11; }},
    {.name = "profile.file", .option = place_of("profile_file"), .apply = nullptr},
    {.name = "enabled", .note = "it is too late", .option = place_of("enabled"), .apply = nullptr},
    {.name = "memory.purge",
     .range = {0, 100},
     .kind = ControlKind::kAction,
     .act =
         [](std::uint64_t number) noexcept {
           must(number <= 100, "an action gets a number in its range");
           return 0;
         }},
    {.name = "stats.live",
     .kind = ControlKind::kFigure,
     .figure = [](void*) noexcept { return std::uint64_t{7}; }},
};

void fuzz_requests(Input& input) {
  Options options;
  OptionChanges changes(options);
  std::vector<char> buffer(input.number(2) % 5000);
  const std::string text = input.rest();
  Text answer(buffer.data(), buffer.size());
  const std::size_t wrong = answer_requests(text, Controls(kTable, changes), nullptr, answer);
  const auto parts = static_cast<std::size_t>(std::ranges::count(text, ',')) + 1;
  must(wrong <= parts, "no more is wrong than there are parts");
  must(options.decay_ms <= 1000, "a control is set within its range");
  for (std::string_view lines = answer.view(); !lines.empty();)
    must(is_printable(next_part(lines, '\n')), "a terminal can show the answer");
  check_options(options);
}

void fuzz_suppressions(Input& input) {
  const std::string pattern = input.text(input.below(64));
  const std::string name = input.text(input.below(256));
  if (matches(pattern, name) && pattern.find_first_of("*^$:") == std::string::npos)
    must(name.find(pattern) != std::string::npos, "a plain pattern matches where it stands");
  const std::string text = input.rest();
  Suppressions suppressions;
  const std::size_t lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  std::size_t complaints = 0;
  const bool kept = suppressions.parse(text, [&](const SuppressionError& error) noexcept {
    ++complaints;
    must(error.line >= 1 && error.line <= lines, "a complaint is of a line of the file");
  });
  if (!kept) return;
  must(suppressions.count() + complaints <= lines, "a line is a pattern or wrong, if anything");
  for (std::size_t i = 0; i < suppressions.count(); ++i)
    must(text.find(suppressions[i].pattern) != std::string::npos, "a pattern is of the file");
  if (Suppression* found = suppressions.find(name); found != nullptr)
    must(matches(found->pattern, name), "what is found matches");
}

void fuzz_file_name(Input& input) {
  std::vector<char> buffer(input.byte());
  FileNameParts parts;
  parts.process = input.number(3);
  const std::string host = input.text(input.below(32));
  const std::string program = input.text(input.below(32));
  parts.host = host;
  parts.program = program;
  parts.sequence = input.number(2);
  const std::string pattern = input.rest();
  const FileName made = expand_file_name(pattern, parts, buffer.data(), buffer.size());
  must(made.name.empty() != made.error.empty(), "there is a name, or an error");
  must(made.name.size() <= buffer.size(), "the name fits");
  must(std::ranges::count(made.name, '/') <= std::ranges::count(pattern, '/'),
       "only the pattern names folders");
}

void fuzz_numbers(Input& input) {
  const std::string text = input.text(input.below(40));
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  std::uint64_t value = 0;
  std::uint64_t decimal = 0;
  if (read_number(text, value)) must(digits, "a number has digits alone");
  if (os::parse_decimal(text, decimal)) {
    must(digits, "a decimal has digits alone");
    const std::string printed = std::to_string(decimal);
    must(text.ends_with(printed), "a decimal is the number that it says");
  }
  std::array<char, 48> bytes;
  std::size_t count = 0;
  const std::string encoded = input.rest();
  if (os::decode_base64(encoded, bytes, count))
    must(count <= bytes.size() && count * 4 <= (encoded.size() + 3) * 3, "no more than there is");
}

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  switch (input.byte() % 8) {
    case 0:
    case 1:
      luna::fuzz::fuzz_options(input);
      break;
    case 2:
      luna::fuzz::fuzz_one_option(input);
      break;
    case 3:
      luna::fuzz::fuzz_jemalloc(input);
      break;
    case 4:
      luna::fuzz::fuzz_requests(input);
      break;
    case 5:
      luna::fuzz::fuzz_suppressions(input);
      break;
    case 6:
      luna::fuzz::fuzz_file_name(input);
      break;
    default:
      luna::fuzz::fuzz_numbers(input);
  }
  return 0;
}
