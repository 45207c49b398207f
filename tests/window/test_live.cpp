// The one story that must always work: the engine runs live, a switch is flipped, its kernels leave the timeline, a
// run is recorded, stored, closed and opened again.
#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "tests/window/live_story.h"

namespace tests {

TEST_CASE("flipping cat_skip takes the concat out of the live step; the run is recorded, stored and reopened") {
  const TempFolder folder;
  Gui gui({.engine = true, .db = folder / "runs.db"});
  shorten(gui.state());
  gui.run([&](ImGuiTestContext* ctx) { flip_record_reopen(ctx, gui.bench()); });
  CHECK(gui.state().session.phase == trace::reply::Phase::idle);
}

}  // namespace tests
