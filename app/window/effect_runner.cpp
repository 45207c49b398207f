#include "app/window/effect_runner.h"

#include <imgui.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "app/export_file.h"
#include "app/source.h"
#include "app/window/reduce.h"
#include "db/bundle.h"
#include "ui/shell.h"
#include "ui/vm/compare_vm.h"
#include "ui/vm/format.h"

namespace app {
namespace {

// Store calls can throw what SQLite throws; the worker's edge turns it into an outcome.
template <class T, class F>
trace::Result<T> guarded(const char* what, F&& call) {
  try {
    return call();
  } catch (const std::exception& e) {
    return trace::Error{e.what(), what};
  }
}

Outcome status_outcome(std::string done, trace::Status status, bool offers_undo = false) {
  return outcome::Done{std::move(done), std::move(status), offers_undo};
}

// Options that report progress and take a cancel from the task's control.
trace::ImportOptions watched(TaskControl& control) {
  trace::ImportOptions options;
  options.cancel = &control.cancel;
  options.progress = [&control](int64_t done, int64_t total) {
    control.fraction = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1;
  };
  return options;
}

trace::Result<std::vector<int64_t>> import_into(StoreLink& store, const std::string& path,
                                                const trace::ImportOptions& options) {
  if (db::is_bundle(path)) return store.import_bundle(path);  // its A/B records come along
  auto runs = runs_from_file(path, options);
  if (!runs.ok()) return runs.error();
  std::vector<int64_t> ids;
  for (const trace::Run& run : runs.value()) {
    const auto id = store.save(run);
    if (!id.ok()) return id.error();
    ids.push_back(id.value());
  }
  return ids;
}

trace::Status write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) return trace::Error{"can't be written", path};
  return trace::Ok{};
}

void remember_file(Settings& settings, const std::string& path) {
  std::error_code ignored;
  const std::string full = std::filesystem::absolute(path, ignored).string();
  std::erase(settings.recent_files, full);
  settings.recent_files.insert(settings.recent_files.begin(), full);
  if (settings.recent_files.size() > 12) settings.recent_files.resize(12);
}

// What a shared file lacks, in a notice.
std::string without(size_t names) {
  return names == 0 ? std::string() : fmt::format(" without {} names, paths or addresses (decodescope export lists them, and has --no-scrub)", names);
}

}  // namespace

void EffectRunner::operator()(const effect::Connect& e) {
  bench.connect(e.to);
}

void EffectRunner::operator()(const effect::Post& e) {
  bench.post_to_engine(e.request);
}

void EffectRunner::operator()(const effect::ReadFile& e) {
  remember_file(bench.m_parts.settings, e.path);
  bench.m_state.recent_files = bench.m_parts.settings.recent_files;
  bench.m_io->post(
      [path = e.path, job = e.job](TaskControl& control) -> std::optional<Outcome> {
        auto runs = guarded<std::vector<trace::Run>>(
            path.c_str(), [&] { return runs_from_file(path, watched(control)); });
        if (!runs.ok()) return outcome::Read{job, path, runs.error(), {}};
        std::vector<trace::RunPtr> shared;
        for (trace::Run& run : runs.value())
          shared.push_back(std::make_shared<const trace::Run>(std::move(run)));
        std::string view;
        if (db::is_bundle(path))
          if (auto views = db::read_bundle_attachments(path, "view"); views.ok() && !views->empty()) view = views->front();
        return outcome::Read{job, path, std::move(shared), std::move(view)};
      },
      e.job);
}

void EffectRunner::operator()(const effect::ImportFile& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post(
      [path = e.path, job = e.job, store](TaskControl& control) -> std::optional<Outcome> {
        return outcome::Imported{job, path, guarded<std::vector<int64_t>>(path.c_str(), [&] {
                                   return import_into(*store, path, watched(control));
                                 })};
      },
      e.job);
}

void EffectRunner::operator()(const effect::Analyse& e) {
  const ui::OpenRun* open = bench.m_state.find(e.key);
  if (!open || !open->run->trace) return;
  bench.m_analysis->post([key = e.key, run = open->run, before = open->analysis,
                          options = options_for(bench.m_state, *open)](
                             TaskControl& control) -> std::optional<Outcome> {
    if (before && before->run == run) return outcome::Analysed{key, ui::reanalyse(*before, options, &control.cancel)};
    // Of a large one the timeline is shown before its kernels are counted.
    constexpr size_t kLarge = 100'000;
    return outcome::Analysed{key, !before && run->trace->events.size() > kLarge ? ui::begin_analysis(run, options) : ui::analyse(run, options, &control.cancel)};
  });
}

