// SPDX-License-Identifier: MIT
#include "server/http_request.hpp"

#include "base/format.hpp"
#include "base/text_parts.hpp"

namespace luna {

namespace {

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] bool is_same(std::string_view text, std::string_view lower_case) noexcept {
  if (text.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != lower_case[i]) return false;
  return true;
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// What names of methods and of fields consist of.
[[nodiscard]] constexpr bool is_token_character(char c) noexcept {
  if (is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

[[nodiscard]] bool is_token(std::string_view text) noexcept {
  for (const char c : text)
    if (!is_token_character(c)) return false;
  return !text.empty();
}

[[nodiscard]] bool is_visible(std::string_view text) noexcept {
  for (const char c : text)
    if (c <= ' ' || c > '~') return false;  // bytes beyond ASCII are negative or above
  return true;
}

[[nodiscard]] bool is_field_value(std::string_view text) noexcept {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < ' ' && c != '\t') || byte == 0x7F) return false;
  }
  return true;
}

constexpr std::string_view kBlanks = " \t";  // those that HTTP allows within a line

// Calls visit(part) for each part of a list, without blanks around it.
template <typename Visit>
void for_each_part(std::string_view list, Visit visit) noexcept {
  while (!list.empty()) visit(trimmed(next_part(list, ','), kBlanks));
}

class HeadReader {
 public:
  HeadReader(std::string_view bytes, HttpRequest& request) noexcept
      : bytes_(bytes), request_(request) {}

  [[nodiscard]] HeadState read() noexcept {
    constexpr int kEmptyLines = 2;  // as some send after a body
    for (int i = 0; i < kEmptyLines && part_of(bytes_, place_, 2) == "\r\n"; ++i) place_ += 2;
    // Before what is beyond the limit of the whole head is looked at: it is always too long.
    const std::size_t end = bytes_.find('\n', place_);
    if ((end != std::string_view::npos ? end : bytes_.size()) - place_ >
        HttpRequest::kMaxLineBytes + 1)
      return refuse(414, "the first line is longer than 2 KiB");
    std::string_view line;
    if (const HeadState state = next_line(line); state != HeadState::kComplete) return state;
    if (read_first_line(line) != HeadState::kComplete) return HeadState::kRefused;
    for (;;) {
      if (const HeadState state = next_line(line); state != HeadState::kComplete) return state;
      if (line.empty()) return finish();
      if (read_field(line) != HeadState::kComplete) return HeadState::kRefused;
    }
  }

 private:
  HeadState refuse(int status, std::string_view mistake) noexcept {
    request_.status = status;
    request_.mistake = mistake;
    return HeadState::kRefused;
  }

  // A line ends with \r\n. Others that end with \n alone are read differently by different
  // programs, which who stands between them may abuse.
  [[nodiscard]] HeadState next_line(std::string_view& line) noexcept {
    const std::size_t end = bytes_.find('\n', place_);
    const bool is_there = end != std::string_view::npos;
    if (is_there ? end >= HttpRequest::kMaxHeadBytes : bytes_.size() >= HttpRequest::kMaxHeadBytes)
      return refuse(431, "the head of the request is longer than 4 KiB");
    if (!is_there) return HeadState::kIncomplete;
    if (end == place_ || bytes_[end - 1] != '\r')
      return refuse(400, "a line does not end with CR LF");
    line = part_of(bytes_, place_, end - 1 - place_);
    place_ = end + 1;
    return HeadState::kComplete;
  }

  [[nodiscard]] HeadState read_first_line(std::string_view line) noexcept {
    request_.method = next_part(line, ' ');
    if (!is_token(request_.method) || request_.method.size() > 32)
      return refuse(400, "the method is no word");
    std::string_view target = next_part(line, ' ');
    if (!read_version(line)) return HeadState::kRefused;
    if (is_same(part_of(target, 0, 7), "http://")) {
      const std::size_t slash = target.find('/', 7);
      if (target.find('?', 7) < slash)
        return refuse(400, "want a slash behind the name of the host");
      if (slash == 7 || target.size() == 7) return refuse(400, "want a host behind http://");
      // Without a path the root is meant: one of the two slashes stands for it.
      target = slash != std::string_view::npos ? part_of(target, slash) : part_of(target, 6, 1);
    }
    if (!target.starts_with('/') || !is_visible(target) ||
        target.find('#') != std::string_view::npos)
      return refuse(400, "what is asked for does not begin with a slash, or is no address");
    request_.path = next_part(target, '?');
    request_.query = target;
    return HeadState::kComplete;
  }

  [[nodiscard]] bool read_version(std::string_view version) noexcept {
    if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
        version[6] != '.' || !is_digit(version[7])) {
      refuse(400, "want METHOD ADDRESS HTTP/1.1, with a blank between them");
      return false;
    }
    if (version[5] != '1') refuse(505, "want HTTP/1.1");
    is_old_ = version[7] == '0';
    request_.keeps_alive = !is_old_;
    return request_.status == 0;
  }

