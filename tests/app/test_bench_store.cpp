// bench kernels|step as a user keeps and compares them.
#include <catch2/catch_test_macros.hpp>

#include <nlohmann/json.hpp>

#include "tests/support/child.h"
#include "tests/support/temp_folder.h"

using nlohmann::json;

namespace {

struct Program {
  tests::TempFolder folder;
  const std::string db = folder / "runs.db";

  auto run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), std::string(DS_BINARY_DIR) + "/decodescope-record");
    arguments.insert(arguments.end(), {"--db", db});
    return tests::run_child(arguments);
  }
  json ask(std::vector<std::string> arguments) const {
    arguments.push_back("--json");
    const auto result = run(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return json::parse(result.out);
  }
};

std::vector<std::string> bench(std::initializer_list<const char*> more) {
  std::vector<std::string> all{"bench", "step", "--model", "tiny", "--backend", "cpu", "--batch", "1", "--context", "64", "--max-context", "256", "--steps", "2", "--warmup", "0"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("a bench is stored, listed, shown and compared row by row", "[slow]") {
  const Program program;
  const json first = program.ask(bench({"--name", "before"}));
  CHECK(first["run"] == 1);
  CHECK(program.ask(bench({}))["run"] == 2);
  CHECK(program.ask(bench({"--no-store"}))["run"].is_null());

  const json listed = program.ask({"runs"});
  REQUIRE(listed.size() == 2);
  CHECK((listed[0]["bench"] == "step" && listed[0]["name"] == "bench step, tiny" && listed[1]["name"] == "before"));
  CHECK(listed[1]["step_us"].get<double>() > 0);

  const json shown = program.ask({"show", "1"});
  CHECK(shown["bench"] == first);  // all of it, floors and ceilings too
  CHECK(shown["spec"]["workload"]["context"] == 64);
  CHECK(program.run({"show", "1"}).out.find("of floor") != std::string::npos);

  const json compared = program.ask({"compare", "1", "2"});
  CHECK(compared["rows"].size() == first["rows"].size());
  for (const json& row : compared["rows"]) {
    INFO(row.dump());
    CHECK(row["same_launch"] == true);
    CHECK(std::abs(row["ratio"].get<double>() - row["b"]["us"].get<double>() / row["a"]["us"].get<double>()) < 1e-12);
    CHECK(row["a"]["floor_us"].get<double>() > 0);
  }
  CHECK(program.run({"compare", "1", "2", "--fail-if", "wall_pct > 2"}).err == "error: is for traces, and these are benches, --fail-if\n");

  CHECK(program.run({"record", "--model", "tiny", "--backend", "cpu", "--batch", "1", "--context", "64", "--max-context", "256", "--steps", "2"}).exit_code == 0);
  const auto mixed = program.run({"compare", "1", "3"});
  CHECK(mixed.exit_code == 2);
  CHECK(mixed.err == "error: a bench is compared with a bench, not with a trace, 1 and 3\n");
  CHECK(program.ask({"runs"})[0]["bench"].is_null());

  // It travels in a bundle and can be removed like every run.
  const std::string bundle = program.folder / "bench.decodescope";
  CHECK(program.run({"export", "1", "--to", bundle}).exit_code == 0);
  CHECK(program.run({"delete", "1"}).exit_code == 0);
  CHECK(program.run({"import", bundle}).exit_code == 0);
  CHECK(program.ask({"show", "1"})["bench"] == first);  // restored, not twice
  CHECK(program.run({"bubbles", "1"}).exit_code == 2);
}
