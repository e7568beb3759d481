// SPDX-License-Identifier: MIT
// attach.h - how another process reaches this one: two objects that the library exports as data.
// `luna attach` uses them, and so may any program that may trace the process; docs/attach.md.
//
// Who asks chooses a number at random, writes `number`, `request_bytes`, `request` and `sum` into
// the text, and then, in a second write, the number into `asked`. While `answered` is that number
// the answer is there; if `asked` has become another before, somebody else came between.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LUNA_ATTACH_SYMBOL "lunalloc_attach"
#define LUNA_ATTACH_TEXT_SYMBOL "lunalloc_attach_text"
#define LUNA_ATTACH_MAGIC "lunalloc attach"  // and its final zero: 16 bytes
#define LUNA_ATTACH_VERSION 1

typedef enum luna_attach_result {
  LUNA_ATTACH_DONE,      // the answer tells of each part of the request
  LUNA_ATTACH_GARBAGE,   // the sum is wrong: nothing was done
  LUNA_ATTACH_NO_THREAD  // there can be no thread to carry it out: nothing was done
} luna_attach_result;

// Named lunalloc_attach.
typedef struct luna_attach {
  char magic[16];
  uint32_t version;
  uint32_t struct_size;  // sizeof(luna_attach)
  uint32_t text_size;    // sizeof(luna_attach_text)
  uint32_t enabled;      // 0: the option `enabled` is false, and nobody answers
  uint64_t asked;        // 0: the last request is answered
  uint64_t answered;
} luna_attach;

// Named lunalloc_attach_text; no memory backs it before it is written to.
typedef struct luna_attach_text {
  uint64_t number;
  uint64_t sum;  // luna_attach_sum()
  uint32_t request_bytes;
  char request[1024];  // name:value, name=value, name or ?name, separated by commas

  // What follows is the library's, and good while `answered` is the number.
  uint32_t result;    // a luna_attach_result
  uint32_t mistakes;  // parts of the request that were wrong
  uint32_t answer_bytes;
  char answer[3040];  // a line for each part; cut off where it does not fit
} luna_attach_text;

// Of a request that fits: FNV-1a over its number and its text.
static inline uint64_t luna_attach_sum(const luna_attach_text* text) {
  const uint64_t prime = 1099511628211U;
  uint64_t sum = 14695981039346656037U;
  uint32_t i;
  for (i = 0; i < 64; i += 8) sum = (sum ^ ((text->number >> i) & 0xFF)) * prime;
  for (i = 0; i < text->request_bytes && i < sizeof text->request; ++i)
    sum = (sum ^ (unsigned char)text->request[i]) * prime;
  return sum;
}

#ifdef __cplusplus
}
#endif
