#include "engine/sequences.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/synth.h"

namespace engine {
namespace {

// Lengths at the start: ragged, U[0.8, 1] x context, the longest exactly the context.
std::vector<int64_t> start_lengths(const trace::Workload& w) {
  const Draw draw(w.seed, "lengths");
  std::vector<int64_t> all;
  for (int b = 0; b < w.batch; ++b) {
    all.push_back(std::llround(w.context * (0.8 + 0.2 * draw.uniform(static_cast<uint32_t>(b)))));
  }
  if (!all.empty()) *std::max_element(all.begin(), all.end()) = w.context;
  return all;
}

// Blocks 1 .. n in the order they are handed out.
std::vector<int32_t> block_order(int64_t n, bool shuffled, uint64_t seed) {
  std::vector<int32_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 1);
  if (!shuffled) return order;
  const Draw draw(seed, "pages");
  for (size_t i = order.size(); i > 1; --i) {
    const auto other =
        static_cast<size_t>(draw.uniform(static_cast<uint32_t>(i)) * static_cast<double>(i));
    std::swap(order[i - 1], order[other]);
  }
  return order;
}

constexpr int64_t kLeastRoom = 1024;

}  // namespace

int64_t cached_positions(const trace::Workload& w) {
  const int64_t steps = int64_t{w.warmup} + w.steps + 1;
  const int64_t room = std::max(kLeastRoom, steps * w.next_n);
  return std::min<int64_t>(w.max_context, w.context + room);
}

Sequences::Sequences(const trace::Workload& w, const Shape& shape, Routing routing)
    : m_shape(shape),
      m_seed(w.seed),
      m_routing(std::move(routing)),
      m_start(start_lengths(w)),
      m_base(m_start),
      m_cached(cached_positions(w)) {
  const auto m = static_cast<size_t>(shape.M);
  m_tokens.resize(m), m_positions.resize(m), m_lengths.resize(m), m_slots.resize(m);
  const int64_t shortest = m_start.empty() ? 0 : *std::min_element(m_start.begin(), m_start.end());
  m_shared =
      static_cast<int64_t>(w.shared_prefix * static_cast<double>(shortest)) / kBlock * kBlock;

  const int64_t columns = (m_cached + kBlock - 1) / kBlock, common = m_shared / kBlock;
  const int64_t own = columns - common;
  m_blocks = 1 + (shape.B > 0 ? common : 0) + shape.B * own;
  const std::vector<int32_t> order = block_order(m_blocks - 1, w.pages_shuffled, w.seed);
  m_slot_table.resize(static_cast<size_t>(shape.B * shape.max_context));
  for (int64_t b = 0; b < shape.B; ++b) {
    for (int64_t p = 0; p < columns * kBlock && p < shape.max_context; ++p) {
      const int64_t block = p / kBlock;
      const int64_t at = block < common ? block : common + b * own + block - common;
      m_slot_table[static_cast<size_t>(b * shape.max_context + p)] =
          static_cast<int32_t>(order[static_cast<size_t>(at)] * kBlock + p % kBlock);
    }
  }
  reset();
}

void Sequences::place() {
  for (int64_t b = 0; b < m_shape.B; ++b) {
    for (int64_t n = 0; n < m_shape.next_n; ++n) {
      const auto i = static_cast<size_t>(b * m_shape.next_n + n);
      const int64_t position = base(b) + n;
      m_positions[i] = static_cast<int32_t>(position);
      m_lengths[i] = static_cast<int32_t>(position + 1);
      m_slots[i] = slot(b, position);
    }
  }
}

void Sequences::draw_tokens(int64_t step) {
  const Draw draw(m_seed, "tokens");
  for (size_t i = 0; i < m_tokens.size(); ++i) {
    const double u = draw.uniform(static_cast<uint32_t>(i), static_cast<uint32_t>(step));
    m_tokens[i] = static_cast<int32_t>(u * static_cast<double>(m_shape.vocab));
  }
}

int32_t Sequences::prompt_token(int64_t b, int64_t position) const {
  const Draw draw(m_seed, "prompt");
  const double u = draw.uniform(static_cast<uint32_t>(position < m_shared ? 0 : b),
                                static_cast<uint32_t>(position));
  return static_cast<int32_t>(u * static_cast<double>(m_shape.vocab));
}

void Sequences::reset() {
  freeze_at(0);
}

void Sequences::freeze_at(int64_t steps) {
  m_base = m_start;
  for (int64_t& b : m_base) b += steps * m_shape.next_n;
  m_step = steps;
  draw_tokens(steps);
  m_routing.draw(steps);
  place();
}

void Sequences::advance(const int32_t* next_tokens) {
  for (int64_t& b : m_base) b += m_shape.next_n;
  if (std::any_of(m_base.begin(), m_base.end(),
                  [this](int64_t b) { return b + m_shape.next_n > m_cached; })) {
    return reset();
  }
  std::copy(next_tokens, next_tokens + m_tokens.size(), m_tokens.begin());
  m_routing.draw(++m_step);
  place();
}

const int32_t* Sequences::block_table(int page_size) {
  std::vector<int32_t>& table = m_block_tables[page_size];
  const int64_t columns = block_columns(page_size);
  if (table.empty()) {
    for (int64_t b = 0; b < m_shape.B; ++b) {
      for (int64_t i = 0; i < columns; ++i) table.push_back(slot(b, i * page_size) / page_size);
    }
  }
  return table.data();
}

}  // namespace engine
