// SPDX-License-Identifier: MIT
// compiler: what does compiling a file full of templates cost? compare.py gives this
// file to g++ -O1; nobody runs the result. SMOKE leaves out the expensive half.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace workload {

template <std::size_t Number>
struct Part {
  std::array<int, Number % 7 + 1> values{};
  std::string name = "part";

  int total() const { return std::accumulate(values.begin(), values.end(), int{Number}); }
  friend bool operator<(const Part& left, const Part& right) {
    return left.total() < right.total();
  }
};

// Each number makes its own containers, visitors and sort: code that no other shares.
template <std::size_t Number>
struct Assembly {
  std::map<std::string, std::vector<Part<Number>>> parts;
  std::vector<std::function<int(const Part<Number>&)>> rules;
  std::variant<int, std::string, Part<Number>, std::unique_ptr<Part<Number + 1>>> head;

  void add(std::string key, Part<Number> part) {
    auto& list = parts[std::move(key)];
    list.push_back(std::move(part));
    std::sort(list.begin(), list.end());
    rules.emplace_back([count = list.size()](const Part<Number>& each) {
      return each.total() + static_cast<int>(count);
    });
  }

  int weigh() const {
    int sum = std::visit(
        [](const auto& each) {
          using Each = std::decay_t<decltype(each)>;
          if constexpr (std::is_same_v<Each, int>)
            return each;
          else if constexpr (std::is_same_v<Each, std::string>)
            return static_cast<int>(each.size());
          else if constexpr (std::is_same_v<Each, Part<Number>>)
            return each.total();
          else
            return each ? each->total() : 0;
        },
        head);
    for (const auto& [key, list] : parts)
      for (const auto& part : list)
        for (const auto& rule : rules) sum += rule(part);
    return sum;
  }
};

template <std::size_t... Numbers>
int build_all(std::index_sequence<Numbers...>) {
  std::tuple<Assembly<Numbers>...> all;
  (std::get<Numbers>(all).add("first", Part<Numbers>{}), ...);
  (std::get<Numbers>(all).add("second", Part<Numbers>{}), ...);
  return (std::get<Numbers>(all).weigh() + ...);
}

#ifdef SMOKE
constexpr std::size_t kAssemblies = 1;
#else
constexpr std::size_t kAssemblies = 4;
#endif

int run() { return build_all(std::make_index_sequence<kAssemblies>{}); }

}  // namespace workload

int main() { return workload::run() == 0; }
