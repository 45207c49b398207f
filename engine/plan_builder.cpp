#include "engine/plan_builder.h"

#include <algorithm>

namespace engine {

// Streams run in order, so waiting for an op is waiting for everything before it on its stream:
// only the latest op of another stream is kept.
void PlanBuilder::wait_for(PlannedOp& op, int other) {
  if (other < 0) return;
  PlannedOp& earlier = m_plan.ops[static_cast<size_t>(other)];
  if (earlier.stream == op.stream) return;
  const auto same_stream = [&](int i) {
    return m_plan.ops[static_cast<size_t>(i)].stream == earlier.stream;
  };
  const auto known = std::find_if(op.waits.begin(), op.waits.end(), same_stream);
  if (known == op.waits.end())
    op.waits.push_back(other);
  else
    *known = std::max(*known, other);
}

void PlanBuilder::emit(std::string_view key, trace::Category category, kernels::OpArgs args,
                       std::string_view what) {
  PlannedOp op;
  op.key = key, op.category = category, op.layer = m_layer, op.stream = m_stream;
  op.label =
      (m_layer < 0 ? std::string() : "layer " + std::to_string(m_layer) + " ") + std::string(key);
  if (!what.empty()) op.label.append(" ").append(what);
  op.args = std::move(args);
  const int self = static_cast<int>(m_plan.ops.size());
  for (const int id : m_reads) {
    Use& use = m_uses[static_cast<size_t>(id)];
    wait_for(op, use.writer);
    use.readers.push_back(self);
  }
  for (const int id : m_writes) {
    Use& use = m_uses[static_cast<size_t>(id)];
    wait_for(op, use.writer);
    for (const int reader : use.readers) {
      if (reader != self) wait_for(op, reader);
    }
    use = {self, {}};
  }
  op.reads = std::move(m_reads), op.writes = std::move(m_writes);
  m_reads.clear(), m_writes.clear();
  for (int i = self - 1; i >= 0 && op.previous < 0; --i) {
    if (m_plan.ops[static_cast<size_t>(i)].stream == op.stream) op.previous = i;
  }
  m_plan.streams = std::max(m_plan.streams, op.stream + 1);
  m_plan.ops.push_back(std::move(op));
}

namespace {

// A wait that an earlier op of the same stream has made already adds nothing.
void drop_repeated_waits(DecodePlan& plan) {
  std::vector<std::vector<int>> waited(static_cast<size_t>(plan.streams),
                                       std::vector<int>(static_cast<size_t>(plan.streams), -1));
  for (PlannedOp& op : plan.ops) {
    std::vector<int>& latest = waited[static_cast<size_t>(op.stream)];
    std::erase_if(op.waits, [&](int i) {
      int& seen = latest[static_cast<size_t>(plan.ops[static_cast<size_t>(i)].stream)];
      const bool repeated = i <= seen;
      seen = std::max(seen, i);
      return repeated;
    });
    for (const int i : op.waits) plan.ops[static_cast<size_t>(i)].awaited = true;
  }
}

}  // namespace

trace::Result<PlannedStep> PlanBuilder::finish(const PlanOptions& options, const float* logits,
                                               const int32_t* next_tokens) {
  for (const PlannedOp& op : m_plan.ops) {
    if (const kernels::Status status = kernels::check(op.args); !status.ok()) {
      return trace::Error{status.error, op.label};
    }
  }
  drop_repeated_waits(m_plan);
  for (PlannedOp& op : m_plan.ops)
    op.flip_bit = !options.fault_key.empty() && op.key == options.fault_key;
  m_plan.logits = logits, m_plan.next_tokens = next_tokens;
  return PlannedStep{std::move(m_plan), std::move(m_arena)};
}

std::string DecodePlan::text() const {
  std::string text;
  for (size_t i = 0; i < ops.size(); ++i) {
    const PlannedOp& op = ops[i];
    text += std::to_string(i) + " stream " + std::to_string(op.stream) + " " + op.label + " [" +
            std::string(kernels::key_of(kernels::op_of(op.args))) + "]";
    for (const int w : op.waits) text += " after " + std::to_string(w);
    text += "\n";
  }
  return text;
}

}  // namespace engine
