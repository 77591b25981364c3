# Run by scenarios.cmake: -DFOLDER=... -DOUTPUT=... Writes every scenario's text as a raw string literal: simulations in one
# array, scripts in another.
set(text "// Generated from scenarios/.\n#include \"sim/shipped.hpp\"\n\n#include <array>\n\n")
string(APPEND text "namespace synwhy::sim {\nnamespace {\n\n")

# Appends to `text` the array `variable` of the files in `folder`.
function(append_array variable folder)
  file(GLOB files ${folder}/*.toml)
  list(SORT files)
  list(LENGTH files count)
  string(APPEND text "constexpr std::array<ShippedScenario, ${count}> ${variable}{{\n")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} content)
    string(APPEND text "    ShippedScenario{\"${name}\", R\"synwhy-toml(${content})synwhy-toml\"},\n")
  endforeach()
  set(text "${text}}};\n\n" PARENT_SCOPE)
endfunction()

append_array(kShipped ${FOLDER})
append_array(kScripts ${FOLDER}/scripts)
string(APPEND text "}  // namespace\n\n")
string(APPEND text "std::span<const ShippedScenario> shipped_scenarios() { return kShipped; }\n")
string(APPEND text "std::span<const ShippedScenario> shipped_scripts() { return kScripts; }\n\n")
string(APPEND text "}  // namespace synwhy::sim\n")
file(WRITE ${OUTPUT} "${text}")
