// When frames are drawn: at once after input, else for a small share of the time.
#include <catch2/catch_test_macros.hpp>

#include <cmath>

#include "app/window/frame_pace.h"

using app::FramePace;

namespace {

// Draws frames of `cost_s` for ten seconds in which only the engine moves; the share of the time that went into them.
double share_drawn(double cost_s, int* frames = nullptr) {
  FramePace pace;
  double now = 100, drawn = 0;
  for (int i = 0; i < 50; ++i) pace.drawn(now, now + cost_s), now += cost_s;   // what the window opens with
  const double begin = now;
  int count = 0;
  while (now - begin < 10) {
    if (pace.due(now, true)) {
      pace.drawn(now, now + cost_s);
      now += cost_s, drawn += cost_s;
      ++count;
    } else {
      now += pace.sleep_s(now, true);
    }
  }
  if (frames) *frames = count;
  CHECK(std::abs(pace.share_pct() - 100 * drawn / (now - begin)) < 1);   // what the window says of itself
  return drawn / (now - begin);
}

}  // namespace

TEST_CASE("frames that only the engine asks for take at most a twentieth of the time, and come at least once a second") {
  for (const double ms : {0.2, 1.0, 5.0, 12.0, 30.0}) {
    INFO(ms << " ms a frame");
    int frames = 0;
    CHECK(share_drawn(ms / 1000, &frames) <= FramePace::kShare);
    CHECK(frames >= 9);
    CHECK(frames <= 100);
  }
}

TEST_CASE("input is drawn at once, four frames long, whatever frames cost") {
  FramePace pace;
  for (int i = 0; i < 20; ++i) pace.drawn(i, i + 0.05);
  CHECK_FALSE(pace.due(20, true));
  pace.input();
  for (int i = 0; i < FramePace::kFramesAfterInput; ++i) {
    CHECK(pace.due(20, false));
    pace.drawn(20, 20.05);
  }
  CHECK_FALSE(pace.due(20.06, false));
  CHECK_FALSE(pace.due(1000, false));   // nothing moves: nothing is drawn
  CHECK(pace.sleep_s(1000, false) == FramePace::kIdlePoll_s);
}

TEST_CASE("one slow frame does not make the window slow") {
  FramePace pace;
  for (int i = 0; i < 20; ++i) pace.drawn(i, i + 0.002);
  pace.drawn(30, 31);   // the machine was busy elsewhere
  CHECK(pace.period_s() == FramePace::kFastest_s);
}
