// SPDX-License-Identifier: MIT
// The numbers of the fields are those of profile.proto, in github.com/google/pprof.
#include "telemetry/pprof.hpp"

#include "base/align.hpp"
#include "base/format.hpp"
#include "base/utf8.hpp"
#include "telemetry/address_table.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/columns.hpp"
#include "telemetry/frames.hpp"
#include "telemetry/gzip.hpp"
#include "telemetry/protobuf.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace luna {

namespace {

// Field numbers of Profile.
enum : std::uint32_t {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kStringTable = 6,
  kTimeNanos = 9,
  kDurationNanos = 10,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};

// Texts are named by their place in a table: first these, then name and unit of each column,
// path and build-id of each module, the comments, the texts of labels, and function and file of
// each address that lies in no module.
enum FixedString : std::uint32_t { kEmpty, kSpace, kBytes, kFixedStrings };

constexpr std::array<std::string_view, kFixedStrings> kStrings = {"", "space", "bytes"};

class Comments {
 public:
  explicit Comments(const Profile& profile) noexcept {
    if (profile.dropped_samples != 0)
      next().add("dropped_samples: ").add_decimal(profile.dropped_samples);
    add_cost(profile.cost);
    if (profile.unlabelled_samples != 0)
      next().add("unlabelled_samples: ").add_decimal(profile.unlabelled_samples);
    if (profile.refused_frame_names != 0)
      next().add("refused_frame_names: ").add_decimal(profile.refused_frame_names);
    std::size_t deepest = 0;
    for (std::size_t i = 0; i < profile.count; ++i)
      if (profile.rows[i].stack.depth >= profile.max_depth) ++deepest;
    if (profile.max_depth == 0 || deepest == 0) return;
    next().add("stacks of the greatest depth, ").add_decimal(profile.max_depth);
    texts_[count_ - 1].add(" frames, beyond which they are cut: ").add_decimal(deepest);
  }

  Comments(const Comments&) = delete;
  Comments& operator=(const Comments&) = delete;

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const noexcept {
    return texts_[i].view();
  }

 private:
  void add_cost(const SamplingCost& cost) noexcept {
    if (cost.cpu_ns == 0) return;
    Text& text = next();
    text.add("sampling: ").add_decimal(cost.sampling_ns).add(" of ").add_decimal(cost.cpu_ns);
    text.add(" ns of CPU time; interval asked for: ").add_decimal(cost.asked_interval);
    text.add(", widened: ").add_decimal(cost.widened);
  }

  [[nodiscard]] Text& next() noexcept { return texts_[count_++]; }

  std::size_t count_ = 0;
  std::array<std::array<char, 160>, 5> buffers_;
  std::array<Text, 5> texts_ = {
      Text(buffers_[0].data(), buffers_[0].size()), Text(buffers_[1].data(), buffers_[1].size()),
      Text(buffers_[2].data(), buffers_[2].size()), Text(buffers_[3].data(), buffers_[3].size()),
      Text(buffers_[4].data(), buffers_[4].size())};
};

// All that goes into a profile, and what writes it.
struct Encoder {
  const Profile& profile;
  Modules modules;
  const AddressTable& addresses;
  const Comments& comments;
  const AddressTable& label_texts;  // each of a set of labels once, by where it is kept
  const AddressTable& named;        // those of the addresses that lie in no module
  ProtobufWriter& writer;
  const KindColumns& kind = columns_of(profile.kind);

  void write_value_type(std::uint32_t field, std::size_t type, std::size_t unit) const noexcept {
    writer.nested(field, [=](ProtobufWriter& out) noexcept {
      out.number(1, type);
      out.number(2, unit);
    });
  }

