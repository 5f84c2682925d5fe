// Entry of the add-on (files.c and mounts.c are the rest of it, with thread.c), and connections to SOCK_SEQPACKET sockets, which Node's net module cannot open: what conmon serves its clients on.
// Node-API and libuv, so that one build works with every Node; links to nothing, so that it works with every C library.
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

/** Packets larger than this are cut: conmon's have at most 32 KiB. */
#define PACKET_SIZE (128 * 1024)
/** Packets that one socket may deliver before others have their turn. */
#define PACKETS_PER_TURN 64

enum { ON_PACKET, ON_WRITABLE, ON_END, CALLBACKS };

typedef struct {
  uv_poll_t poll;
  napi_env env;
  napi_async_context context;
  napi_ref callbacks[CALLBACKS];
  int fd;
  /** The handle is closing; nothing is called any more. */
  bool closing;
  /** libuv has let go of it, JavaScript has: what is neither's is freed. */
  bool released;
  bool collected;
} Connection;

static char packet[PACKET_SIZE];

static void throw_errno(napi_env env, int number) {
  napi_throw_error(env, uv_err_name(-number), uv_strerror(-number));
}

static void on_released(uv_handle_t *handle) {
  Connection *connection = handle->data;
  connection->released = true;
  if (connection->collected) free(connection);
}

static void release(Connection *connection) {
  if (connection->closing) return;
  connection->closing = true;
  uv_poll_stop(&connection->poll);
  uv_close((uv_handle_t *)&connection->poll, on_released);
  close(connection->fd);
  for (int index = 0; index < CALLBACKS; index += 1) napi_delete_reference(connection->env, connection->callbacks[index]);
  napi_async_destroy(connection->env, connection->context);
}

static void on_collected(napi_env env, void *data, void *hint) {
  Connection *connection = data;
  connection->collected = true;
  release(connection);
  if (connection->released) free(connection);
}

/** Calls one of the functions given to `open`; what it throws is an uncaught exception, as of any event. */
static void call(Connection *connection, int callback, size_t count, const napi_value *arguments) {
  napi_env env = connection->env;
  napi_value function, global, exception;
  napi_get_reference_value(env, connection->callbacks[callback], &function);
  napi_get_global(env, &global);
  if (napi_make_callback(env, connection->context, global, function, count, arguments, NULL) != napi_pending_exception) return;
  napi_get_and_clear_last_exception(env, &exception);
  napi_fatal_exception(env, exception);
}

static void end(Connection *connection) {
  uv_poll_stop(&connection->poll);
  call(connection, ON_END, 0, NULL);
}

/** Delivers what has come. */
static void receive(Connection *connection, bool broken) {
  for (int turn = 0; turn < PACKETS_PER_TURN && !connection->closing; turn += 1) {
    ssize_t length = recv(connection->fd, packet, sizeof packet, MSG_DONTWAIT);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !broken) return;
    if (length <= 0) return end(connection);
    napi_value buffer;
    if (napi_create_buffer_copy(connection->env, (size_t)length, packet, NULL, &buffer) != napi_ok) return end(connection);
    call(connection, ON_PACKET, 1, &buffer);
  }
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  Connection *connection = poll->data;
  napi_handle_scope scope;
  napi_open_handle_scope(connection->env, &scope);
  if (events & UV_WRITABLE) {
    uv_poll_start(poll, UV_READABLE, on_poll);
    call(connection, ON_WRITABLE, 0, NULL);
  }
  if (!connection->closing && (status < 0 || events & UV_READABLE)) receive(connection, status < 0);
  napi_close_handle_scope(connection->env, scope);
}

