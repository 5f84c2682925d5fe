// The ids that the kernel gives to files which are made, changed for this thread alone: Node's own functions change those of the whole process.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <linux/capability.h>
#include <node_api.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

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
  napi_value arguments[3], global, result = NULL;
  uint32_t uid, gid;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_uint32(env, arguments[0], &uid) != napi_ok || napi_get_value_uint32(env, arguments[1], &gid) != napi_ok) {
    napi_throw_type_error(env, NULL, "asIds: uid and gid are numbers");
    return NULL;
  }
  int old_gid = setfsgid(gid);
  int old_uid = setfsuid(uid);
  // They say what was; what is, another call says, with an id that there is not.
  int failed = (uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid ? EPERM : raise_capabilities() != 0 ? errno : 0;
  napi_get_global(env, &global);
  if (!failed) napi_call_function(env, global, arguments[2], 0, NULL, &result);
  setfsuid((uid_t)old_uid);
  setfsgid((gid_t)old_gid);
  if (failed) napi_throw_error(env, uv_err_name(-failed), uv_strerror(-failed));
  return result;
}
