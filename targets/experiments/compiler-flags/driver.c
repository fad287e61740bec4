/* What is timed: lz4 compresses a text fast, compresses it hard, and decompresses both, many times over.

   driver INPUT        the whole of it
   driver INPUT once   each part once, for counting instructions

   Writes both compressed forms and the text that came back, for the evaluator to compare. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lz4.h"
#include "lz4hc.h"

enum { MOST = 16 << 20, LEVEL = 9, FAST = 6, HARD = 1, BACK = 40 };

static char *room(int size)
{
    char *place = malloc((size_t)size);
    if (!place) exit(3);
    return place;
}

static void write_out(const char *from, int size)
{
    if (size <= 0 || fwrite(from, 1, (size_t)size, stdout) != (size_t)size) exit(4);
}

int main(int count, char **arguments)
{
    int once = count == 3 && !strcmp(arguments[2], "once");
    FILE *file = count > 1 ? fopen(arguments[1], "rb") : NULL;
    if (!file) return 2;

    char *text = room(MOST);
    int size = (int)fread(text, 1, MOST, file), bound = LZ4_compressBound(size);
    char *packed[2] = {room(bound), room(bound)}, *back = room(size);
    int sizes[2] = {0, 0}, returned = 0, i;

    for (i = 0; i < (once ? 1 : FAST); i++) sizes[0] = LZ4_compress_default(text, packed[0], size, bound);
    for (i = 0; i < (once ? 1 : HARD); i++) sizes[1] = LZ4_compress_HC(text, packed[1], size, bound, LEVEL);
    for (i = 0; i < (once ? 2 : BACK); i++) returned = LZ4_decompress_safe(packed[i & 1], back, sizes[i & 1], size);

    write_out(packed[0], sizes[0]);
    write_out(packed[1], sizes[1]);
    write_out(back, returned);
    return fflush(stdout) != 0;
}
