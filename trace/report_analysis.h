// What reports say about runs, computed once for all their forms. Internal to report_*.cpp.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "trace/advise.h"
#include "trace/bubbles.h"
#include "trace/compare.h"
#include "trace/layers.h"
#include "trace/path.h"
#include "trace/report.h"
#include "trace/waterfall.h"

namespace trace {

struct KernelRow {
  std::string name, op;
  Category category = Category::other;
  int64_t count = 0, total_ns = 0, longest_ns = 0;
  double median_us = 0;
};

// An identity that must hold, with its numbers.
struct Invariant {
  std::string what, numbers;
  bool holds = false;
};

struct ReportRun {
  const Run* run = nullptr;
  const Trace* trace = nullptr;
  std::string title;               // the run's name; "A: ..." in a pair
  bool has_device = false;         // false: no GPU activity, everything below is empty
  uint32_t device = 0;
  Window all, main;                // main: what the figures are of: a step of engine runs, else all
  LayerWindows layers;
  std::optional<Window> step, layer;
  DeviceEvents events;
  BubbleReport bubbles;            // of main
  CriticalPath path;
  Shares shares;
  GapHistogram gaps;
  std::vector<KernelRow> kernels;  // largest total first
  std::vector<Invariant> invariants;
  std::optional<Advice> advice;    // imported runs
  std::optional<FloorReport> floors;     // of main, where asked for
  std::string no_floors;                 // why there are none although asked for
  std::optional<Serving> serving;
  std::optional<ServingSplit> tpot;
};

struct ReportData {
  std::vector<ReportRun> runs;
  std::optional<Comparison> comparison;   // of exactly two runs with GPU activity
  int64_t delta_ns = 0;                   // that its contributors sum to
  bool with_tracing = false;              // they end with `tracing`: the untraced difference
  const AbResult* ab = nullptr;
};

// error: no runs, a run without a trace.
Result<ReportData> analyse(const ReportInput&);

// A row of the seed's result table: before, after, change, interval.
struct ResultRow {
  std::string scenario, before, after, change_pct, interval, verdict;
};
std::vector<ResultRow> result_rows(const ReportData&);
// How a run was measured, on what, and what to doubt: label and text. No host, no path.
std::vector<std::pair<std::string, std::string>> provenance(const ReportRun&);

std::string report_us(int64_t ns);               // "312.241"
std::string report_us(double us);
std::string signed_us(int64_t ns);               // "+25.080"
std::string percent(double part, double whole);  // "6.1", "0.0" of nothing
std::string file_name_only(const std::string& path);

}  // namespace trace
