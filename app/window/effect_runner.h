// Carries out effects: the only place of the window that touches engine, store, files and
// clipboard.
#pragma once
#include "app/window/effects.h"
#include "app/window/workbench.h"

namespace app {

struct EffectRunner {
  Workbench& bench;

  void operator()(const effect::Connect&);
  void operator()(const effect::Post&);
  void operator()(const effect::ReadFile&);
  void operator()(const effect::ImportFile&);
  void operator()(const effect::Analyse&);
  void operator()(const effect::Compare&);
  void operator()(const effect::LoadStored&);
  void operator()(const effect::LoadAb&);
  void operator()(const effect::SaveRun&);
  void operator()(const effect::SaveAb&);
  void operator()(const effect::Delete&);
  void operator()(const effect::UndoDelete&);
  void operator()(const effect::Note&);
  void operator()(const effect::Tags&);
  void operator()(const effect::KernelHistory&);
  void operator()(const effect::SaveSettings&);
  void operator()(const effect::AskSaveText&);
  void operator()(const effect::Star&);
  void operator()(const effect::ExportBundle&);
  void operator()(const effect::ExportRuns&);
  void operator()(const effect::AskExportOpen&);
  void operator()(const effect::ListStore&);
  void operator()(const effect::AskOpen&);
  void operator()(const effect::AskImport&);
  void operator()(const effect::AskExport&);
  void operator()(const effect::ApplyTheme&);
  void operator()(const effect::FocusPanel&);
  void operator()(const effect::ResetLayout&);
  void operator()(const effect::CopyText&);
  void operator()(const effect::CancelJob&);
  void operator()(const effect::Quit&);
};

}  // namespace app
