/* What both halves of the floor share: floor.c speaks HTTP, floor_keepers.c keeps batches. */
#ifndef FLOOR_H
#define FLOOR_H
#include <stddef.h>
#include <stdint.h>

#define MAX_CONNECTIONS 4096
/* Written once, then in place again and again, as a write-ahead log does. A file that grows would
 * fill the disk, and on a virtual machine measure how its host finds new blocks. */
#define PACK_BYTES (512ull << 20)

typedef struct { const char *at; size_t bytes; } span;

typedef struct {
    int fd, is_gzip, is_held;
    char *in; size_t in_room, in_bytes, head_bytes, whole_bytes;
    char *body; size_t body_room, body_bytes;  /* inflated */
    span payload, event, video;
    char id[33]; long segment; double ended_s; uint64_t video_offset;
} connection;

extern connection *batch[MAX_CONNECTIONS];
extern int batch_count;  /* not 0 while a batch is made durable */

void die(const char *what);
/* Make the pack and the tables, start the threads; `done_fd` hears of each durable batch. */
void open_keepers(const char *folder, const char *conninfo, int done_fd);
/* Begin to make `batch` durable. */
void keep_batch(void);

#endif
