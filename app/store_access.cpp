#include "app/store_access.h"

namespace app {

trace::Result<db::Store> open_store(const std::string& path) {
  return db::Store::open(path.empty() ? db::default_store_path() : path);
}

trace::Result<trace::AbResult> store_ab(db::Store& store, const trace::AbResult& result) {
  trace::AbResult stored = result;
  auto a = std::make_shared<trace::Run>(*result.a), b = std::make_shared<trace::Run>(*result.b);
  auto saved = store.save_ab(result);
  if (!saved) return saved.error();
  a->id = saved->a;
  b->id = saved->b;
  a->ab_id = b->ab_id = saved->ab;
  a->ab_arm = 'a';
  b->ab_arm = 'b';
  stored.a = a;
  stored.b = b;
  return stored;
}

}  // namespace app
