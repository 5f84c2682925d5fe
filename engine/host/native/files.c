// What Node's fs module cannot do to files, or only with much ado: extended attributes, device nodes and pipes, a hint to ext4, all of a folder at once. Paths are bytes.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <node_api.h>
#include <stdlib.h>
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

/** What a folder's listing grows into. */
typedef struct {
  char *data;
  size_t length, room;
  /** Bytes of content that it may still take. */
  size_t content;
} Listing;

static char *grow(Listing *listing, size_t more) {
  if (listing->length + more > listing->room) {
    size_t room = (listing->length + more) * 2;
    char *data = realloc(listing->data, room);
    if (data == NULL) return NULL;
    listing->data = data;
    listing->room = room;
  }
  char *at = listing->data + listing->length;
  listing->length += more;
  return at;
}

/** One file of a listing; numbers as this machine has them. */
typedef struct __attribute__((packed)) {
  uint32_t name, mode, uid, gid, major, minor;
  uint64_t links, device, inode, size, blocks;
  /** Seconds and nanoseconds of each. */
  int64_t modified, changed, accessed;
  uint32_t modified_rest, changed_rest, accessed_rest;
  /** Of its content, which follows the name: that many bytes, or -1: it has to be read. */
  int32_t content;
  /** Whether it has extended attributes. */
  uint32_t attributes;
} Item;

/** The content of a small regular file into `to`; false: it is not as long as it was. */
static int read_whole(int fd, char *to, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t count = read(fd, to + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    done += count;
  }
  return 0;
}

static int list_file(Listing *listing, int folder, const char *name, size_t limit) {
  struct stat stats;
  size_t length = strlen(name);
  if (fstatat(folder, name, &stats, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  int small = limit > 0 && S_ISREG(stats.st_mode) && (size_t)stats.st_size <= limit && (size_t)stats.st_size <= listing->content;
  size_t size = small ? stats.st_size : 0;
  Item item = {.name = length, .mode = stats.st_mode, .uid = stats.st_uid, .gid = stats.st_gid, .links = stats.st_nlink, .device = stats.st_dev, .inode = stats.st_ino, .size = stats.st_size, .blocks = stats.st_blocks, .modified = stats.st_mtim.tv_sec, .changed = stats.st_ctim.tv_sec, .accessed = stats.st_atim.tv_sec, .modified_rest = stats.st_mtim.tv_nsec, .changed_rest = stats.st_ctim.tv_nsec, .accessed_rest = stats.st_atim.tv_nsec, .content = small ? (int32_t)size : -1};
  item.major = ((stats.st_rdev >> 32) & 0xfffff000u) | ((stats.st_rdev >> 8) & 0xfffu);
  item.minor = ((stats.st_rdev >> 12) & 0xffffff00u) | (stats.st_rdev & 0xffu);
  char *at = grow(listing, sizeof item + length + size);
  if (at == NULL) return ENOMEM;
  memcpy(at + sizeof item, name, length);
  // A link has no descriptor to ask, what is not small needs none: whoever wants their attributes asks by the path.
  item.attributes = 1;
  if (small) {
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return errno;
    int wrong = read_whole(fd, at + sizeof item + length, size);
    item.attributes = flistxattr(fd, NULL, 0) > 0;
    close(fd);
    if (wrong != 0) return wrong;
    listing->content -= size;
  }
  memcpy(at, &item, sizeof item);
  return 0;
}

/**
 * readFolder(path, limit, most): what is in a folder, in no order, each as an Item, its name and, of regular files of at most `limit` bytes and together at most `most`, their content.
 * The path's last part is not followed. Throws with the system's code.
 */
static napi_value read_folder(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], result;
  char path[PATH_MAX];
  uint32_t limit, most;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int wrong = path_of(env, arguments[0], path);
  if (wrong == 0 && (napi_get_value_uint32(env, arguments[1], &limit) != napi_ok || napi_get_value_uint32(env, arguments[2], &most) != napi_ok)) wrong = EINVAL;
  if (wrong != 0) return fail(env, wrong);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail(env, errno);
  DIR *folder = fdopendir(fd);
  if (folder == NULL) return wrong = errno, close(fd), fail(env, wrong);
  Listing listing = {.content = most};
  for (struct dirent *entry; wrong == 0; ) {
    errno = 0;
    if ((entry = readdir(folder)) == NULL) {
      wrong = errno;
      break;
    }
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) wrong = list_file(&listing, fd, entry->d_name, limit);
  }
  closedir(folder);
  if (wrong == 0) napi_create_buffer_copy(env, listing.length, listing.data == NULL ? "" : listing.data, NULL, &result);
  free(listing.data);
  return wrong == 0 ? result : fail(env, wrong);
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
      {"readFolder", NULL, read_folder, NULL, NULL, NULL, napi_enumerable, NULL},
      {"attributes", NULL, attributes, NULL, NULL, NULL, napi_enumerable, NULL},
      {"makeNode", NULL, make_node, NULL, NULL, NULL, napi_enumerable, NULL},
      {"spreadFolders", NULL, spread_folders, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
