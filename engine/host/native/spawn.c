// Starts processes without copying the engine. libuv forks: the page tables of a large heap are copied for a child that needs none of them, which takes
// several milliseconds in which the engine answers nobody. A child of vfork borrows the parent's memory until it runs its program.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <node_api.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/** Descriptors that a child can be given. */
#define MOST_FDS 8

typedef struct {
  uv_poll_t poll;
  napi_env env;
  napi_async_context context;
  napi_ref on_exit;
  pid_t pid;
  int pidfd;
} Child;

/** What the child needs, made ready before it is there: it may not allocate. */
typedef struct {
  char *path;
  char **arguments;
  char **environment;
  char *folder;
  int fds[MOST_FDS];
  uint32_t count;
  /** A session of its own. */
  bool detached;
} Plan;

extern char **environ;

static napi_value fail(napi_env env, int number) {
  napi_throw_error(env, uv_err_name(-number), uv_strerror(-number));
  return NULL;
}

static char *text_of(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text != NULL) napi_get_value_string_utf8(env, value, text, length + 1, &length);
  if (text != NULL && strlen(text) == length) return text;
  free(text); // a zero within it would cut it short
  return NULL;
}

static void free_texts(char **texts) {
  if (texts == NULL) return;
  for (char **text = texts; *text != NULL; text += 1) free(*text);
  free(texts);
}

/** An array of strings, ended by NULL; NULL: it is none. */
static char **texts_of(napi_env env, napi_value value) {
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok) return NULL;
  char **texts = calloc(length + 1, sizeof *texts);
  for (uint32_t index = 0; texts != NULL && index < length; index += 1) {
    napi_value item;
    napi_get_element(env, value, index, &item);
    if ((texts[index] = text_of(env, item)) != NULL) continue;
    free_texts(texts);
    return NULL;
  }
  return texts;
}

static bool is_given(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type != napi_undefined && type != napi_null;
}

static int read_fds(napi_env env, napi_value value, Plan *plan) {
  if (napi_get_array_length(env, value, &plan->count) != napi_ok || plan->count > MOST_FDS) return EINVAL;
  for (uint32_t index = 0; index < plan->count; index += 1) {
    napi_value item;
    napi_get_element(env, value, index, &item);
    if (napi_get_value_int32(env, item, &plan->fds[index]) != napi_ok) return EINVAL;
  }
  return 0;
}

static void free_plan(Plan *plan) {
  free(plan->path);
  free(plan->folder);
  free_texts(plan->arguments);
  free_texts(plan->environment);
}

static int read_plan(napi_env env, const napi_value *arguments, Plan *plan) {
  plan->path = text_of(env, arguments[0]);
  plan->arguments = texts_of(env, arguments[1]);
  if (plan->path == NULL || plan->arguments == NULL) return EINVAL;
  if (is_given(env, arguments[2]) && (plan->environment = texts_of(env, arguments[2])) == NULL) return EINVAL;
  if (is_given(env, arguments[3]) && (plan->folder = text_of(env, arguments[3])) == NULL) return EINVAL;
  if (napi_get_value_bool(env, arguments[5], &plan->detached) != napi_ok) return EINVAL;
  return read_fds(env, arguments[4], plan);
}

/** In the child: gives it its descriptors. Those in the way of others go above them first. */
static int place_fds(Plan *plan) {
  int fds[MOST_FDS];
  for (uint32_t index = 0; index < plan->count; index += 1) {
    fds[index] = plan->fds[index] >= 0 ? plan->fds[index] : open("/dev/null", (index == 0 ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fds[index] < 0) return errno;
    if (fds[index] < (int)plan->count && (fds[index] = fcntl(fds[index], F_DUPFD_CLOEXEC, plan->count)) < 0) return errno;
  }
  for (uint32_t index = 0; index < plan->count; index += 1) {
    if (dup2(fds[index], index) < 0) return errno;
    int flags = index > 2 ? 0 : fcntl(index, F_GETFL); // programs expect their standard streams to wait
    if (flags > 0 && (flags & O_NONBLOCK) != 0) fcntl(index, F_SETFL, flags & ~O_NONBLOCK);
  }
  return 0;
}

/** In the child, whose memory is the parent's: only system calls, and nothing is written but what is on this stack. Returns what went wrong. */
static int become(Plan *plan, const sigset_t *mask) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int number = 1; number < 32; number += 1) {
    if (number != SIGKILL && number != SIGSTOP) sigaction(number, &plain, NULL);
  }
  if (plan->detached && setsid() < 0) return errno;
  int wrong = place_fds(plan);
  if (wrong != 0) return wrong;
  if (plan->folder != NULL && chdir(plan->folder) != 0) return errno;
  sigprocmask(SIG_SETMASK, mask, NULL);
  execve(plan->path, plan->arguments, plan->environment != NULL ? plan->environment : environ);
  return errno;
}

