// The window's store over db::Store. Opened at the first call, on the worker that calls.
#include <filesystem>
#include <optional>

#include "app/window/links.h"
#include "db/bundle.h"
#include "db/store.h"

namespace app {
namespace {

class LocalStore final : public StoreLink {
 public:
  explicit LocalStore(std::string path)
      : m_path(path.empty() ? db::default_store_path() : std::move(path)) {}

  trace::Result<StoreListing> list() override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    auto runs = m_store->list();
    if (!runs.ok()) return runs.error();
    std::error_code absent;
    const auto bytes = std::filesystem::file_size(m_path, absent);
    return StoreListing{m_path, absent ? 0 : static_cast<int64_t>(bytes), std::move(runs).value()};
  }

  trace::Result<trace::RunPtr> load(int64_t id) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    auto run = m_store->load(id);
    if (!run.ok()) return run.error();
    return trace::RunPtr(std::make_shared<const trace::Run>(std::move(run).value()));
  }

  trace::Result<int64_t> save(const trace::Run& run) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    return m_store->save(run);
  }

  trace::Result<std::pair<int64_t, int64_t>> save_ab(const trace::AbResult& ab) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    const auto saved = m_store->save_ab(ab);
    if (!saved.ok()) return saved.error();
    return std::pair{saved->a, saved->b};
  }

  trace::Result<trace::AbResult> load_ab(int64_t run) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    return m_store->load_ab(run);
  }

  trace::Status remove(const std::vector<int64_t>& ids) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    m_removed.clear();
    for (const int64_t id : ids) {
      if (auto done = m_store->remove(id); !done.ok()) return done;
      m_removed.push_back(id);
    }
    return trace::Ok{};
  }

  trace::Status undo_remove() override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    if (m_removed.empty()) return trace::Error{"nothing was deleted in this window", m_path};
    while (!m_removed.empty()) {
      if (auto done = m_store->undo_remove(m_removed.back()); !done.ok()) return done;
      m_removed.pop_back();
    }
    return trace::Ok{};
  }

  trace::Status set_note(int64_t id, const std::string& text) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    return m_store->set_note(id, text);
  }

  trace::Status set_tags(int64_t id, const std::string& tags) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    return m_store->set_tags(id, tags);
  }

  trace::Status set_star(int64_t id, bool on) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    return m_store->set_starred(id, on);
  }

  trace::Result<int64_t> export_bundle(const std::vector<int64_t>& ids, const std::string& path, const std::string& view) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    trace::Scrubber scrubber;
    if (auto done = db::export_bundle(*m_store, ids, path, {.scrubber = &scrubber, .view = view}); !done.ok()) return done.error();
    return static_cast<int64_t>(scrubber.gone().size());
  }

  trace::Result<std::string> view_of(int64_t id) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    return m_store->attachment(id, "view");
  }

  trace::Result<std::vector<int64_t>> import_bundle(const std::string& path) override {
    if (auto opened = open(); !opened.ok()) return opened.error();
    auto imported = db::import_bundle(path, *m_store);
    if (!imported.ok()) return imported.error();
    std::vector<int64_t> ids;
    for (const db::ImportedRun& run : imported->runs) ids.push_back(run.id);
    return ids;
  }

 private:
  trace::Status open() {
    if (m_store) return trace::Ok{};
    auto store = db::Store::open(m_path);
    if (!store.ok()) return store.error();
    m_store.emplace(std::move(store).value());
    return trace::Ok{};
  }

  std::string m_path;
  std::optional<db::Store> m_store;
  std::vector<int64_t> m_removed;  // by the last remove(), for undo
};

}  // namespace

std::unique_ptr<StoreLink> local_store(const std::string& path) {
  return std::make_unique<LocalStore>(path);
}

}  // namespace app
