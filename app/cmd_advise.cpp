// advise: which switches a trace has on, and what the others would be worth on it.
#include <CLI/CLI.hpp>

#include <memory>

#include "app/args.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/rules.h"
#include "app/source.h"
#include "app/views.h"
#include "trace/advise.h"

namespace app {

using nlohmann::json;

namespace {

struct AdviseArgs {
  CommonArgs common;
  std::string source, model;
};

json json_of(const trace::SwitchAdvice& s) {
  json kernels = json::array();
  for (const auto& k : s.kernels) kernels.push_back({{"name", k.name}, {"op", k.op}, {"count", k.count}, {"us", to_us(k.ns)}, {"ns", k.ns}});
  return {{"key", trace::info(s.key).name}, {"state", trace::to_string(s.state)}, {"value", s.value.empty() ? json(nullptr) : json(s.value)},
          {"reason", s.reason}, {"kernels", kernels}, {"worth_us", to_us(s.worth_ns)}, {"worth_ns", s.worth_ns},
          {"worth_pct_of_window", s.worth_pct_of_window}, {"worth_step_us", s.worth_step_ns ? json(to_us(*s.worth_step_ns)) : json(nullptr)},
          {"arithmetic", s.arithmetic}};
}

json json_of(const std::string& title, const trace::Advice& advice) {
  json out = {{"trace", title}, {"model", advice.model.name}, {"family", trace::to_string(advice.model.family)},
              {"evidence", advice.model.evidence}, {"layers", advice.layers}, {"steps", advice.steps}, {"layer_rule", advice.layer_rule},
              {"window", advice.window.label}, {"window_us", to_us(advice.window.wall_ns())}, {"switches", json::array()}, {"caveats", advice.caveats}};
  for (const auto& s : advice.switches) out["switches"].push_back(json_of(s));
  return out;
}

int run_advise(const AdviseArgs& args) {
  trace::AdviseOptions options;
  if (!args.model.empty()) {
    auto model = trace::model_preset(args.model);
    if (!model) return refuse(model.error());
    options.model = *model;
  }
  ProgressLine line;
  auto run = run_from(args.source, args.common.db, import_progress(line));
  line.clear();
  if (!run) return refuse(run.error());
  if (!run->trace) return refuse({"this run has no trace", args.source});
  const auto devices = trace::active_devices(*run->trace);
  if (devices.empty()) return refuse({"there is no GPU activity to advise on", args.source});
  options.spec = run->spec;
  const trace::Advice advice = trace::advise(*run->trace, devices.front(), options);
  if (args.common.json) print_json(json_of(run->trace->title, advice));
  else fmt::print("{}", trace::advice_text(advice));
  return kDone;
}

}  // namespace

void add_advise(CLI::App& cli, Context& context) {
  auto args = std::make_shared<AdviseArgs>();
  auto* command = cli.add_subcommand("advise", "Which switches a trace has on, and what the others would be worth on it.");
  command->footer("Example: decodescope advise trace.json.gz\n"
                  "Worth = time of the kernels that would go, as they ran: an upper bound, gaps around them not counted.");
  command->add_option("source", args->source, "a run id or a trace file")->required()->type_name("RUN|FILE");
  command->add_option("--model", args->model, "what ran, where the trace does not tell")->type_name("P");
  add_rules(*command);
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_advise(*args); }; });
}

}  // namespace app
