// The engine's steps on an emulated GPU: every switch against its class, eager, as a graph and on two streams,
// with the same proofs as on the CPU.
#include <catch2/catch_test_macros.hpp>

#include "engine/check.h"
#include "engine/gpu_device.h"
#include "tests/emulator/lib/device.h"

TEST_CASE("check passes on an emulated GPU") {
  for (const int wave : {64, 32}) {
    engine::use_gpu_device("cuda", simt::emulated_device(wave));
    const auto report = engine::check("cuda", true);
    INFO((report ? std::string() : report.error().line()));
    REQUIRE(report.ok());
    INFO("waves of " << wave << ", seed " << report->seed);
    for (const auto& op : report->ops) {
      INFO(op.op << ": " << op.note);
      CHECK(op.ok);
    }
    int flipped = 0;
    for (const auto& toggle : report->toggles) {
      INFO(toggle.key << ": " << toggle.note);
      CHECK((toggle.ok || toggle.sets == 0));
      flipped += toggle.sets > 0;
    }
    CHECK(flipped >= 10);
  }
  engine::use_gpu_device("cuda", nullptr);
}
