// Everything a user can want, as one variant. Panels only append these; app/window/reduce.cpp turns
// them into a new state and effects. Plain values; nothing here does anything.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trace/bubbles.h"
#include "trace/run.h"
#include "ui/vm/kernel_groups.h"
#include "ui/vm/lane_index.h"
#include "ui/vm/palette.h"
#include "ui/vm/viewport.h"

namespace ui {

using RunKey = uint32_t;  // an open run of this window, never reused; 0 = none
inline constexpr RunKey kNoRun = 0;

// What the timeline shows beside kernels and bubbles.
struct Show {
  LaneGrouping grouping = LaneGrouping::folded;
  bool host = false;     // launch calls
  bool path = false;     // the critical path
  bool arrows = true;    // forks and joins between lanes
  bool operator==(const Show&) const = default;
};

// What is put at 0 of the shared axis, in every run that has it.
enum class AlignBy : uint8_t { start, step, layer, kernel };
struct Align {
  AlignBy by = AlignBy::start;
  int step = 0, layer = 0;  // from 0
  std::string kernel;       // full name; its first occurrence
  bool operator==(const Align&) const = default;
};

// What of two runs is compared: all of each, or the recorded step or layer that is closest to the median one.
enum class CompareScope : uint8_t { automatic, all, step, layer };

namespace action {

// --- engine
struct Connect {  // a host for ssh or a command line; empty = the engine of this process
  std::string to;
};
struct StartSession {};  // with the draft spec
struct StopSession {};
struct Pause {};
struct Resume {};
struct SingleStep {};
struct EditSpec {
  trace::RunSpec spec;
};  // the draft; takes effect at the next start
struct SetToggle {
  trace::ToggleKey key{};
  int index = 0;
};  // at the next step while running
struct Record {
  int steps = 0;
};  // 0 = the spec's
struct RunAb {
  std::vector<trace::ToggleKey> keys;
  bool full = false;
};                     // first against last value of each
struct AskSketch {  // of the plan, with this switch off and on; nothing if it is there or on its way
  trace::ToggleKey key{};
};
struct MarkStep {};  // at the newest step of the live chart
struct CancelWork {};  // the recording or A/B under way

// --- runs and files
struct AskOpenFile {};  // a dialog
struct OpenFiles {  // into this window, not into the store
  std::vector<std::string> paths;
};
struct ImportFiles {  // into the store; empty = ask
  std::vector<std::string> paths;
};
struct OpenStored {
  int64_t id = 0;
};
struct CloseRun {
  RunKey key = kNoRun;
};
struct SelectRun {
  RunKey key = kNoRun;
};
struct StackRun {
  RunKey key = kNoRun;
  bool on = true;
};
struct MoveInStack {
  RunKey key = kNoRun;
  int by = 0;
};  // -1 = up
struct SetDevice {
  RunKey key = kNoRun;
  uint32_t device = 0;
};
struct SaveRun {
  RunKey key = kNoRun;
};
struct DeleteStored {
  std::vector<int64_t> ids;
};
struct UndoDelete {};
struct NoteStored {
  int64_t id = 0;
  std::string text;
};
struct StarStored {
  int64_t id = 0;
  bool on = true;
};
struct ExportBundle {
  std::vector<int64_t> ids;
  std::string path;
};  // empty path = ask
struct ExportOpen {  // open runs as a report or a trace, by the path's ending; empty = ask
  std::vector<RunKey> keys;
  std::string path;
};
struct Compare {
  RunKey a = kNoRun, b = kNoRun;
};
struct CompareStored {  // opens both, then compares them
  int64_t a = 0, b = 0;
};
struct SetCompareScope {
  CompareScope scope{};
};
struct TagStored {
  int64_t id = 0;
  std::string tags;
};
struct RecordAgain {  // the specification of that run becomes the draft; starts, and records once it runs
  trace::RunSpec spec;
};
struct SetKernelGroups {  // all of them, in the order in which they are asked
  GroupRules groups;
};
struct AskKernelHistory {  // durations of this kernel, or of its op, in the stored runs; an empty name ends it
  std::string name, op;
};
struct SaveText {  // asks where
  std::string suggestion, text;
};

// --- timeline
struct SetViewport {
  Viewport view;
};
struct FitView {};
struct SelectEvent {
  RunKey key = kNoRun;
  trace::EventId event = trace::kNone;
  bool reveal = false;
};
struct SelectBubble {
  RunKey key = kNoRun;
  uint32_t index = 0;
  bool reveal = false;
};
struct ClearSelection {};
struct FitSelection {};
struct StepOnLane {
  int by = 1;
};                     // previous or next event of the selected one's lane
struct StepGap {
  int by = 1;
};                     // to the longest gap of the selected run, then to the next longest; -1 = back
struct ToggleMark {};  // keep the selection's range as a mark, or drop it
struct Annotate {  // a bubble of a run; an empty text takes the annotation away
  RunKey key = kNoRun;
  uint32_t bubble = 0;
  std::string text;
};
struct SetLens {  // the device's own clock instead of the collector's times, in runs that carry its stamps
  bool on = false;
};
struct SetThresholds {
  trace::Thresholds thresholds;
};
struct SetShow {
  Show show;
};
struct SetAlign {
  Align align;
};
struct SetMeasure {  // a range of the shared axis; none = stop measuring
  std::optional<Extent> range;
};
struct StepRelated {
  int by = 1;
};                     // to the event that this one waited for, or that waited for it
struct Search {
  std::string text;
};
struct SearchStep {
  int by = 1;
};

// --- window
struct SetTheme {
  ThemeName theme{};
};
struct SetFontScale {
  float scale = 1;
};
struct FocusPanel {
  std::string title;
};
struct ResetLayout {};
struct ShowAbout {
  bool on = true;
};
struct ShowHelp {
  bool on = true;
};
struct CopyText {
  std::string text;
};
struct DismissNotice {
  uint32_t id = 0;
};
struct CancelJob {
  uint32_t id = 0;
};
struct Quit {};

}  // namespace action

using Action =
    std::variant<action::Connect, action::StartSession, action::StopSession, action::Pause, action::Resume,
                 action::SingleStep, action::EditSpec, action::SetToggle, action::Record,
                 action::RunAb, action::CancelWork, action::AskOpenFile, action::OpenFiles, action::ImportFiles,
                 action::OpenStored, action::CloseRun, action::SelectRun, action::StackRun,
                 action::MoveInStack, action::SetDevice, action::SaveRun, action::DeleteStored,
                 action::UndoDelete, action::NoteStored, action::StarStored, action::ExportBundle, action::ExportOpen,
                 action::Compare, action::SetCompareScope, action::TagStored, action::RecordAgain, action::SetKernelGroups, action::MarkStep, action::AskSketch, action::CompareStored, action::Annotate, action::SetLens, action::AskKernelHistory, action::SaveText, action::ShowAbout, action::SetViewport, action::FitView, action::SelectEvent,
                 action::SelectBubble, action::ClearSelection, action::FitSelection,
                 action::StepOnLane, action::StepGap, action::ToggleMark, action::SetThresholds,
                 action::SetShow, action::SetAlign, action::SetMeasure, action::StepRelated, action::Search, action::SearchStep, action::SetTheme,
                 action::SetFontScale, action::FocusPanel, action::ResetLayout, action::ShowHelp,
                 action::CopyText, action::DismissNotice, action::CancelJob, action::Quit>;

using Actions = std::vector<Action>;

}  // namespace ui
