# ds_embed(TARGET FILE...): puts files into the binary with the assembler's .incbin; the program finds them through
# `extern const unsigned char embed_NAME[], embed_NAME_end[]`, NAME = the file's name with [^A-Za-z0-9] -> _ .
# An absolute path may be made by the build.
function(ds_embed target)
  foreach(file ${ARGN})
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE path)
    get_source_file_property(generated ${path} GENERATED)
    if(NOT generated AND NOT EXISTS ${path})
      message(FATAL_ERROR "ds_embed: ${file} is not there")
    endif()
    get_filename_component(base ${file} NAME)
    string(REGEX REPLACE "[^A-Za-z0-9]" "_" symbol ${base})
    set(out ${CMAKE_BINARY_DIR}/generated/embed_${symbol}.S)
    file(CONFIGURE OUTPUT ${out} CONTENT
".section .rodata\n.balign 16\n.global embed_@symbol@\n.global embed_@symbol@_end\nembed_@symbol@:\n.incbin \"@path@\"\nembed_@symbol@_end:\n.byte 0\n.section .note.GNU-stack,\"\",%progbits\n" @ONLY)
    set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${path})
    target_sources(${target} PRIVATE ${out})
  endforeach()
endfunction()
