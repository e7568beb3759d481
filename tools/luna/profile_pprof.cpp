// SPDX-License-Identifier: MIT
// The numbers of the fields are those of profile.proto, in github.com/google/pprof.
#include "profile_output.hpp"

#include <zlib.h>

#include <map>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

namespace {

// Of a mapping: what of its names is there.
enum : std::uint32_t { kHasFunctions = 7, kHasInlineFrames = 10 };

// A message of protobuf, piece by piece.
class Message {
 public:
  void add_number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  void add(std::uint32_t field, std::uint64_t value) {
    if (value == 0) return;
    add_number(std::uint64_t{field} << 3);
    add_number(value);
  }
  void add(std::uint32_t field, std::string_view bytes) {
    add_number(std::uint64_t{field} << 3 | 2);
    add_number(bytes.size());
    bytes_ += bytes;
  }
  void add(std::uint32_t field, const Message& message) {
    add(field, std::string_view(message.bytes_));
  }

  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

class Deflater {
 public:
  explicit Deflater(std::ostream& out) : out_(out) {
    constexpr int kGzip = 15 + 16;
    constexpr int kMemory = 8;
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflater() { deflateEnd(&stream_); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  void add(std::string bytes) { put(bytes, Z_NO_FLUSH); }
  void finish() {
    std::string nothing;
    put(nothing, Z_FINISH);
  }

 private:
  void put(std::string& bytes, int flush) {
    stream_.next_in = reinterpret_cast<Bytef*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      std::string room(std::size_t{1} << 16, '\0');
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = static_cast<uInt>(room.size());
      deflate(&stream_, flush);
      out_ << std::string_view(room).substr(0, room.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  std::ostream& out_;
  z_stream stream_{};
};

// Texts are named by their place in a table, of which the first is empty.
class Strings {
 public:
  [[nodiscard]] std::uint64_t place_of(const std::string& text) {
    const auto [found, is_new] = places_.try_emplace(text, texts_.size());
    if (is_new) texts_.push_back(&found->first);
    return found->second;
  }
  [[nodiscard]] const std::vector<const std::string*>& texts() const noexcept { return texts_; }

 private:
  std::map<std::string, std::uint64_t> places_ = {{"", 0}};
  std::vector<const std::string*> texts_ = {&places_.begin()->first};
};

class PprofWriter {
 public:
  PprofWriter(const HeapProfile& profile, std::ostream& out)
      : profile_(profile), out_(out), has_names_(profile.mappings.size()) {
    for (const HeapProfile::Location& location : profile.locations)
      if (location.mapping != HeapProfile::kNone && !location.lines.empty())
        has_names_[location.mapping] = true;
  }

  void write(const ProfileView& view) {
    write_head(view);
    for (std::size_t i = 0; i < profile_.samples.size(); ++i) write_sample(i);
    for (std::size_t i = 0; i < profile_.mappings.size(); ++i) write_mapping(i);
    for (std::size_t i = 0; i < profile_.locations.size(); ++i) write_location(i);
    for (std::size_t i = 0; i < profile_.functions.size(); ++i) write_function(i);
    for (const std::string* text : strings_.texts()) put(6, std::string_view(*text));
    out_.finish();
  }

 private:
  template <typename Value>
  void put(std::uint32_t field, const Value& value) {
    Message message;
    message.add(field, value);
    out_.add(message.bytes());
  }

  [[nodiscard]] Message type_of(const std::string& name, const std::string& unit) {
    Message message;
    message.add(1, strings_.place_of(name));
    message.add(2, strings_.place_of(unit));
    return message;
  }

  void write_head(const ProfileView& view) {
    for (const HeapProfile::ValueType& type : profile_.types) put(1, type_of(type.name, type.unit));
    put(14, strings_.place_of(profile_.types[view.amount].name));
    put(9, profile_.began_ns);
    put(10, profile_.duration_ns);
    put(11, type_of("space", "bytes"));
    put(12, profile_.interval_bytes);
    for (const std::string& comment : profile_.comments) put(13, strings_.place_of(comment));
  }

  void write_sample(std::size_t index) {
    const HeapProfile::Sample& sample = profile_.samples[index];
    Message frames;
    for (const std::uint32_t frame : profile_.stack_of(sample))
      frames.add_number(std::uint64_t{frame} + 1);
    Message values;
    for (std::size_t type = 0; type < profile_.types.size(); ++type)
      values.add_number(static_cast<std::uint64_t>(profile_.value_of(index, type)));
    Message message;
    message.add(1, frames);
    message.add(2, values);
    for (const HeapProfile::Label& label : profile_.label_sets[sample.labels]) {
      Message field;
      field.add(1, strings_.place_of(label.key));
      field.add(2, strings_.place_of(label.value));
      message.add(3, field);
    }
    put(2, message);
  }

  void write_mapping(std::size_t index) {
    const HeapProfile::Mapping& mapping = profile_.mappings[index];
    Message message;
    message.add(1, std::uint64_t{index} + 1);
    message.add(2, mapping.begin);
    message.add(3, mapping.end);
    message.add(4, mapping.file_offset);
    message.add(5, strings_.place_of(mapping.path));
    message.add(6, strings_.place_of(mapping.build_id));
    // Else `go tool pprof` looks for the names by itself, and takes away those that are there.
    if (has_names_[index])
      for (std::uint32_t field = kHasFunctions; field <= kHasInlineFrames; ++field)
        message.add(field, 1U);
    put(3, message);
  }

  void write_location(std::size_t index) {
    const HeapProfile::Location& location = profile_.locations[index];
    Message message;
    message.add(1, std::uint64_t{index} + 1);
    if (location.mapping != HeapProfile::kNone) message.add(2, std::uint64_t{location.mapping} + 1);
    message.add(3, location.address);
    for (const HeapProfile::Line& line : location.lines) {
      Message place;
      place.add(1, std::uint64_t{line.function} + 1);
      place.add(2, line.line);
      message.add(4, place);
    }
    put(4, message);
  }

  void write_function(std::size_t index) {
    const HeapProfile::Function& function = profile_.functions[index];
    Message message;
    message.add(1, std::uint64_t{index} + 1);
    message.add(2, strings_.place_of(function.name));
    message.add(4, strings_.place_of(function.file));
    put(5, message);
  }

  const HeapProfile& profile_;
  Deflater out_;
  Strings strings_;
  std::vector<bool> has_names_;  // of mappings
};

}  // namespace

void write_profile_pprof(const HeapProfile& profile, const ProfileView& view, std::ostream& out) {
  PprofWriter(profile, out).write(view);
}

}  // namespace luna::tool
