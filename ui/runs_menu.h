// What both lists of runs share: picking, the menu of a row, the line that edits tags or a note, the bar of what is picked.
#pragma once
#include "ui/panels.h"
#include "ui/vm/runs_vm.h"

namespace ui {

void pick(UiMemory&, int64_t id);
void row_menu(const AppState&, const RunRowVm&, UiMemory&, Actions&);
// The entries of a stored run's menu: star, tags, note, export, delete.
void stored_menu(const RunRowVm&, UiMemory&, Actions&);
// Under the name of the row that is being edited.
void note_line(const RunRowVm&, UiMemory&, Actions&);
void picked_bar(const AppState&, UiMemory&, Actions&);
// Files dropped on the current window go into the store.
void remember_import_area(UiMemory&, size_t which);

}  // namespace ui
