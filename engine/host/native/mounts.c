// Mounts and unmounts, by system calls. Each runs on a thread of its own: it may take as long as the kernel does, and has a working directory for itself.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/** Room enough: what is called is the kernel. */
#define STACK_SIZE (256 * 1024)
/** Strings that a mount is described by. */
enum { FOLDER, SOURCE, TARGET, TYPE, OPTIONS };

/** The calls for detached mounts have the same numbers on every architecture; older C libraries have no names for them. */
enum { OPEN_TREE = 428, MOVE_MOUNT = 429, MOUNT_SETATTR = 442 };
enum { CLONE_OF_TREE = 1, FROM_DESCRIPTOR = 4, WITH_IDS_MAPPED = 0x100000 };
struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

typedef struct Task {
  uv_async_t over;
  uv_thread_t thread;
  napi_env env;
  napi_async_context context;
  napi_ref done;
  napi_async_cleanup_hook_handle hook;
  /** There is a thread to wait for. */
  bool started;
  bool closing;
  int (*work)(const struct Task *);
  unsigned long flags;
  /** What came of it: 0, or the system's number. */
  int failure;
  size_t count;
  /** `count` strings one after another, each with the zero that ends it. */
  char texts[];
} Task;

static void throw_errno(napi_env env, int number) {
  napi_throw_error(env, uv_err_name(-number), uv_strerror(-number));
}

static const char *next(const char *text) { return text + strlen(text) + 1; }

static const char *text(const Task *task, int index) {
  const char *at = task->texts;
  while (index-- > 0) at = next(at);
  return at;
}

/** mount(2), every relative path of it seen from `folder`. */
static int mount_one(const Task *task) {
  const char *folder = text(task, FOLDER);
  bool elsewhere = *folder != 0;
  // From here on this thread's working directory is not the process's.
  if (elsewhere && (unshare(CLONE_FS) != 0 || chdir(folder) != 0)) return errno;
  int failure = mount(text(task, SOURCE), text(task, TARGET), text(task, TYPE), task->flags, text(task, OPTIONS)) == 0 ? 0 : errno;
  // A thread is waited for before it has let go of all it had: that folder's file system could be in use a moment longer.
  if (elsewhere && chdir("/") != 0 && failure == 0) failure = errno;
  return failure;
}

