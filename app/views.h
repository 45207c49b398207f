// The JSON of DESIGN section 7 and the tables a person reads, from the same analyses.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trace/ab.h"
#include "trace/bench.h"
#include "trace/bubbles.h"
#include "trace/compare.h"
#include "trace/floors.h"
#include "trace/layers.h"
#include "trace/path.h"
#include "trace/run.h"

namespace engine {
struct AccountingReport;
}

namespace app {

// Everything `bubbles` says about one device of a trace.
struct BubbleView {
  const trace::Trace* trace = nullptr;
  bool has_device = false;              // false: no GPU activity, figures are zero
  std::string device;                   // the collector's id
  trace::BubbleReport report;           // of the whole device, or of the one window asked for
  trace::CriticalPath path;
  trace::LayerWindows layers;
  std::vector<trace::BubbleReport> windows;       // for step|layer
  std::vector<std::pair<std::string, trace::BubbleReport>> devices;  // every active device, whole
};

// "glm-5", "tiny (synthetic)": what no one publishes is never shown without saying so.
std::string model_label(const trace::RunSpec&);

enum class WindowKind { all, step, layer };
trace::Result<WindowKind> window_kind(const std::string& name);

// error: `--window layer` where the layer rule abstains, with its reason.
trace::Result<BubbleView> view_bubbles(const trace::Trace&, WindowKind, const trace::Thresholds&);
nlohmann::json bubbles_json(const BubbleView&);
std::string bubbles_text(const BubbleView&);
// {wall_us, ..., stalls}: the part of bubbles_json that is per window.
nlohmann::json report_json(const trace::Trace&, const trace::BubbleReport&, bool with_stalls);
// Idle time by kind and cause, a pair of columns a report: "a n", "a us". "" when nothing was idle.
std::string causes_text(const std::vector<std::pair<std::string, const trace::BubbleReport*>>&);

struct ComparisonView {
  const trace::Run* a = nullptr;
  const trace::Run* b = nullptr;
  trace::Comparison comparison;
};
nlohmann::json comparison_json(const ComparisonView&);
std::string comparison_text(const ComparisonView&);

nlohmann::json floors_json(const std::string& title, const trace::FloorReport&);
nlohmann::json estimate_json(const trace::Estimate&);
nlohmann::json run_json_row(const trace::Run&);     // a row of `runs`
nlohmann::json record_json(const trace::Run&, const std::string& db);
nlohmann::json ab_json(const trace::AbResult&);
std::string ab_text(const trace::AbResult&);
nlohmann::json report_json(const trace::ImportReport&);

struct BenchSide {
  const trace::Run& run;
  const trace::Bench& bench;
};
nlohmann::json bench_json(const trace::Run&, const trace::Bench&);
std::string bench_text(const trace::Run&, const trace::Bench&);
nlohmann::json bench_comparison_json(const BenchSide& a, const BenchSide& b);
std::string bench_comparison_text(const BenchSide& a, const BenchSide& b);
nlohmann::json accounting_json(const engine::AccountingReport&);
std::string accounting_text(const engine::AccountingReport&);

}  // namespace app
