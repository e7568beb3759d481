// SPDX-License-Identifier: MIT
// A server that works for two tenants and forgets what it took for one of them: who allocates is
// told by labels, who leaks by the report.
//
// Usage: requests PROFILE REPORT    writes a profile as JSON, and a report of leaks
#include <lunalloc/profile.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REQUESTS = 4000, SESSION_BYTES = 2000, ANSWER_BYTES = 6000 };

// What a request leaves behind: the tenant "blue" never ends its sessions.
static void* sessions[REQUESTS];

static void serve(int request, const char* tenant) {
  luna_profile_label("tenant", tenant);
  char* answer = malloc(ANSWER_BYTES);
  void* session = malloc(SESSION_BYTES);
  if (answer == NULL || session == NULL) exit(1);
  memset(answer, request, ANSWER_BYTES);
  free(answer);
  if (strcmp(tenant, "blue") == 0)
    sessions[request] = session;
  else
    free(session);
  luna_profile_label(NULL, NULL);
}

static void check(int error, const char* what) {
  if (error == 0) return;
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

int main(int count, char** arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: requests PROFILE REPORT\n");
    return 2;
  }
  check(luna_profile_start(4096), "no samples are taken");
  const struct timespec pause = {0, 500000};
  for (int request = 0; request < REQUESTS; ++request) {
    serve(request, request % 2 != 0 ? "blue" : "green");
    if (request % 4 == 0) nanosleep(&pause, NULL);  // whether memory grows is a matter of time
  }
  check(luna_profile_dump(arguments[1], LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON), arguments[1]);
  check(luna_leaks_dump(arguments[2], LUNA_PROFILE_TEXT), arguments[2]);
  for (int request = 0; request < REQUESTS; ++request) free(sessions[request]);
  return 0;
}
