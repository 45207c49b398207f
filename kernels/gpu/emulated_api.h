// What a kernel compiled by a host compiler asks of whoever runs it: the SIMT emulator of tests/emulator.
// The launch rules are compiled the same way and call none of it.
#pragma once

namespace simt {

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

extern thread_local Index thread_index, block_index, block_size, grid_size;

void barrier();                           // of the block
void show(const void* value, int bytes);  // to the lanes of this wave; returns when all have shown
const void* shown(int lane);              // what a lane of this wave showed last
unsigned char* lds();
// Copies of this lane that arrive as late as they may: when a wait asks for their group, oldest first.
void copy_later(void* to, const void* from, int bytes);
void close_copies();
void finish_copies(int but_the_last);
unsigned long long clock();  // the device's, in ticks: later at every read
unsigned unit();             // that this block runs on

}  // namespace simt
