// SPDX-License-Identifier: MIT
// launcher: what did one run of a program cost, in time and in memory?
//
// A child's ru_maxrss starts at the RSS of the process that forked it, because
// exec carries the old high-water mark over. A Python harness would therefore
// lift every small program to its own 20 MB. This launcher is linked statically
// and stays below 1 MB; compare.py starts it, and it starts the measured program.
//
//   launcher [--repeat N] [--input FILE] [--output FILE] [NAME=VALUE ...] -- program [argument ...]
//
// It runs the program N times (default 1) with the settings added to the
// environment of the child alone, and prints one line of JSON: times and faults
// are sums over the runs, max_rss_kib is the largest one, pid is the last. Where a program has
// children of its own and waits for them, the kernel reports the RSS of the
// largest process of the family, not their sum. The program's stdout goes to FILE
// or /dev/null; stderr is passed through. A run that fails ends the repetition.
// `luna bench` measures by it too.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

enum { kExitUsage = 2, kExitCannotSpawn = 127 };

struct plan {
  long repeat;
  const char* input;
  const char* output;
  char** settings;  // NAME=VALUE strings inside argv
  int setting_count;
  char** command;  // null-terminated tail of argv
};

struct totals {
  long runs;
  double wall_s;
  double user_s;
  double system_s;
  long max_rss_kib;
  long minor_faults;
  long major_faults;
  pid_t pid;        // of the last run
  int wait_status;  // of the last run
};

static void fail_usage(const char* problem) {
  fprintf(stderr,
          "launcher: %s\nusage: launcher [--repeat N] [--input FILE] [--output FILE] "
          "[NAME=VALUE ...] -- program [argument ...]\n",
          problem);
  exit(kExitUsage);
}

static struct plan parse(int argc, char** argv) {
  struct plan plan = {1, "/dev/null", "/dev/null", NULL, 0, NULL};
  int index = 1;
  for (; index + 1 < argc && strncmp(argv[index], "--", 2) == 0 && argv[index][2] != '\0';
       index += 2) {
    if (strcmp(argv[index], "--repeat") == 0)
      plan.repeat = strtol(argv[index + 1], NULL, 10);
    else if (strcmp(argv[index], "--input") == 0)
      plan.input = argv[index + 1];
    else if (strcmp(argv[index], "--output") == 0)
      plan.output = argv[index + 1];
    else
      fail_usage("unknown option");
  }
  if (plan.repeat < 1) fail_usage("--repeat wants a number above 0");
  plan.settings = argv + index;
  while (index < argc && strcmp(argv[index], "--") != 0) {
    if (strchr(argv[index], '=') == NULL) fail_usage("a setting must read NAME=VALUE");
    ++index;
    ++plan.setting_count;
  }
  if (index + 1 >= argc) fail_usage("no program after --");
  plan.command = argv + index + 1;
  return plan;
}

static int same_name(const char* setting, const char* other) {
  const size_t length = (size_t)(strchr(setting, '=') - setting) + 1;
  return strncmp(setting, other, length) == 0;
}

// Returns our environment with the settings of the plan replacing or extending it.
static char** child_environment(const struct plan* plan) {
  size_t count = 0;
  while (environ[count] != NULL) ++count;
  char** result = calloc(count + (size_t)plan->setting_count + 1, sizeof(char*));
  if (result == NULL) exit(kExitCannotSpawn);

  size_t used = 0;
  for (size_t index = 0; index < count; ++index) {
    int replaced = 0;
    for (int setting = 0; setting < plan->setting_count; ++setting)
      replaced |= same_name(plan->settings[setting], environ[index]);
    if (!replaced) result[used++] = environ[index];
  }
  for (int setting = 0; setting < plan->setting_count; ++setting)
    result[used++] = plan->settings[setting];
  return result;
}

static double seconds(struct timeval time) {
  return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static double monotonic_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void prepare_streams(posix_spawn_file_actions_t* actions, const struct plan* plan) {
  posix_spawn_file_actions_init(actions);
  posix_spawn_file_actions_addopen(actions, STDIN_FILENO, plan->input, O_RDONLY, 0);
  posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, plan->output,
                                   O_WRONLY | O_CREAT | O_TRUNC, 0666);
}

// Runs the program once and adds what it cost to `totals`.
static void run_once(const struct plan* plan, char** environment,
                     posix_spawn_file_actions_t* actions, struct totals* totals) {
  pid_t child = 0;
  struct rusage usage;
  const double start = monotonic_seconds();
  const int error =
      posix_spawnp(&child, plan->command[0], actions, NULL, plan->command, environment);
  if (error != 0) {
    fprintf(stderr, "launcher: cannot run %s: %s\n", plan->command[0], strerror(error));
    exit(kExitCannotSpawn);
  }
  while (wait4(child, &totals->wait_status, 0, &usage) < 0) {
    if (errno != EINTR) exit(kExitCannotSpawn);
  }
  totals->wall_s += monotonic_seconds() - start;
  totals->pid = child;
  totals->user_s += seconds(usage.ru_utime);
  totals->system_s += seconds(usage.ru_stime);
  if (usage.ru_maxrss > totals->max_rss_kib) totals->max_rss_kib = usage.ru_maxrss;
  totals->minor_faults += usage.ru_minflt;
  totals->major_faults += usage.ru_majflt;
  ++totals->runs;
}

static void print_totals(const struct totals* totals) {
  const int status = totals->wait_status;
  printf(
      "{\"runs\": %ld, \"wall_s\": %.6f, \"user_s\": %.6f, \"system_s\": %.6f, "
      "\"max_rss_kib\": %ld, \"minor_faults\": %ld, \"major_faults\": %ld, "
      "\"exit_status\": %d, \"signal\": %d, \"pid\": %d}\n",
      totals->runs, totals->wall_s, totals->user_s, totals->system_s, totals->max_rss_kib,
      totals->minor_faults, totals->major_faults, WIFEXITED(status) ? WEXITSTATUS(status) : -1,
      WIFSIGNALED(status) ? WTERMSIG(status) : 0, (int)totals->pid);
}

int main(int argc, char** argv) {
  const struct plan plan = parse(argc, argv);
  char** environment = child_environment(&plan);
  posix_spawn_file_actions_t actions;
  prepare_streams(&actions, &plan);

  struct totals totals = {0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0};
  for (long run = 0; run < plan.repeat && totals.wait_status == 0; ++run)
    run_once(&plan, environment, &actions, &totals);
  print_totals(&totals);
  return 0;
}
