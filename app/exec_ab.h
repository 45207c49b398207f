// `ab --exec-a CMD --exec-b CMD`: the design's A/B on any two commands. One reading is one run of a command: a number
// that its output holds (--metric), the median step of a trace that it writes (--trace), or its wall-clock time.
// Each instance begins with one discarded run of either command and gives all its runs an environment of another size
// (which moves stacks: a classic bias of measurement); quads A B B A; every fourth instance compares A with itself.
#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trace/ab.h"
#include "trace/result.h"

namespace app {

struct ExecAbSpec {
  std::string a, b;             // commands
  std::string metric;           // regex; the first group (else the whole match) of its last match is the reading
  std::string trace;            // glob of files that the commands write; the newest is read
  bool higher_is_better = false;
  int instances = 3, quads = 8;
  double timeout_s = 3600;
  uint64_t seed = 1;
};

struct ExecAbResult {
  ExecAbSpec spec;
  std::string unit;             // "s", "us", or "" of a metric
  std::vector<trace::Instance> instances;   // numbers in that unit, whatever their fields are called
  trace::AbEstimate estimate;   // verdict: faster = better
  std::string last_trace_a, last_trace_b;
  trace::RunPtr last_a, last_b;             // what the last readings of --trace were read from; else null
};

// The reading in an output. error: no match, no number.
trace::Result<double> metric_in(const std::string& output, const std::string& regex);

// `told`: what is being done, and how much of all of it. error: a command that failed, with the end of what it said.
trace::Result<ExecAbResult> run_exec_ab(const ExecAbSpec&, const std::function<void(const std::string&, double)>& told);

// As two linked runs, each with the last trace that its command wrote and the steps of all its readings.
// REQUIRES: readings of --trace: of other readings nobody knows that they are times.
trace::AbResult exec_ab_record(const ExecAbResult&);

nlohmann::json exec_ab_json(const ExecAbResult&);
std::string exec_ab_text(const ExecAbResult&);

}  // namespace app
