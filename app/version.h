// Version and commit of this build (cmake/version.cmake generates the definitions).
#pragma once
const char* decodescope_version();
const char* decodescope_commit();
