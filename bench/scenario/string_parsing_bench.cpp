// SPDX-License-Identifier: MIT
// string_parsing: what does a program cost that parses text into trees of strings,
// vectors and maps, works on them, and writes them out again?
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

constexpr std::size_t kDocuments = 180;
constexpr std::size_t kRecordsPerDocument = 1500;

// A value of a JSON-like language: text, number, list, or object.
struct Value {
  using List = std::vector<Value>;
  using Object = std::map<std::string, Value, std::less<>>;
  std::variant<std::string, std::int64_t, List, Object> content;
};

std::string random_word(bench::Random& random) {
  std::string word(random.between(3, random.one_in(5) ? 60 : 14), ' ');
  for (char& letter : word) letter = static_cast<char>('a' + random.below(26));
  return word;
}

std::string generate_document(bench::Random& random, std::size_t records) {
  std::string text = "[";
  for (std::size_t i = 0; i < records; ++i) {
    if (i > 0) text += ',';
    text += "{\"id\":" + std::to_string(i) + ",\"name\":\"" + random_word(random) + "\",\"tags\":[";
    for (std::size_t tag = random.below(6); tag > 0; --tag)
      text += '"' + random_word(random) + (tag > 1 ? "\"," : "\"");
    text += "],\"place\":{\"city\":\"" + random_word(random) + "\",\"row\":\"";
    // A row of comma-separated fields inside the record: it is split once more below.
    for (std::size_t field = random.between(2, 9); field > 0; --field)
      text += random_word(random) + (field > 1 ? ";" : "");
    text += "\"}}";
  }
  return text + "]";
}

// A recursive-descent parser; the text is our own and known to be well-formed.
class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Value parse() {
    switch (rest_.front()) {
      case '"':
        return {parse_text()};
      case '[':
        return {parse_list()};
      case '{':
        return {parse_object()};
      default:
        return {parse_number()};
    }
  }

 private:
  // Consumes `expected` if it comes next.
  bool take(char expected) {
    if (rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string parse_text() {
    rest_.remove_prefix(1);
    const std::size_t length = rest_.find('"');
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length + 1);
    return text;
  }

  std::int64_t parse_number() {
    std::int64_t number = 0;
    for (; rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1))
      number = number * 10 + (rest_.front() - '0');
    return number;
  }

  Value::List parse_list() {
    Value::List list;
    rest_.remove_prefix(1);
    while (!take(']')) {
      list.push_back(parse());
      take(',');
    }
    return list;
  }

  Value::Object parse_object() {
    Value::Object object;
    rest_.remove_prefix(1);
    while (!take('}')) {
      std::string name = parse_text();
      take(':');
      object.emplace(std::move(name), parse());
      take(',');
    }
    return object;
  }

  std::string_view rest_;
};

std::vector<std::string> split(const std::string& row) {
  std::vector<std::string> fields;
  std::size_t start = 0;
  for (std::size_t end = row.find(';'); end != std::string::npos; end = row.find(';', start)) {
    fields.push_back(row.substr(start, end - start));
    start = end + 1;
  }
  fields.push_back(row.substr(start));
  return fields;
}

void write(const Value& value, std::string& out) {
  if (const auto* text = std::get_if<std::string>(&value.content)) {
    out += '"' + *text + '"';
  } else if (const auto* number = std::get_if<std::int64_t>(&value.content)) {
    out += std::to_string(*number);
  } else if (const auto* list = std::get_if<Value::List>(&value.content)) {
    for (const Value& each : *list) write(each, out);
  } else {
    for (const auto& [name, each] : std::get<Value::Object>(value.content)) {
      out += name + '=';
      write(each, out);
    }
  }
}

// Takes the row out of the record and counts its words by their first letters.
void transform(Value& record, std::map<std::string, std::size_t>& index) {
  auto& fields = std::get<Value::Object>(record.content);
  auto& place = std::get<Value::Object>(fields.at("place").content);
  for (const std::string& field : split(std::get<std::string>(place.at("row").content)))
    ++index[field.substr(0, 2)];
  place.erase("row");
}

std::uint64_t hash(std::string_view text) {
  std::uint64_t sum = 0;
  for (char letter : text) sum = sum * 131 + static_cast<unsigned char>(letter);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(19);
  std::map<std::string, std::size_t> index;
  std::vector<Value> kept;  // every tenth document stays, as in a cache
  std::uint64_t checksum = 0;
  for (std::size_t i = 0; i < arguments.scaled(kDocuments, 60); ++i) {
    const std::string text = generate_document(random, kRecordsPerDocument);
    Value document = Parser(text).parse();
    for (Value& record : std::get<Value::List>(document.content)) transform(record, index);
    std::string out;
    write(document, out);
    checksum += hash(out);
    if (i % 10 == 0) kept.push_back(std::move(document));
  }
  for (const auto& [letters, count] : index) checksum += hash(letters) * count;
  return bench::print_result("string_parsing", checksum + kept.size());
}
