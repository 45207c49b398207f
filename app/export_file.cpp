#include "app/export_file.h"

#include "app/source.h"
#include "trace/export_chrome.h"
#include "trace/export_perfetto.h"
#include "trace/file_writer.h"

namespace app {

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() > end.size() && std::string_view(text).substr(text.size() - end.size()) == end;
}

trace::Status write_trace(const std::vector<trace::RunPtr>& runs, const std::string& to) {
  if (runs.size() != 1) return trace::Error{"a trace file holds one run", "export of " + std::to_string(runs.size()) + " runs to " + to};
  if (!runs[0]->trace) return trace::Error{"this run has no trace", runs[0]->name};
  return ends_with(to, ".pftrace") ? trace::export_perfetto(*runs[0]->trace, to) : trace::export_chrome(*runs[0]->trace, to);
}

trace::Status write_report(const trace::ReportInput& whole, const std::string& to, trace::Scrubber* scrubber) {
  trace::ReportInput input = whole;
  trace::AbResult ab;
  if (scrubber) {
    for (trace::RunPtr& run : input.runs) run = std::make_shared<const trace::Run>(scrubber->run(*run));
    if (input.floors && input.floors->model) input.floors->model->name = scrubber->text(input.floors->model->name);   // a config.json's path
    if (whole.ab) {
      ab = *whole.ab;
      ab.spec = scrubber->ab(std::move(ab.spec));
      if (input.runs.size() == 2) ab.a = input.runs[0], ab.b = input.runs[1];
      input.ab = &ab;
    }
  }
  auto text = ends_with(to, ".html") ? trace::html_report(input) : ends_with(to, ".csv") ? trace::csv_report(input) : trace::markdown_report(input);
  if (!text) return text.error();
  return trace::write_file_whole(to, [&](const std::function<void(std::string_view)>& write) { write(*text); });
}

trace::Status export_runs(const std::vector<trace::RunPtr>& runs, const trace::AbResult* ab, const std::string& to, trace::Scrubber* scrubber) {
  if (ends_with(to, ".json") || ends_with(to, ".json.gz") || ends_with(to, ".pftrace")) return write_trace(runs, to);
  if (!ends_with(to, ".html") && !ends_with(to, ".csv") && !ends_with(to, ".md"))
    return trace::Error{"the ending names the format, one of .html, .md, .csv, .json, .json.gz, .pftrace", to};
  trace::ReportInput input;
  input.runs = runs;
  if (ab && runs.size() == 2 && runs[0]->ab_id != 0 && runs[0]->ab_id == runs[1]->ab_id) {
    input.ab = ab;
    input.runs = {ab->a, ab->b};
  }
  input.program = "Decodescope " + program_name();
  input.created = now_utc();
  return write_report(input, to, scrubber);
}

}  // namespace app
