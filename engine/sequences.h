// Sequences: where the batch stands. Slots, block tables, and for the current step tokens,
// positions, lengths and slots, at fixed addresses that plans point to.
//
// KV slots are handed out in blocks of 64 tokens, in shuffled or sequential order; a slot is page *
// page_size + token in page for every page size (all divide 64), so block tables of any page size
// describe the same slots and arms of an A/B share their KV cache. Slot 0 (page 0) is the dummy for
// masked reads, and what tables hold behind the cached positions. With a shared prefix all sequences have the first sequence's blocks up to it. Token
// n of sequence b stands at position base[b] + n and attends to base[b] + n + 1 tokens, itself
// included. Thread rule: changed only between steps.
#pragma once
#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "engine/routing.h"

namespace engine {

// Positions that a sequence has cache for: its context and room to decode on, at most max_context. Live
// decoding goes back to the start where it ends; tables are max_context wide whatever it is.
int64_t cached_positions(const trace::Workload&);

class Sequences {
 public:
  explicit Sequences(const trace::Workload&, const Shape&, Routing = {});

  // Starting positions again, and their seeded tokens.
  void reset();
  // Other tokens for this step, [B, next_n].
  void set_tokens(const int32_t* tokens) {
    std::copy(tokens, tokens + m_tokens.size(), m_tokens.begin());
  }
  // The position `steps` steps after the start with the seeded tokens of that step: what both arms
  // of an A/B replay.
  void freeze_at(int64_t steps);
  // One step further with the given next token of each (b, n); back to the start where the cache
  // would overflow.
  void advance(const int32_t* next_tokens);

  const int32_t* tokens() const { return m_tokens.data(); }        // [B, next_n]
  const int32_t* positions() const { return m_positions.data(); }  // [B, next_n]
  const int32_t* lengths() const {
    return m_lengths.data();
  }                                                        // [B, next_n], the token itself included
  const int32_t* slots() const { return m_slots.data(); }  // [B, next_n], where this step's keys go
  const int32_t* slot_table() const { return m_slot_table.data(); }  // [B, max_context]
  // [B, ceil(max_context / page_size)] pages; made on first use, then at a fixed address.
  const int32_t* block_table(int page_size);
  int64_t block_columns(int page_size) const {
    return (m_shape.max_context + page_size - 1) / page_size;
  }

  // Imposed experts of this step's tokens; drawn anew each step.
  const Routing& routing() const { return m_routing; }
  // Another distribution, for the same model and batch, from the next reset() on.
  void set_routing(const Routing& routing) { m_routing.redistribute(routing); }

  int64_t slot_count() const { return m_blocks * kBlock; }
  int64_t start(int64_t b) const {
    return m_start[static_cast<size_t>(b)];
  }  // tokens cached at the start
  int64_t base(int64_t b) const { return m_base[static_cast<size_t>(b)]; }
  int64_t shared_tokens() const { return m_shared; }
  // The token before the start at this position; the same in every sequence of a shared prefix.
  int32_t prompt_token(int64_t b, int64_t position) const;
  int32_t slot(int64_t b, int64_t position) const {
    return m_slot_table[static_cast<size_t>(b * m_shape.max_context + position)];
  }

  static constexpr int64_t kBlock = 64;

 private:
  void place();  // positions, lengths and slots from m_base
  void draw_tokens(int64_t step);

  Shape m_shape;
  uint64_t m_seed;
  Routing m_routing;
  int64_t m_blocks = 0, m_shared = 0, m_step = 0;
  std::vector<int64_t> m_start, m_base;
  int64_t m_cached;  // positions of a sequence
  std::vector<int32_t> m_tokens, m_positions, m_lengths, m_slots, m_slot_table;
  std::map<int, std::vector<int32_t>> m_block_tables;
};

}  // namespace engine
