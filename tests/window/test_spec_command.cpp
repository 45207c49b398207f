// The command that the details panel copies, read back by the command line itself, is the run's very specification.
#include <catch2/catch_test_macros.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "app/args.h"
#include "ui/vm/spec_vm.h"

TEST_CASE("details: the copied command asks for the same specification") {
  trace::RunSpec spec;
  spec.model = trace::model_preset("tiny-mxfp4").value();
  spec.model.layers = 3;
  spec.backend = "cpu";
  spec.workload = {.batch = 2, .next_n = 2, .context = 640, .max_context = 4096, .steps = 12, .warmup = 3, .tp = 2, .seed = 99,
                   .shared_prefix = 0.25, .pages_shuffled = false, .routing = "zipf:1.01"};
  REQUIRE(spec.toggles.set(trace::ToggleKey::v_layout, "batch_major").ok());
  REQUIRE(spec.toggles.set(trace::ToggleKey::page_size, "16").ok());
  const std::string command = ui::record_command(spec);
  const std::string prefix = "decodescope record ";
  REQUIRE(command.starts_with(prefix));
  std::istringstream words(command.substr(prefix.size()));
  std::vector<std::string> args{std::istream_iterator<std::string>(words), {}};
  std::ranges::reverse(args);   // as CLI11 wants a vector
  CLI::App cli;
  app::EngineArgs engine;
  app::add_engine(cli, engine);
  cli.parse(args);
  const auto again = app::spec_from(engine);
  REQUIRE(again.ok());
  CHECK(again.value() == spec);
}
