// SPDX-License-Identifier: MIT
// How a runtime tells heap profiles what it runs: a small interpreter keeps the stack of its
// thread where lunalloc reads it. Prints a profile for flame graphs.
//
// Usage: runtime_frames FILE, linked with lunalloc: cc runtime_frames.c -llunalloc
#include <lunalloc/profile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A function of the program that is interpreted: it keeps some memory, then calls another.
struct function {
  const char* name;
  int line;
  size_t bytes;
  const struct function* callee;
  luna_frame frame;
};

static struct function functions[] = {
    {"load_row", 3, 100000, NULL, 0},
    {"load_table", 8, 20000, &functions[0], 0},
    {"main", 14, 0, &functions[1], 0},
};

enum { kFunctions = sizeof functions / sizeof functions[0], kDepth = 64 };

// Once, when the program is loaded: names take a lock, and memory for good.
static void load_program(void) {
  for (int i = 0; i < kFunctions; ++i)
    functions[i].frame =
        luna_profile_frame_name(functions[i].name, "table.script", functions[i].line);
}

static void run(luna_frame_stack* stack, const struct function* function) {
  luna_frame_push(stack, function->frame);
  if (function->bytes != 0) {
    char* memory = malloc(function->bytes);
    if (memory == NULL) abort();
    memset(memory, 1, function->bytes);  // and it stays, so that the profile shows it
  }
  if (function->callee != NULL) run(stack, function->callee);
  luna_frame_pop(stack);
}

int main(int count, char** arguments) {
  if (count != 2) {
    fprintf(stderr, "usage: runtime_frames FILE\n");
    return 2;
  }
  load_program();
  if (luna_profile_start(1) != 0) return 1;

  // One for each thread of the runtime, as long as the thread runs what is interpreted.
  luna_frame frames[kDepth];
  luna_frame_stack stack = {frames, 0, kDepth, 0};
  if (luna_profile_frame_stack(&stack) != 0) return 1;
  for (int i = 0; i < 10; ++i) run(&stack, &functions[kFunctions - 1]);
  luna_profile_frame_stack(NULL);

  return luna_profile_dump(arguments[1], LUNA_PROFILE_HEAP, LUNA_PROFILE_COLLAPSED) != 0;
}
