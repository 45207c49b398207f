// Actions about what the timeline shows. Part of reduce().
#pragma once
#include "app/window/effects.h"
#include "ui/state.h"

namespace app {

void reduce_view(ui::AppState&, const ui::action::SetViewport&, Effects&);
void reduce_view(ui::AppState&, const ui::action::FitView&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SelectEvent&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SelectBubble&, Effects&);
void reduce_view(ui::AppState&, const ui::action::ClearSelection&, Effects&);
void reduce_view(ui::AppState&, const ui::action::FitSelection&, Effects&);
void reduce_view(ui::AppState&, const ui::action::StepOnLane&, Effects&);
void reduce_view(ui::AppState&, const ui::action::StepGap&, Effects&);
void reduce_view(ui::AppState&, const ui::action::ToggleMark&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SetThresholds&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SetShow&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SetAlign&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SetMeasure&, Effects&);
void reduce_view(ui::AppState&, const ui::action::StepRelated&, Effects&);
void reduce_view(ui::AppState&, const ui::action::Search&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SearchStep&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SetKernelGroups&, Effects&);
void reduce_view(ui::AppState&, const ui::action::SetLens&, Effects&);

}  // namespace app
