# genvid_registry(<describe|family> <out.cpp>): writes the list of families from the folders below
# src/families that hold <kind>.cpp, so that adding a family edits no shared file.
function(genvid_registry kind out)
  file(GLOB paths CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/families/*/${kind}.cpp)
  set(declare "")
  set(items "")
  if(kind STREQUAL "describe")
    set(type Description)
    set(function description)
    set(list descriptions)
  else()
    set(type Family)
    set(function family)
    set(list families)
  endif()
  foreach(path ${paths})
    get_filename_component(dir ${path} DIRECTORY)
    get_filename_component(name ${dir} NAME)
    string(APPEND declare "namespace genvid::${name} { const ${type}& ${function}(); }\n")
    string(APPEND items "      &${name}::${function}(),\n")
  endforeach()
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT
"// Generated from the folders below src/families.
#include \"families/${kind}.h\"

${declare}
namespace genvid {
const std::vector<const ${type}*>& ${list}() {
  static const std::vector<const ${type}*> all = {
${items}  };
  return all;
}
}  // namespace genvid
")
endfunction()
