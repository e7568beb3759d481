// SPDX-License-Identifier: MIT
// SQLite in a heap of its own: at its limit statements fail with SQLITE_NOMEM and nothing else is
// harmed; with more it goes on; and all of it goes with the heap.
//
// Usage: sqlite_heap    prints what it saw, as JSON
#include "example.h"

#include <lunalloc/heap.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>

enum { MIB = 1 << 20, LIMIT = 8 * MIB, RAISED = 16 * MIB, RESERVE = MIB / 2 };

static luna_heap* heap;

static void* take(int bytes) { return luna_heap_malloc(heap, (size_t)bytes); }
static void give_back(void* block) { luna_heap_free(heap, block); }
static void* resize(void* block, int bytes) {
  return luna_heap_realloc(heap, block, (size_t)bytes);
}
static int room(void* block) { return (int)malloc_usable_size(block); }
static int round_up(int bytes) { return (bytes + 7) & ~7; }
static int begin(void* unused) {
  (void)unused;
  return SQLITE_OK;
}
static void end(void* unused) { (void)unused; }

static const sqlite3_mem_methods methods = {take,     give_back, resize, room,
                                            round_up, begin,     end,    NULL};

// SQLite must not have been used before.
static void move_in(void) {
  const luna_heap_options options = {.struct_size = sizeof options,
                                     .name = "sqlite",
                                     .limit_bytes = LIMIT,
                                     .reserve_bytes = RESERVE};
  heap = luna_heap_create(&options);
  check(heap != NULL, "a heap is created");
  check(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK, "SQLite takes the functions");
}

// Adds rows until there are so many, or one is refused; returns what SQLite said.
static int add_rows(sqlite3* database, int from, int to) {
  sqlite3_stmt* insert;
  int said = sqlite3_prepare_v2(database, "insert into page values (?, randomblob(3000))", -1,
                                &insert, NULL);
  for (int row = from; said == SQLITE_OK && row < to; ++row) {
    sqlite3_bind_int(insert, 1, row);
    sqlite3_step(insert);
    said = sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  return said;
}

static int number(sqlite3* database, const char* query) {
  sqlite3_stmt* statement;
  check(sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK, query);
  check(sqlite3_step(statement) == SQLITE_ROW, query);
  const int result = sqlite3_column_int(statement, 0);
  sqlite3_finalize(statement);
  return result;
}

static const char whole[] = "select integrity_check = 'ok' from pragma_integrity_check";
static const char rows[] = "select count(*) from page";

int main(void) {
  const size_t before = resident_bytes();
  move_in();
  sqlite3* database;
  check(sqlite3_open(":memory:", &database) == SQLITE_OK, "a database is opened");
  check(sqlite3_exec(database, "create table page (id integer primary key, text blob)", NULL, NULL,
                     NULL) == SQLITE_OK,
        "a table is created");

  const int at_limit = add_rows(database, 0, 100000);
  const int kept = number(database, rows);
  printf("{\"at_limit\": %d, \"nomem\": %d, \"kept\": %d, \"whole\": %d,\n", at_limit, SQLITE_NOMEM,
         kept, number(database, whole));

  luna_heap_set_limit(heap, RAISED);
  const int raised = add_rows(database, kept, kept + 1500);
  printf("\"raised\": %d, \"rows\": %d, \"whole_raised\": %d,\n", raised, number(database, rows),
         number(database, whole));

  const luna_heap_stats stats = stats_of(heap);
  printf("\"peak\": %lu, \"limit\": %d, \"denied\": %lu, \"resident\": %lu,\n",
         (unsigned long)stats.peak_bytes, RAISED, (unsigned long)stats.denied,
         (unsigned long)stats.resident_bytes);
  const size_t full = resident_bytes();
  sqlite3_close(database);
  sqlite3_shutdown();
  check(luna_heap_destroy(heap) == 0, "the heap goes");
  printf("\"before\": %zu, \"full\": %zu, \"after\": %zu}\n", before, full, resident_bytes());
  return 0;
}
