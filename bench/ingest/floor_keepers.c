/* Makes batches durable: one thread writes the payloads into the pack, one speaks with Postgres. */
#define _GNU_SOURCE
#include "floor.h"
#include <fcntl.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_VECTORS 1000

static int pack_fd, done_fd;
static PGconn *postgres;
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t begun = PTHREAD_COND_INITIALIZER;
static int is_due[2], keepers_left;

static void finish(PGresult *result) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fputs(PQerrorMessage(postgres), stderr);
        exit(1);
    }
    PQclear(result);
}

static void write_all(struct iovec *vectors, int count, uint64_t offset) {
    while (count) {
        ssize_t written = pwritev(pack_fd, vectors, count, offset);
        if (written < 0) die("pwritev");
        offset += written;
        while (count && (size_t)written >= vectors->iov_len) {
            written -= vectors++->iov_len;
            count--;
        }
        if (count) {
            vectors->iov_base = (char *)vectors->iov_base + written;
            vectors->iov_len -= written;
        }
    }
}

static void keep_payloads(void) {
    struct iovec vectors[MAX_VECTORS];
    for (int next = 0; next < batch_count;) {
        connection *first = batch[next];
        uint64_t offset = first->video_offset - (first->video.at - first->payload.at);
        int count = 0;
        for (; next < batch_count && count < MAX_VECTORS; next++, count++)
            vectors[count] = (struct iovec){
                (void *)batch[next]->payload.at, batch[next]->payload.bytes};
        write_all(vectors, count, offset);
    }
    if (fdatasync(pack_fd)) die("fdatasync");
}

static const char TABLES[] =
    "create table segments (replay_id uuid, segment_id int, received timestamptz default now(),"
    " ended_s float8, at bigint, bytes int, primary key (replay_id, segment_id));"
    "create table replays (replay_id uuid primary key, first_s float8, last_s float8,"
    " segments int, last_segment int, bytes bigint) with (fillfactor = 70);";

static const char KEEP[] =
    "with added as (insert into segments (replay_id, segment_id, ended_s, at, bytes)"
    " select * from unnest($1::uuid[], $2::int[], $3::float8[], $4::bigint[], $5::int[])"
    " on conflict do nothing returning replay_id, segment_id, ended_s, bytes)"
    " insert into replays as r select replay_id, min(ended_s), max(ended_s), count(*),"
    " max(segment_id), sum(bytes) from added group by 1 order by 1"
    " on conflict (replay_id) do update set first_s = least(r.first_s, excluded.first_s),"
    " last_s = greatest(r.last_s, excluded.last_s), segments = r.segments + excluded.segments,"
    " last_segment = greatest(r.last_segment, excluded.last_segment),"
    " bytes = r.bytes + excluded.bytes";

/* One statement, which is one transaction, for the whole batch. */
static void keep_rows(void) {
    static char ids[MAX_CONNECTIONS * 34], segments[MAX_CONNECTIONS * 22],
        times[MAX_CONNECTIONS * 32], offsets[MAX_CONNECTIONS * 22], sizes[MAX_CONNECTIONS * 22];
    char *a = ids, *b = segments, *c = times, *d = offsets, *e = sizes;
    for (int n = 0; n < batch_count; n++) {
        connection *one = batch[n];
        char before = n ? ',' : '{';
        a += sprintf(a, "%c%s", before, one->id);
        b += sprintf(b, "%c%ld", before, one->segment);
        c += sprintf(c, "%c%.3f", before, one->ended_s);
        d += sprintf(d, "%c%llu", before, (unsigned long long)one->video_offset);
        e += sprintf(e, "%c%zu", before, one->video.bytes);
    }
    strcpy(a, "}"); strcpy(b, "}"); strcpy(c, "}"); strcpy(d, "}"); strcpy(e, "}");
    const char *values[] = {ids, segments, times, offsets, sizes};
    finish(PQexecPrepared(postgres, "keep", 5, values, NULL, NULL, 0));
}

static void *keeper(void *which) {
    int number = (int)(intptr_t)which;
    for (;;) {
        pthread_mutex_lock(&guard);
        while (!is_due[number]) pthread_cond_wait(&begun, &guard);
        is_due[number] = 0;
        pthread_mutex_unlock(&guard);
        if (number) keep_rows(); else keep_payloads();
        pthread_mutex_lock(&guard);
        if (!--keepers_left && eventfd_write(done_fd, 1)) die("eventfd");
        pthread_mutex_unlock(&guard);
    }
    return NULL;
}

void open_keepers(const char *folder, const char *conninfo, int done) {
    char path[4096];
    done_fd = done;
    snprintf(path, sizeof path, "%s/pack", folder);
    pack_fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (pack_fd < 0) die(path);
    char *zeros = calloc(1, 1 << 20);
    for (uint64_t at = 0; at < PACK_BYTES; at += 1 << 20)
        if (pwrite(pack_fd, zeros, 1 << 20, at) < 0) die("pwrite");
    free(zeros);
    if (fsync(pack_fd)) die("fsync");
    postgres = PQconnectdb(conninfo);
    finish(PQexec(postgres, TABLES));
    finish(PQprepare(postgres, "keep", KEEP, 5, NULL));
    for (intptr_t number = 0; number < 2; number++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, keeper, (void *)number)) die("pthread_create");
    }
}

void keep_batch(void) {
    static uint64_t end;
    uint64_t bytes = 0;
    for (int n = 0; n < batch_count; n++) bytes += batch[n]->payload.bytes;
    if (end + bytes > PACK_BYTES) end = 0;
    for (int n = 0; n < batch_count; n++) {  /* both threads need to know where */
        batch[n]->video_offset = end + (batch[n]->video.at - batch[n]->payload.at);
        end += batch[n]->payload.bytes;
    }
    pthread_mutex_lock(&guard);
    keepers_left = 2;
    is_due[0] = is_due[1] = 1;
    pthread_cond_broadcast(&begun);
    pthread_mutex_unlock(&guard);
}
