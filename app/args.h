// Options shared by the commands, and how they become a RunSpec.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "trace/ab.h"
#include "trace/result.h"
#include "trace/run.h"

namespace CLI {
class App;
}

namespace app {

// --db --json on every command.
struct CommonArgs {
  std::string db;          // empty = the XDG data folder
  bool json = false;
};

// Model, workload, switches: on record, ab, sweep, check, bench and start.
struct EngineArgs {
  std::string backend = "auto";
  std::string model = "tiny";
  std::optional<int> layers, tp, batch, next_n, context, max_context, page_size, steps, warmup;
  std::optional<uint64_t> seed;
  std::optional<double> shared_prefix;
  bool prefill = false;
  std::string page_order, routing;
  std::string weights;            // a checkpoint; "synthetic"; empty = the checkpoint beside the model's config.json, else synthetic
  std::vector<std::string> set;   // KEY=VALUE: a switch, a model field, or a setting of the engine
  std::string name;
};

struct ScreenshotArgs {
  std::string file, size = "1600x1000", panel, theme;
};

void add_common(CLI::App&, CommonArgs&);
void add_engine(CLI::App&, EngineArgs&);
void add_screenshot(CLI::App&, ScreenshotArgs&);

// error: which option, what is wrong with it and what is known.
trace::Result<trace::RunSpec> spec_from(const EngineArgs&);
// An A/B of `toggle` (KEY[=A:B][,KEY...]) on top of these. error: as spec_from(), an unknown switch or value.
trace::Result<trace::AbSpec> ab_spec_from(const EngineArgs&, const std::string& toggle);
trace::Result<std::pair<int, int>> parse_size(const std::string& text);

}  // namespace app
