#include "engine/prefill.h"

#include "engine/plan_layers.h"

namespace engine {
namespace {

// Walks the prompts of all sequences, one behind the other.
class Prompts {
 public:
  Prompts(const Sequences& q, const Shape& s) : m_q(q), m_s(s) { skip_to_own(); }

  bool done() const { return m_b == m_s.B; }

  // At least one token; no more keys than one sequence may have beside another's, so that a chunk
  // of short tails behind a long shared prefix stays small.
  PrefillChunk next(int64_t tokens) {
    PrefillChunk c;
    c.slot_stride = m_s.max_context;
    while (!done() && c.size() < tokens) {
      const int64_t last = std::min(m_position + tokens - c.size(), m_q.start(m_b));
      if (c.size() > 0 && static_cast<int64_t>(c.gathered.size()) + last > 2 * m_s.max_context)
        break;
      const auto first_key = static_cast<int32_t>(c.gathered.size());
      for (int64_t p = 0; p < last; ++p) c.gathered.push_back(m_q.slot(m_b, p));
      for (; m_position < last; ++m_position) add(c, first_key);
      if (m_position == m_q.start(m_b)) ++m_b, skip_to_own();
    }
    return c;
  }

 private:
  // A shared prefix is the first sequence's and already there.
  void skip_to_own() {
    for (; m_b < m_s.B; ++m_b) {
      m_position = m_b == 0 ? 0 : m_q.shared_tokens();
      if (m_position < m_q.start(m_b)) return;
    }
  }

  void add(PrefillChunk& c, int32_t first_key) const {
    const auto position = static_cast<int32_t>(m_position);
    c.tokens.push_back(m_q.prompt_token(m_b, m_position));
    c.positions.push_back(position);
    c.lengths.push_back(position + 1);
    c.slots.push_back(m_q.slot(m_b, m_position));
    const int32_t* row = m_q.slot_table() + m_b * m_s.max_context;
    c.slot_table.insert(c.slot_table.end(), row, row + m_s.max_context);
    c.begin.push_back(first_key);
    c.end.push_back(first_key + position + 1);
  }

  const Sequences& m_q;
  const Shape& m_s;
  int64_t m_b = 0, m_position = 0;
};

}  // namespace

trace::Status prefill(const PlanInputs& in, trace::ToggleSet toggles, PlanOptions options,
                      Executor& executor, const Progress& progress, int64_t chunk) {
  toggles.set_index(trace::ToggleKey::cat_skip, 0);
  toggles.set_index(trace::ToggleKey::streams, 0);
  options.splits = attention_splits(in.shape, options);
  options.fault_key.clear();
  int64_t done = 0, all = 0;
  for (int64_t b = 0; b < in.shape.B; ++b)
    all += in.sequences.start(b) - (b == 0 ? 0 : in.sequences.shared_tokens());
  for (Prompts prompts(in.sequences, in.shape); !prompts.done();) {
    if (progress)
      progress("prefill, token " + std::to_string(done) + " of " + std::to_string(all),
               static_cast<double>(done) / static_cast<double>(all));
    const PrefillChunk tokens = prompts.next(chunk);
    auto step = plan_prefill(in, tokens, toggles, options);
    if (!step) return step.error();
    executor.run(step->plan);
    done += tokens.size();
  }
  return trace::Ok{};
}

}  // namespace engine
