// AppState: all that the panels show. Panels read it; only app/window/reduce.cpp writes it. Values
// and pointers to immutable data, so a copy is cheap enough for a test and nothing is ever half
// updated. Thread rule: main thread only; what it points to is immutable.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "trace/ab.h"
#include "trace/compare.h"
#include "trace/messages.h"
#include "trace/plan_sketch.h"
#include "ui/actions.h"
#include "ui/vm/analysis.h"
#include "ui/vm/annotations.h"
#include "ui/vm/match_samples.h"
#include "ui/vm/kernel_series.h"
#include "ui/vm/pipeline.h"

namespace ui {

// One run or trace that this window holds. `analysis` is null while the worker is at it.
struct OpenRun {
  RunKey key = kNoRun;
  trace::RunPtr run;
  std::string title;
  std::string note;     // dim, beside the title: device, collector
  bool live = false;    // the newest step of the engine; replaced ten times a second
  uint32_t device = 0;  // shown, index into Trace::devices
  AnalysisPtr analysis;    // of a large trace first without its kernels
  bool ready() const { return analysis && analysis->complete(); }
  bool analysing = false;  // a job of the worker is on its way
  std::string problem;     // why there is nothing to show: "no GPU activity in this trace"
  int64_t origin_ns = 0;   // of its trace, at 0 on the shared axis
  std::string align_note;  // why it is not aligned as asked
  std::vector<Annotation> annotations;  // of its note
};

struct StepPoint {
  int64_t index = 0;
  double us = 0;
  int kernels = 0;
  trace::ToggleSet toggles;
  std::optional<double> clock_mhz, watts, celsius;  // now and then, where the device tells
};

// Calls into the engine's link that kept the window: counted where they are made.
struct EngineProbe {
  int64_t calls = 0, over_1ms = 0;  // over: blocked, and for longer than a millisecond
  double longest_us = 0;            // that a call was blocked
};

inline constexpr size_t kStepHistory = 4096;

// The plan with a switch off and on, for the specification that was asked about.
struct SketchState {
  trace::RunSpec asked;
  std::shared_ptr<const trace::PlanSketch> sketch;   // null while it is on its way
};

struct SessionState {
  std::string absent;      // why this window has no engine; empty = it has one
  bool connected = false;  // Welcome was received
  std::string host = "this machine";
  std::string remote;     // host or command line; empty = the engine of this process
  std::string link_text;  // "connecting to ...", or why there is no link; empty = there is one
  int64_t receiving_bytes = 0, coming_bytes = 0;   // of a long message from the other machine; 0 = none
  std::vector<trace::BackendInfo> backends;
  trace::reply::Phase phase = trace::reply::Phase::idle;
  std::string detail;
  double fraction = -1;
  std::optional<trace::RunSpec> running;  // effective spec of what runs
  std::deque<StepPoint> steps;            // newest last, kStepHistory at most
  std::optional<trace::reply::AbProgress> ab_progress;
  std::vector<trace::ToggleKey> ab_keys;  // of the A/B under way
  std::shared_ptr<const trace::AbResult> last_ab;
  std::map<trace::ToggleKey, std::shared_ptr<const trace::AbResult>>
      effects;  // newest A/B of that switch alone
  std::map<trace::ToggleKey, std::vector<PipelineOp>> pipelines;  // of those, what changed in a layer
  std::map<trace::ToggleKey, SketchState> sketches;
  RunKey live = kNoRun;
  bool record_when_running = false;
  struct StepMark {
    int64_t index = 0;
    std::string text;
  };
  std::vector<StepMark> marks;  // on the step chart, set by hand
  EngineProbe probe;
  std::string refusal;  // last Refused or Failed, until the next start
};

enum class SelectionKind : uint8_t { none, event, bubble };
struct Selection {
  SelectionKind kind = SelectionKind::none;
  RunKey run = kNoRun;
  uint32_t index = 0;  // event id, or index into BubbleReport::bubbles
  bool operator==(const Selection&) const = default;
};

// A kept range of the shared axis.
struct MarkState {
  Extent range;
  std::string text;
};

struct CompareState {
  RunKey a = kNoRun, b = kNoRun;
  CompareScope scope = CompareScope::automatic;
  CompareScope used = CompareScope::all;            // of the result
  std::string unavailable;                          // why the scope asked for was not used
  std::shared_ptr<const trace::Comparison> result;  // null while it is computed
  std::shared_ptr<const trace::Run> run_a, run_b;   // that the result is of
  MatchSamplesPtr samples;                          // durations behind the matched kernels
  bool pending = false;
};

enum class NoticeKind : uint8_t { info, warning, error };
struct Notice {
  uint32_t id = 0;
  NoticeKind kind = NoticeKind::info;
  std::string text;
  double at_s = 0;         // AppState::now_s when it came
  bool dismissed = false;  // gone from the corner, still in the log
  bool offers_undo = false;
};

struct JobState {
  uint32_t id = 0;
  std::string title;  // "importing trace.json.gz"
  double fraction = -1;
  bool cancellable = false;
};

struct StoreState {
  bool available = false;
  std::string path, problem;  // why there is none
  int64_t bytes = 0;
  std::vector<trace::Run> runs;  // without traces, newest first
  std::string host;              // this machine, as runs recorded here name it
  std::set<trace::ToggleKey> effects_asked;  // stored A/Bs that were asked for, by their switch
};

// Matches of the search in the runs that were on the timeline when it was typed.
struct SearchState {
  std::string text;
  struct Found {
    std::vector<uint8_t> names;  // by StringId
    int64_t matches = 0;         // events
  };
  std::map<RunKey, Found> runs;
  int64_t matches = 0, at = 0;  // of all runs; the one that is selected, from 1
};

// One kernel's durations in a stored run.
struct KernelHistoryRow {
  int64_t run = 0;
  std::string title, when;
  KernelHistogram histogram;  // log-binned over the range of all rows
  int64_t count = 0;
};
struct KernelHistoryState {
  std::string name, op;  // asked for; by op where there is one, since names change with their fusion
  bool pending = false;
  int64_t looked = 0;    // stored runs that were read
  std::vector<KernelHistoryRow> rows;  // newest first
  std::string problem;
};

// A library or font that the program is made with, for About.
struct Component {
  std::string name, version, licence, what;
};

struct AppState {
  std::vector<std::string> recent_hosts, recent_files;  // newest first
  std::map<int64_t, std::shared_ptr<const trace::AbResult>> abs;  // stored A/Bs that are known, by their id
  std::string version;
  std::vector<Component> components;
  bool show_about = false;
  double now_s = 0;  // time since the window opened
  SessionState session;
  trace::RunSpec draft;  // what Start would run; its toggles are the switches as shown
  std::vector<OpenRun> runs;
  std::vector<RunKey> stack;  // shown on the timeline, from the top
  RunKey selected = kNoRun;
  Selection selection;
  Viewport view;
  std::vector<MarkState> marks;
  SearchState search;
  CompareState compare;
  std::optional<std::pair<int64_t, int64_t>> compare_when_open;  // stored runs that are being opened for it
  GroupRulesPtr groups;  // of kernels, that the user made; null = none
  KernelHistoryState history;
  trace::Thresholds thresholds;
  Show show;
  Align align;
  bool lens = false;  // the device's stamps, where a run has them
  std::optional<Extent> measure;
  StoreState store;
  std::deque<Notice> notices;  // newest last; also the log
  std::vector<JobState> jobs;
  ThemeName theme = ThemeName::dark;
  float font_scale = 1;
  bool show_help = false;
  uint32_t next_id = 1;  // of runs, jobs, notices
  double frame_ms = 0;   // of the last frame, for the status bar
  double drawing_pct = -1;   // of the last seconds, the part that went into drawing; -1 = not known

  const OpenRun* find(RunKey key) const {
    for (const OpenRun& r : runs) {
      if (r.key == key) return &r;
    }
    return nullptr;
  }
  OpenRun* find(RunKey key) { return const_cast<OpenRun*>(std::as_const(*this).find(key)); }
};

}  // namespace ui
