// SPDX-License-Identifier: MIT
// A shop that forgets to free its orders: what a report is to find. It also has a table that came
// early and stays, and much that it frees at once. The name of one function would be HTML.
//
// Usage: shop_guest ORDERS
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace shop {

struct script {};

struct Order {
  Order* next;
  char text[2000];
};

Order* volatile orders = nullptr;
void* volatile table[2000];
void* volatile page;

[[gnu::noinline]] void take_order() {
  auto* const order = static_cast<Order*>(std::malloc(sizeof(Order)));  // line: leak
  order->next = orders;
  std::memset(order->text, 'o', sizeof(order->text));
  orders = order;
}

template <typename Content>
[[gnu::noinline]] void render_page(std::size_t number) {
  for (std::size_t i = 0; i < 10; ++i) {
    page = std::malloc(1000 + number % 3000);
    std::memset(page, 'p', 1000);
    std::free(page);
  }
}

[[gnu::noinline]] void load_table() {
  for (void* volatile& row : table) {
    row = std::malloc(1500);
    std::memset(row, 't', 1500);
  }
}

}  // namespace shop

int main(int count, char** arguments) {
  const std::size_t orders = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 10'000;
  shop::load_table();
  for (std::size_t i = 0; i < orders; ++i) {
    shop::take_order();
    shop::render_page<shop::script>(i);
    // So long that there is something to watch.
    if (i % 200 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  shop::page = shop::table[0];
  return 0;
}
