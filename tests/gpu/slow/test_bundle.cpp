// doctor --bundle on a machine with an AMD GPU, as far as a stand-in for its runtime and its profiler goes.
#include <catch2/catch_test_macros.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/bundle.h"
#include "engine/gpu_device.h"
#include "tests/emulator/lib/simt.h"
#include "tests/gpu/lib/hip_device.h"
#include "tests/support/temp_folder.h"

using nlohmann::json;

TEST_CASE("the bundle holds every part, and a clock that is ahead shows in it") {
  if (!test::has_hip()) SKIP("this build has no gfx950 kernels");
  if (!test::hip_was_opened()) test::fake_profiler();
  engine::use_gpu_device("hip", test::open_fake_hip());
  simt::device_clock().ahead = [](unsigned unit) { return unit % 2 ? 9000 : 0; };  // XCC 1, by 90 us
  const json found = {{"backends", {{{"name", "hip"}, {"usable", true}, {"why", ""}}, {{"name", "cuda"}, {"usable", false}, {"why", "none here"}}}}};
  tests::TempFolder folder;
  const std::string file = folder / "bundle.json";
  REQUIRE(app::write_bundle(found, file, true) == 0);
  const json bundle = json::parse(std::ifstream(file));
  engine::use_gpu_device("hip", nullptr);
  simt::device_clock() = {};

  CHECK(bundle["decodescope_bundle"] == 2);
  CHECK(bundle["doctor"] == found);
  REQUIRE(bundle["gpus"].size() == 1);
  const json& gpu = bundle["gpus"][0];
  INFO(gpu.dump(1).substr(0, 4000));
  CHECK(gpu["device"] == "AMD Instinct MI355X");
  CHECK(gpu["sensors"].contains("not_available"));
  const json& clock = gpu["clock"];
  CHECK((clock["clock"] == "s_memrealtime" && clock["tick_ns"] == 10 && clock["step_ns"] == 10.0 && clock["part"] == "XCC"));
  REQUIRE(clock["parts"].size() == 2);
  CHECK(clock["parts"][1]["lo_ns"].get<double>() <= 90000);
  CHECK(clock["parts"][1]["hi_ns"].get<double>() >= 90000);
  CHECK(clock["least_skew_ns"].get<double>() > 60000);
  CHECK((clock["uncertainty_ns"].get<double>() < 30000 && clock["contradiction"].is_null()));
  CHECK(gpu["ceilings"]["reads"].size() > 5);
  CHECK(gpu["memory"]["copies"].size() == 2);
  CHECK(gpu["memory"]["empty_node_us"].get<double>() > 0);
  CHECK(gpu["check"]["ok"] == true);
  REQUIRE(gpu["stamps"].size() == 2);
  for (const json& how : gpu["stamps"]) {
    INFO(how.dump());
    const bool profiler = how["profiler"] == true;
    CHECK(how["passes"].size() == (profiler ? 5 : 2));
    for (const json& pass : how["passes"]) CHECK(pass["busy_ns"].get<int64_t>() + pass["idle_ns"].get<int64_t>() == pass["window_ns"].get<int64_t>());
  }
  CHECK(gpu["stamps"][0]["launch"] == "eager");
}
