/*
 * The system calls that Node does not offer, and nothing else: raw, packet, netlink and unix datagram sockets, readiness
 * of a file descriptor on Node's own event loop, a timer at an absolute deadline, the monotonic clock, real-time
 * scheduling and network namespaces. Every protocol and every structure is TypeScript, above src/linux/native.ts, which
 * is the only importer and says what each function takes.
 *
 * Conventions
 *  - A function answers a non-negative number, or -errno. It throws only for arguments of the wrong type: our own bug.
 *  - Memory belongs to the caller: packets, addresses, control messages and answers are typed arrays that it reuses. The
 *    packet path (send, receive, monotonic, threadCpu, timerSet) allocates nothing in the JavaScript heap or outside it.
 *  - Nothing blocks. Interrupted calls are repeated here.
 *
 * It is linked with -nostdlib: node itself brings libc, libuv and Node-API into the process, so that the file names no
 * library and no version of one, and one file per architecture serves every glibc that Node runs on.
 */
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <netinet/in.h>
#include <node_api.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

_Static_assert(sizeof(size_t) == 8, "TypeScript lays out struct cmsghdr for 64-bit machines");

#define MAX_ARGS 5

/* ---- arguments and answers ---- */

struct call {
  napi_env env;
  napi_value args[MAX_ARGS];
  bool wrong; /* an argument had the wrong type; a TypeError is pending */
};

static struct call arguments(napi_env env, napi_callback_info info) {
  struct call call = {.env = env, .wrong = false};
  size_t count = MAX_ARGS; /* the rest is filled with undefined */
  napi_get_cb_info(env, info, &count, call.args, NULL, NULL);
  return call;
}

static void wrong(struct call *call, const char *message) {
  if (!call->wrong) napi_throw_type_error(call->env, "ERR_INVALID_ARG_TYPE", message);
  call->wrong = true;
}

static int32_t integer(struct call *call, int index) {
  int32_t value = 0;
  if (napi_get_value_int32(call->env, call->args[index], &value) != napi_ok) wrong(call, "expected a number");
  return value;
}

struct span {
  void *data;
  size_t length; /* in elements */
};

/* The memory of a typed array; null and undefined give none if it is optional. */
static struct span array(struct call *call, int index, napi_typedarray_type type, bool optional) {
  struct span span = {NULL, 0};
  napi_typedarray_type actual;
  if (napi_get_typedarray_info(call->env, call->args[index], &actual, &span.length, &span.data, NULL, NULL) == napi_ok) {
    if (actual != type) wrong(call, "expected a typed array of another kind");
    return span;
  }
  napi_valuetype kind;
  napi_typeof(call->env, call->args[index], &kind);
  if (!optional || (kind != napi_null && kind != napi_undefined)) wrong(call, "expected a typed array");
  return (struct span){NULL, 0};
}

static napi_value answer(struct call *call, int64_t value) {
  napi_value result;
  napi_create_int32(call->env, (int32_t)value, &result);
  return result;
}

/* What a system call returned: its value, or -errno. */
static napi_value outcome(struct call *call, int64_t value) { return answer(call, value < 0 ? -errno : value); }

/* ---- sockets ---- */