  [[nodiscard]] HeadState read_field(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return refuse(400, "a field has no colon");
    const std::string_view name = part_of(line, 0, colon);
    if (!is_token(name)) return refuse(400, "the name of a field is no word");
    const std::string_view value = trimmed(part_of(line, colon + 1), kBlanks);
    if (!is_field_value(value)) return refuse(400, "a field has a control character");
    if (is_same(name, "content-length")) return read_length(value);
    if (is_same(name, "transfer-encoding")) is_encoded_ = true;
    if (is_same(name, "connection")) read_connection(value);
    if (is_same(name, "accept") && request_.accept.empty()) request_.accept = value;
    if (is_same(name, "origin")) request_.has_origin = true;
    if (is_same(name, "host") && hosts_++ != 0) return refuse(400, "there are two Host fields");
    if (!is_same(name, "expect")) return HeadState::kComplete;
    if (!is_same(value, "100-continue")) return refuse(417, "nothing but 100-continue is known");
    request_.expects_continue = !is_old_;
    return HeadState::kComplete;
  }

  [[nodiscard]] HeadState read_length(std::string_view value) noexcept {
    if (has_length_) return refuse(400, "there are two Content-Length fields");
    has_length_ = true;
    std::size_t length = 0;
    for (const char c : value) {
      if (!is_digit(c)) return refuse(400, "Content-Length is no number");
      // Far too long is enough to know; more digits change nothing.
      if (length <= kFarTooLong) length = length * 10 + static_cast<std::size_t>(c - '0');
    }
    if (value.empty()) return refuse(400, "Content-Length is no number");
    request_.body_bytes = length;
    return HeadState::kComplete;
  }

  void read_connection(std::string_view value) noexcept {
    for_each_part(value, [this](std::string_view word) noexcept {
      if (is_same(word, "close")) closes_ = true;
      if (is_same(word, "keep-alive")) request_.keeps_alive = true;
    });
  }

  [[nodiscard]] HeadState finish() noexcept {
    if (closes_) request_.keeps_alive = false;
    request_.head_bytes = place_;
    if (is_encoded_ && has_length_)
      return refuse(400, "there are both Content-Length and Transfer-Encoding");
    if (is_encoded_) return refuse(411, "send a Content-Length; no Transfer-Encoding is known");
    if (hosts_ == 0 && !is_old_) return refuse(400, "there is no Host field");
    if (request_.body_bytes > HttpRequest::kMaxBodyBytes)
      return refuse(413, "the body is longer than 1 KiB");
    return HeadState::kComplete;
  }

  static constexpr std::size_t kFarTooLong = std::size_t{1} << 32;

  std::string_view bytes_;
  HttpRequest& request_;
  std::size_t place_ = 0;
  std::size_t hosts_ = 0;
  bool is_old_ = false;  // HTTP/1.0
  bool has_length_ = false;
  bool is_encoded_ = false;
  bool closes_ = false;
};

// -1: it is no digit.
[[nodiscard]] int hexadecimal(char c) noexcept {
  if (is_digit(c)) return c - '0';
  return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

[[nodiscard]] bool unescape(std::string_view text, Text& out) noexcept {
  while (!text.empty()) {
    char c = text.front();
    std::size_t taken = 1;
    if (c == '%') {
      const int high = text.size() > 2 ? hexadecimal(text[1]) : -1;
      const int low = text.size() > 2 ? hexadecimal(text[2]) : -1;
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      taken = 3;
    } else if (c == '+') {
      c = ' ';
    }
    out.add({&c, 1});
    text.remove_prefix(taken);
  }
  return true;
}

// Of the parameters of one part of a list: q=0.5
[[nodiscard]] unsigned thousandths(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    std::string_view value = trimmed(next_part(parameters, ';'), kBlanks);
    if (!is_same(trimmed(next_part(value, '='), kBlanks), "q")) continue;
    value = trimmed(value, kBlanks);
    unsigned number = value.starts_with('1') ? 1000 : 0;
    if (number != 0 || !value.starts_with("0.")) return number;
    for (unsigned unit = 100, i = 2; unit != 0 && i < value.size() && is_digit(value[i]); ++i) {
      number += static_cast<unsigned>(value[i] - '0') * unit;
      unit /= 10;
    }
    return number;
  }
  return 1000;
}

}  // namespace

HeadState parse_head(std::string_view bytes, HttpRequest& request) noexcept {
  request = {};
  return HeadReader(bytes, request).read();
}

bool find_parameter(std::string_view query, std::string_view name,
                    std::array<char, HttpRequest::kMaxBodyBytes>& buffer,
                    std::string_view& value) noexcept {
  value = {};
  while (!query.empty()) {
    std::string_view found = next_part(query, '&');
    if (next_part(found, '=') != name) continue;
    Text text(buffer.data(), buffer.size());
    if (found.size() > buffer.size() || !unescape(found, text)) return false;
    value = text.view();
    return true;
  }
  return false;
}

unsigned wanted_thousandths(std::string_view accept, std::string_view type) noexcept {
  unsigned most = 0;
  for_each_part(accept, [&](std::string_view part) noexcept {
    if (!is_same(trimmed(next_part(part, ';'), kBlanks), type)) return;
    const unsigned wanted = thousandths(part);
    if (wanted > most) most = wanted;
  });
  return most;
}

}  // namespace luna
