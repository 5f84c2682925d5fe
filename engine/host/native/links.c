// Many hard links at once, off the engine's thread: a build that copies much the same files again makes thousands.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

typedef struct {
  napi_async_work work;
  napi_deferred deferred;
  char *from, *to;
  /** Paths, each ended by a zero. */
  char *paths;
  size_t length;
  /** Of each path, whether it was linked. */
  unsigned char *made;
  size_t count;
  int failure;
} Links;

static char *bytes_of(napi_env env, napi_value value, size_t *length) {
  void *data;
  if (napi_get_buffer_info(env, value, &data, length) != napi_ok) return NULL;
  char *copy = malloc(*length + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, data, *length);
  copy[*length] = 0;
  return copy;
}

static void free_links(Links *links) {
  free(links->from);
  free(links->to);
  free(links->paths);
  free(links->made);
  free(links);
}

static void execute(napi_env env, void *data) {
  Links *links = data;
  int from = open(links->from, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int to = from < 0 ? -1 : open(links->to, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (to < 0) links->failure = errno;
  size_t index = 0;
  for (const char *path = links->paths; to >= 0 && path < links->paths + links->length; path += strlen(path) + 1) {
    links->made[index] = linkat(from, path, to, path, 0) == 0;
    index += 1;
  }
  if (from >= 0) close(from);
  if (to >= 0) close(to);
}

static void complete(napi_env env, napi_status status, void *data) {
  Links *links = data;
  napi_value result, code, message;
  if (links->failure == 0 && napi_create_buffer_copy(env, links->count, links->made, NULL, &result) == napi_ok) napi_resolve_deferred(env, links->deferred, result);
  else {
    napi_create_string_utf8(env, uv_err_name(-links->failure), NAPI_AUTO_LENGTH, &code);
    napi_create_string_utf8(env, uv_strerror(-links->failure), NAPI_AUTO_LENGTH, &message);
    napi_create_error(env, code, message, &result);
    napi_reject_deferred(env, links->deferred, result);
  }
  napi_delete_async_work(env, links->work);
  free_links(links);
}

/**
 * linkAll(from, to, paths): gives each path below the folder `to` the file that has it below `from`. Paths are bytes, each ended by a zero. A promise
 * of a byte for each: 1 where that went well. Rejects with the system's code when a folder cannot be opened.
 */
static napi_value link_all(napi_env env, napi_callback_info info) {
  size_t argument_count = 3, ignored;
  napi_value arguments[3], promise, name;
  Links *links = calloc(1, sizeof *links);
  napi_get_cb_info(env, info, &argument_count, arguments, NULL, NULL);
  if (links == NULL) return NULL;
  links->from = bytes_of(env, arguments[0], &ignored);
  links->to = bytes_of(env, arguments[1], &ignored);
  links->paths = bytes_of(env, arguments[2], &links->length);
  if (links->paths != NULL) {
    for (size_t at = 0; at < links->length; at += 1) links->count += links->paths[at] == 0;
    links->made = calloc(links->count + 1, 1);
  }
  if (links->from == NULL || links->to == NULL || links->made == NULL || (links->length > 0 && links->paths[links->length - 1] != 0)) {
    free_links(links);
    napi_throw_error(env, "EINVAL", "invalid argument");
    return NULL;
  }
  napi_create_promise(env, &links->deferred, &promise);
  napi_create_string_utf8(env, "LINKS", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(env, NULL, name, execute, complete, links, &links->work);
  napi_queue_async_work(env, links->work);
  return promise;
}

void define_links(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {{"linkAll", NULL, link_all, NULL, NULL, NULL, napi_enumerable, NULL}};
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
}
