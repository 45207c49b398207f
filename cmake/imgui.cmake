# Dear ImGui (docking) with ImPlot and the command palette as one library, the test engine as a second one for tests.
# Compiled from the source package in .deps; nothing of it is in this repository.
set(bundle ${CMAKE_SOURCE_DIR}/.deps/imgui_bundle/external)
set(imgui ${bundle}/imgui/imgui)
set(te ${bundle}/imgui_test_engine/imgui_test_engine/imgui_test_engine)

add_library(ds_imgui STATIC ${imgui}/imgui.cpp ${imgui}/imgui_draw.cpp ${imgui}/imgui_tables.cpp ${imgui}/imgui_widgets.cpp
  ${imgui}/imgui_stacklayout.cpp ${imgui}/backends/imgui_impl_glfw.cpp ${imgui}/backends/imgui_impl_opengl3.cpp ${imgui}/misc/cpp/imgui_stdlib.cpp
  ${CMAKE_SOURCE_DIR}/ui/imgui/test_hooks.cpp)
target_include_directories(ds_imgui SYSTEM PUBLIC ${imgui} ${imgui}/backends ${imgui}/misc/cpp)
# The timeline draws more than 65,535 vertices. The test-engine hooks are a null check each when no engine is attached;
# with them in the one library, the tests drive the very program that ships.
target_compile_definitions(ds_imgui PUBLIC "ImDrawIdx=unsigned int" IMGUI_DISABLE_OBSOLETE_FUNCTIONS IMGUI_ENABLE_TEST_ENGINE IMGUI_DEFINE_MATH_OPERATORS)
target_link_libraries(ds_imgui PUBLIC ds_glfw ds_gl)

add_library(ds_implot STATIC ${bundle}/implot/implot/implot.cpp ${bundle}/implot/implot/implot_items.cpp
  ${bundle}/imgui-command-palette/imgui-command-palette/imcmd_command_palette.cpp ${bundle}/imgui-command-palette/imgui-command-palette/imcmd_fuzzy_search.cpp)
target_include_directories(ds_implot SYSTEM PUBLIC ${bundle}/implot/implot ${bundle}/imgui-command-palette/imgui-command-palette ${bundle}/portable_file_dialogs/portable_file_dialogs)
# Its plots are templates over ten number types: ours are double. A fifth of the compile time.
target_compile_definitions(ds_implot PRIVATE "IMPLOT_CUSTOM_NUMERIC_TYPES=(double)")
target_link_libraries(ds_implot PUBLIC ds_imgui)

add_library(ds_imgui_test STATIC EXCLUDE_FROM_ALL ${te}/imgui_te_context.cpp ${te}/imgui_te_coroutine.cpp ${te}/imgui_te_engine.cpp ${te}/imgui_te_exporters.cpp
  ${te}/imgui_te_perftool.cpp ${te}/imgui_te_python_gil.cpp ${te}/imgui_te_ui.cpp ${te}/imgui_te_utils.cpp ${te}/imgui_capture_tool.cpp)
target_include_directories(ds_imgui_test SYSTEM PUBLIC ${te} ${te}/..)
target_compile_definitions(ds_imgui_test PUBLIC IMGUI_TEST_ENGINE_ENABLE_COROUTINE_STDTHREAD_IMPL=1 IMGUI_TEST_ENGINE_ENABLE_IMPLOT=0)
target_link_libraries(ds_imgui_test PUBLIC ds_imgui Threads::Threads)
foreach(lib ds_imgui ds_implot ds_imgui_test)
  set_target_properties(${lib} PROPERTIES UNITY_BUILD OFF)
  target_compile_options(${lib} PRIVATE -w)
endforeach()
