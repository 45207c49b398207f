// floors: how fast each kernel could at most have been, and where the rest of the wall is.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/floor_args.h"
#include "app/output.h"
#include "app/rules.h"
#include "app/source.h"
#include "app/views.h"
#include "trace/layers.h"

namespace app {

using nlohmann::json;

namespace {

struct FloorsArgs {
  CommonArgs common;
  FloorArgs floor;
  std::string source, window = "all";
};

// One step or layer stands for all: the one with the median wall.
trace::Result<trace::Window> floor_window(const trace::Trace& t, uint32_t device, WindowKind kind) {
  if (kind == WindowKind::all) return trace::whole(t, device);
  const auto layers = trace::find_layers(t, device);
  const auto window = kind == WindowKind::step ? trace::medoid_step(layers) : trace::medoid_layer(layers);
  if (!window) return trace::Error{"no such windows: " + layers.rule, t.title};
  return *window;
}

int run_floors(const FloorsArgs& args) {
  auto kind = window_kind(args.window);
  if (!kind) return refuse(kind.error());
  auto request = floor_request(args.floor);
  if (!request) return refuse(request.error());
  ProgressLine line;
  auto run = run_from(args.source, args.common.db, import_progress(line));
  line.clear();
  if (!run) return refuse(run.error());
  if (!run->trace) return refuse({"this run has no trace", args.source});
  const auto devices = trace::active_devices(*run->trace);
  if (devices.empty()) return refuse({"there is no GPU activity to hold against a floor", args.source});
  auto assumptions = trace::floor_assumptions(*run, devices.front(), *request);
  if (!assumptions) return refuse(assumptions.error());
  auto window = floor_window(*run->trace, devices.front(), *kind);
  if (!window) return refuse(window.error());
  const auto report = trace::floors(*run->trace, *window, *assumptions);
  if (args.common.json) print_json(floors_json(run->trace->title, report));
  else fmt::print("{}\n{}", run->trace->title, trace::floors_text(report));
  return kDone;
}

}  // namespace

json floors_json(const std::string& title, const trace::FloorReport& r) {
  json rows = json::array(), assumed = json::array();
  for (const auto& a : r.assumptions.list) assumed.push_back({{"what", a.what}, {"value", a.value}, {"from", a.from}});
  for (const auto& row : r.rows) {
    const bool known = row.bound != trace::FloorBound::none;
    const auto or_null = [known](const json& value) { return known ? value : json(nullptr); };
    rows.push_back({{"name", row.name}, {"op", row.op.empty() ? json(nullptr) : json(row.op)}, {"count", row.count}, {"us", to_us(row.ns)}, {"ns", row.ns}, {"floor_us", or_null(to_us(row.floor_ns))},
                    {"floor_ns", or_null(row.floor_ns)}, {"above_us", or_null(to_us(row.above_ns()))}, {"bytes", or_null(row.bytes)}, {"flops", or_null(row.flops)}, {"bound", or_null(trace::to_string(row.bound))},
                    {"estimate", or_null(row.recorded ? "recorded" : "model")}});
  }
  return {{"trace", title}, {"window", r.window.label}, {"assumptions", assumed}, {"kernels", r.kernels}, {"estimated", r.estimated}, {"beaten", r.beaten},
          {"wall_us", to_us(r.wall_ns)}, {"floor_us", to_us(r.floor_ns)}, {"above_us", to_us(r.above_ns)}, {"unknown_us", to_us(r.unknown_ns)}, {"idle_us", to_us(r.idle_ns)}, {"concurrency_us", to_us(r.concurrency_ns)},
          {"wall_ns", r.wall_ns}, {"floor_ns", r.floor_ns}, {"above_ns", r.above_ns}, {"unknown_ns", r.unknown_ns}, {"idle_ns", r.idle_ns}, {"concurrency_ns", r.concurrency_ns},
          {"rows", rows}, {"caveats", r.caveats}};
}

void add_floors(CLI::App& cli, Context& context) {
  auto args = std::make_shared<FloorsArgs>();
  auto* command = cli.add_subcommand("floors", "How fast each kernel could at most have been by its bytes and flops, and what is above.");
  command->footer("Example: decodescope floors trace.json.gz --batch 4 --context 8192 --hw MI355X\n"
                  "wall = floor + above the floor + without an estimate + idle - concurrency, exactly. Bytes and flops of kernels\n"
                  "that somebody else ran are a model's estimate; every assumption is printed and can be given.");
  command->add_option("source", args->source, "a run id or a trace file")->required()->type_name("RUN|FILE");
  command->add_option("--window", args->window, "all, step or layer: the recorded one of median length")->capture_default_str();
  add_floor_options(*command, args->floor);
  add_rules(*command);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_floors(*args); }; });
}

}  // namespace app
