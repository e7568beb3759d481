// SPDX-License-Identifier: MIT
// profile.h - who allocates, and how much of it is still in use: a sampled profile of the
// heap with call stacks, switched on and off in a running process.
//
// One allocation in so many bytes is sampled, at random, so that every figure of the profile
// is an estimate that is right on the average; docs/telemetry.md has the mathematics. While no
// profile is taken, nothing of this costs an instruction on the fast path.
//
// Every function may be called from any thread. Called from a signal handler that has interrupted
// the allocator, or one of these, it does nothing, and returns EBUSY if it returns an error.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// In what form a profile is written, and how its file ends if the name is made from the
// option profile_file.
typedef enum luna_profile_format {
  LUNA_PROFILE_PPROF,       // .pb.gz: pprof's profile.proto, with build-ids
  LUNA_PROFILE_COLLAPSED,   // .folded: a line for each stack, for flame graphs
  LUNA_PROFILE_HEAP_V2,     // .heap: jemalloc's text, for jeprof
  LUNA_PROFILE_GPERFTOOLS,  // .gperftools.heap: that of gperftools, for google-pprof and pprof
  LUNA_PROFILE_JSON,        // .json
  LUNA_PROFILE_TEXT         // .txt: for people
} luna_profile_format;

// What a profile is of. LUNA_PROFILE_JSON says all of it, whatever it is asked for;
// LUNA_PROFILE_HEAP_V2 and LUNA_PROFILE_GPERFTOOLS know heap and peak alone.
typedef enum luna_profile_kind {
  LUNA_PROFILE_HEAP,       // what was allocated since the start, and what of it is in use
  LUNA_PROFILE_PEAK,       // what was in use when that was most
  LUNA_PROFILE_GROWTH,     // both of heap, less what they were at luna_profile_mark()
  LUNA_PROFILE_LIFETIMES,  // what was freed, and how long it had lived
  LUNA_PROFILE_TEMPORARY   // what was freed soon: see the option profile_temporary_us
} luna_profile_kind;

// Begins to take samples, one for `interval` bytes allocated on the average; 1 takes every
// block, 0 what the option profile_interval says. If samples are taken already, changes how
// many. Returns 0, EINVAL if `interval` is above 1 GiB or the options make no sense, ENOTSUP if
// the option enabled is off, or ENOMEM; then nothing has changed.
int luna_profile_start(uint64_t interval);

// Takes no more samples. What was sampled and is in use is followed until it is freed.
void luna_profile_stop(void);

// The present interval in bytes; 0 while no samples are taken. It may be wider than what was
// asked for, but if that was 1: see the option profile_cpu_percent.
uint64_t luna_profile_interval(void);

// Growth is measured from now on; without a mark, from the first start. Returns 0, or ENOENT if
// samples were never taken.
int luna_profile_mark(void);

// Gives the calling thread a label, such as the tenant or the kind of request that it works for;
// replaces one with the same key; a value of NULL removes it, a key of NULL with it removes all.
// Samples that the thread takes carry the labels that it has at that moment, and are sites of
// their own. They end with the thread; threads that it starts have none, the child of a fork has
// those of the thread that forked. A thread that is given none costs nothing.
//
// A key is 1 to 31 letters, digits and any of "_-./"; a value has up to 63 bytes. Each set of
// labels that a thread ever had takes memory for good, of profile_memory, so there should be
// hundreds or thousands of sets, not one for each request. Returns 0; EINVAL if the key has other
// characters or none, E2BIG if key or value is too long, ENOSPC if the thread has 8 others,
// ENOTSUP if the option enabled is off; then nothing has changed. ENOMEM if there is no room for
// one more set: the thread has no labels then, and the profile says how many samples it took
// before it got others or had all removed.
int luna_profile_label(const char* key, const char* value);

// A function of a program that a runtime runs: an interpreter, or a compiler at run time. It
// stands on the stacks of profiles beside the addresses of code. 0: none.
typedef uintptr_t luna_frame;

// Names a function, and returns the same for the same name, for as long as the process lives.
// The file may be NULL and the line 0. To name the line that runs now gives each line a site of
// its own; that where the function begins needs less. Texts are copied, and cut at 255 bytes.
// Takes a lock and some 200 ns, so a runtime does it when it loads a function, not when it calls
// it. Names take memory for good, of profile_memory. Returns 0 if there is no room for one more,
// which profiles count, if `function` is NULL or empty, or the option enabled is off.
luna_frame luna_profile_frame_name(const char* function, const char* file, int line);

// There are two ways to say what a thread runs; a thread that has a stack of the second kind is
// not asked by the first. Where nobody uses either, a sample costs no more than it did.

