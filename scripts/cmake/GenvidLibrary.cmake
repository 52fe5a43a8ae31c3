# genvid_library(<name> [SHARED] [PUBLIC deps...] [PRIVATE deps...]): a library from the sources of
# the current folder. A folder without sources yet becomes an interface library.
function(genvid_library name)
  cmake_parse_arguments(ARG "SHARED" "" "PUBLIC;PRIVATE;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(APPEND sources ${ARG_SOURCES})
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(${name} INTERFACE ${ARG_PUBLIC} ${ARG_PRIVATE})
    return()
  endif()
  if(ARG_SHARED)
    add_library(${name} SHARED ${sources})
    set_target_properties(${name} PROPERTIES INSTALL_RPATH "$ORIGIN")
  else()
    add_library(${name} STATIC ${sources})
  endif()
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  genvid_warnings(${name})
endfunction()

function(genvid_warnings name)
  # -Wno-restrict: g++ 12 warns wrongly of `"literal" + std::string` (GCC bug 105651).
  target_compile_options(${name} PRIVATE -Wall -Wextra -Werror -ffp-contract=off
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endfunction()
