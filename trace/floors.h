// Floors: how fast each kernel could at most have been, and what is above.
//   floor of a kernel = the largest of bytes / memory, flops / arithmetic, bytes from peers / link, in whole ns
//   wall = floor + above the floor + without an estimate + idle - concurrency      exactly, in integer ns
// Bytes and flops are those that the recorder counted, where it did, else a model's estimate (op_costs.h), which says
// what was assumed: nothing here is measured. A kernel that beats its floor shows an assumption to be wrong; its time
// above the floor is negative then, so that the sum stays exact.
// Thread rule: pure functions of a const Trace.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/hardware.h"
#include "trace/op_costs.h"
#include "trace/run.h"
#include "trace/window.h"

namespace trace {

// What somebody says of a step; what is left out is taken from the run or its trace.
struct FloorRequest {
  std::optional<ModelConfig> model;                       // latent attention
  std::optional<GqaModel> gqa;                            // or grouped-query attention
  std::optional<int> batch, next_n, context, max_context, tp;
  std::optional<KvFormat> kv;
  std::optional<Routing> routing;
  std::string hardware;                                   // a name of hardware.h; empty = the device's
  std::optional<double> read_gbps, bf16_tflops, fp8_tflops, fp4_tflops, link_gbps;
  bool any() const { return model || gqa || batch || next_n || context || max_context || tp || kv || routing || !hardware.empty() || read_gbps || bf16_tflops || fp8_tflops || fp4_tflops || link_gbps; }
};

struct Assumption {
  std::string what, value, from;   // "tp", "8", "the all-reduces' template"
};

struct FloorAssumptions {
  StepShape shape;
  Ceilings ceilings;
  std::vector<Assumption> list;    // all of them, in words
};

enum class FloorBound : uint8_t { none, memory, arithmetic, link };

// Launches of one kernel name that are one op.
struct FloorRow {
  std::string name, op;
  Category category = Category::other;
  int64_t count = 0, ns = 0;       // clipped to the window
  int64_t floor_ns = 0;
  int64_t bytes = 0, flops = 0;    // of all of them
  FloorBound bound = FloorBound::none;   // none = no estimate of this op
  bool recorded = false;           // bytes and flops are the recorder's own
  int64_t above_ns() const { return ns - floor_ns; }
};

struct FloorReport {
  Window window;
  FloorAssumptions assumptions;
  std::vector<FloorRow> rows;      // most time above the floor first; those without an estimate last
  int64_t wall_ns = 0, floor_ns = 0, above_ns = 0, unknown_ns = 0, idle_ns = 0, concurrency_ns = 0;
  int64_t kernels = 0, estimated = 0, beaten = 0;   // beaten: took less than their floor
  std::vector<std::string> caveats;
};

// error: a model, batch, context or ceiling that neither the request nor the run tells, and how to give it.
Result<FloorAssumptions> floor_assumptions(const Run&, uint32_t device, const FloorRequest&);
FloorReport floors(const Trace&, const Window&, const FloorAssumptions&);
std::string floors_text(const FloorReport&);

std::string_view to_string(FloorBound);

}  // namespace trace
