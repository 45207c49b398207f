#include "app/samples.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "db/bundle.h"

extern "C" {
extern const unsigned char embed_published_layers_decodescope[];
extern const unsigned char embed_published_layers_decodescope_end[];
}

namespace app {

trace::Result<std::vector<trace::Run>> published_layers() {
  // SQLite reads bundles from files: the embedded bytes get one for as long as the reading takes.
  std::string path = (std::filesystem::temp_directory_path() / "decodescope-sample-XXXXXX").string();
  const int file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) return trace::Error{"can't write a temporary file for the sample", path};
  const unsigned char* at = embed_published_layers_decodescope;
  const unsigned char* end = embed_published_layers_decodescope_end;
  bool written = true;
  while (at < end && written) {
    const ssize_t n = write(file, at, static_cast<size_t>(end - at));
    written = n > 0;
    if (written) at += n;
  }
  close(file);
  auto runs = written ? db::read_bundle(path)
                      : trace::Result<std::vector<trace::Run>>(trace::Error{"can't write a temporary file for the sample (disk full?)", path});
  unlink(path.c_str());
  return runs;
}

}  // namespace app
