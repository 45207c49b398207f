// Every legal set of switches on every narrowed tiny model, over all batches, next_n and contexts.
#include "tests/engine/matrix.h"

using namespace engine;
using namespace engine::test;

TEST_CASE("every set of switches agrees with itself less one switch") {
  const auto shapes = matrix_shapes();
  for (const trace::ModelConfig& model : matrix_models()) {
    DYNAMIC_SECTION(model.name) {
      const auto sets = legal_sets(model);
      // Shapes are dealt out to the sets in turn; few sets meet all shapes.
      const size_t rounds = std::max<size_t>(1, shapes.size() / sets.size());
      for (size_t i = 0; i < sets.size() * rounds; ++i)
        check_set(model, shapes[(i + i / shapes.size()) % shapes.size()], sets[i % sets.size()]);
    }
  }
}

TEST_CASE("batches of 0 and 64") {
  for (const trace::ModelConfig& model : matrix_models()) {
    const auto sets = legal_sets(model);
    for (const int next_n : {1, 2, 4}) {
      check_set(model, {0, next_n, 64}, sets.back());
      check_set(model, {64, next_n, 129}, sets[sets.size() / 2]);
      check_set(model, {64, next_n, 63}, sets.back());
    }
  }
}
