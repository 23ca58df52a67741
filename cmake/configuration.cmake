# What an administrator edits: installed without ever taking an edit away.

# install_configuration(file target): installs `file` as `target`, an absolute path, and a copy that
# nobody edits below share/mailorigin/configuration, by which it is known later what was edited.
function(install_configuration file target)
  set(kept ${CMAKE_INSTALL_FULL_DATADIR}/mailorigin/configuration${target})
  set_property(GLOBAL APPEND PROPERTY mailorigin_configuration ${target})
  install(CODE "set(file \"${file}\")\nset(target \"${target}\")\nset(kept \"${kept}\")
include(\"${PROJECT_SOURCE_DIR}/cmake/install_one_configuration.cmake\")")
endfunction()

# uninstall_target(): `cmake --build DIR --target uninstall`, as far as it is known when it is called.
function(uninstall_target)
  get_property(configuration GLOBAL PROPERTY mailorigin_configuration)
  set(kept ${CMAKE_INSTALL_FULL_DATADIR}/mailorigin/configuration)
  add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} "-Dmanifest=${PROJECT_BINARY_DIR}/install_manifest.txt" "-Dkept=${kept}"
            "-Dconfiguration=${configuration}" -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake
    COMMENT "Uninstalling" VERBATIM)
endfunction()
