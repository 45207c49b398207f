// The engine's steps on an emulated GPU: every switch against its class, eager, as a graph and on two streams,
// with the same proofs as on the CPU. Waves of 64 go through the HIP host code and a stand-in for its runtime.
#include <catch2/catch_test_macros.hpp>

#include "engine/check.h"
#include "engine/gpu_device.h"
#include "tests/emulator/lib/device.h"
#include "tests/gpu/lib/hip_device.h"

namespace {

void check_all(std::string_view backend) {
  const auto report = engine::check(backend, {.quick = true});
  INFO((report ? std::string() : report.error().line()));
  REQUIRE(report.ok());
  INFO(backend << ", seed " << report->seed);
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
  engine::use_gpu_device(backend, nullptr);
}

}  // namespace

TEST_CASE("check passes on an emulated GPU with waves of 32") {
  engine::use_gpu_device("cuda", simt::emulated_device(32));
  check_all("cuda");
}

TEST_CASE("check passes on an emulated MI355X through the HIP host code") {
  if (test::has_hip())
    engine::use_gpu_device("hip", test::open_fake_hip());
  else
    engine::use_gpu_device("hip", simt::emulated_device(64));
  check_all("hip");
}