// Asked for each sample, by the thread that allocates. Writes up to `most` frames, the innermost
// function first, and returns how many. They stand in front of the addresses of code that are on
// the thread's stack, or in their place if it makes *native 0, which is 1 before. What
// luna_profile_frame_name() did not return is left out.
//
// It is called from within malloc, while the thread may hold any lock of the runtime. So it must
// not take a lock, wait nor fork, must not call functions of this header, and has to return, not
// leave by an exception, longjmp() or cancellation of the thread. It should not allocate; what it
// allocates is not sampled.
typedef size_t luna_frames_callback(luna_frame* frames, size_t most, int* native, void* context);

// Has the callback asked for the frames of each thread; NULL: no longer. That returns when no
// thread is in the callback and none will be, so that its code and context may go: not to be
// called from within it, nor while holding what it may wait for. Returns 0, EBUSY if there is a
// callback, or ENOTSUP if the option enabled is off.
int luna_profile_frames(luna_frames_callback* callback, void* context);

// The functions that a thread runs, as its runtime keeps them: the outermost first. What is
// pushed beyond the capacity is counted and not there.
typedef struct luna_frame_stack {
  luna_frame* frames;
  size_t count;
  size_t capacity;
  int without_native;  // not 0: addresses of code are left out
} luna_frame_stack;

// From now on samples of the calling thread begin with the frames of this stack; NULL: no longer,
// which is due before the stack goes or the thread ends. No one else reads it, and it is read
// while the thread is within malloc. The child of a fork goes on with it. Returns 0, or ENOTSUP
// if the option enabled is off.
int luna_profile_frame_stack(const luna_frame_stack* stack);

// A few instructions each; a compiler at run time may write the same. The empty ones keep calls
// of malloc where they are: compilers do not know that it reads the stack.
static inline void luna_frame_push(luna_frame_stack* stack, luna_frame frame) {
  __asm__ __volatile__("" : : : "memory");
  if (stack->count < stack->capacity) stack->frames[stack->count] = frame;
  ++stack->count;
  __asm__ __volatile__("" : : : "memory");
}

static inline void luna_frame_pop(luna_frame_stack* stack) {
  __asm__ __volatile__("" : : : "memory");
  --stack->count;
  __asm__ __volatile__("" : : : "memory");
}

// Writes a profile to a new file with mode 0600 that appears at once as a whole, and replaces
// the file that had its name; a device or a pipe is written to. A path of NULL stands for a name
// made from the option profile_file. Returns 0, EINVAL if the kind or the format is unknown or the
// format does not know the kind, ENOENT if samples were never taken, EDQUOT if the path is NULL and
// the options profile_max_files or profile_max_mib allow no more, or a positive errno value of the
// file system.
int luna_profile_dump(const char* path, luna_profile_kind kind, luna_profile_format format);

// Writes who leaks, in the same way: the sites whose memory grows, by how much and for how long,
// each with a confidence and a reason, and those that have grown and stopped. The format is
// LUNA_PROFILE_TEXT or LUNA_PROFILE_JSON; the name made from profile_file ends in .leaks.txt or
// .leaks.json. Returns the same values.
int luna_leaks_dump(const char* path, luna_profile_format format);

// How sure it is that nothing points to a block.
typedef enum luna_leak_grade {
  LUNA_LEAK_POSSIBLE,  // a register of another thread may point to it
  LUNA_LEAK_DEFINITE
} luna_leak_grade;

// A sampled block that nothing points to. The stack is good until the process ends; what a
// runtime named stands there as its luna_frame, which is no address: its highest bit is set.
typedef struct luna_leak {
  const void* address;
  uint64_t bytes;          // that the program asked for
  double objects;          // that the sample stands for, on the average
  const uintptr_t* stack;  // from where it was allocated, the innermost function first
  size_t depth;
  luna_leak_grade grade;
  int indirect;  // not 0: another block that nothing points to leads to it
} luna_leak;

typedef void luna_leak_callback(const luna_leak* leak, void* context);

// Looks for sampled blocks that are in use and that nothing in the process points to, neither
// variables, stacks and registers nor blocks that can be reached, in two snapshots of it; then
// calls `each` for each of them, by rising address. The callback may allocate, and free what
// it is told of. Other threads stand still for some milliseconds, twice; those that wait in
// epoll_wait() and a few other calls that signal(7) lists may get EINTR there. docs/leaks-proof.md
// says what cannot be seen.
//
// Returns 0, ENOENT if samples were never taken, EBUSY while another thread does the same,
// ETIMEDOUT after a minute, ENOTSUP without /proc, EIO if the snapshot was killed, or what
// clone(2) says.
int luna_leaks_prove(luna_leak_callback* each, void* context);

#ifdef __cplusplus
}
#endif
