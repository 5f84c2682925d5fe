// What a thread of Linux has for itself, changed for a moment: Node's own functions change the whole process, or know nothing of it.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <node_api.h>
#include <sched.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

static void throw_errno(napi_env env, int number) {
  napi_throw_error(env, uv_err_name(-number), uv_strerror(-number));
}

static napi_value call(napi_env env, napi_value work) {
  napi_value global, result = NULL;
  napi_get_global(env, &global);
  napi_call_function(env, global, work, 0, NULL, &result);
  return result;
}

/** Giving up root's id gives up its capabilities for files: they are taken back, as far as the process has them. */
static int raise_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  if (syscall(SYS_capget, &header, data) != 0) return -1;
  for (int index = 0; index < 2; index += 1) data[index].effective = data[index].permitted;
  return (int)syscall(SYS_capset, &header, data);
}

/** asIds(uid, gid, work): what `work` returns. It must be done with files when it returns: nothing that goes on later has these ids. */
napi_value as_ids(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], result = NULL;
  uint32_t uid, gid;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_uint32(env, arguments[0], &uid) != napi_ok || napi_get_value_uint32(env, arguments[1], &gid) != napi_ok) return throw_errno(env, EINVAL), NULL;
  int old_gid = setfsgid(gid);
  int old_uid = setfsuid(uid);
  // They say what was; what is, another call says, with an id that there is not.
  int failure = 0;
  if ((uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid) failure = EPERM;
  else if (raise_capabilities() != 0) failure = errno;
  else result = call(env, arguments[2]);
  setfsuid((uid_t)old_uid);
  setfsgid((gid_t)old_gid);
  if (failure != 0) throw_errno(env, failure);
  return result;
}

/** inNetns(descriptor, work): what `work` returns, which sees the network namespace of the descriptor: its sockets and its /proc/sys/net. */
napi_value in_netns(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t wanted;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_int32(env, arguments[0], &wanted) != napi_ok) return throw_errno(env, EINVAL), NULL;
  int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own < 0) return throw_errno(env, errno), NULL;
  if (setns(wanted, CLONE_NEWNET) != 0) {
    int failure = errno;
    close(own);
    return throw_errno(env, failure), NULL;
  }
  napi_value result = call(env, arguments[1]);
  // Whoever stayed there would take all that comes for what the host has.
  if (setns(own, CLONE_NEWNET) != 0) napi_fatal_error("inNetns", NAPI_AUTO_LENGTH, "the network namespace could not be left", NAPI_AUTO_LENGTH);
  close(own);
  return result;
}
