// What Node's fs module cannot do to files: extended attributes, device nodes and pipes, and a hint to ext4. Paths are bytes.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <node_api.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <uv.h>

static napi_value fail(napi_env env, int number) {
  napi_throw_error(env, uv_err_name(-number), uv_strerror(-number));
  return NULL;
}

/** The bytes of a buffer as a path; 0, or what is wrong with them. */
static int path_of(napi_env env, napi_value value, char *path) {
  void *data;
  size_t length;
  if (napi_get_buffer_info(env, value, &data, &length) != napi_ok) return EINVAL;
  if (length >= PATH_MAX) return ENAMETOOLONG;
  if (memchr(data, 0, length) != NULL) return EINVAL;
  memcpy(path, data, length);
  path[length] = 0;
  return 0;
}

/** setAttribute(path, name, value): links are not followed. Throws with the system's code. */
static napi_value set_attribute(napi_env env, napi_callback_info info) {
  size_t count = 3, length;
  napi_value arguments[3];
  char path[PATH_MAX], name[XATTR_NAME_MAX + 1];
  void *data;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int wrong = path_of(env, arguments[0], path);
  if (wrong != 0) return fail(env, wrong);
  if (napi_get_value_string_latin1(env, arguments[1], name, sizeof name, &length) != napi_ok || strlen(name) != length) return fail(env, EINVAL);
  if (napi_get_buffer_info(env, arguments[2], &data, &length) != napi_ok) return fail(env, EINVAL);
  if (lsetxattr(path, name, data, length, 0) != 0) return fail(env, errno);
  return NULL;
}

/** attributes(path): the extended attributes of a file, a link not followed, as [name, value, name, value, …]; none where the file system has none. Throws with the system's code. */
static napi_value attributes(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, found, item;
  char path[PATH_MAX], names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  int wrong = path_of(env, argument, path);
  if (wrong != 0) return fail(env, wrong);
  ssize_t length = llistxattr(path, names, sizeof names);
  if (length < 0 && errno != ENOTSUP) return fail(env, errno);
  if (length <= 0) return NULL;
  uint32_t next = 0;
  napi_create_array(env, &found);
  for (const char *name = names; name < names + length; name += strlen(name) + 1) {
    ssize_t size = lgetxattr(path, name, value, sizeof value);
    if (size < 0 && errno == ENODATA) continue; // it has gone meanwhile, or is another's
    if (size < 0) return fail(env, errno);
    napi_create_string_latin1(env, name, NAPI_AUTO_LENGTH, &item);
    napi_set_element(env, found, next++, item);
    napi_create_buffer_copy(env, size, value, NULL, &item);
    napi_set_element(env, found, next++, item);
  }
  return found;
}

/** As every C library on Linux does it; glibc's is a function that others do not have. */
static dev_t device(uint64_t major_number, uint64_t minor_number) {
  return ((major_number & 0xfffff000u) << 32) | ((major_number & 0xfffu) << 8) | ((minor_number & 0xffffff00u) << 12) | (minor_number & 0xffu);
}

/** makeNode(path, mode, major, minor): a device or a pipe, as the type bits of `mode` say. Throws with the system's code. */
static napi_value make_node(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  char path[PATH_MAX];
  uint32_t mode, major_number, minor_number;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int wrong = path_of(env, arguments[0], path);
  if (wrong != 0) return fail(env, wrong);
  if (napi_get_value_uint32(env, arguments[1], &mode) != napi_ok || napi_get_value_uint32(env, arguments[2], &major_number) != napi_ok || napi_get_value_uint32(env, arguments[3], &minor_number) != napi_ok) return fail(env, EINVAL);
  if (mknod(path, mode, device(major_number, minor_number)) != 0) return fail(env, errno);
  return NULL;
}

/** spreadFolders(path): ext4's "top of hierarchies" mark (chattr +T). Throws with the system's code. */
static napi_value spread_folders(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1];
  char path[PATH_MAX];
  int flags;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int wrong = path_of(env, arguments[0], path);
  if (wrong != 0) return fail(env, wrong);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(env, errno);
  if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) wrong = errno;
  else if ((flags & FS_TOPDIR_FL) == 0) {
    flags |= FS_TOPDIR_FL;
    if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) wrong = errno;
  }
  close(fd);
  return wrong == 0 ? NULL : fail(env, wrong);
}

void define_files(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {"setAttribute", NULL, set_attribute, NULL, NULL, NULL, napi_enumerable, NULL},
      {"attributes", NULL, attributes, NULL, NULL, NULL, napi_enumerable, NULL},
      {"makeNode", NULL, make_node, NULL, NULL, NULL, napi_enumerable, NULL},
      {"spreadFolders", NULL, spread_folders, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
