// The engine session in words and series: what it does, its figures, its step times. Pure.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "ui/state.h"
#include "ui/vm/details_vm.h"

namespace ui {

enum class Mood : uint8_t { quiet, good, busy };

struct PhaseVm {
  std::string title;  // "Live"
  std::string what;   // "tiny tp 1 · cpu · eager"; empty when nothing is loaded
  Mood mood = Mood::quiet;
};
PhaseVm phase_vm(const SessionState&);

struct SessionVm {
  std::vector<FieldVm> fields;  // of what runs, or of the draft
  bool can_start = false, can_stop = false, can_pause = false, can_resume = false,
       can_record = false, can_cancel = false;
  std::string why_not;   // why it cannot be started
  std::string progress;  // "A/B cat_skip: instance 2 of 3, quad 5 of 8"
  double fraction = -1;
  std::string refusal;
};
SessionVm session_vm(const AppState&);

// Live steps as a chart: one point a step, the moments at which a switch was flipped, medians
// between them.
struct StepChartVm {
  std::vector<double> index, us, median_us;  // median over the last 32 steps with these toggles
  struct Flip {
    double index = 0;
    std::string text;  // "cat_skip on"
  };
  std::vector<Flip> flips;
  struct Segment {  // between two flips
    size_t first = 0, count = 0;   // into the series
    double low_us = 0, high_us = 0;   // holds 90 % of its points
  };
  std::vector<Segment> segments;
  // Share of the points in each bin from low_us to high_us: of the newest segment, and of the one before it.
  static constexpr size_t kBins = 40;
  std::array<double, kBins> now{}, before{};
  // The range that is drawn: 98 % of the points, but nothing above twice the median of the slowest segment, so that a few
  // steps that were in the way of something else do not press all others flat. Those above are counted.
  double low_us = 0, high_us = 0;
  std::vector<double> above_index;   // steps above the range
  double slowest_us = 0;
  std::vector<double> sensor_index, clock_mhz, watts;  // of the steps with a reading; a series is empty if none has it
  double celsius = -1;                                 // newest; -1 = not told
  bool has_sensors() const { return !clock_mhz.empty() || !watts.empty(); }
};
// Costs a millisecond at 1500 points: rebuild when a step arrived, not every frame.
StepChartVm step_chart(const SessionState&, size_t most_points = 1500);
// Of the steps since the last flip, 512 at most.
trace::Estimate current_step(const SessionState&);

// "cat_skip on, page_size 1": what differs, in values of `to`.
std::string toggle_changes(const trace::ToggleSet& from, const trace::ToggleSet& to);
// "tiny tp 1 · cpu · eager".
std::string spec_summary(const trace::RunSpec&);

}  // namespace ui
