// What `bench kernels|step` found: every op against the ceilings of the machine it ran on, measured in the same run.
// The engine makes it, the store keeps it beside a run that has no trace, views compare two of them. Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace trace {

// A cold read of so many bytes as a node of a graph, without what an empty node takes.
struct ReadPoint {
  int64_t bytes = 0;
  double us = 0;
  double gbps() const { return us > 0 ? static_cast<double>(bytes) / us * 1e-3 : 0; }
  bool operator==(const ReadPoint&) const = default;
};

struct BenchCeilings {
  double read_gbps = 0;      // reading memory once, far more than the caches hold
  double copy_gbps = 0;      // read and written bytes together
  double bf16_tflops = 0;    // products and sums of values in the first-level cache; every format
  double fp8_tflops = 0;     // is widened to fp32 on a CPU, so that both are one figure
  double empty_node_us = 0;  // an op of a plan that does nothing; on a GPU a graph's node of one block
  std::vector<ReadPoint> reads;  // on a GPU, ascending
  bool operator==(const BenchCeilings&) const = default;
};

struct BenchRow {
  std::string op;    // key of the model's op: "q_b"; the last row of `step` is "step"
  std::string what;  // which launch, its shape: "layer 0, gemm_fp8 M=4 N=2048 K=2048"
  double us = 0;     // median; of `step`, of all its launches in a step together
  int launches = 1;  // in a step
  int64_t bytes = 0, flops = 0;
  double floor_us = 0;  // the larger of bytes / read ceiling and flops / arithmetic ceiling
  bool streams_weights = false;  // a matrix product with weights: counts as GEMV
  double floor_35_us = 0;  // the row "step" on a GPU: cold reads of every launch's bytes and 35 empty nodes a layer
  double gbps() const { return us > 0 ? static_cast<double>(bytes) / us * 1e-3 : 0; }
  double tflops() const { return us > 0 ? static_cast<double>(flops) / us * 1e-6 : 0; }
  double of_floor() const { return us > 0 ? floor_us / us : 0; }
  bool operator==(const BenchRow&) const = default;
};

struct Bench {
  std::string kind;   // kernels | step
  std::string cache;  // "cold", "warm", "step", "in turn through the layers"
  int workers = 1;    // of the CPU; 0 = a graph, replayed
  BenchCeilings ceilings;
  std::vector<BenchRow> rows;
  // Of the rows that stream weights: their floors over their times, and bytes a microsecond over
  // the read ceiling.
  double products_of_floor() const;
  double products_of_read() const;
  bool operator==(const Bench&) const = default;
};

// Rows of two benches side by side, in A's order, then those only in B: first those of one op and launch, then what is
// left of an op in order, at another shape (another batch, say). Null where a row has no partner.
struct BenchPair {
  const BenchRow *a = nullptr, *b = nullptr;
  bool same_launch() const { return a && b && a->what == b->what; }
  const BenchRow& row() const { return a ? *a : *b; }
  double ratio() const { return a && b && a->us > 0 ? b->us / a->us : 0; }  // b over a; 0 = no partner
};
// REQUIRES: both outlive the result.
std::vector<BenchPair> pair_rows(const Bench& a, const Bench& b);

}  // namespace trace
