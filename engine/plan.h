// DecodePlan: one decode step as an ordered list of launches, each with its stream and what it
// waits for. Built once for a set of switches; a switch is read here and nowhere later. Inspectable
// without running anything. Invariants: ops of one stream run in list order; `waits` names ops of
// other streams that must be complete first (fork and join); every op has passed kernels::check. A
// batch of 0 gives a plan without launches.
#pragma once
#include <optional>

#include "engine/arena.h"
#include "engine/caches.h"
#include "trace/category.h"

namespace engine {

class GpuStep;  // engine/gpu_step.h

struct PlannedOp {
  std::string_view key;  // the model's op and the event's name: "q_b"
  std::string label;     // "layer 2 q_b"
  trace::Category category = trace::Category::other;
  int layer = -1;  // -1: before the first or after the last
  int stream = 0;
  int previous = -1;       // the op before it on its stream
  std::vector<int> waits;  // ops of other streams
  std::vector<int> reads, writes;  // DecodePlan::buffers; a view's address alone is not among them
  bool awaited = false;    // an op of another stream waits for it
  bool flip_bit =
      false;  // the hidden fault hook: one bit of its first output is flipped after it ran
  kernels::OpArgs args;
  int index = 0;           // in its plan
  GpuStep* gpu = nullptr;  // what runs it there; null: the CPU
};

// What ops read and write: a buffer of the arena or, outside it, a layer's cache.
struct PlanBuffer {
  std::string name;
  kernels::Format format = kernels::Format::u8;
  int64_t bytes = 0;
  bool cache = false;
};

struct DecodePlan {
  std::vector<PlannedOp> ops;
  std::vector<PlanBuffer> buffers;
  int streams = 1;
  const float* logits = nullptr;         // [M, vocab]
  const int32_t* next_tokens = nullptr;  // [M], the last op's output
  std::shared_ptr<GpuStep> gpu;          // set: the step runs on a GPU
  std::string text() const;              // one line an op
};

// What the switches do not say.
struct PlanOptions {
  std::optional<kernels::ScaleLayout> gemm_scales;  // what the fp8 GEMMs read; none: by their shape
  // The indexer's RoPE works in place; else its result lies elsewhere and must be copied.
  bool q_rope_in_place = true, k_rope_in_place = true;
  int64_t q_cat_padding = 0;  // elements between the tokens of q_cat; 0: contiguous
  double llama4_scaling = 0;  // beta of the position-dependent scaling of q_cat; 0: none
  std::string fault_key;      // op whose output is broken; empty = none
  uint64_t placement_seed = 0;
  bool overlap = true;  // on a GPU: a kernel may begin while the one before it ends
  int64_t splits = 0;  // split-K of attention; 0: sparse_splits, dense_splits
  bool addresses_only = false;  // the plan is looked at, never run: its buffers are mere addresses
};

// Tokens of a prefill, of one sequence or of several: each is a row of its own that sees what came
// before it (its length counts itself). Rows of one sequence stand behind one another, and so do
// their keys in `gathered`.
struct PrefillChunk {
  std::vector<int32_t> tokens, positions, lengths, slots;  // [T]
  std::vector<int32_t> slot_table;  // [T, slot_stride], of the token's sequence
  int64_t slot_stride = 0;
  std::vector<int32_t> gathered;    // slots of the keys of the chunk's sequences
  std::vector<int32_t> begin, end;  // [T]: the token's keys in `gathered`
  int64_t size() const { return static_cast<int64_t>(tokens.size()); }
};

// What a plan works on; none of it is owned.
struct PlanInputs {
  const trace::ModelConfig& model;
  const Shape& shape;
  const Weights& weights;
  Sequences& sequences;
  const KvCaches& kv;
  const IndexCaches& index;
};

// The layout of activation scales that the fp8 GEMM of an N x K weight reads upstream: row-major
// (Triton) for DeepSeek's shapes at TP 8, column-major (CK) for every other.
kernels::ScaleLayout preferred_scales(int64_t N, int64_t K);

struct PlannedStep {
  DecodePlan plan;
  Arena arena;
};

// error: an op refuses its arguments (layout tags that don't fit, page size), with the op's label.
trace::Result<PlannedStep> plan_step(const PlanInputs&, const trace::ToggleSet&,
                                     const PlanOptions& = {});

// The layers over a chunk, for what they leave in the caches: the query in its two parts (split-q),
// index scores over gathered keys, causal. `shape` is the decode step's; imposed routing is of decode
// only. error: as plan_step(), and cat_skip=on: the merged query is decode's.
trace::Result<PlannedStep> plan_prefill(const PlanInputs&, const PrefillChunk&,
                                        const trace::ToggleSet&, const PlanOptions& = {});

// Bytes of a plan's buffers, before anything is allocated.
int64_t arena_bytes(const Shape&, const trace::ToggleSet&, const PlanOptions& = {});

}  // namespace engine
