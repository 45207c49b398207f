// bubbles: the idle time of a recorded trace.
#include <CLI/CLI.hpp>

#include <cmath>
#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/rules.h"
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

}  // namespace

void add_bubbles(CLI::App& cli, Context& context) {
  auto args = std::make_shared<BubblesArgs>();
  auto* command = cli.add_subcommand("bubbles", "Classify every idle nanosecond of a run or trace file.");
  command->footer("Example: decodescope bubbles trace.json.gz --window layer --json");
  command->add_option("source", args->source, "a run id or a trace file")->required()->type_name("RUN|FILE");
  command->add_option("--fence-us", args->fence_us, "idle of this length and more is a fence")->capture_default_str();
  command->add_option("--stall-us", args->stall_us, "idle of this length and more is a stall")->capture_default_str();
  command->add_option("--window", args->window, "all, step or layer: figures of each such window too")->capture_default_str();
  add_rules(*command);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_bubbles(*args); }; });
}

}  // namespace app
