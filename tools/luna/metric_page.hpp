// SPDX-License-Identifier: MIT
// The metrics of several processes on one page: each family once, each sample with the labels of
// its process.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

// Of Prometheus (text, 0.0.4) or of OpenMetrics: what goes in is what comes out.
class MetricPage {
 public:
  // Adds the answer of one process. False, and nothing was added: it is not what the library
  // writes. Nothing of it is trusted, for a single bad line costs Prometheus the whole page.
  // `labels`: as pid="1",comm="a".
  [[nodiscard]] bool add(std::string_view text, std::string_view labels);

  // All families, in the order in which they came.
  [[nodiscard]] std::string text() const;

 private:
  struct Family {
    std::string name;
    std::string type;
    std::string unit;  // empty: none
    std::string help;
    std::string samples;
  };
  class Reader;

  [[nodiscard]] bool is_known_as_other(const Family& family) const;

  std::vector<Family> families_;
  std::map<std::string, std::size_t> places_;  // by name
};

// As the value of a label, between quotes.
[[nodiscard]] std::string label_value(std::string_view text);

}  // namespace luna::tool
