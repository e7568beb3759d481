// SPDX-License-Identifier: MIT
// A shop that forgets one thing: README.md finds the line with lunalloc. It includes no header of
// lunalloc and runs on any malloc.
//
// Usage: orders [MILLISECONDS]    works so long, 4000 if not told
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECENT = 1000, TEXT_BYTES = 600, ORDERS_A_MILLISECOND = 50 };

// The latest orders, of which each is freed when another takes its place.
static char* recent[RECENT];

static void remember(int number, const char* text) {
  free(recent[number % RECENT]);
  recent[number % RECENT] = strdup(text);
}

// A checksum, for a shop has work to do.
static unsigned check(const char* text) {
  unsigned sum = 0;
  for (int round = 0; round < 8; ++round)
    for (size_t i = 0; text[i] != 0; ++i) sum = sum * 31 + (unsigned char)text[i];
  return sum;
}

static size_t send_reminder(const char* text) {
  char* letter = malloc(TEXT_BYTES);
  if (letter == NULL) exit(1);
  return (size_t)snprintf(letter, TEXT_BYTES, "You have not paid for %s", text);  // and forgets it
}

static size_t take_order(int number) {
  char text[TEXT_BYTES];
  memset(text, '.', sizeof text - 1);
  text[sizeof text - 1] = 0;
  text[snprintf(text, sizeof text, "order %d", number)] = ' ';
  remember(number, text);
  if (check(text) == 0) return 0;
  return number % 3 == 0 ? send_reminder(text) : 0;
}

int main(int count, char** arguments) {
  const int milliseconds = count > 1 ? atoi(arguments[1]) : 4000;
  const struct timespec pause = {0, 1000000};
  size_t written = 0;
  for (int order = 0; order < milliseconds * ORDERS_A_MILLISECOND; ++order) {
    written += take_order(order);
    if (order % ORDERS_A_MILLISECOND == 0) nanosleep(&pause, NULL);
  }
  for (int i = 0; i < RECENT; ++i) free(recent[i]);
  printf("%zu letters written\n", written);
  return 0;
}
