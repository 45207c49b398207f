// bubbles, compare: analyses of recorded traces.
#include <CLI/CLI.hpp>

#include <cmath>
#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "app/views.h"

namespace app {

namespace {

struct BubblesArgs {
  CommonArgs common;
  std::string source, window = "all";
  double fence_us = 1, stall_us = 2;
};

int run_bubbles(const BubblesArgs& args) {
  auto kind = window_kind(args.window);
  if (!kind) return refuse(kind.error());
  if (!(args.fence_us > 0.001) || !(args.stall_us >= args.fence_us) || args.stall_us > 1e9) {
    return refuse({"thresholds need 0.001 < fence <= stall", fmt::format("--fence-us {} --stall-us {}", args.fence_us, args.stall_us)});
  }
  trace::Thresholds thresholds;
  thresholds.fence_ns = std::llround(args.fence_us * 1000);
  thresholds.stall_ns = std::llround(args.stall_us * 1000);
  ProgressLine line;
  auto run = run_from(args.source, args.common.db, import_progress(line));
  line.clear();
  if (!run) return refuse(run.error());
  if (!run->trace) return refuse({"this run has no trace", args.source});
  auto view = view_bubbles(*run->trace, *kind, thresholds);
  if (!view) return refuse(view.error());
  if (args.common.json) print_json(bubbles_json(*view));
  else fmt::print("{}", bubbles_text(*view));
  return kDone;
}

struct CompareArgs {
  CommonArgs common;
  std::string a, b, window;
};

// What of a run is compared: asked for, else one step of an engine run (the medoid, so a recorded one), else all.
trace::Result<trace::Window> compared_window(const trace::Run& run, const std::string& asked) {
  const trace::Trace& t = *run.trace;
  const auto devices = trace::active_devices(t);
  if (devices.empty()) return trace::Error{"there is no GPU activity to compare", run.name};
  const std::string kind = !asked.empty() ? asked : run.origin == trace::Origin::engine ? "step" : "all";
  if (kind == "all") return trace::whole(t, devices.front());
  const auto layers = trace::find_layers(t, devices.front());
  const auto window = kind == "step" ? trace::medoid_step(layers) : trace::medoid_layer(layers);
  if (!window) return trace::Error{fmt::format("there is no {} window: {}", kind, layers.rule), run.name};
  return *window;
}

int run_compare(const CompareArgs& args) {
  if (!args.window.empty()) {
    if (auto kind = window_kind(args.window); !kind) return refuse(kind.error());
  }
  ProgressLine line;
  auto a = run_from(args.a, args.common.db, import_progress(line));
  line.clear();
  if (!a) return refuse(a.error());
  auto b = run_from(args.b, args.common.db, import_progress(line));
  line.clear();
  if (!b) return refuse(b.error());
  if (!a->trace || !b->trace) return refuse({"this run has no trace", a->trace ? args.b : args.a});
  auto window_a = compared_window(*a, args.window);
  if (!window_a) return refuse(window_a.error());
  auto window_b = compared_window(*b, args.window);
  if (!window_b) return refuse(window_b.error());
  ComparisonView view;
  view.a = &*a;
  view.b = &*b;
  view.comparison = trace::compare(*a->trace, *window_a, *b->trace, *window_b);
  if (a->origin == trace::Origin::engine && b->origin == trace::Origin::engine && a->step.n && b->step.n) {
    // Both windows are one traced step: what tracing itself changed closes the gap to the untraced headline.
    trace::add_tracing(view.comparison.waterfall, std::llround((b->step.median - a->step.median) * 1000));
  }
  if (args.common.json) print_json(comparison_json(view));
  else fmt::print("{}", comparison_text(view));
  return kDone;
}

}  // namespace

void add_bubbles(CLI::App& cli, Context& context) {
  auto args = std::make_shared<BubblesArgs>();
  auto* command = cli.add_subcommand("bubbles", "Classify every idle nanosecond of a run or trace file.");
  command->footer("Example: decodescope bubbles trace.json.gz --window layer --json");
  command->add_option("source", args->source, "a run id or a trace file")->required()->type_name("RUN|FILE");
  command->add_option("--fence-us", args->fence_us, "idle of this length and more is a fence")->capture_default_str();
  command->add_option("--stall-us", args->stall_us, "idle of this length and more is a stall")->capture_default_str();
  command->add_option("--window", args->window, "all, step or layer: figures of each such window too")->capture_default_str();
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_bubbles(*args); }; });
}

void add_compare(CLI::App& cli, Context& context) {
  auto args = std::make_shared<CompareArgs>();
  auto* command = cli.add_subcommand("compare", "Where the microseconds between two runs or traces went; sums exactly.");
  command->footer("Example: decodescope compare before.json.gz after.json.gz\n         decodescope compare 3 4 --json");
  command->add_option("a", args->a, "the baseline: a run id or a trace file")->required()->type_name("RUN|FILE");
  command->add_option("b", args->b, "the candidate")->required()->type_name("RUN|FILE");
  command->add_option("--window", args->window, "all, step or layer (default: the medoid step of engine runs, else all)");
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_compare(*args); }; });
}

}  // namespace app
