// SPDX-License-Identifier: MIT
// A server for two tenants, each with a heap below one of all: who wants too much gets
// std::bad_alloc and harms nobody, and whose heap goes makes room for the other.
//
// Usage: tenants    prints what each could hold, as JSON
#include <lunalloc/lunalloc.hpp>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kSessionBytes = 5000;

using Text = std::basic_string<char, std::char_traits<char>, luna::allocator<char>>;

class Tenant {
 public:
  Tenant(const char* name, const luna::heap& all)
      : heap_(luna::heap_options(name).parent(all.get()).limit(16 * kMiB)) {}

  // False: the tenant's limit, or that of all, does not permit it.
  [[nodiscard]] bool begin_session() {
    try {
      sessions_.emplace(sessions_.size(), Text(kSessionBytes, 'x', heap_));
      log_.emplace_back("a session of a tenant has begun");
    } catch (const std::bad_alloc&) {
      return false;
    }
    return true;
  }

  // What is behind this call knows nothing of heaps.
  [[nodiscard]] std::size_t render() {
    const luna::heap_scope scope(heap_);
    const std::string page =
        "sessions: " + std::to_string(sessions_.size()) + std::string(100, ' ');
    return luna_heap_of(page.data()) == heap_.get() ? page.size() : 0;
  }

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  [[nodiscard]] luna_heap_stats stats() const { return heap_.stats(); }

 private:
  luna::heap heap_;  // the first member is the last to go
  luna::heap_resource resource_{heap_};
  std::map<std::size_t, Text, std::less<>, luna::allocator<std::pair<const std::size_t, Text>>>
      sessions_{heap_};
  std::pmr::vector<std::pmr::string> log_{&resource_};
};

void fill(Tenant& tenant) {
  while (tenant.begin_session()) {
  }
}

}  // namespace

int main() {
  const luna::heap all(luna::heap_options("tenants").limit(24 * kMiB));
  Tenant green("green", all);
  {
    Tenant blue("blue", all);
    std::printf("{\"page\": %zu, ", blue.render());
    fill(blue);
    fill(green);
    std::printf("\"blue\": %zu, \"green\": %zu,\n", blue.sessions(), green.sessions());
    std::printf("\"used\": %zu, \"of_both\": %zu,\n",
                static_cast<std::size_t>(all.stats().used_bytes),
                static_cast<std::size_t>(blue.stats().used_bytes + green.stats().used_bytes));
  }
  fill(green);
  std::printf("\"green_alone\": %zu, \"peak\": %zu}\n", green.sessions(),
              static_cast<std::size_t>(all.stats().peak_bytes));
}
