// RunSpec: the whole request for an engine run. Run: what came of it, or an imported trace. The window edits a
// RunSpec, the engine executes it, the store keeps it: plain values, JSON in run_json.h.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trace/import_report.h"
#include "trace/model.h"
#include "trace/toggles.h"
#include "trace/trace.h"

namespace trace {

struct Workload {
  int batch = 4;                // sequences
  int next_n = 1;               // tokens a sequence and step, multi-token prediction
  int context = 1024;           // tokens of the longest sequence at the start; ragged: U[0.8, 1] x context
  int max_context = 8192;       // width of block table and logits
  int steps = 64;
  int warmup = 4;
  int tp = 1;
  uint64_t seed = 1;
  double shared_prefix = 0;     // fraction of the context that all sequences share
  bool pages_shuffled = true;   // page order: shuffled | sequential
  std::string routing = "router";  // router | uniform | zipf:S
  bool prefill = false;         // the caches come from a prefill of the context's tokens, not from seeded latents
  bool operator==(const Workload&) const = default;
};

struct RunSpec {
  ModelConfig model;
  Workload workload;
  ToggleSet toggles;
  std::string backend = "auto";               // auto | cpu | cuda | hip
  std::string weights;                        // folder or file of a checkpoint, on the engine's machine; empty = synthetic
  std::map<std::string, std::string> set;     // further `--set KEY=VALUE`, e.g. gemm_scales=row
  std::string name;
  bool operator==(const RunSpec&) const = default;
};

// Median with its distribution-free 95 % interval, of n observations.
struct Estimate {
  double median = 0, lo = 0, hi = 0;
  int64_t n = 0;
};

enum class Origin : uint8_t { engine, imported, sample };

struct Run {
  int64_t id = 0;               // in the store; 0 = not stored
  std::string name;
  std::string created;          // ISO 8601, UTC
  Origin origin = Origin::imported;
  std::string program;          // version and commit that made it
  std::string host;             // machine
  std::string backend;          // "cpu"; empty for imported
  std::string device;           // "AMD EPYC, 2 cores" or the trace's GPU
  std::string standing;         // "measured here" | "not run on hardware" | "imported" ...
  std::optional<RunSpec> spec;  // engine runs
  std::vector<double> step_us;  // the untraced pass: the headline
  double traced_step_us = 0;    // median of the traced pass; 0 = none
  Estimate step;                // of step_us
  double kernels_per_step = 0;
  std::optional<ImportReport> report;   // imported runs
  std::string tags, note;
  bool starred = false;
  int64_t ab_id = 0;            // the A/B this run is an arm of; 0 = none
  char ab_arm = 0;              // 'a' or 'b'
  TracePtr trace;               // of the traced pass, or imported; null until loaded
};

using RunPtr = std::shared_ptr<const Run>;

std::string_view to_string(Origin);
double tracing_overhead_pct(const Run&);

}  // namespace trace
