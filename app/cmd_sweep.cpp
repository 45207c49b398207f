// sweep: one switch over scenarios and concurrencies, each cell an A/B that is stored like any other.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/source.h"
#include "app/store_access.h"
#include "engine/sweep.h"
#include "trace/published.h"

namespace app {

using nlohmann::json;

namespace {

struct SweepArgs {
  CommonArgs common;
  EngineArgs engine;
  std::vector<std::string> scenarios = {"1k1k", "8k1k"};
  std::vector<int> concurrencies = {4, 8, 16, 32, 64};
  std::string toggle = "cat_skip";
  bool full = false;
  int instances = 0, quads = 0;
};

double tokens_per_s(const engine::SweepCell& cell) {
  const double step_us = cell.result.estimate.b_mean_us;
  return step_us > 0 ? cell.concurrency * cell.result.spec.base.workload.next_n * 1e6 / step_us : 0;
}

// Of the delta in percent of arm a.
std::pair<double, double> interval_pct(const trace::AbEstimate& e) {
  return {100 * e.lo / e.a_mean_us, 100 * e.hi / e.a_mean_us};
}

json cell_json(const engine::SweepCell& cell, const std::string& toggle) {
  const trace::AbEstimate& e = cell.result.estimate;
  const auto [lo, hi] = interval_pct(e);
  json out = {{"scenario", cell.scenario.name}, {"conc", cell.concurrency}, {"toggle", toggle},
              {"context", cell.result.spec.base.workload.context},
              {"before_ms", e.a_mean_us / 1000}, {"after_ms", e.b_mean_us / 1000}, {"delta_pct", e.delta_pct},
              {"ci95", {lo, hi}}, {"p_adjusted", cell.adjusted_p}, {"tokens_per_s", tokens_per_s(cell)},
              {"verdict", trace::to_string(cell.verdict)}, {"equivalent", cell.result.equivalence.ok},
              {"a", cell.result.a->id}, {"b", cell.result.b->id}, {"published", nullptr}};
  if (cell.result.spec.keys.size() == 1) {
    if (const auto p = trace::published_tpot(cell.result.spec.keys.front(), cell.scenario.name, cell.concurrency))
      out["published"] = {{"before_ms", p->before_ms}, {"after_ms", p->after_ms}, {"hardware", p->hardware}};
  }
  return out;
}

void print_cells(const std::vector<engine::SweepCell>& cells, const std::string& toggle) {
  Table table({"scenario", "conc", "before ms", "after ms", "delta", "ci95", "tokens/s", "verdict", "published"});
  for (const auto& cell : cells) {
    const trace::AbEstimate& e = cell.result.estimate;
    const auto [lo, hi] = interval_pct(e);
    std::string published;
    if (cell.result.spec.keys.size() == 1) {
      if (const auto p = trace::published_tpot(cell.result.spec.keys.front(), cell.scenario.name, cell.concurrency))
        published = fmt::format("{:.2f} -> {:.2f} ({:+.2f} %)", p->before_ms, p->after_ms, 100 * (p->after_ms - p->before_ms) / p->before_ms);
    }
    table.row({cell.scenario.name, std::to_string(cell.concurrency), fmt::format("{:.3f}", e.a_mean_us / 1000), fmt::format("{:.3f}", e.b_mean_us / 1000),
               fmt::format("{:+.2f} %", e.delta_pct), fmt::format("{:+.2f} .. {:+.2f} %", lo, hi), fmt::format("{:.1f}", tokens_per_s(cell)),
               std::string(trace::to_string(cell.verdict)) + (cell.result.equivalence.ok ? "" : ", NOT EQUIVALENT"), published});
  }
  const auto& base = cells.front().result;
  fmt::print("{}\n{} of {}{} on {}: decode steps at the mean context of a request half way through, 0.9 x (ISL + OSL/2), no prefill between.\n"
             "Verdicts are adjusted for {} cells (Holm). Published figures: TPOT on 8x MI355X, TP 8, GLM-5.1-FP8 (sglang #24125), not measured here.\n",
             table.text(), toggle, base.spec.base.model.name, base.spec.base.model.synthetic ? " (synthetic)" : "", base.a->device, cells.size());
}

int run_sweep(const SweepArgs& args) {
  auto ab = ab_spec_from(args.engine, args.toggle);
  if (!ab) return refuse(ab.error());
  engine::SweepSpec spec{*ab, {}, args.concurrencies};
  spec.ab.full = args.full;
  spec.ab.instances = args.instances, spec.ab.quads = args.quads;
  for (const auto& text : args.scenarios) {
    auto scenario = engine::parse_scenario(text);
    if (!scenario) return refuse(scenario.error());
    spec.scenarios.push_back(*scenario);
  }
  for (const int conc : args.concurrencies) {
    if (conc < 1) return refuse({"a concurrency is 1 or more", fmt::format("--conc {}", conc)});
  }
  auto store = open_store(args.common.db);
  if (!store) return refuse(store.error());
  ProgressLine line;
  install_interrupt();
  engine::SweepHooks hooks;
  hooks.program = program_name();
  hooks.progress = [&](const std::string& what, double done) { line.show(what, done); };
  hooks.cancelled = [] { return interrupted(); };
  std::string ended;
  hooks.ended = [&](const trace::Error& error, size_t cell, size_t all) {
    ended = fmt::format("{}; the sweep ended in cell {} of {}, the {} before it are kept", error.line(), cell, all, cell - 1);
  };
  auto cells = engine::run_sweep(spec, hooks);
  line.clear();
  if (!cells) {
    refuse(cells.error());
    return interrupted() ? kFailed : kRefusedExit;
  }
  bool equivalent = true;
  json out = json::array();
  for (auto& cell : *cells) {
    auto stored = store_ab(*store, cell.result);
    if (!stored) return refuse(stored.error());
    cell.result = std::move(*stored);
    equivalent = equivalent && cell.result.equivalence.ok;
    out.push_back(cell_json(cell, args.toggle));
  }
  if (args.common.json) print_json(out);
  else print_cells(*cells, args.toggle);
  if (!ended.empty()) note("error: {}", ended);
  return equivalent && ended.empty() ? kDone : kFailed;
}

}  // namespace

void add_sweep(CLI::App& cli, Context& context) {
  auto args = std::make_shared<SweepArgs>();
  auto* command = cli.add_subcommand("sweep", "What a switch buys over scenarios and concurrencies, beside what was published.");
  command->footer("Example: decodescope sweep --scenario 1k1k,8k1k --conc 4,8 --toggle cat_skip --model tiny --json\n"
                  "ci95 is of delta_pct. A decode step, not a TPOT: no prefill is interleaved. Ctrl-C keeps the cells that are finished.");
  command->add_option("--scenario", args->scenarios, "input and output length: 8k1k, 512/128")->delimiter(',')->capture_default_str();
  command->add_option("--conc", args->concurrencies, "sequences at once")->delimiter(',')->capture_default_str();
  command->add_option("--toggle", args->toggle, "KEY[=A:B][,KEY...]")->capture_default_str()->type_name("KEY[=A:B]");
  command->add_flag("--full", args->full, "8 instances of 25 quads or more a cell instead of the quick 3 of 8");
  command->add_option("--instances", args->instances, "instances a cell")->type_name("N");
  command->add_option("--quads", args->quads, "quads an instance")->type_name("N");
  add_engine(*command, args->engine);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_sweep(*args); }; });
}

}  // namespace app