void EffectRunner::operator()(const effect::Compare& e) {
  const ui::OpenRun *a = bench.m_state.find(e.a), *b = bench.m_state.find(e.b);
  if (!a || !b || !a->ready() || !b->ready()) return;
  bench.m_analysis->post(
      [key_a = e.a, key_b = e.b, a = a->analysis, b = b->analysis, scope = bench.m_state.compare.scope,
       thresholds = bench.m_state.thresholds](TaskControl&) -> std::optional<Outcome> {
        const ui::ComparedWindows windows = ui::windows_to_compare(*a, *b, scope);
        auto comparison = trace::compare(a->trace(), windows.a, b->trace(), windows.b, thresholds);
        const auto samples = ui::match_samples(comparison, a->trace(), windows.a, b->trace(), windows.b);
        // Untraced medians are the headline; what tracing adds to their difference is a part of its own.
        if (windows.used == ui::CompareScope::step && a->run->step.n > 0 && b->run->step.n > 0)
          trace::add_tracing(comparison.waterfall, ui::ns_of_us(b->run->step.median) - ui::ns_of_us(a->run->step.median));
        return outcome::Compared{key_a, key_b, std::make_shared<const trace::Comparison>(std::move(comparison)),
                                 windows.used, windows.unavailable, a->run, b->run, samples};
      });
}

void EffectRunner::operator()(const effect::LoadStored& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post(
      [store, id = e.id, job = e.job](TaskControl&) -> std::optional<Outcome> {
        auto run = guarded<trace::RunPtr>("the store", [&] { return store->load(id); });
        auto view = guarded<std::string>("the store", [&] { return store->view_of(id); });
        return outcome::Loaded{job, id, std::move(run), view.ok() ? *view : std::string()};
      },
      e.job);
}

void EffectRunner::operator()(const effect::LoadAb& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store, run = e.run](TaskControl&) -> std::optional<Outcome> {
    auto ab = guarded<trace::AbResult>("the store", [&] { return store->load_ab(run); });
    if (!ab.ok()) return outcome::AbLoaded{ab.error(), 0, {}};
    const int64_t id = ab->a ? ab->a->ab_id : 0;
    std::vector<ui::PipelineOp> pipeline;
    if (ab->a && ab->b && ab->a->trace && ab->b->trace) pipeline = ui::pipeline_diff(*ab->a->trace, *ab->b->trace);
    // For what it says about its switch; its traces are opened as runs.
    ab->a.reset();
    ab->b.reset();
    return outcome::AbLoaded{std::make_shared<const trace::AbResult>(std::move(ab).value()), id, std::move(pipeline)};
  });
}

void EffectRunner::operator()(const effect::SaveRun& e) {
  StoreLink* store = bench.m_parts.store.get();
  const ui::OpenRun* open = bench.m_state.find(e.key);
  if (!store || !open) return;
  bench.m_io->post([store, key = e.key, run = open->run](TaskControl&) -> std::optional<Outcome> {
    return outcome::Saved{key, guarded<int64_t>("the store", [&] { return store->save(*run); })};
  });
}

void EffectRunner::operator()(const effect::SaveAb& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  // Two outcomes of one call: the second follows through a task of its own.
  auto ids =
      std::make_shared<trace::Result<std::pair<int64_t, int64_t>>>(std::pair<int64_t, int64_t>{});
  bench.m_io->post([store, result = e.result, key = e.a,
                    ids](TaskControl&) -> std::optional<Outcome> {
    *ids =
        guarded<std::pair<int64_t, int64_t>>("the store", [&] { return store->save_ab(*result); });
    if (!ids->ok()) return outcome::Saved{key, ids->error()};
    return outcome::Saved{key, ids->value().first};
  });
  bench.m_io->post([key = e.b, ids](TaskControl&) -> std::optional<Outcome> {
    if (!ids->ok()) return std::nullopt;  // said once
    return outcome::Saved{key, ids->value().second};
  });
}

void EffectRunner::operator()(const effect::Delete& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store, ids = e.ids](TaskControl&) -> std::optional<Outcome> {
    const std::string what = ids.size() == 1 ? "deleted run " + std::to_string(ids[0])
                                             : "deleted " + std::to_string(ids.size()) + " runs";
    return status_outcome(what, guarded<trace::Ok>("the store", [&] { return store->remove(ids); }),
                          true);
  });
}

void EffectRunner::operator()(const effect::UndoDelete&) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store](TaskControl&) -> std::optional<Outcome> {
    return status_outcome("restored what was deleted",
                          guarded<trace::Ok>("the store", [&] { return store->undo_remove(); }));
  });
}