/** The new process; or -1, with the reason in errno. */
static __attribute__((noinline)) pid_t start(Plan *plan) {
  sigset_t all, before, none;
  volatile int wrong = 0;
  sigfillset(&all);
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &all, &before); // no handler of ours may run in the child
  pid_t pid = vfork();
  if (pid == 0) {
    wrong = become(plan, &none);
    _exit(127);
  }
  int reason = pid < 0 ? errno : wrong;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid < 0 || wrong == 0) return errno = reason, pid;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  errno = reason;
  return -1;
}

static void on_closed(uv_handle_t *handle) {
  free(handle->data);
}

/** Calls back once, with the status that it exited with or the signal that ended it, the other null. */
static void on_ended(uv_poll_t *poll, int status, int events) {
  Child *child = poll->data;
  napi_env env = child->env;
  int result = 0;
  pid_t waited;
  while ((waited = waitpid(child->pid, &result, WNOHANG)) < 0 && errno == EINTR) continue;
  if (waited == 0) return;
  uv_poll_stop(poll);
  close(child->pidfd);
  napi_handle_scope scope;
  napi_value function, global, exception, arguments[2];
  napi_open_handle_scope(env, &scope);
  napi_get_null(env, &arguments[0]);
  napi_get_null(env, &arguments[1]);
  if (waited > 0 && WIFSIGNALED(result)) napi_create_int32(env, WTERMSIG(result), &arguments[1]);
  else napi_create_int32(env, waited > 0 ? WEXITSTATUS(result) : 255, &arguments[0]);
  napi_get_reference_value(env, child->on_exit, &function);
  napi_get_global(env, &global);
  if (napi_make_callback(env, child->context, global, function, 2, arguments, NULL) == napi_pending_exception) {
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
  napi_delete_reference(env, child->on_exit);
  napi_async_destroy(env, child->context);
  napi_close_handle_scope(env, scope);
  uv_close((uv_handle_t *)poll, on_closed);
}

/** Has a child's end told; false: it cannot be. */
static bool watch_child(napi_env env, pid_t pid, napi_value callback) {
  uv_loop_t *loop;
  napi_value name;
  Child *child = calloc(1, sizeof *child);
  if (child == NULL) return false;
  *child = (Child){.env = env, .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
  napi_get_uv_event_loop(env, &loop);
  if (child->pidfd < 0 || uv_poll_init(loop, &child->poll, child->pidfd) != 0) {
    if (child->pidfd >= 0) close(child->pidfd);
    free(child);
    return false;
  }
  child->poll.data = child;
  napi_create_string_utf8(env, "PROCESS", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &child->context);
  napi_create_reference(env, callback, 1, &child->on_exit);
  uv_poll_start(&child->poll, UV_READABLE, on_ended);
  return true;
}

/**
 * spawn(path, arguments, environment | undefined, folder | undefined, descriptors, detached, onExit(status | null, signal | null)): its pid. A descriptor of -1 is
 * /dev/null; the child has no others. Throws with the system's code.
 */
static napi_value spawn(napi_env env, napi_callback_info info) {
  size_t count = 7;
  napi_value arguments[7], result;
  Plan plan = {0};
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int wrong = read_plan(env, arguments, &plan);
  pid_t pid = wrong == 0 ? start(&plan) : -1;
  if (wrong == 0 && pid < 0) wrong = errno;
  free_plan(&plan);
  if (wrong != 0) return fail(env, wrong);
  if (!watch_child(env, pid, arguments[6])) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    return fail(env, EMFILE);
  }
  napi_create_int32(env, pid, &result);
  return result;
}

/** memoryFile(): a descriptor of an empty file that has no name. Throws with the system's code. */
static napi_value memory_file(napi_env env, napi_callback_info info) {
  napi_value result;
  int fd = memfd_create("berth", MFD_CLOEXEC);
  if (fd < 0) return fail(env, errno);
  napi_create_int32(env, fd, &result);
  return result;
}

/** pipe(): its two ends, the one to read first. Throws with the system's code. */
static napi_value make_pipe(napi_env env, napi_callback_info info) {
  napi_value result, item;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(env, errno);
  napi_create_array_with_length(env, 2, &result);
  for (uint32_t index = 0; index < 2; index += 1) {
    napi_create_int32(env, ends[index], &item);
    napi_set_element(env, result, index, item);
  }
  return result;
}

void define_spawn(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"spawn", NULL, spawn, NULL, NULL, NULL, napi_enumerable, NULL},
      {"pipe", NULL, make_pipe, NULL, NULL, NULL, napi_enumerable, NULL},
      {"memoryFile", NULL, memory_file, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
