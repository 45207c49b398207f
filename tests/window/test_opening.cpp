// A trace large enough to be shown in two halves: first the timeline, then what is counted of its kernels.
#include <catch2/catch_test_macros.hpp>

#include <thread>

#include "tests/window/driver.h"
#include "ui/vm/synthetic.h"

namespace tests {

TEST_CASE("opening: of a large trace the timeline is there before its kernels are counted, in every panel") {
  Gui gui;
  gui.bench().show({*ui::synthetic_run(150'000, 6), *ui::synthetic_run(150'000, 6, 2)}, 0);
  const ui::OpenRun& run = gui.state().runs[0];
  while (!run.analysis) gui.bench().poll(), std::this_thread::yield();
  CHECK_FALSE(run.ready());
  CHECK(run.analysis->bubbles->size() > 0);
  CHECK(run.analysis->kernels->by(ui::GroupBy::kernel).empty());
  for (const char* panel : {"Kernels", "Bubbles", "Compare", "Details"}) {
    gui.bench().act(ui::action::FocusPanel{panel});
    gui.window().frame();
  }
  gui.bench().act(ui::action::SelectEvent{run.key, 7, false});
  gui.window().frame();
  gui.settle();
  CHECK(run.ready());
  CHECK(run.analysis->kernels->by(ui::GroupBy::kernel).size() > 3);
  CHECK(run.analysis->path->waits_ns >= 0);
  CHECK(gui.state().compare.result);   // the first two of the stack, once both are whole

  // Closed while the second half is under way.
  gui.bench().show({*ui::synthetic_run(400'000, 6, 3)}, 0);
  while (!gui.state().runs.back().analysis) gui.bench().poll(), std::this_thread::yield();
  gui.bench().act(ui::action::CloseRun{gui.state().runs.back().key});
  gui.settle();
  CHECK(gui.state().runs.size() == 2);
}

}  // namespace tests
