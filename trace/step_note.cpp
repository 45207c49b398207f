#include "trace/step_note.h"

#include <charconv>
#include <set>
#include <string_view>

namespace trace {
namespace {

// The number right behind `head`.
std::optional<int64_t> number_after(std::string_view text, std::string_view head) {
  const size_t at = text.find(head);
  if (at == std::string_view::npos) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + at + head.size(), text.data() + text.size(), value);
  if (error != std::errc{} || value < 0 || value > 1 << 30) return std::nullopt;
  return value;
}

std::optional<StepNote> parse(std::string_view text) {
  StepNote note;
  note.text = text.substr(0, 120);
  if (text.starts_with("step[DECODE")) {
    if (const auto batch = number_after(text, "bs=")) note.batch = static_cast<int>(*batch);
    return note.batch ? std::optional(note) : std::nullopt;
  }
  if (!text.starts_with("execute_")) return std::nullopt;
  const auto prompts = number_after(text, "context_"), sequences = number_after(text, "generation_");
  if (!prompts || !sequences) return std::nullopt;
  if (*prompts > 0) {
    note.prefills = true;
    return note;
  }
  if (*sequences == 0) return std::nullopt;
  note.batch = static_cast<int>(*sequences);
  const std::string_view counts = text.substr(text.find("generation_"));
  const auto queries = number_after(counts, "(sq"), keys = number_after(counts, "sk");
  if (queries == sequences && keys) note.context = static_cast<int>((*keys + *sequences / 2) / *sequences);
  return note;
}

}  // namespace

std::optional<StepNote> step_note(const Trace& t) {
  std::optional<StepNote> out;
  std::set<StringId> seen;
  for (const Annotation& a : t.annotations) {
    if (!seen.insert(a.name).second) continue;
    const auto note = parse(t.strings[a.name]);
    if (!note) continue;
    if (note->prefills) return note;
    if (!out) {
      out = note;
      continue;
    }
    if (out->batch != note->batch || (out->context && note->context && out->context != note->context)) return std::nullopt;
    if (note->context) out = note;
  }
  return out;
}

}  // namespace trace