  void write_head() const noexcept {
    for (std::size_t i = 0; i < kind.columns.size(); ++i)
      write_value_type(kSampleType, column_string(i), column_string(i) + 1);
    writer.number(kDefaultSampleType, column_string(first_column()));
    write_value_type(kPeriodType, kSpace, kBytes);
    writer.number(kPeriod, profile.interval_bytes);
    const std::uint64_t skipped = profile.kind == ProfileKind::kGrowth ? profile.marked_ns : 0;
    writer.number(kTimeNanos, profile.began_ns + skipped);
    writer.number(kDurationNanos, profile.duration_ns - skipped);
    for (std::size_t i = 0; i < comments.count(); ++i) writer.number(kComment, comment_string(i));
  }

  [[nodiscard]] std::size_t first_column() const noexcept {
    for (std::size_t i = 0; i < kind.columns.size(); ++i)
      if (kind.columns[i].name == profile.first_column) return i;
    return kind.main;
  }

  void write_mapping(std::size_t index) const noexcept {
    const os::Module& module = modules[index];
    writer.nested(kMapping, [&](ProtobufWriter& out) noexcept {
      out.number(1, index + 1);
      out.number(2, module.begin);
      out.number(3, module.end);
      out.number(4, module.file_offset);
      out.number(5, path_string(index));
      if (!module.build_id.empty()) out.number(6, path_string(index) + 1);
    });
  }

  void write_location(std::size_t number) const noexcept {
    const std::uintptr_t address = addresses.address_of_number(number);
    const std::size_t module = find_module(modules, address);
    const std::uint32_t function = named.number_of(address);
    const bool is_code = !is_runtime_frame(address);
    writer.nested(kLocation, [&](ProtobufWriter& out) noexcept {
      out.number(1, number);
      if (module != modules.size()) out.number(2, module + 1);
      if (is_code) out.number(3, address);
      if (function == 0) return;
      out.nested(4, [&](ProtobufWriter& line) noexcept {
        line.number(1, function);
        line.number(2, is_code ? 0 : runtime_frame(address).line);
      });
    });
  }

  void write_function(std::size_t number) const noexcept {
    writer.nested(kFunction, [&](ProtobufWriter& out) noexcept {
      out.number(1, number);
      out.number(2, function_string(number));
      // No system name: readers would take <module> for an argument of a template.
      out.number(4, function_string(number) + 1);
    });
  }

  [[nodiscard]] bool has_values(const ProfileRow& row) const noexcept {
    for (const Column& column : kind.columns)
      if (rounded_signed(column.value(row)) != 0) return true;
    return false;
  }

  // A negative number is written as the unsigned one with the same bits.
  void write_sample(const ProfileRow& row) const noexcept {
    if (!has_values(row)) return;
    const auto locations = [&](ProtobufWriter& out) noexcept {
      for (std::size_t i = 0; i < row.stack.depth; ++i)
        out.packed(addresses.number_of(call_address(row.stack.frames[i])));
    };
    const auto values = [&](ProtobufWriter& out) noexcept {
      for (const Column& column : kind.columns)
        out.packed(static_cast<std::uint64_t>(rounded_signed(column.value(row))));
    };
    writer.nested(kSample, [&](ProtobufWriter& out) noexcept {
      out.nested(1, locations);
      out.nested(2, values);
      row.labels.for_each([&](const Label& label) noexcept { write_label(out, label); });
    });
  }

  void write_label(ProtobufWriter& out, const Label& label) const noexcept {
    out.nested(3, [&](ProtobufWriter& field) noexcept {
      field.number(1, label_string(label.key));
      field.number(2, label_string(label.value));
    });
  }

  void write_strings() const noexcept {
    for (const std::string_view text : kStrings) write_string(text);
    for (const Column& column : kind.columns) {
      write_string(column.name);
      write_string(column.unit);
    }
    for (const os::Module& module : modules) {
      write_string(module.path);
      write_string(module.build_id);
    }
    for (std::size_t i = 0; i < comments.count(); ++i) write_string(comments[i]);
    write_label_strings();
    for (std::size_t number = 1; number <= named.count(); ++number)
      write_function_strings(named.address_of_number(number));
  }

