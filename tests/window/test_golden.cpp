// Eight pictures of the window against those that a person looked at (tests/golden/window). DS_UPDATE_GOLDEN=1 writes
// them anew; look at each before it is committed.
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image.h>
#pragma GCC diagnostic pop

#include "tests/support/temp_folder.h"
#include "tests/window/driver.h"
#include "ui/shell.h"

namespace tests {
namespace {

constexpr int kMostDifference = 24;        // of a channel
constexpr double kMostPixels = 0.005;      // that may differ by more

// Share of pixels that differ by more than kMostDifference in a channel; 1 when the sizes differ.
double difference(const app::Picture& picture, const std::string& file) {
  int width = 0, height = 0, channels = 0;
  uint8_t* golden = stbi_load(file.c_str(), &width, &height, &channels, 4);
  if (!golden) return 1;
  double share = 1;
  if (width == picture.width && height == picture.height) {
    size_t different = 0;
    for (size_t i = 0; i < picture.rgba.size(); i += 4) {
      for (size_t c = 0; c < 3; ++c) {
        if (std::abs(int{picture.rgba[i + c]} - int{golden[i + c]}) <= kMostDifference) continue;
        ++different;
        break;
      }
    }
    share = static_cast<double>(different) / (static_cast<double>(width) * height);
  }
  stbi_image_free(golden);
  return share;
}

void check_golden(Gui& gui, const std::string& name) {
  for (ui::Notice& n : gui.state().notices) n.dismissed = true;
  for (int i = 0; i < 12; ++i) gui.window().frame(false);   // docking, tab focus and column widths settle
  gui.settle();
  gui.state().frame_ms = 0;
  const app::Picture picture = gui.window().picture();
  const std::string file = std::string(DS_SOURCE_DIR) + "/tests/golden/window/" + name + ".png";
  if (std::getenv("DS_UPDATE_GOLDEN")) {
    if (const auto done = app::write_png(picture, file); !done.ok()) FAIL(done.error().line());
    return;
  }
  const double share = difference(picture, file);
  if (share > kMostPixels) {
    const auto written = app::write_png(picture, "window-" + name + ".png");
    UNSCOPED_INFO("see window-" << name << ".png in the folder of the test" << (written.ok() ? "" : " (not written)"));
  }
  INFO(name << ": " << 100 * share << " % of the pixels differ");
  CHECK(share <= kMostPixels);
}

}  // namespace

TEST_CASE("golden pictures: the samples in both themes, their comparison, kernels, path, a stall, and no run at all") {
  {
    Gui gui({.width = 1280, .height = 720});
    check_golden(gui, "empty");
    gui.show_samples();
    check_golden(gui, "bubbles-dark");
    gui.bench().act(ui::action::SetTheme{ui::ThemeName::light});
    check_golden(gui, "bubbles-light");
    ui::focus_panel(gui.bench().memory(), "Compare");
    check_golden(gui, "compare-light");
    gui.bench().act(ui::action::SetTheme{ui::ThemeName::dark});
    ui::focus_panel(gui.bench().memory(), "Kernels");
    check_golden(gui, "kernels-dark");
  }
  Gui gui({.width = 1280, .height = 720});
  gui.show_samples();
  const ui::RunKey dual = gui.state().runs[1].key;
  gui.bench().act(ui::action::SetShow{{.path = true}});
  gui.bench().act(ui::action::SelectBubble{dual, gui.state().runs[1].analysis->worst[0], true});
  check_golden(gui, "stall-and-path");
  gui.bench().act(ui::action::FitView{});
  gui.bench().act(ui::action::SelectEvent{dual, 20, false});
  gui.bench().act(ui::action::SetMeasure{ui::Extent{100000, 180000}});
  std::snprintf(gui.bench().memory().search, sizeof gui.bench().memory().search, "quant");
  check_golden(gui, "kernel-and-search");
  gui.bench().act(ui::action::ShowHelp{true});
  check_golden(gui, "help");
}

}  // namespace tests
