/* The floor: the server that does nothing it could leave out.
 *
 *     epoll, read -> inflate -> split the envelope and its msgpack map
 *         -> a batch: payloads into the pack, one fdatasync | one committed statement in Postgres
 *         -> 200
 *
 * What comes while a batch is made durable (floor_keepers.c) is the next batch. No key is looked
 * up, nothing is scrubbed, counted or grouped. For benchmarks only: it believes what it is sent.
 *
 *     floor PORT FOLDER CONNINFO
 */
#define _GNU_SOURCE
#include "floor.h"
#include <arpa/inet.h>
#include <errno.h>
#include <libdeflate.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_BODY (32u << 20)
#define READ_BYTES (64u << 10)
#define KEPT "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
#define REFUSED "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"

connection *batch[MAX_CONNECTIONS];
int batch_count;
static connection *waiting[MAX_CONNECTIONS];
static int waiting_count, connection_count, epoll_fd, done_fd;
static struct libdeflate_decompressor *inflater;

void die(const char *what) { perror(what); exit(1); }

/* ---- batches */

static void answer(connection *one, const char *text) {
    one->is_held = 0;
    if (send(one->fd, text, strlen(text), MSG_NOSIGNAL) < 0) return;  /* the next read tells why */
}

static void begin_batch(void) {
    if (batch_count || !waiting_count) return;
    memcpy(batch, waiting, sizeof *batch * waiting_count);
    batch_count = waiting_count;
    waiting_count = 0;
    keep_batch();
}

static void end_batch(void) {
    for (int n = 0; n < batch_count; n++) answer(batch[n], KEPT);
    batch_count = 0;
}

/* ---- envelopes */

static const char *value_of(span text, const char *name) {
    size_t bytes = text.bytes < 4096 ? text.bytes : 4096;
    const char *found = memmem(text.at, bytes, name, strlen(name));
    return found ? found + strlen(name) : NULL;
}

static double seconds(const char *value) {
    struct tm at = {0};
    if (*value != '"') return strtod(value, NULL);
    const char *rest = strptime(value + 1, "%Y-%m-%dT%H:%M:%S", &at);
    return rest ? timegm(&at) + strtod(rest, NULL) : 0;
}

/* Find the parts of a replay_video item: a map of str8 keys to bin values. */
static int split_map(connection *one) {
    const unsigned char *at = (const unsigned char *)one->payload.at;
    const unsigned char *end = at + one->payload.bytes;
    if (at == end || (*at & 0xf0) != 0x80) return -1;
    for (int left = *at++ & 15; left; left--) {
        if (end - at < 2 || *at != 0xd9) return -1;
        const char *key = (const char *)at + 2;
        size_t key_bytes = at[1], bytes;
        at += 2 + key_bytes;
        if (end - at < 5 || *at != 0xc6) return -1;
        bytes = (size_t)at[1] << 24 | at[2] << 16 | at[3] << 8 | at[4];
        at += 5;
        if ((size_t)(end - at) < bytes) return -1;
        span value = {(const char *)at, bytes};
        if (key_bytes == 12 && !memcmp(key, "replay_event", 12)) one->event = value;
        if (key_bytes == 12 && !memcmp(key, "replay_video", 12)) one->video = value;
        at += bytes;
    }
    return 0;
}

static int split_envelope(connection *one) {
    const char *end = one->body + one->body_bytes, *item, *payload, *value;
    if (!(item = memchr(one->body, '\n', one->body_bytes))) return -1;
    item++;
    if (!(payload = memchr(item, '\n', end - item))) return -1;
    payload++;
    one->payload = one->event = one->video = (span){payload, end - payload};
    if (memmem(item, payload - item, "replay_video", 12) && split_map(one)) return -1;
    value = value_of(one->event, "\"replay_id\":\"");
    if (!value && !(value = value_of(one->event, "\"event_id\":\""))) return -1;
    memcpy(one->id, value, 32);
    one->segment = (value = value_of(one->event, "\"segment_id\":")) ? strtol(value, NULL, 10) : 0;
    one->ended_s = (value = value_of(one->event, "\"timestamp\":")) ? seconds(value) : 0;
    return 0;
}

