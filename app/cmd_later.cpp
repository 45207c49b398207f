// Commands of the design that are not built yet. They say so, and why, instead of pretending.
#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/output.h"

namespace app {

namespace {

void add_later(CLI::App& cli, Context& context, const char* name, const char* what, const char* why) {
  auto* command = cli.add_subcommand(name, std::string(what) + " Not available yet.");
  command->allow_extras();
  command->callback([&context, name, why] {
    context.run = [name, why] { return refuse({fmt::format("{} is not available yet: {}", name, why), fmt::format("decodescope {}", name)}); };
  });
}

}  // namespace

void add_sweep(CLI::App& cli, Context& context) {
  add_later(cli, context, "sweep", "A/B of a switch over scenarios and concurrencies.",
            "the scenario workloads (imposed routing, cache states) come with the complete engine; `ab` compares one workload");
}

}  // namespace app