/** A connected socket, or -1 with the reason in errno. */
static int connect_to(const char *path, size_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (length >= sizeof address.sun_path) return errno = ENAMETOOLONG, -1;
  memcpy(address.sun_path, path, length);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

/** open(path, onPacket(buffer), onWritable(), onEnd()): a connection. Throws with the system's code; EAGAIN: others wait to be accepted. */
static napi_value open_connection(napi_env env, napi_callback_info info) {
  size_t count = 1 + CALLBACKS, length;
  napi_value arguments[1 + CALLBACKS], name, result;
  char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
  uv_loop_t *loop;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_string_utf8(env, arguments[0], path, sizeof path, &length) != napi_ok) return throw_errno(env, EINVAL), NULL;
  int fd = connect_to(path, length);
  if (fd < 0) return throw_errno(env, errno), NULL;
  Connection *connection = calloc(1, sizeof *connection);
  napi_get_uv_event_loop(env, &loop);
  if (connection == NULL || uv_poll_init(loop, &connection->poll, fd) != 0) {
    free(connection);
    close(fd);
    return throw_errno(env, ENOMEM), NULL;
  }
  connection->poll.data = connection;
  connection->env = env;
  connection->fd = fd;
  napi_create_string_utf8(env, "SEQPACKET", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &connection->context);
  for (int index = 0; index < CALLBACKS; index += 1) napi_create_reference(env, arguments[1 + index], 1, &connection->callbacks[index]);
  napi_create_external(env, connection, on_collected, NULL, &result);
  uv_poll_start(&connection->poll, UV_READABLE, on_poll);
  return result;
}

/** The connection that a function was called with, and its further arguments; NULL when it is closed. */
static Connection *connection_of(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  Connection *connection = NULL;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_external(env, arguments[0], (void **)&connection) != napi_ok) return throw_errno(env, EINVAL), NULL;
  return connection->closing ? NULL : connection;
}

/** send(connection, buffer, offset, length): sends a packet. False: there is no room; onWritable tells when there is. */
static napi_value send_packet(napi_env env, napi_callback_info info) {
  napi_value arguments[4], result;
  char *data;
  size_t size;
  uint32_t offset, length;
  Connection *connection = connection_of(env, info, 4, arguments);
  if (connection == NULL) return throw_errno(env, EPIPE), NULL;
  napi_get_buffer_info(env, arguments[1], (void **)&data, &size);
  napi_get_value_uint32(env, arguments[2], &offset);
  napi_get_value_uint32(env, arguments[3], &length);
  if (offset > size || length > size - offset) return throw_errno(env, EINVAL), NULL;
  ssize_t sent;
  do sent = send(connection->fd, data + offset, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  bool full = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (sent < 0 && !full) return throw_errno(env, errno), NULL;
  if (full) uv_poll_start(&connection->poll, UV_READABLE | UV_WRITABLE, on_poll);
  napi_get_boolean(env, !full, &result);
  return result;
}

/** shutdown(connection): no more is sent; the other side may go on. */
static napi_value shutdown_connection(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Connection *connection = connection_of(env, info, 1, arguments);
  if (connection != NULL) shutdown(connection->fd, SHUT_WR);
  return NULL;
}

static napi_value close_connection(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  Connection *connection = connection_of(env, info, 1, arguments);
  if (connection != NULL) release(connection);
  return NULL;
}

/** In thread.c. */
napi_value as_ids(napi_env env, napi_callback_info info);
napi_value in_netns(napi_env env, napi_callback_info info);
/** files.c */
void define_files(napi_env env, napi_value exports);
/** mounts.c */
void define_mounts(napi_env env, napi_value exports);

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      {"open", NULL, open_connection, NULL, NULL, NULL, napi_enumerable, NULL},
      {"send", NULL, send_packet, NULL, NULL, NULL, napi_enumerable, NULL},
      {"shutdown", NULL, shutdown_connection, NULL, NULL, NULL, napi_enumerable, NULL},
      {"close", NULL, close_connection, NULL, NULL, NULL, napi_enumerable, NULL},
      {"asIds", NULL, as_ids, NULL, NULL, NULL, napi_enumerable, NULL},
      {"inNetns", NULL, in_netns, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  define_files(env, exports);
  define_mounts(env, exports);
  return exports;
}