static int inflate_body(connection *one, const char *in, size_t bytes) {
    uint32_t size;
    if (!one->is_gzip || bytes < 18) return -1;
    memcpy(&size, in + bytes - 4, 4);
    if (size > MAX_BODY) return -1;
    if (one->body_room < size + 1)
        one->body = realloc(one->body, one->body_room = size + size / 4 + 1);
    if (libdeflate_gzip_decompress(
            inflater, in, bytes, one->body, one->body_room, &one->body_bytes)) return -1;
    one->body[one->body_bytes] = 0;  /* strtod ends here at the latest */
    return 0;
}

/* ---- connections */

static void hang_up(connection *one) {
    if (one->is_held) die("a client left while its envelope was being kept");
    close(one->fd);
    free(one->in);
    free(one->body);
    free(one);
    connection_count--;
}

static void take(connection *one) {
    int is_bad = inflate_body(one, one->in + one->head_bytes, one->whole_bytes - one->head_bytes);
    one->in_bytes = one->whole_bytes = 0;
    if (is_bad || split_envelope(one)) { answer(one, REFUSED); return; }
    one->is_held = 1;
    waiting[waiting_count++] = one;
}

static void read_head(connection *one) {
    one->in[one->in_bytes] = 0;
    char *end = strstr(one->in, "\r\n\r\n");
    if (!end) return;
    *end = 0;
    const char *length = strcasestr(one->in, "content-length:");
    one->is_gzip = strcasestr(one->in, "content-encoding: gzip") != NULL;
    one->head_bytes = end + 4 - one->in;
    one->whole_bytes = one->head_bytes + (length ? strtoul(length + 15, NULL, 10) : 0);
}

static void read_some(connection *one) {
    for (;;) {
        size_t room = one->whole_bytes > one->in_bytes ? one->whole_bytes - one->in_bytes : 0;
        room = one->in_bytes + (room > READ_BYTES ? room : READ_BYTES) + 1;
        if (one->in_room < room) one->in = realloc(one->in, one->in_room = room + room / 4);
        ssize_t bytes = read(one->fd, one->in + one->in_bytes, one->in_room - one->in_bytes - 1);
        if (bytes < 0 && errno == EAGAIN) return;
        if (bytes <= 0) { hang_up(one); return; }
        one->in_bytes += bytes;
        if (!one->whole_bytes) read_head(one);
        if (one->whole_bytes > MAX_BODY) { hang_up(one); return; }
        if (one->whole_bytes && one->in_bytes >= one->whole_bytes) { take(one); return; }
    }
}

static void watch(int fd, void *what) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static void welcome(int listener) {
    for (int fd, on = 1; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        if (++connection_count > MAX_CONNECTIONS) die("too many connections");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection *one = calloc(1, sizeof *one);
        one->fd = fd;
        watch(fd, one);
    }
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in place = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 1024)) die("listen");
    return listener;
}

int main(int argc, char **argv) {
    if (argc != 4) { fputs("floor PORT FOLDER CONNINFO\n", stderr); return 2; }
    inflater = libdeflate_alloc_decompressor();
    epoll_fd = epoll_create1(0);
    done_fd = eventfd(0, EFD_NONBLOCK);
    open_keepers(argv[2], argv[3], done_fd);
    int listener = listen_on(atoi(argv[1]));
    watch(listener, &listener);
    watch(done_fd, &done_fd);
    puts("listening");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll_fd, events, 256, -1);
        for (int n = 0; n < count; n++) {
            eventfd_t ignored;
            if (events[n].data.ptr == &listener) welcome(listener);
            else if (events[n].data.ptr != &done_fd) read_some(events[n].data.ptr);
            else if (!eventfd_read(done_fd, &ignored)) end_batch();
        }
        begin_batch();
    }
}
