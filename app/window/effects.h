// What reduce() asks to be done: everything that touches the world. Plain values, so tests can look
// at them.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "trace/compare.h"
#include "trace/formats.h"
#include "trace/messages.h"
#include "ui/state.h"
#include "ui/vm/analysis.h"
#include "ui/vm/pipeline.h"

namespace app {

namespace effect {
struct Connect {
  std::string to;
};
struct Post {
  trace::Request request;
};
struct ReadFile {  // into this window; a trace or a bundle
  std::string path;
  uint32_t job = 0;
};
struct ImportFile {  // into the store
  std::string path;
  uint32_t job = 0;
};
struct Analyse {
  ui::RunKey key = ui::kNoRun;
};  // with the options of the state, newest run
struct Compare {
  ui::RunKey a = ui::kNoRun, b = ui::kNoRun;
};
struct LoadStored {
  int64_t id = 0;
  uint32_t job = 0;
};
struct LoadAb {  // of a stored run
  int64_t run = 0;
};
struct SaveRun {
  ui::RunKey key = ui::kNoRun;
};
struct SaveAb {
  std::shared_ptr<const trace::AbResult> result;
  ui::RunKey a = ui::kNoRun, b = ui::kNoRun;
};
struct Delete {
  std::vector<int64_t> ids;
};
struct UndoDelete {};
struct Note {
  int64_t id = 0;
  std::string text;
};
struct Tags {
  int64_t id = 0;
  std::string tags;
};
struct KernelHistory {  // reads the newest stored runs
  std::string name, op;
  uint32_t job = 0;
};
struct AskSaveText {
  std::string suggestion, text;
};
struct Star {
  int64_t id = 0;
  bool on = true;
};
struct ExportBundle {
  std::vector<int64_t> ids;
  std::string path;
  std::string view;   // how this window shows them; view_state.h
};
struct ExportRuns {  // report or trace
  std::vector<trace::RunPtr> runs;
  std::string path;
  uint32_t job = 0;
};
struct ListStore {};
struct AskOpen {};
struct AskImport {};
struct AskExport {
  std::vector<int64_t> ids;
};
struct AskExportOpen {
  std::vector<ui::RunKey> keys;
  std::string suggestion;
};
struct SaveSettings {};
struct ApplyTheme {};  // theme and font scale of the state; remembered
struct FocusPanel {
  std::string title;
};
struct ResetLayout {};
struct CopyText {
  std::string text;
};
struct CancelJob {
  uint32_t id = 0;
};
struct Quit {};
}  // namespace effect

using Effect = std::variant<
    effect::Connect, effect::Post, effect::ReadFile, effect::ImportFile, effect::Analyse, effect::Compare, effect::LoadStored, effect::LoadAb,
    effect::SaveRun, effect::SaveAb, effect::Delete, effect::UndoDelete, effect::Note, effect::Tags, effect::KernelHistory, effect::SaveSettings, effect::AskSaveText, effect::Star,
    effect::ExportBundle, effect::ExportRuns, effect::AskExportOpen, effect::ListStore, effect::AskOpen, effect::AskImport, effect::AskExport, effect::ApplyTheme,
    effect::FocusPanel, effect::ResetLayout, effect::CopyText, effect::CancelJob, effect::Quit>;
using Effects = std::vector<Effect>;

// What the worker hands back.
namespace outcome {
struct Read {
  uint32_t job = 0;
  std::string path;
  trace::Result<std::vector<trace::RunPtr>> runs;
  std::string view;   // of a bundle: how its sender saw it
};
struct Analysed {
  ui::RunKey key = ui::kNoRun;
  ui::AnalysisPtr analysis;
};
struct Compared {
  ui::RunKey a = ui::kNoRun, b = ui::kNoRun;
  std::shared_ptr<const trace::Comparison> result;
  ui::CompareScope used{};
  std::string unavailable;
  trace::RunPtr run_a, run_b;
  ui::MatchSamplesPtr samples;
};
struct Listed {
  std::string path, problem;
  int64_t bytes = 0;
  std::vector<trace::Run> runs;
};
struct Loaded {
  uint32_t job = 0;
  int64_t id = 0;
  trace::Result<trace::RunPtr> result;
  std::string view;
};
struct Imported {  // into the store
  uint32_t job = 0;
  std::string path;
  trace::Result<std::vector<int64_t>> ids;
};
struct AbLoaded {
  trace::Result<std::shared_ptr<const trace::AbResult>> result;
  int64_t ab = 0;  // its id
  std::vector<ui::PipelineOp> pipeline;
};
struct KernelHistory {
  uint32_t job = 0;
  ui::KernelHistoryState result;
};
struct Saved {
  ui::RunKey key = ui::kNoRun;
  trace::Result<int64_t> id;
};
struct Done {
  std::string what;
  trace::Status status;
  bool offers_undo = false;
  uint32_t job = 0;
};
}  // namespace outcome

using Outcome =
    std::variant<outcome::Read, outcome::Analysed, outcome::Compared, outcome::Listed,
                 outcome::Loaded, outcome::Imported, outcome::AbLoaded, outcome::KernelHistory, outcome::Saved, outcome::Done>;

}  // namespace app
