# SPDX-License-Identifier: MIT
"""g++ on a heavy C++ file: object, program and output must be the same to the byte."""
import support

HEAD = r"""
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Sum { static constexpr long value = N + Sum<N - 1>::value; };
template <> struct Sum<0> { static constexpr long value = 0; };

template <std::size_t... I> long fold(std::index_sequence<I...>) {
  return (static_cast<long>(I * I) + ...);
}

struct Shape { virtual ~Shape() = default; virtual long area() const = 0; };
"""

# One class and its containers; the compiler instantiates all of it anew each time.
PART = r"""
struct Shape@ : Shape {
  std::map<std::string, std::vector<std::tuple<int, double, std::string>>> parts;
  std::variant<int, std::string, std::vector<long>> state = std::vector<long>(@ + 3, @);
  long area() const override {
    auto visitor = [](const auto& value) -> long { return static_cast<long>(sizeof(value)); };
    return std::visit(visitor, state) + Sum<100 + @>::value + fold(std::make_index_sequence<@ + 9>{});
  }
  void fill() {
    for (int i = 0; i < 50 + @; ++i)
      parts["key" + std::to_string(i % 13)].emplace_back(i, i / 2.0, std::to_string(i * @));
    for (auto& [key, list] : parts)
      std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return std::get<2>(a) < std::get<2>(b); });
  }
};
std::unique_ptr<Shape> make@() {
  auto shape = std::make_unique<Shape@>();
  shape->fill();
  return shape;
}
"""

TAIL = r"""
int main() {
  std::unordered_map<std::string, std::function<std::unique_ptr<Shape>()>> makers{@};
  long sum = 0;
  std::vector<std::thread> threads;
  std::vector<long> areas(makers.size());
  std::size_t next = 0;
  for (auto& [name, make] : makers)
    threads.emplace_back([&make = make, &area = areas[next++]] { area = make()->area(); });
  for (auto& thread : threads) thread.join();
  sum = std::accumulate(areas.begin(), areas.end(), 0L);
  std::cout << sum << '\n';
}
"""


def source(parts):
    numbers = [str(number) for number in range(parts)]
    makers = ", ".join(f'{{"{number}", make{number}}}' for number in numbers)
    return "".join([HEAD, *(PART.replace("@", number) for number in numbers),
                    TAIL.replace("@", makers)])


def scenario(stage):
    stage.write("heavy.cpp", source(3))
    compile_command = ["g++", "-std=c++20", "-pipe", "-frandom-seed=1"]
    for name in ["cc1plus", "collect2"]:
        found = stage.command(["g++", f"-print-prog-name={name}"]).decode().strip()
        stage.check_program(found, stage.environment)

    stage.command([*compile_command, "-O2", "-g", "-c", "heavy.cpp", "-o", "heavy.o"])
    stage.command([*compile_command, "heavy.o", "-o", "heavy"])
    return {"object": stage.read("heavy.o"), "program": stage.read("heavy"),
            "output": stage.command([stage.directory / "heavy"])}


if __name__ == "__main__":
    support.main(scenario, {"g++": "g++"})
