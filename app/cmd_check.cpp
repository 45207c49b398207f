// check: every op of a backend against its double reference, every switch against its class.
#include <CLI/CLI.hpp>

#include <atomic>

#include "app/args.h"
#include "app/bundle.h"
#include "app/commands.h"
#include "app/output.h"
#include "engine/check.h"

namespace app {

using nlohmann::json;

json check_json(const engine::CheckReport& report) {
  json out = {{"backend", report.backend}, {"seed", report.seed}, {"ops", json::array()}, {"toggles", json::array()}, {"ok", report.ok}};
  for (const auto& op : report.ops) {
    out["ops"].push_back({{"op", op.op}, {"cases", op.cases}, {"worst", op.worst}, {"ok", op.ok}, {"note", op.note}});
  }
  for (const auto& t : report.toggles) {
    out["toggles"].push_back({{"key", t.key}, {"class", trace::to_string(t.cls)}, {"sets", t.sets},
                              {"ok", t.sets > 0 ? json(t.ok) : json(nullptr)}, {"note", t.note}});
  }
  return out;
}

namespace {

struct CheckArgs {
  CommonArgs common;
  std::string backend = "auto";
  engine::CheckWhat what;
};

void print_text(const engine::CheckReport& report) {
  Table ops({"op", "cases", "worst/allowed", "result", ""});
  for (const auto& op : report.ops) {
    ops.row({op.op, std::to_string(op.cases), fmt::format("{:.2f}", op.worst), op.ok ? "ok" : "WRONG", op.note});
  }
  Table toggles({"switch", "class", "sets", "result", ""});
  for (const auto& t : report.toggles) {
    toggles.row({t.key, std::string(trace::to_string(t.cls)), std::to_string(t.sets),
                 t.sets == 0 ? "not checked" : t.ok ? "ok" : "WRONG", t.note});
  }
  fmt::print("backend {}, seed {}\n\n{}\n{}{}\n", report.backend, report.seed, ops.text(),
             report.toggles.empty() ? "" : toggles.text() + "\n", report.ok ? "all that can run here agree" : "NOT ALL AGREE");
}

int run_check(const CheckArgs& args) {
  ProgressLine line;
  std::atomic<bool> cancelled = false;
  install_interrupt();
  auto report = engine::check(args.backend, args.what, [&](const std::string& what, double done) {
    cancelled = interrupted();
    line.show("checking " + what, done);
  }, &cancelled);
  line.clear();
  if (!report && interrupted()) return note("check cancelled"), kFailed;
  if (!report) return refuse(report.error());
  if (args.common.json) print_json(check_json(*report));
  else print_text(*report);
  return report->ok ? kDone : kFailed;
}

}  // namespace

void add_check(CLI::App& cli, Context& context) {
  auto args = std::make_shared<CheckArgs>();
  auto* command = cli.add_subcommand("check", "Every op against its reference, every switch against its class.");
  command->footer("Examples: decodescope check --quick\n"
                  "          decodescope check --backend cuda --op gemm_fp8 --op mqa_logits\n"
                  "Inputs are drawn anew every time and the seed is printed. Exit code 1 when anything disagrees.");
  command->add_option("--backend", args->backend, "auto, cpu, cuda or hip")->type_name("B");
  command->add_flag("--quick", args->what.quick, "fewer cases: seconds instead of minutes");
  command->add_option("--op", args->what.ops, "these ops alone, no switches (more than one may be given)")->type_name("OP");
  add_common(*command, args->common);
  command->callback([&context, args] { context.run = [args] { return run_check(*args); }; });
}

}  // namespace app