static napi_value open_socket(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int domain = integer(&call, 0), type = integer(&call, 1), protocol = integer(&call, 2);
  if (call.wrong) return NULL;
  return outcome(&call, socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

static napi_value close_fd(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  if (call.wrong) return NULL;
  return outcome(&call, close(fd)); /* not repeated: on Linux the descriptor is gone even after EINTR */
}

static napi_value bind_socket(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  struct span address = array(&call, 1, napi_uint8_array, false);
  if (call.wrong) return NULL;
  return outcome(&call, bind(fd, address.data, (socklen_t)address.length));
}

static napi_value set_option(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0), level = integer(&call, 1), name = integer(&call, 2);
  struct span value = array(&call, 3, napi_uint8_array, false);
  if (call.wrong) return NULL;
  return outcome(&call, setsockopt(fd, level, name, value.data, (socklen_t)value.length));
}

/* send(fd, bytes, length, address | null, control | null): bytes sent, or -errno. */
static napi_value send_message(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  struct span bytes = array(&call, 1, napi_uint8_array, false);
  int32_t length = integer(&call, 2);
  struct span address = array(&call, 3, napi_uint8_array, true);
  struct span control = array(&call, 4, napi_uint8_array, true);
  if (length < 0 || (size_t)length > bytes.length) wrong(&call, "length exceeds the buffer");
  if (call.wrong) return NULL;
  struct iovec part = {bytes.data, (size_t)length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  message.msg_name = address.data, message.msg_namelen = (socklen_t)address.length;
  message.msg_control = control.data, message.msg_controllen = control.length;
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return outcome(&call, sent);
}

/* Where receive() leaves what the control messages say, as 32-bit words; words 4 to 7 are the destination's bytes. */
enum { META_ADDRESS_LENGTH, META_TTL, META_IFINDEX, META_FLAGS, META_DESTINATION, META_WORDS = META_DESTINATION + 4 };

static void read_control(struct msghdr *message, int32_t *meta) {
  meta[META_TTL] = -1;
  meta[META_IFINDEX] = 0;
  memset(&meta[META_DESTINATION], 0, 16);
  for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
    int level = control->cmsg_level, type = control->cmsg_type;
    if ((level == IPPROTO_IP && type == IP_TTL) || (level == IPPROTO_IPV6 && type == IPV6_HOPLIMIT)) {
      memcpy(&meta[META_TTL], CMSG_DATA(control), sizeof(int32_t));
    } else if (level == IPPROTO_IP && type == IP_PKTINFO) {
      struct in_pktinfo packet;
      memcpy(&packet, CMSG_DATA(control), sizeof packet);
      meta[META_IFINDEX] = packet.ipi_ifindex;
      memcpy(&meta[META_DESTINATION], &packet.ipi_addr, 4);
    } else if (level == IPPROTO_IPV6 && type == IPV6_PKTINFO) {
      struct in6_pktinfo packet;
      memcpy(&packet, CMSG_DATA(control), sizeof packet);
      meta[META_IFINDEX] = (int32_t)packet.ipi6_ifindex;
      memcpy(&meta[META_DESTINATION], &packet.ipi6_addr, 16);
    }
  }
}

/* receive(fd, bytes, address | null, meta | null): bytes received, or -errno; -EAGAIN when nothing waits. */
static napi_value receive_message(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  struct span bytes = array(&call, 1, napi_uint8_array, false);
  struct span address = array(&call, 2, napi_uint8_array, true);
  struct span meta = array(&call, 3, napi_int32_array, true);
  if (meta.data && meta.length < META_WORDS) wrong(&call, "meta is too short");
  if (call.wrong) return NULL;
  _Alignas(struct cmsghdr) char control[256];
  struct iovec part = {bytes.data, bytes.length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  ssize_t received;
  do {
    message.msg_name = address.data, message.msg_namelen = (socklen_t)address.length;
    message.msg_control = meta.data ? control : NULL, message.msg_controllen = meta.data ? sizeof control : 0;
    received = recvmsg(fd, &message, MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  if (received >= 0 && meta.data) {
    int32_t *words = meta.data;
    words[META_ADDRESS_LENGTH] = (int32_t)message.msg_namelen;
    words[META_FLAGS] = message.msg_flags;
    read_control(&message, words);
  }
  return outcome(&call, received);
}

/* ---- readiness on Node's event loop ---- */

struct addon {
  uv_loop_t *loop;
  struct poll *polls;
  napi_async_cleanup_hook_handle cleanup; /* set once the environment goes down */
  bool closing;
};

struct poll {
  uv_poll_t handle;
  struct addon *addon;
  struct poll *next, **link;
  napi_env env;
  napi_ref callback;
  int owners; /* the JavaScript object and the libuv handle; the last one frees */
};

static void release(struct poll *poll) {
  if (--poll->owners == 0) free(poll);
}

static void finish_cleanup(struct addon *addon) {
  if (addon->closing && !addon->polls) {
    napi_remove_async_cleanup_hook(addon->cleanup);
    free(addon);
  }
}

static void on_closed(uv_handle_t *handle) {
  struct poll *poll = handle->data;
  struct addon *addon = poll->addon;
  *poll->link = poll->next;
  if (poll->next) poll->next->link = poll->link;
  napi_handle_scope scope;
  napi_open_handle_scope(poll->env, &scope);
  napi_delete_reference(poll->env, poll->callback);
  napi_close_handle_scope(poll->env, scope);
  release(poll);
  finish_cleanup(addon);
}

static void close_poll(struct poll *poll) {
  if (!uv_is_closing((uv_handle_t *)&poll->handle)) uv_close((uv_handle_t *)&poll->handle, on_closed);
}

static void on_ready(uv_poll_t *handle, int status, int events) {
  (void)events;
  struct poll *poll = handle->data;
  napi_env env = poll->env;
  /* libuv stops at EPOLLERR, which is how netlink says that it lost messages: go on, receive() will tell and clear it. */
  if (status < 0) uv_poll_start(handle, UV_READABLE, on_ready);
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value callback, global, thrown;
  napi_get_reference_value(env, poll->callback, &callback);
  napi_get_global(env, &global);
  /* Runs nextTick and promise jobs afterwards, as Node does after its own callbacks. */
  if (napi_make_callback(env, NULL, global, callback, 0, NULL, NULL) == napi_pending_exception) {
    napi_get_and_clear_last_exception(env, &thrown);
    napi_fatal_exception(env, thrown); /* process.on('uncaughtException'), or the end */
  }
  napi_close_handle_scope(env, scope);
}

static void forget_poll(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  release(data);
}

/* pollStart(fd, callback): a handle for pollStop, or -errno. The callback runs as long as fd is readable. */
static napi_value poll_start(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  napi_valuetype kind;
  napi_typeof(env, call.args[1], &kind);
  if (kind != napi_function) wrong(&call, "expected a function");
  if (call.wrong) return NULL;
  struct addon *addon;
  napi_get_instance_data(env, (void **)&addon);
  struct poll *poll = calloc(1, sizeof *poll);
  if (!poll) return answer(&call, -ENOMEM);
  int status = uv_poll_init(addon->loop, &poll->handle, fd);
  if (status < 0) {
    free(poll);
    return answer(&call, status);
  }
  poll->handle.data = poll;
  poll->addon = addon;
  poll->env = env;
  poll->owners = 2;
  poll->next = addon->polls;
  poll->link = &addon->polls;
  if (poll->next) poll->next->link = &poll->next;
  addon->polls = poll;
  napi_value result;
  napi_create_reference(env, call.args[1], 1, &poll->callback);
  uv_poll_start(&poll->handle, UV_READABLE, on_ready);
  napi_create_external(env, poll, forget_poll, NULL, &result);
  return result;
}

/* pollStop(handle): before the descriptor is closed. Stopping again does nothing. */
static napi_value poll_stop(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  struct poll *poll;
  if (napi_get_value_external(env, call.args[0], (void **)&poll) != napi_ok) wrong(&call, "expected a poll handle");
  if (call.wrong) return NULL;
  close_poll(poll);
  return answer(&call, 0);
}

static void on_cleanup(napi_async_cleanup_hook_handle handle, void *data) {
  struct addon *addon = data;
  addon->cleanup = handle;
  addon->closing = true;
  for (struct poll *poll = addon->polls; poll; poll = poll->next) close_poll(poll);
  finish_cleanup(addon);
}

/* ---- time ---- */

static napi_value timer_create_fd(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  return outcome(&call, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

/* timerSet(fd, atMs): fires at the absolute deadline; a negative one disarms. Setting it clears readability. */
static napi_value timer_set(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  double at_ms = -1;
  if (napi_get_value_double(env, call.args[1], &at_ms) != napi_ok) wrong(&call, "expected a number");
  if (call.wrong) return NULL;
  struct itimerspec setting = {0};
  if (at_ms >= 0 && at_ms < 9e12) {
    /* A microsecond late on purpose: when it fires, the clock has passed the deadline however doubles round. */
    int64_t at_ns = (int64_t)(at_ms * 1e6) + 1000;
    setting.it_value.tv_sec = at_ns / 1000000000;
    setting.it_value.tv_nsec = at_ns % 1000000000;
  }
  return outcome(&call, timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL));
}

/* out[0] = the clock in milliseconds. A double that is returned would be a heap object. */
static napi_value read_clock(napi_env env, napi_callback_info info, clockid_t clock) {
  struct call call = arguments(env, info);
  struct span out = array(&call, 0, napi_float64_array, false);
  if (out.length < 1) wrong(&call, "expected room for one number");
  if (call.wrong) return NULL;
  struct timespec now;
  clock_gettime(clock, &now);
  *(double *)out.data = (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
  return NULL;
}

/* monotonic(out): CLOCK_MONOTONIC. */
static napi_value monotonic(napi_env env, napi_callback_info info) { return read_clock(env, info, CLOCK_MONOTONIC); }

/* threadCpu(out): the time that the calling thread has had a CPU. */
static napi_value thread_cpu(napi_env env, napi_callback_info info) {
  return read_clock(env, info, CLOCK_THREAD_CPUTIME_ID);
}

/* ---- the thread ---- */

/* setRealtime(priority): SCHED_RR for the calling thread; threads and processes that it creates start without it. */
static napi_value set_realtime(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  struct sched_param parameter = {.sched_priority = integer(&call, 0)};
  if (call.wrong) return NULL;
  return outcome(&call, sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameter));
}

/* enterNetwork(fd): sockets that this thread opens from now on live in the namespace; those that exist stay. */
static napi_value enter_network(napi_env env, napi_callback_info info) {
  struct call call = arguments(env, info);
  int fd = integer(&call, 0);
  if (call.wrong) return NULL;
  return outcome(&call, setns(fd, CLONE_NEWNET));
}

/* ---- the module ---- */

NAPI_MODULE_INIT() {
  if (uv_version() >> 16 != 1) {
    napi_throw_error(env, "ERR_TANDEM_LIBUV", "tandem.node needs libuv 1.x: run it on the Node that Tandem ships");
    return NULL;
  }
  struct addon *addon = calloc(1, sizeof *addon);
  if (!addon || napi_get_uv_event_loop(env, &addon->loop) != napi_ok ||
      napi_set_instance_data(env, addon, NULL, NULL) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_cleanup, addon, NULL) != napi_ok) {
    napi_throw_error(env, "ERR_TANDEM_INIT", "tandem.node cannot attach itself to Node's event loop");
    free(addon);
    return NULL;
  }
  const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"socket", open_socket},         {"close", close_fd},          {"bind", bind_socket},
      {"setOption", set_option},       {"send", send_message},       {"receive", receive_message},
      {"pollStart", poll_start},       {"pollStop", poll_stop},      {"timerCreate", timer_create_fd},
      {"timerSet", timer_set},         {"monotonic", monotonic},     {"setRealtime", set_realtime},
      {"enterNetwork", enter_network}, {"threadCpu", thread_cpu},
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
