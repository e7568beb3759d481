// SPDX-License-Identifier: MIT
// control.h - what can be read, and what can be changed, while the process runs: by names with
// dots, such as decay.ms. docs/control.md has all of them.
//
// Each option has a control, with the value that is in force. A change is in force when the call
// returns; other threads find it at their next slow path. Nothing here allocates, but that a
// profile that is begun takes memory from the kernel.
//
// Every function may be called from any thread, but not from a signal handler. Those that return
// an int return 0, or a value of errno: ENOENT if there is no control of that name, and EINVAL if
// the name is NULL. The names may grow in number from version to version; none changes its
// meaning.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum luna_control_type {
  LUNA_CONTROL_FLAG,    // true or false; as a number 1 or 0
  LUNA_CONTROL_NUMBER,  // whole, not negative
  LUNA_CONTROL_CHOICE,  // one of some words
  LUNA_CONTROL_TEXT
} luna_control_type;

typedef enum luna_control_access {
  LUNA_CONTROL_READ,   // it cannot be set
  LUNA_CONTROL_WRITE,  // it can be read and set
  LUNA_CONTROL_ACT     // it has no value: what is set is done, at once
} luna_control_access;

// What luna_control_list() tells of a control. Texts but `wants` and `value` are good until the
// process ends; these two, and the struct, until the callback returns.
typedef struct luna_control {
  size_t struct_size;  // what the library wrote: fields that lie beyond are not there
  const char* name;
  const char* option;  // by which it is set at the start; NULL if there is none
  luna_control_type type;
  luna_control_access access;
  const char* unit;  // such as "ms"; "" if it has none
  const char* help;
  const char* why_fixed;  // why an option cannot be set any more; NULL if it can, or is none
  const char* wants;      // what may be set, such as "a whole number from 1 to 256"
  const char* value;      // as a text; "" if it has none
} luna_control;

// Values as numbers, of flags and numbers. EINVAL if it is neither, or `value` is NULL; ENOTSUP
// if it cannot be read.
int luna_control_get_number(const char* name, uint64_t* value);

// Values of any type as texts that end with a zero. ERANGE if `bytes` are not enough, and then
// nothing is written; 256 always are. EINVAL and ENOTSUP as above.
int luna_control_get_text(const char* name, char* buffer, size_t bytes);

// EPERM if it cannot be set; EINVAL if the value makes no sense, also beside those of other
// controls; ENOTSUP if the option enabled is off and it is needed; ENOMEM. Then nothing has
// changed.
int luna_control_set_number(const char* name, uint64_t value);
int luna_control_set_text(const char* name, const char* value);  // read as the value of an option

// The name that is most like this one, or NULL for NULL. Good until the process ends.
const char* luna_control_nearest(const char* name);

// What may be set, in words; why nothing, if it cannot be set. What does not fit is cut off, and
// the text ends with a zero. EINVAL if the buffer is NULL or has no byte.
int luna_control_wants(const char* name, char* buffer, size_t bytes);

typedef void luna_control_callback(const luna_control* control, void* context);

// Calls `each` for every control, in the order of the table, with no lock held. EINVAL if it is
// NULL.
int luna_control_list(luna_control_callback* each, void* context);

#ifdef __cplusplus
}
#endif
