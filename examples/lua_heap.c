// SPDX-License-Identifier: MIT
// Lua in a heap of its own: a script that wants too much gets LUA_ERRMEM and nothing else is
// harmed; with more it goes on; and all of it goes with the heap, without lua_close().
//
// Usage: lua_heap    prints what it saw, as JSON
#include "example.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <lunalloc/heap.h>
#include <stdio.h>

enum { MIB = 1 << 20, LIMIT = 8 * MIB, RAISED = 32 * MIB };

// A lua_Alloc; `heap` is what lua_newstate() got.
static void* block_of_lua(void* heap, void* block, size_t old_bytes, size_t bytes) {
  (void)old_bytes;
  if (bytes != 0) return luna_heap_realloc(heap, block, bytes);
  luna_heap_free(heap, block);
  return NULL;
}

// Runs a script that returns a number; `result` gets it. Returns what Lua says.
static int run(lua_State* lua, const char* script, long* result) {
  int said = luaL_loadstring(lua, script);
  if (said == LUA_OK) said = lua_pcall(lua, 0, 1, 0);
  if (said == LUA_OK) *result = (long)lua_tointeger(lua, -1);
  lua_pop(lua, 1);
  return said;
}

static const char fill[] =
    "kept = kept or {}\n"
    "for i = #kept + 1, 150000 do kept[i] = 'value ' .. i .. (' '):rep(60) end\n"
    "return #kept\n";
static const char look[] = "return kept[#kept]:sub(1, 6) == 'value ' and #kept or 0\n";

int main(void) {
  const size_t before = resident_bytes();
  const luna_heap_options options = {
      .struct_size = sizeof options, .name = "script", .limit_bytes = LIMIT};
  luna_heap* heap = luna_heap_create(&options);
  check(heap != NULL, "a heap is created");
  lua_State* lua = lua_newstate(&block_of_lua, heap);
  check(lua != NULL, "a state is created");
  luaL_openlibs(lua);

  long kept = 0;
  long filled = 0;
  const int at_limit = run(lua, fill, &filled);
  const int usable = run(lua, look, &kept);
  printf("{\"at_limit\": %d, \"errmem\": %d, \"usable\": %d, \"kept\": %ld,\n", at_limit,
         LUA_ERRMEM, usable, kept);

  luna_heap_set_limit(heap, RAISED);
  const int raised = run(lua, fill, &filled);
  printf("\"raised\": %d, \"filled\": %ld,\n", raised, filled);

  const luna_heap_stats stats = stats_of(heap);
  printf("\"peak\": %lu, \"limit\": %d, \"denied\": %lu, \"resident\": %lu,\n",
         (unsigned long)stats.peak_bytes, RAISED, (unsigned long)stats.denied,
         (unsigned long)stats.resident_bytes);
  const size_t full = resident_bytes();
  check(luna_heap_destroy(heap) == 0, "the heap goes");
  printf("\"before\": %zu, \"full\": %zu, \"after\": %zu}\n", before, full, resident_bytes());
  return 0;
}
