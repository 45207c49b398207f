// Actions about runs and files. Part of reduce().
#pragma once
#include "app/window/effects.h"
#include "ui/state.h"

namespace app {

void reduce_runs(ui::AppState&, const ui::action::AskOpenFile&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::OpenFiles&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::ImportFiles&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::OpenStored&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::CloseRun&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::SelectRun&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::StackRun&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::MoveInStack&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::SetDevice&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::SaveRun&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::DeleteStored&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::UndoDelete&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::NoteStored&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::StarStored&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::ExportBundle&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::ExportOpen&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::Compare&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::SetCompareScope&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::TagStored&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::AskKernelHistory&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::CompareStored&, Effects&);
void reduce_runs(ui::AppState&, const ui::action::Annotate&, Effects&);

}  // namespace app
