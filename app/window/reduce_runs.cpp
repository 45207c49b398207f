#include "app/window/reduce_runs.h"

#include <algorithm>
#include <filesystem>

#include "app/window/reduce.h"
#include "app/window/view_state.h"

namespace app {

using namespace ui;

namespace {

std::string no_store(const AppState& state) {
  return state.store.problem.empty() ? "there is no store" : state.store.problem;
}

void set_note(OpenRun& open, const std::string& note) {
  auto run = std::make_shared<trace::Run>(*open.run);
  run->note = note;
  replace_run(open, std::move(run));
}

}  // namespace

void reduce_runs(AppState&, const action::AskOpenFile&, Effects& effects) {
  effects.push_back(effect::AskOpen{});
}

void reduce_runs(AppState& state, const action::OpenFiles& a, Effects& effects) {
  for (const std::string& path : a.paths) {
    const uint32_t job = state.next_id++;
    state.jobs.push_back({.id = job,
                          .title = "reading " + std::filesystem::path(path).filename().string(),
                          .cancellable = true});
    effects.push_back(effect::ReadFile{path, job});
  }
}

void reduce_runs(AppState& state, const action::ImportFiles& a, Effects& effects) {
  if (!state.store.available) {
    notify(state, NoticeKind::error, "not imported: " + no_store(state));
    return;
  }
  if (a.paths.empty()) effects.push_back(effect::AskImport{});
  for (const std::string& path : a.paths) {
    const uint32_t job = state.next_id++;
    state.jobs.push_back({.id = job,
                          .title = "importing " + std::filesystem::path(path).filename().string(),
                          .cancellable = true});
    effects.push_back(effect::ImportFile{path, job});
  }
}

void reduce_runs(AppState& state, const action::OpenStored& a, Effects& effects) {
  for (const OpenRun& open : state.runs) {
    if (open.run->id != a.id || a.id == 0) continue;
    reduce_runs(state, action::StackRun{open.key, true}, effects);
    state.selected = open.key;
    return;
  }
  const uint32_t job = state.next_id++;
  state.jobs.push_back({.id = job, .title = "opening run " + std::to_string(a.id)});
  effects.push_back(effect::LoadStored{a.id, job});
}

void reduce_runs(AppState& state, const action::CloseRun& a, Effects&) {
  std::erase_if(state.runs, [&](const OpenRun& r) { return r.key == a.key; });
  std::erase(state.stack, a.key);
  if (state.selection.run == a.key) state.selection = {};
  if (state.compare.a == a.key || state.compare.b == a.key) state.compare = {.scope = state.compare.scope};
  if (const auto found = state.search.runs.find(a.key); found != state.search.runs.end()) {
    state.search.matches -= found->second.matches;
    state.search.runs.erase(found);
  }
  if (state.selected == a.key) state.selected = state.stack.empty() ? kNoRun : state.stack.back();
  refit(state);
}

void reduce_runs(AppState& state, const action::SelectRun& a, Effects&) {
  if (state.find(a.key)) state.selected = a.key;
}

void reduce_runs(AppState& state, const action::StackRun& a, Effects&) {
  if (!state.find(a.key)) return;
  const bool there = std::ranges::find(state.stack, a.key) != state.stack.end();
  if (a.on && !there) state.stack.push_back(a.key);
  if (!a.on) std::erase(state.stack, a.key);
  if (a.on)
    state.selected = a.key;
  else if (state.selected == a.key && !state.stack.empty())
    state.selected = state.stack.back();
  refit(state);
}

void reduce_runs(AppState& state, const action::MoveInStack& a, Effects&) {
  const auto at = std::ranges::find(state.stack, a.key);
  if (at == state.stack.end()) return;
  const auto from = at - state.stack.begin();
  const auto to =
      std::clamp<ptrdiff_t>(from + a.by, 0, static_cast<ptrdiff_t>(state.stack.size()) - 1);
  std::swap(state.stack[static_cast<size_t>(from)], state.stack[static_cast<size_t>(to)]);
}

void reduce_runs(AppState& state, const action::SetDevice& a, Effects& effects) {
  OpenRun* open = state.find(a.key);
  if (!open) return;
  open->device = a.device;
  if (state.selection.run == a.key) state.selection = {};
  analyse_if_needed(state, *open, effects);
}

void reduce_runs(AppState& state, const action::SaveRun& a, Effects& effects) {
  const OpenRun* open = state.find(a.key);
  if (!open) return;
  if (!state.store.available) {
    notify(state, NoticeKind::error, "not saved: " + no_store(state));
    return;
  }
  if (open->run->id != 0)
    notify(state, NoticeKind::info,
           open->title + " is stored already, as run " + std::to_string(open->run->id));
  else
    effects.push_back(effect::SaveRun{a.key});
}

void reduce_runs(AppState&, const action::DeleteStored& a, Effects& effects) {
  if (!a.ids.empty()) effects.push_back(effect::Delete{a.ids});
}

void reduce_runs(AppState& state, const action::UndoDelete&, Effects& effects) {
  for (Notice& n : state.notices) n.offers_undo = false;
  effects.push_back(effect::UndoDelete{});
}

void reduce_runs(AppState& state, const action::NoteStored& a, Effects& effects) {
  // The annotations of a run are part of its note; who edits the words leaves them alone.
  std::string note = a.text;
  for (trace::Run& run : state.store.runs) {
    if (run.id != a.id) continue;
    if (annotations_of(note).empty()) {
      for (const Annotation& mark : annotations_of(run.note)) note = with_annotation(note, mark);
    }
    run.note = note;
  }
  for (OpenRun& open : state.runs) {
    if (open.run->id == a.id && a.id != 0) set_note(open, note);
  }
  effects.push_back(effect::Note{a.id, note});
}

void reduce_runs(AppState& state, const action::Annotate& a, Effects& effects) {
  OpenRun* open = state.find(a.key);
  if (!open || !open->analysis || a.bubble >= open->analysis->bubbles->size()) return;
  const trace::Bubble b = open->analysis->bubbles->at(a.bubble);
  const std::string note = with_annotation(open->run->note, {b.begin_ns, b.end_ns, a.text});
  set_note(*open, note);
  if (open->run->id == 0) return;   // goes into the store with the run
  for (trace::Run& run : state.store.runs) {
    if (run.id == open->run->id) run.note = note;
  }
  effects.push_back(effect::Note{open->run->id, note});
}

void reduce_runs(AppState& state, const action::CompareStored& a, Effects& effects) {
  state.compare_when_open = std::pair{a.a, a.b};
  RunKey first = kNoRun, second = kNoRun;
  for (const OpenRun& open : state.runs) {
    if (open.run->id == a.a) first = open.key;
    if (open.run->id == a.b) second = open.key;
  }
  for (const int64_t id : {a.a, a.b}) reduce_runs(state, action::OpenStored{id}, effects);
  if (first == kNoRun || second == kNoRun) return;
  state.compare_when_open.reset();
  reduce_runs(state, action::Compare{first, second}, effects);
}

void reduce_runs(AppState& state, const action::TagStored& a, Effects& effects) {
  for (trace::Run& run : state.store.runs) {
    if (run.id == a.id) run.tags = a.tags;
  }
  effects.push_back(effect::Tags{a.id, a.tags});
}

void reduce_runs(AppState& state, const action::AskKernelHistory& a, Effects& effects) {
  state.history = {.name = a.name, .op = a.op, .pending = !a.name.empty() && state.store.available};
  if (a.name.empty()) return;
  if (!state.store.available) {
    state.history.problem = no_store(state);
    return;
  }
  const uint32_t job = state.next_id++;
  state.jobs.push_back({.id = job, .title = "reading stored runs", .cancellable = true});
  effects.push_back(effect::KernelHistory{a.name, a.op, job});
}

void reduce_runs(AppState& state, const action::SetCompareScope& a, Effects& effects) {
  state.compare.scope = a.scope;
  reduce_runs(state, action::Compare{state.compare.a, state.compare.b}, effects);
}

void reduce_runs(AppState& state, const action::StarStored& a, Effects& effects) {
  for (trace::Run& run : state.store.runs) {
    if (run.id == a.id) run.starred = a.on;
  }
  effects.push_back(effect::Star{a.id, a.on});
}

void reduce_runs(AppState& state, const action::ExportBundle& a, Effects& effects) {
  if (a.ids.empty()) return;
  if (a.path.empty())
    effects.push_back(effect::AskExport{a.ids});
  else
    effects.push_back(effect::ExportBundle{a.ids, a.path, view_text(state)});
}

void reduce_runs(AppState& state, const action::ExportOpen& a, Effects& effects) {
  std::vector<trace::RunPtr> runs;
  for (const RunKey key : a.keys) {
    if (const OpenRun* open = state.find(key); open && open->run->trace) runs.push_back(open->run);
  }
  if (runs.empty()) return;
  if (a.path.empty()) {
    effects.push_back(effect::AskExportOpen{a.keys, runs.size() == 2 ? "comparison.html" : "report.html"});
    return;
  }
  const uint32_t job = state.next_id++;
  state.jobs.push_back({.id = job, .title = "writing " + std::filesystem::path(a.path).filename().string()});
  effects.push_back(effect::ExportRuns{std::move(runs), a.path, job});
}

void reduce_runs(AppState& state, const action::Compare& a, Effects& effects) {
  state.compare = {.a = a.a, .b = a.b, .scope = state.compare.scope};
  const OpenRun *first = state.find(a.a), *second = state.find(a.b);
  if (!first || !second || a.a == a.b || !first->ready() || !second->ready()) return;
  state.compare.pending = true;
  effects.push_back(effect::Compare{a.a, a.b});
}

}  // namespace app
