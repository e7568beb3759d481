// SPDX-License-Identifier: MIT
// Usage: huge_pages_guest MEBIBYTES SPAN_MEBIBYTES PERCENT
// Builds so much of small blocks, and one large block, all written to; then goes on allocating
// for a second, and until PERCENT of what it has lie in huge pages, or it gives up. Says on
// stdout what it has.
#include "blocks.hpp"
#include "expect.hpp"
#include "measure.hpp"

#include <cstdlib>
#include <ctime>

namespace {

constexpr std::size_t kBlockBytes = 480;
constexpr time_t kLeastSeconds = 2;  // of a clock of whole seconds
constexpr time_t kPatienceSeconds = 60;

struct Node {
  Node* next;
  std::size_t number;
  char payload[kBlockBytes - sizeof(Node*) - sizeof(std::size_t)];
};

[[nodiscard]] Node* build(std::size_t bytes) {
  Node* top = nullptr;
  for (std::size_t number = 0; number * kBlockBytes < bytes; ++number) {
    auto* const node = static_cast<Node*>(malloc(sizeof(Node)));
    EXPECT(node != nullptr);
    node->next = top;
    node->number = number;
    blocks::fill(node->payload, sizeof node->payload, number);
    top = node;
  }
  return top;
}

void check(const Node* top, std::size_t bytes) {
  std::size_t number = (bytes + kBlockBytes - 1) / kBlockBytes;
  for (; top != nullptr; top = top->next) {
    EXPECT(top->number == --number);
    EXPECT_FOR(number, blocks::holds(top->payload, sizeof top->payload, number));
  }
  EXPECT(number == 0);
}

[[nodiscard]] std::size_t huge_bytes() {
  return measure::kilobytes_of("/proc/self/smaps_rollup", "AnonHugePages:");
}

// What a program does while time passes: every so often it comes by the heap.
void work() {
  for (int i = 0; i < 2000; ++i) {
    void* const block = expect::opaque(calloc(1, 5000));
    EXPECT(blocks::all_zero(block, 5000));
    free(block);
  }
  const timespec rest = {0, 5'000'000};
  nanosleep(&rest, nullptr);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  EXPECT(count == 4);
  const std::size_t bytes = strtoull(arguments[1], nullptr, 10) * blocks::kMiB;
  const std::size_t span_bytes = strtoull(arguments[2], nullptr, 10) * blocks::kMiB;
  const std::size_t percent = strtoull(arguments[3], nullptr, 10);

  auto* const span = static_cast<char*>(malloc(span_bytes));
  EXPECT(span != nullptr);
  for (std::size_t i = 0; i < span_bytes; i += 512) span[i] = static_cast<char>(i >> 12);
  const Node* const top = build(bytes);

  const time_t began = time(nullptr);
  while (time(nullptr) < began + kLeastSeconds) work();
  while (huge_bytes() * 100 < measure::resident_bytes() * percent &&
         time(nullptr) < began + kPatienceSeconds)
    work();

  check(top, bytes);
  for (std::size_t i = 0; i < span_bytes; i += 512)
    EXPECT_FOR(i, span[i] == static_cast<char>(i >> 12));
  expect::print(STDOUT_FILENO, "resident=%zu\nhuge=%zu\ndone=1\n",
                measure::resident_bytes() / blocks::kMiB, huge_bytes() / blocks::kMiB);
  return 0;
}
