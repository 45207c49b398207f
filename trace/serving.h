// A serving benchmark's figures beside a run: a line of sglang's or vLLM's bench_serving output (one JSON object a line).
//   TPOT = decode step + rest      rest = host work, prefill of other requests and scheduling, which no kernel trace of
//                                  one decode step shows
// Thread rule: pure functions.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trace/result.h"
#include "trace/run.h"

namespace trace {

struct Serving {
  std::string file;              // its name, without a folder
  int line = 0, lines = 0;       // of the file, from 1
  double tpot_ms = 0;            // median where the file has it, else mean
  bool tpot_is_mean = false;
  std::optional<double> mean_tpot_ms, p99_tpot_ms, median_itl_ms, median_ttft_ms, output_tokens_per_s, request_rate, max_concurrency, input_len, output_len;
  std::string backend;
};

// The given line (from 1; 0 = the last). error: no such file or line, no JSON there, no TPOT in it.
Result<Serving> read_serving(const std::string& path, int line);
std::string serving_json(const Serving&);
Result<Serving> serving_from_json(const std::string& text);

struct ServingSplit {
  double tpot_us = 0, step_us = 0;
  double rest_us() const { return tpot_us - step_us; }
  std::string step_from;         // "median of 64 untraced steps"
  std::vector<std::string> caveats;
};
// error: the run's trace has nothing that stands for a decode step.
Result<ServingSplit> split_tpot(const Run&, const Serving&);
std::string serving_text(const Serving&, const ServingSplit&);

}  // namespace trace