  void write_function_strings(std::uintptr_t address) const noexcept {
    const bool is_code = !is_runtime_frame(address);
    const std::string_view name = runtime_name_of(modules, is_code ? address + 1 : address);
    write_string(name.empty() ? "[anon]" : name);
    write_string(is_code ? std::string_view{} : runtime_frame(address).file);
  }

  // In the order in which they were numbered.
  void write_label_strings() const noexcept {
    std::size_t written = 0;
    const auto write = [&](std::string_view text) noexcept {
      if (label_texts.number_of(address_of(text.data())) != written + 1) return;
      write_string(text);
      ++written;
    };
    for (std::size_t i = 0; i < profile.count; ++i)
      profile.rows[i].labels.for_each([&](const Label& label) noexcept {
        write(label.key);
        write(label.value);
      });
  }

  // Readers refuse what is not UTF-8.
  void write_string(std::string_view text) const noexcept {
    writer.nested(kStringTable, [=](ProtobufWriter& out) noexcept {
      for (std::string_view rest = text; !rest.empty();) out.bytes(take_character(rest));
    });
  }

  [[nodiscard]] static std::size_t column_string(std::size_t index) noexcept {
    return kFixedStrings + 2 * index;
  }
  [[nodiscard]] std::size_t path_string(std::size_t index) const noexcept {
    return column_string(kind.columns.size() + index);
  }
  [[nodiscard]] std::size_t comment_string(std::size_t index) const noexcept {
    return path_string(modules.size()) + index;
  }
  [[nodiscard]] std::size_t label_string(std::string_view text) const noexcept {
    return comment_string(comments.count()) + label_texts.number_of(address_of(text.data())) - 1;
  }
  [[nodiscard]] std::size_t function_string(std::size_t number) const noexcept {
    return comment_string(comments.count()) + label_texts.count() + 2 * (number - 1);
  }
};

[[nodiscard]] bool number_addresses(const Profile& profile, Modules modules,
                                    AddressTable& addresses, AddressTable& named) noexcept {
  for (std::size_t i = 0; i < profile.count; ++i) {
    const Stack& stack = profile.rows[i].stack;
    for (std::size_t k = 0; k < stack.depth; ++k) {
      const std::uintptr_t address = call_address(stack.frames[k]);
      if (!addresses.add(address)) return false;
      const bool in_module = find_module(modules, address) != modules.size();
      if (!in_module && !named.add(address)) return false;
    }
  }
  return true;
}

[[nodiscard]] bool number_label_texts(const Profile& profile, AddressTable& texts) noexcept {
  bool ok = true;
  for (std::size_t i = 0; i < profile.count && ok; ++i)
    profile.rows[i].labels.for_each([&](const Label& label) noexcept {
      ok = ok && texts.add(address_of(label.key.data())) &&
           texts.add(address_of(label.value.data()));
    });
  return ok;
}

}  // namespace

bool write_pprof(const Profile& profile, Modules modules, Output& out) noexcept {
  AddressTable addresses;
  AddressTable label_texts;
  AddressTable named;
  if (!number_addresses(profile, modules, addresses, named) ||
      !number_label_texts(profile, label_texts))
    return false;
  const Comments comments(profile);
  GzipOutput gzip(out);
  Output message = gzip.output();
  ProtobufWriter writer(message);
  const Encoder encoder{profile, modules, addresses, comments, label_texts, named, writer};
  encoder.write_head();
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i) encoder.write_sample(profile.rows[i]);
  for (std::size_t i = 0; i < modules.size(); ++i) encoder.write_mapping(i);
  for (std::size_t number = 1; number <= addresses.count() && out.ok(); ++number)
    encoder.write_location(number);
  for (std::size_t number = 1; number <= named.count(); ++number) encoder.write_function(number);
  encoder.write_strings();
  return gzip.finish();
}

}  // namespace luna
