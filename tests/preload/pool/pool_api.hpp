// SPDX-License-Identifier: MIT
// The functions of lunalloc/pool.h and lunalloc/queue.h, for programs that do not know that they
// run on it.
#pragma once

#include "expect.hpp"
#include "find_function.hpp"

#include <lunalloc/pool.h>
#include <lunalloc/queue.h>

struct PoolApi {
  decltype(luna_pool_create)* create = find<decltype(luna_pool_create)>("luna_pool_create");
  decltype(luna_pool_destroy)* destroy = find<decltype(luna_pool_destroy)>("luna_pool_destroy");
  decltype(luna_pool_allocate)* allocate = find<decltype(luna_pool_allocate)>("luna_pool_allocate");
  decltype(luna_pool_free)* deallocate = find<decltype(luna_pool_free)>("luna_pool_free");
  decltype(luna_pool_stats)* stats = find<decltype(luna_pool_stats)>("luna_pool_stats");
  decltype(luna_pool_trim)* trim = find<decltype(luna_pool_trim)>("luna_pool_trim");
  decltype(luna_pool_of)* of = find<decltype(luna_pool_of)>("luna_pool_of");
  decltype(luna_pool_name)* name = find<decltype(luna_pool_name)>("luna_pool_name");
  decltype(luna_pool_list)* list = find<decltype(luna_pool_list)>("luna_pool_list");
};

struct QueueApi {
  decltype(luna_queue_create)* create = find<decltype(luna_queue_create)>("luna_queue_create");
  decltype(luna_queue_destroy)* destroy = find<decltype(luna_queue_destroy)>("luna_queue_destroy");
  decltype(luna_queue_try_push)* push = find<decltype(luna_queue_try_push)>("luna_queue_try_push");
  decltype(luna_queue_try_pop)* pop = find<decltype(luna_queue_try_pop)>("luna_queue_try_pop");
  decltype(luna_queue_capacity)* capacity =
      find<decltype(luna_queue_capacity)>("luna_queue_capacity");
  decltype(luna_queue_count)* count = find<decltype(luna_queue_count)>("luna_queue_count");
};

// Of so many blocks, or of as many as memory allows.
[[nodiscard]] inline luna_pool_options pool_options(std::uint64_t max_blocks = 0) {
  luna_pool_options options{};
  options.struct_size = sizeof options;
  options.max_blocks = max_blocks;
  options.auto_expand = 1;
  return options;
}

[[nodiscard]] inline luna_pool* make_pool(const PoolApi& api, const char* name, std::size_t bytes,
                                          const luna_pool_options& options) {
  luna_pool* pool = nullptr;
  EXPECT(api.create(name, bytes, &options, &pool) == 0);
  EXPECT(pool != nullptr);
  return pool;
}

[[nodiscard]] inline luna_pool_usage usage_of(const PoolApi& api, luna_pool* pool) {
  luna_pool_usage usage{};
  usage.struct_size = sizeof usage;
  EXPECT(api.stats(pool, &usage) == 0);
  return usage;
}