void EffectRunner::operator()(const effect::Note& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store, e](TaskControl&) -> std::optional<Outcome> {
    return status_outcome(
        {}, guarded<trace::Ok>("the store", [&] { return store->set_note(e.id, e.text); }));
  });
}

void EffectRunner::operator()(const effect::Tags& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store, e](TaskControl&) -> std::optional<Outcome> {
    return status_outcome(
        {}, guarded<trace::Ok>("the store", [&] { return store->set_tags(e.id, e.tags); }));
  });
}

void EffectRunner::operator()(const effect::AskSaveText& e) {
  bench.m_dialogs.ask_save(e.suggestion, [this_bench = &bench, text = e.text](std::string path) {
    this_bench->m_io->post([path, text](TaskControl&) -> std::optional<Outcome> {
      return status_outcome("wrote " + path, write_text(path, text));
    });
  });
}

void EffectRunner::operator()(const effect::Star& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store, e](TaskControl&) -> std::optional<Outcome> {
    return status_outcome(
        {}, guarded<trace::Ok>("the store", [&] { return store->set_star(e.id, e.on); }));
  });
}

void EffectRunner::operator()(const effect::ExportBundle& e) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store, e](TaskControl&) -> std::optional<Outcome> {
    auto gone = guarded<int64_t>(e.path.c_str(), [&] { return store->export_bundle(e.ids, e.path, e.view); });
    if (!gone.ok()) return status_outcome("wrote " + e.path, gone.error());
    return status_outcome("wrote " + e.path + without(static_cast<size_t>(*gone)), trace::Ok{});
  });
}

void EffectRunner::operator()(const effect::ExportRuns& e) {
  std::shared_ptr<const trace::AbResult> ab;
  if (const auto found = bench.m_state.abs.find(e.runs[0]->ab_id); e.runs[0]->ab_id != 0 && found != bench.m_state.abs.end()) ab = found->second;
  bench.m_io->post(
      [e, ab](TaskControl&) -> std::optional<Outcome> {
        trace::Scrubber scrubber;
        trace::Status status = guarded<trace::Ok>(e.path.c_str(), [&] { return export_runs(e.runs, ab.get(), e.path, &scrubber); });
        return outcome::Done{"wrote " + e.path + without(scrubber.gone().size()), std::move(status), false, e.job};
      },
      e.job);
}

void EffectRunner::operator()(const effect::AskExportOpen& e) {
  bench.m_dialogs.ask_save(e.suggestion, [this_bench = &bench, keys = e.keys](std::string path) {
    this_bench->act(ui::action::ExportOpen{keys, std::move(path)});
  });
}

void EffectRunner::operator()(const effect::ListStore&) {
  StoreLink* store = bench.m_parts.store.get();
  if (!store) return;
  bench.m_io->post([store](TaskControl&) -> std::optional<Outcome> {
    auto listing = guarded<StoreListing>("the store", [&] { return store->list(); });
    if (!listing.ok()) return outcome::Listed{.problem = listing.error().line()};
    StoreListing& l = listing.value();
    return outcome::Listed{.path = l.path, .bytes = l.bytes, .runs = std::move(l.runs)};
  });
}

void EffectRunner::operator()(const effect::AskOpen&) {
  bench.m_dialogs.ask_open([this_bench = &bench](std::vector<std::string> paths) {
    this_bench->act(ui::action::OpenFiles{std::move(paths)});
  });
}

void EffectRunner::operator()(const effect::AskImport&) {
  bench.m_dialogs.ask_open([this_bench = &bench](std::vector<std::string> paths) {
    this_bench->act(ui::action::ImportFiles{std::move(paths)});
  });
}

void EffectRunner::operator()(const effect::AskExport& e) {
  bench.m_dialogs.ask_save("runs.decodescope",
                           [this_bench = &bench, ids = e.ids](std::string path) {
                             this_bench->act(ui::action::ExportBundle{ids, std::move(path)});
                           });
}

void EffectRunner::operator()(const effect::ApplyTheme&) {
  bench.m_theme_pending = true;
  bench.save_settings();
}

void EffectRunner::operator()(const effect::FocusPanel& e) {
  ui::focus_panel(bench.m_memory, e.title);
}

void EffectRunner::operator()(const effect::ResetLayout&) {
  bench.m_memory.reset_layout = true;
  bench.m_memory.closed = {};
}

void EffectRunner::operator()(const effect::CopyText& e) {
  ImGui::SetClipboardText(e.text.c_str());
}

void EffectRunner::operator()(const effect::CancelJob& e) {
  bench.m_io->cancel(e.id);
  bench.m_analysis->cancel(e.id);
}

void EffectRunner::operator()(const effect::Quit&) {
  bench.m_quit = true;
}

}  // namespace app
