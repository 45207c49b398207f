// The window's logic: actions of the user, replies of the engine and outcomes of the worker fold
// into AppState and yield effects. Pure: no clock, no thread, no file; the most tested part of the
// window. Thread rule: main thread.
#pragma once
#include "app/window/effects.h"
#include "ui/state.h"

namespace app {

Effects reduce(ui::AppState&, const ui::Action&);
Effects absorb(ui::AppState&, const trace::Reply&);
Effects finish(ui::AppState&, const Outcome&);

// --- pieces that several of the three need
void notify(ui::AppState&, ui::NoticeKind, std::string text, bool offers_undo = false);
// Opens a run on top of the stack and selects it. Effects: its analysis.
ui::RunKey add_run(ui::AppState&, trace::RunPtr, std::string title, Effects&);
// The same trace under a changed record (id, note): the analysis goes over, nothing is computed anew.
void replace_run(ui::OpenRun&, std::shared_ptr<trace::Run>);
void analyse_if_needed(const ui::AppState&, ui::OpenRun&, Effects&);
ui::AnalysisOptions options_for(const ui::AppState&, const ui::OpenRun&);
// Puts what the state's alignment names at 0 of the shared axis; the start, with a note, where the run has no such
// thing. After each analysis and when the alignment changes.
void align(const ui::AppState&, ui::OpenRun&);
// Shows everything again if the view was fitted; live steps of nearly the same length leave it
// alone.
void refit(ui::AppState&);
// "AMD Instinct MI355X · kineto+roctracer": device and collector of a trace, as far as it says.
std::string run_note(const trace::Run&);

}  // namespace app
