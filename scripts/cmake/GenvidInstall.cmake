# What an installation has beside the program: <prefix>/share/genvid/{models,configs}. The program
# finds them from its own place (src/core/data_dir.cpp). The models' links to each other are kept.
install(DIRECTORY models configs DESTINATION ${CMAKE_INSTALL_DATADIR}/genvid
  PATTERN "README.md" EXCLUDE)
# The C2PA library, where set-up or the user has put it (src/media/c2pa_library.cpp).
install(FILES ${CMAKE_BINARY_DIR}/libc2pa_c.so DESTINATION ${CMAKE_INSTALL_LIBDIR}/genvid OPTIONAL)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