/** A second mount of what `source` is, with owners as the user namespace's map shows them. */
static int mount_mapped(const Task *task) {
  const char *source = task->texts, *target = next(source), *namespace = next(target);
  int failure = 0;
  int map = open(namespace, O_RDONLY | O_CLOEXEC);
  if (map < 0) return errno;
  int tree = (int)syscall(OPEN_TREE, AT_FDCWD, source, CLONE_OF_TREE | O_CLOEXEC);
  struct attributes attributes = {.set = WITH_IDS_MAPPED, .user_namespace = (uint64_t)map};
  if (tree < 0 || syscall(MOUNT_SETATTR, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0 || syscall(MOVE_MOUNT, tree, "", AT_FDCWD, target, FROM_DESCRIPTOR) != 0) failure = errno;
  if (tree >= 0) close(tree);
  close(map);
  return failure;
}

/** Takes all that is mounted on each of the paths, one upon the other, away. The first failure is of a path from which nothing could be taken, or not all: the others are done all the same. */
static int unmount_all(const Task *task) {
  int failure = 0;
  const char *target = task->texts;
  for (size_t index = 0; index < task->count; index += 1, target = next(target)) {
    bool taken = false;
    while (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) taken = true;
    // Nothing is left, says EINVAL.
    if (failure == 0 && !(taken && errno == EINVAL)) failure = errno;
  }
  return failure;
}

static void on_thread(void *data) {
  Task *task = data;
  // Signals are for the other threads; a mount must not be interrupted by one.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  task->failure = task->work(task);
  uv_async_send(&task->over);
}

static void on_closed(uv_handle_t *handle) {
  Task *task = handle->data;
  napi_remove_async_cleanup_hook(task->hook);
  free(task);
}

/** Waits for the thread, which has no more than its last steps to do once it has said that it is over. */
static void release(Task *task) {
  if (task->closing) return;
  task->closing = true;
  if (task->started) uv_thread_join(&task->thread);
  napi_delete_reference(task->env, task->done);
  napi_async_destroy(task->env, task->context);
  uv_close((uv_handle_t *)&task->over, on_closed);
}

/** The environment ends, a worker's or the process's: not before what the kernel is at. */
static void on_teardown(napi_async_cleanup_hook_handle handle, void *data) {
  release(data);
}

static void on_over(uv_async_t *handle) {
  Task *task = handle->data;
  napi_env env = task->env;
  napi_handle_scope scope;
  napi_value function, global, number, exception;
  napi_open_handle_scope(env, &scope);
  napi_get_reference_value(env, task->done, &function);
  napi_get_global(env, &global);
  napi_create_int32(env, task->failure, &number);
  if (napi_make_callback(env, task->context, global, function, 1, &number, NULL) == napi_pending_exception) {
    napi_get_and_clear_last_exception(env, &exception);
    napi_fatal_exception(env, exception);
  }
  napi_close_handle_scope(env, scope);
  release(task);
}

/** A task with these strings; NULL, and an exception, if one is none or has a zero in it. */
static Task *task_with(napi_env env, size_t count, const napi_value *strings) {
  size_t total = 0, length;
  for (size_t index = 0; index < count; index += 1) {
    if (napi_get_value_string_utf8(env, strings[index], NULL, 0, &length) != napi_ok) return throw_errno(env, EINVAL), NULL;
    total += length + 1;
  }
  Task *task = calloc(1, sizeof *task + total);
  if (task == NULL) return throw_errno(env, ENOMEM), NULL;
  task->env = env;
  task->count = count;
  char *at = task->texts;
  for (size_t index = 0; index < count; index += 1, at += length + 1) {
    napi_get_value_string_utf8(env, strings[index], at, (size_t)(task->texts + total - at), &length);
    if (strlen(at) != length) return free(task), throw_errno(env, EINVAL), NULL;
  }
  return task;
}

/** Begins the work on a thread; `done` is called with what came of it, also where no thread could be had. */
static napi_value begin(Task *task, int (*work)(const Task *), napi_value done) {
  napi_env env = task->env;
  napi_value name;
  uv_loop_t *loop;
  const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_SIZE};
  napi_get_uv_event_loop(env, &loop);
  if (napi_create_reference(env, done, 1, &task->done) != napi_ok) return free(task), throw_errno(env, EINVAL), NULL;
  if (uv_async_init(loop, &task->over, on_over) != 0) {
    napi_delete_reference(env, task->done);
    return free(task), throw_errno(env, ENOMEM), NULL;
  }
  task->over.data = task;
  task->work = work;
  napi_create_string_utf8(env, "MOUNT", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &task->context);
  napi_add_async_cleanup_hook(env, on_teardown, task, &task->hook);
  int failure = uv_thread_create_ex(&task->thread, &options, on_thread, task);
  task->started = failure == 0;
  if (failure != 0) {
    task->failure = -failure;
    uv_async_send(&task->over);
  }
  return NULL;
}

/** mount(folder, source, target, type, options, flags, done) */
static napi_value begin_mount(napi_env env, napi_callback_info info) {
  size_t count = 7;
  napi_value arguments[7];
  uint32_t flags;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_uint32(env, arguments[5], &flags) != napi_ok) return throw_errno(env, EINVAL), NULL;
  Task *task = task_with(env, 5, arguments);
  if (task == NULL) return NULL;
  task->flags = flags;
  return begin(task, mount_one, arguments[6]);
}

/** mountMapped(source, target, userNamespace, done) */
static napi_value begin_mount_mapped(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  Task *task = task_with(env, 3, arguments);
  return task == NULL ? NULL : begin(task, mount_mapped, arguments[3]);
}

/** unmount(targets, done) */
static napi_value begin_unmount(napi_env env, napi_callback_info info) {
  size_t count = 2;
  uint32_t length;
  napi_value arguments[2];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_array_length(env, arguments[0], &length) != napi_ok) return throw_errno(env, EINVAL), NULL;
  napi_value *targets = calloc((size_t)length + 1, sizeof *targets);
  if (targets == NULL) return throw_errno(env, ENOMEM), NULL;
  for (uint32_t index = 0; index < length; index += 1) napi_get_element(env, arguments[0], index, &targets[index]);
  Task *task = task_with(env, length, targets);
  free(targets);
  return task == NULL ? NULL : begin(task, unmount_all, arguments[1]);
}

void define_mounts(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"mount", NULL, begin_mount, NULL, NULL, NULL, napi_enumerable, NULL},
      {"mountMapped", NULL, begin_mount_mapped, NULL, NULL, NULL, napi_enumerable, NULL},
      {"unmount", NULL, begin_unmount, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
