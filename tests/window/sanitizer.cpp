// What the address sanitizer's leak check finds in drivers that this program loads but did not write: they keep memory
// until the process ends. Without a sanitizer nobody asks.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libGL\nleak:libEGL\nleak:libgallium\nleak:_dri.so\nleak:libLLVM\nleak:libX11\nleak:libxcb\nleak:libGLX\nleak:libdrm\nleak:libfontconfig\n"
         "leak:libdbus\n";
}
